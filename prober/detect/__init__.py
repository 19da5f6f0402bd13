"""Tells a change from chance: evidence, healthy model, groups, and when a group is well again. Pure: no I/O here."""
