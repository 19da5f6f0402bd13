"""What a command works on."""

from prober.simulator.activesync.session import Done
from tests.simulator.activesync.made import NOON, Desk


def test_a_session_goes_by_the_tenants_time() -> None:
    """And by nothing else."""
    assert Desk().session(None).now == NOON


def test_nothing_said_is_a_success() -> None:
    """An empty 200, as SendMail and Sync have it."""
    assert (Done().document, Done().status, Done().cut_off) == (None, 200, False)
