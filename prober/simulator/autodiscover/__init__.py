"""Autodiscover: where the services of a mailbox are, in the three dialects clients ask in."""
