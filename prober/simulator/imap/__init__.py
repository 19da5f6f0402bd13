"""The tenant's IMAP4rev1 service, in the words Exchange uses."""
