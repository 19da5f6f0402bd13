"""What the server says."""

from prober.simulator.imap import texts


def test_the_capabilities_before_login_are_those_seen_in_the_wild() -> None:
    """The very list of Exchange Online."""
    seen = "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+"
    assert " ".join(texts.BEFORE_LOGIN) == seen


def test_the_capabilities_after_login_name_move_and_the_back_end() -> None:
    added = "MOVE CLIENTACCESSRULES CLIENTNETWORKPRESENCELOCATION BACKENDAUTHENTICATE"
    assert " ".join(texts.AFTER_LOGIN[len(texts.BEFORE_LOGIN) :]) == added


def test_a_throttled_client_is_told_milliseconds() -> None:
    assert texts.throttled(89.153) == "Request is throttled. Suggested Backoff Time: 89153 milliseconds"
