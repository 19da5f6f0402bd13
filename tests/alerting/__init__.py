"""Rules, and what promtool says of them."""
