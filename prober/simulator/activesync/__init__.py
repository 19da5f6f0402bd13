"""Exchange ActiveSync as a mailbox server speaks it: WBXML, devices and their policies, commands."""
