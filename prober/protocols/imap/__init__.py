"""IMAP4rev1 and rev2 without I/O: bytes become responses, commands become bytes, refusals become kinds.

Only `framing` copes with half-arrived bytes; `grammar` and `responses` are pure functions of whole responses; `session`
is the one conversation that puts them together over any `Wire`. Everything here raises `FaultError` and nothing else.
"""
