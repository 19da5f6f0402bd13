"""A fresh desk for every test."""

import pytest

from tests.simulator.graph.desk import Desk


@pytest.fixture
def desk() -> Desk:
    return Desk()
