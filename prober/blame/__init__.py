"""Names the narrowest domain that explains what is red and what is green. Pure: no I/O and no clock here."""
