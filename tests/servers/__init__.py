"""Real servers on loopback for the tests, and a few dishonest ones.

Rule: every server listens on free ports of 127.0.0.1, lives in a directory of its own, runs as an account without
privileges, and is gone with all its processes when the fixture that started it ends.
"""
