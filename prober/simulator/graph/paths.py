"""How paths are written: keys stand in a segment of their own or, as OData has it, in parentheses behind the name."""

import re

KEYED = re.compile(r"([A-Za-z.]+)\('?([^']*?)'?\)")
ACCOUNTS = ("users", "me")
"""The words an account's own paths begin with."""


def split(path: str) -> list[str]:
    """Return the segments of a path; `mailFolders('inbox')` counts as two."""
    found: list[str] = []
    for segment in path.strip("/").split("/"):
        keyed = KEYED.fullmatch(segment)
        found += [part for part in keyed.groups() if part] if keyed else [segment]
    return [segment for segment in found if segment]
