"""OAuth 2.0 token requests as Entra ID answers them (RFC 6749, RFC 7523, RFC 8628)."""
