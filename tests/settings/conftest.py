"""A catalogue whose clients do not depend on what else exists."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from prober.clients import catalogue as real_catalogue
from prober.transaction import Client, Step, Transaction
from prober.vocabulary import Depth


@dataclass(frozen=True, slots=True)
class _Options:
    colour: str = "red"


async def look(tx: Transaction, memory: None) -> None:
    """Look."""


async def dance(tx: Transaction, memory: None) -> None:
    """Dance, if asked to."""


@pytest.fixture
def catalogue() -> Mapping[str, Client[Any]]:
    """The real clients, and one that is all ours."""
    steps = (Step(look, Depth.REACH), Step(dance, Depth.REACH, opt_in=True))
    toy: Client[None] = Client("toy", "A toy", lambda: None, steps, ("activesync",), options=_Options, interval=33.0)
    return {**real_catalogue(), "toy": toy}
