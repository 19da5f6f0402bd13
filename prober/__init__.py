"""Client-access prober: signs in as each mail client does and says which one fails, where, and whose fault it is."""

__version__ = "0.1.0"
