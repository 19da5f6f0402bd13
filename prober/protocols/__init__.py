"""Sans-IO protocols: a directory each, a file per command, and a `status.py` table of what it says when it says no."""
