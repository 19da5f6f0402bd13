"""A catalogue that holds the real clients, and some whose steps and options do not change when theirs do."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from prober.clients import catalogue as real_catalogue
from prober.settings.load import load
from prober.settings.mistakes import Mistakes
from prober.settings.settings import Settings
from prober.transaction import Client, Scopes, Step, Transaction
from prober.vocabulary import Depth, Environment
from tests.settings.made import Loading, Somewhere


@dataclass(frozen=True, slots=True)
class _Options:
    colour: str = "red"
    size: int = 1
    weight: float = 1.0

    def __post_init__(self) -> None:
        if self.weight < 0:
            raise ValueError("weight must not be negative")


async def look(tx: Transaction, memory: None) -> None:
    """Look."""


async def dance(tx: Transaction, memory: None) -> None:
    """Dance, if asked to."""


class _Held:
    async def open(self, tx: Transaction) -> None:
        """Open nothing."""

    async def wait(self, tx: Transaction, seconds: float) -> bool:
        """Hear nothing."""
        return False

    async def close(self, tx: Transaction) -> None:
        """Close nothing."""


STEPS = (Step(look, Depth.REACH), Step(dance, Depth.REACH, opt_in=True))
TOY: Client[None] = Client("toy", "A toy", lambda: None, STEPS, ("activesync",), options=_Options, interval=33.0)
PHONE: Client[None] = Client(
    "activesync", "A phone", lambda: None, STEPS, ("activesync",), Scopes("app", "user"), interval=90.0, held=_Held
)
GLANCE: Client[None] = Client(
    "glance", "Signs in only", lambda: None, STEPS, ("activesync",), Scopes("app", "user"), deepest=Depth.TOKEN
)
PEEK: Client[None] = Client(
    *("peek", "Looks in from outside, in the cloud", lambda: None, STEPS, ("activesync",), Scopes("app", "user")),
    held=_Held,
    natural={Environment.EXCHANGE_ONLINE: Depth.REACH},
)


@pytest.fixture
def catalogue() -> Mapping[str, Client[Any]]:
    """`toy` has options and opt-in steps, but no scopes and no push; where the real phone is missing, ours is there."""
    return {"activesync": PHONE, **real_catalogue(), "toy": TOY, "glance": GLANCE, "peek": PEEK}


@pytest.fixture
def loaded(tmp_path: Path, catalogue: Mapping[str, Client[Any]], monkeypatch: pytest.MonkeyPatch) -> Loading:
    """Loads a text as configuration; `PROBER_TEST_SECRET` is a variable that holds a secret."""
    monkeypatch.setenv("PROBER_TEST_SECRET", "secret")

    def loading(text: str) -> Settings:
        (tmp_path / "f.yml").write_text(text, encoding="utf-8")
        return load([tmp_path / "f.yml"], catalogue)

    return loading


@pytest.fixture
def mistakes(tmp_path: Path) -> Mistakes:
    """Nothing wrong yet; everything is written next to `tmp_path`."""
    return Mistakes(Somewhere(tmp_path))
