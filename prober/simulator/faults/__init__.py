"""What goes wrong, for whom, how often and since when. Services ask `Weather.strike`; nobody else decides."""
