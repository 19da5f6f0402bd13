"""One running service per test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulator.imap.office import Office, office


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Office]:
    """The service of a tenant in the cloud."""
    with office(tmp_path) as made:
        yield made
