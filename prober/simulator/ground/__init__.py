"""What the tenant stands on: its authority, its resolver, its addresses and what listens there."""
