"""How soon the detector pages, how rarely it does so falsely, and what others do on the same streams."""
