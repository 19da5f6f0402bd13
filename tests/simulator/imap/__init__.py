"""The tenant's IMAP service against clients it does not know."""
