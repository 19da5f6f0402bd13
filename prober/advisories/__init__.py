"""Microsoft's own notices about its services, read beside the probing and compared with what was seen here."""
