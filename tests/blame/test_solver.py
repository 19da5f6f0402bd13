"""Who is blamed for what, row by row."""

import pytest

from prober.blame.evidence import Colour, Record
from prober.blame.solver import solve
from prober.vocabulary import Domain
from tests.blame.made import record, story

D = Domain
ROWS: tuple[tuple[str, list[Record], set[Domain]], ...] = (
    ("all is well", story(imap4=None, owa=None), set()),
    ("nothing is known", [], set()),
    ("names cannot be resolved", story(imap4=D.DNS, owa=D.DNS), {D.DNS}),
    ("one host's name cannot be resolved", story(imap4=D.DNS, owa=None), {D.DNS}),
    ("nobody connects", story(imap4=D.NETWORK, owa=D.NETWORK), {D.NETWORK}),
    ("a certificate has expired", story(imap4=D.TLS, owa=None), {D.TLS}),
    ("one client among many fails at the front end", story(imap4=D.FRONTEND, owa=None, activesync=None), {D.PROTOCOL}),
    ("two clients fail at the front end", story(imap4=D.FRONTEND, owa=D.FRONTEND, activesync=None), {D.FRONTEND}),
    ("the only client fails at the front end", story(imap4=D.FRONTEND), {D.FRONTEND}),
    ("one client does not reach the store that others do", story(imap4=D.MAILBOX, owa=None), {D.PROTOCOL}),
    ("nobody reaches the store", story(imap4=D.MAILBOX, owa=D.MAILBOX), {D.MAILBOX}),
    ("one client's token is refused", story(outlook_desktop=D.IDENTITY, owa=None), {D.PROTOCOL}),
    ("everybody's token is refused", story(outlook_desktop=D.IDENTITY, owa=D.IDENTITY), {D.IDENTITY}),
    ("one client gets garbage", story(imap4=D.PROTOCOL, owa=None), {D.PROTOCOL}),
    ("the only client gets garbage", story(imap4=D.PROTOCOL), {D.PROTOCOL}),
    (
        "no token is issued to one, and the others have theirs",
        [record("owa", D.IDENTITY, asked_token=True) for _ in range(4)] + story(imap4=None),
        {D.IDENTITY},
    ),
    (
        "a mailbox that nobody else looks at",
        [record("imap4", D.MAILBOX, target="two") for _ in range(4)] + story(owa=None),
        {D.MAILBOX},
    ),
    (
        "the prober is unwell",
        [record("imap4", D.PROBER, colour=Colour.OURS) for _ in range(4)] + story(owa=None),
        {D.PROBER},
    ),
    ("a policy refuses", [record("imap4", D.POLICY, colour=Colour.OURS) for _ in range(4)], {D.POLICY}),
    ("the proxy is gone", [record("imap4", D.PROXY, colour=Colour.OURS) for _ in range(4)], {D.PROXY}),
    ("names and store at once", story(imap4=D.DNS, owa=D.MAILBOX, activesync=D.MAILBOX), {D.DNS, D.MAILBOX}),
    ("tokens and certificate at once", story(imap4=D.TLS, owa=D.IDENTITY, activesync=D.IDENTITY), {D.TLS, D.IDENTITY}),
    (
        "the front end, while the prober was unwell for another client",
        story(imap4=D.FRONTEND, owa=D.FRONTEND)
        + [record("activesync", D.PROBER, colour=Colour.OURS) for _ in range(4)],
        {D.FRONTEND, D.PROBER},
    ),
)


@pytest.mark.parametrize(("what", "records", "blamed"), ROWS, ids=[row[0] for row in ROWS])
def test_the_narrowest_domain_is_blamed(what: str, records: list[Record], blamed: set[Domain]) -> None:
    """Exactly these, each with a sentence."""
    found = solve(records)
    assert {one.domain for one in found} == blamed, what
    assert all(one.because for one in found)
    assert len(found) == len(blamed)


def test_one_failure_explains_nothing() -> None:
    """Nor do two among a dozen."""
    assert solve([record("imap4", D.FRONTEND), *story(imap4=None)]) == ()
    assert solve([record("imap4", D.FRONTEND)] * 2 + story(imap4=None) * 3) == ()
    assert solve([record("imap4", D.FRONTEND)] * 2 + story(imap4=None)) != ()


def test_the_reason_names_who_and_beside_whom() -> None:
    """In words that a person understands."""
    (found,) = solve(story(imap4=D.MAILBOX, owa=None, activesync=None))
    assert found.because == "imap4 fails in mailbox, where activesync and owa at the same mailboxes is well"
