"""What a configuration will cost and what it will find, before anything is sent. Pure: it computes and asks nobody."""
