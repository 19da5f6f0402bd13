"""Who is due when, how fast, and the loop that runs them."""
