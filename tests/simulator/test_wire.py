"""What is known of a connection from the outside."""

from prober.simulator.wire import Attempt, Connection, Host

MAIL = Host("mail.ams1.contoso.example", "127.16.100.1", 20443, site="ams1", region="eu")


def test_a_host_is_asked_for_by_name_and_port() -> None:
    """As it stands in URLs and in `Host` fields."""
    assert MAIL.authority == "mail.ams1.contoso.example:20443"


def test_hosts_are_the_same_when_all_of_them_is() -> None:
    """One name may be had by two protocols, on ports of their own."""
    assert Host("a", "127.0.0.1", 1) == Host("a", "127.0.0.1", 1)
    assert len({Host("a", "127.0.0.1", 1), Host("a", "127.0.0.1", 2, "imaps")}) == 2


def test_attempts_and_connections_are_themselves_alone() -> None:
    """Two that look alike are two, and what one has met the other has not."""
    one, other = Attempt("imap4@ams1", 1), Attempt("imap4@ams1", 1)
    one.struck.add(1)
    one.due[1] = 3
    assert one != other
    assert (other.struck, other.due) == (set(), {})
    assert Connection(1, MAIL, "127.0.0.1", 0.0, one) != Connection(1, MAIL, "127.0.0.1", 0.0, one)
