"""MAPI over HTTP: the envelope, the contexts and the logon of classic Outlook."""
