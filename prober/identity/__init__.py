"""Credentials and the tokens they yield. The asking itself is an `Exchange` of `protocols/oauth`."""
