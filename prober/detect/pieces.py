"""JSON in pieces: so that thousands of series can be written down without anybody having to wait for all of them."""

import json
from collections.abc import Iterable, Iterator


def separated(values: Iterable[object]) -> Iterator[str]:
    """Give the members of a list as JSON, one by one, as `json.dumps` writes them between its brackets."""
    for index, value in enumerate(values):
        yield f", {json.dumps(value)}" if index else json.dumps(value)
