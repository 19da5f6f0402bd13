"""Microsoft Graph: mail and calendar of one mailbox, read as a program with its own permissions reads them."""
