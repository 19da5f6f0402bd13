"""The defaults of an IMAP front end."""

from prober.simulator.imap.entrance import Limits


def test_the_timers_are_those_of_exchange_server() -> None:
    """A minute before login, half an hour after."""
    assert (Limits().unauthenticated, Limits().authenticated) == (60.0, 1800.0)
