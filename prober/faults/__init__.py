"""What can go wrong, by name, and how an exception becomes one of those names."""
