"""What happened: how many attempts went how, by the quarter of an hour, and the evidence of each that failed.

Rule of this room: the loop only takes note, one thread does the rest; and nothing is kept that must not be shown.
"""
