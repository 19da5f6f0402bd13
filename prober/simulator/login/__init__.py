"""The token service: metadata, keys, grants, the sign-in page, and refusals in the words of Entra ID."""
