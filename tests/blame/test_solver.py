"""Who is blamed for what, row by row."""

import pytest

from prober.blame.evidence import Colour, Record
from prober.blame.solver import solve
from prober.vocabulary import Depth, Domain
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
    assert solve(story(imap4=None) + [record("imap4", D.FRONTEND)] * 2) != ()


@pytest.mark.parametrize(
    ("reds", "after", "blamed"), [("R" * 2, 1, True), ("R" * 2, 2, False), ("R" * 8, 2, False), ("GGRGGGR", 3, True)]
)
def test_trouble_is_over_when_it_would_have_shown_itself(reds: str, after: int, blamed: bool) -> None:
    """Two successes after an outage, many after an intermittent loss."""
    course = reds + "G" * after
    records = [record("imap4", D.FRONTEND if one == "R" else None, at=at) for at, one in enumerate(course)]
    assert bool(solve(records)) is blamed


def test_attempts_that_tell_nothing_end_no_trouble() -> None:
    """The prober's own trouble proves no server well."""
    ours = [record("imap4", D.PROBER, colour=Colour.OURS, at=9.0)]
    assert D.FRONTEND in {one.domain for one in solve([record("imap4", D.FRONTEND)] * 4 + ours * 4)}


def test_one_mailbox_of_many_is_found() -> None:
    """Wholly down at one target of eleven, where nobody else looks."""
    well = [record("imap4", target=f"t{number}") for number in range(10) for _ in range(8)]
    (found,) = solve(well + [record("imap4", D.MAILBOX, target="t10")] * 8)
    assert found.domain is D.MAILBOX


@pytest.mark.parametrize(
    ("depth", "domain"), [(Depth.REACH, D.MAILBOX), (Depth.TOKEN, D.MAILBOX), (Depth.MAILBOX, D.PROTOCOL)]
)
def test_who_goes_no_deeper_proves_nothing_of_the_depths(depth: Depth, domain: Domain) -> None:
    """A sign-in that is well does not make the mailbox well."""
    beside = [record("m365_signin", depth=depth)] * 4
    assert {one.domain for one in solve(story(imap4=D.MAILBOX) + beside)} == {domain}


def test_who_fails_elsewhere_is_well_where_it_is_well() -> None:
    """A client with one bad mailbox still proves the others well."""
    owa = [record("owa", D.MAILBOX, target="two")] * 4 + [record("owa", target="one")] * 4
    found = {one.domain: one.because for one in solve(story(imap4=D.FRONTEND) + owa)}
    assert found == {
        D.MAILBOX: "owa failed in mailbox, and nobody is well beside",
        D.PROTOCOL: "imap4 fails in frontend, where owa at the same mailboxes is well",
    }


def test_what_one_client_fails_in_alone_is_told_from_what_it_shares() -> None:
    """At one mailbox everybody is ill, at the other only one client is, and nobody else shows a trace of it."""
    shared = [record(client, D.FRONTEND, target="two") for client in ("imap4", "owa", "activesync") for _ in range(4)]
    alone = [record("imap4", D.FRONTEND)] * 4
    found = {one.domain: one.because for one in solve(shared + alone + story(owa=None, activesync=None))}
    assert found == {
        D.FRONTEND: "activesync, imap4 and owa failed in frontend, and nobody is well beside",
        D.PROTOCOL: "imap4 fails in frontend, where activesync and owa at the same mailboxes is well",
    }


def test_luck_at_one_mailbox_tells_nobody_apart() -> None:
    """A loss of every fourth attempt may well spare one client at one mailbox; nor is one well who has failed there."""
    course = [D.FRONTEND, None, None, None] * 2
    often = [
        record(client, domain, target="two", at=at) for client in ("imap4", "owa") for at, domain in enumerate(course)
    ]
    lucky = [record("imap4", domain, at=at) for at, domain in enumerate(course)] + [record("owa", at=9.0)] * 4
    assert {one.domain for one in solve(often + lucky)} == {D.FRONTEND}
    once = [record("owa", D.FRONTEND, at=0.0), *(record("owa", at=at) for at in range(1, 20))]
    wholly = [record(client, D.FRONTEND, target="two", at=9.0) for client in ("imap4", "owa") for _ in range(8)]
    assert {one.domain for one in solve([*wholly, *[record("imap4", D.FRONTEND)] * 4, *once])} == {D.FRONTEND}


def test_a_refused_token_is_not_one_that_was_never_issued() -> None:
    """Each has its own sentence, and only one of them is the token service's."""
    asked = [record("owa", D.IDENTITY, asked_token=True)] * 4
    found = {one.domain: one.because for one in solve(asked + story(imap4=D.IDENTITY, activesync=None))}
    assert found == {
        D.IDENTITY: "owa got no token",
        D.PROTOCOL: "imap4 fails in identity, where activesync at the same mailboxes is well",
    }


def test_one_client_can_get_no_token_here_and_be_refused_there() -> None:
    """Each is explained; where the two are as few, it is the token that was not issued."""
    asked = [record("owa", D.IDENTITY, asked_token=True, target="two")] * 2
    shown = [record("owa", D.IDENTITY)] * 2
    assert {one.domain for one in solve(asked + shown + story(imap4=None))} == {D.IDENTITY, D.PROTOCOL}
    (found,) = solve(asked[:1] + shown[:1] + story(imap4=None))
    assert found.because == "owa got no token"


def test_findings_of_one_domain_keep_their_sentences() -> None:
    """Both clients get what their protocols do not allow or cannot do alone."""
    (found,) = solve(story(imap4=D.PROTOCOL, owa=D.FRONTEND, activesync=None))
    assert found.domain is D.PROTOCOL
    assert found.because.count(";") == 1
    assert {"imap4 fails in protocol", "owa fails in frontend"} <= {
        half.strip().partition(",")[0] for half in found.because.split(";")
    }


def test_the_reason_names_who_and_beside_whom() -> None:
    """In words that a person understands."""
    (found,) = solve(story(imap4=D.MAILBOX, owa=None, activesync=None))
    assert found.because == "imap4 fails in mailbox, where activesync and owa at the same mailboxes is well"
