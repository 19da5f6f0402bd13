"""Lists of targets that servers hand out: fetched again and again, and offered to who knows what is in force."""
