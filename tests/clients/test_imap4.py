"""The mail program against written-down servers: the whole transaction, and every step that can go wrong."""

from collections.abc import Sequence
from typing import Any

import pytest

from prober.clients.imap4 import CLIENT
from prober.clients.imap4_mailbox import Imap4Options
from prober.faults.taxonomy import CANARY_MISSING, PEER_CLOSED, VIEW_STALE, FaultError, Kind, Reason
from prober.protocols.imap import status as kinds
from prober.sightings import Sightings
from prober.transaction import perform
from prober.vocabulary import Depth
from tests.clients.imap_made import (
    CAPABILITY,
    CHUNKS,
    GREETING,
    HEALTHY,
    ID,
    IDLE,
    LIST,
    NAMESPACE,
    OFFER,
    REST,
    SASL,
    STEPS,
    TO_IDLE,
    WALL,
    Person,
    Spoken,
    Wires,
    facts,
    failing,
    said,
    signing_in,
    step_of,
    transaction,
    wire_of,
)
from tests.protocols.imap.scripted_wire import Act, C, End, Quiet, S, Silent, transcript


@CHUNKS
async def test_a_healthy_mailbox_passes_every_step(chunk: int) -> None:
    """The whole table in its order, at any chunking; facts say what was seen, and everything sent was expected."""
    tx = transaction(HEALTHY, chunk=chunk)
    outcome = await perform(CLIENT, tx)
    assert outcome.fault is None
    assert [result.step for result in outcome.results] == STEPS
    assert wire_of(tx).acts == []
    assert facts(outcome, "greeting")["site"] == "FR3P281"
    assert facts(outcome, "authenticate")["mechanism"] == "xoauth2"
    assert facts(outcome, "list") == {"mailboxes": 2, "special_uses": "\\sent"}
    assert facts(outcome, "select_inbox") == {"messages": 9, "read_only": True}
    assert facts(outcome, "fetch_headers")["newest_internaldate"] == "2026-01-03T09:00:00+00:00"
    assert facts(outcome, "idle_hold")["changes"] == 0


async def test_a_token_from_the_cache_has_no_duration() -> None:
    """The step stands in the record, but nothing was measured."""
    outcome = await perform(CLIENT, transaction(HEALTHY))
    assert step_of(outcome, "token_request").elapsed is None


@pytest.mark.parametrize(("depth", "person"), [(Depth.REACH, None), (Depth.TOKEN, Person())])
async def test_without_a_mailbox_it_takes_leave_before_signing_in(depth: Depth, person: Person | None) -> None:
    """Greeting, capabilities, ID, and LOGOUT, whose failure is only a fact."""
    for leave, told in ((("LOGOUT", ["* BYE bye", "OK"]), None), (("LOGOUT", ["BAD no"]), "imap_command_refused")):
        tx = transaction([*GREETING, *said(CAPABILITY, ID, leave)], depth=depth, person=person)
        outcome = await perform(CLIENT, tx)
        assert outcome.fault is None
        steps = ["greeting", "capability", "id", "reach_logout", "token_request"]
        assert [result.step for result in outcome.results] == steps[: None if person else -1]
        assert facts(outcome, "reach_logout").get("tolerated") == told


FAILURES: list[tuple[list[Act], str, Kind]] = [
    ([*transcript("S: * BYE busy"), End()], "greeting", kinds.BYE),
    ([End()], "greeting", PEER_CLOSED),
    (failing(0, "* CAPABILITY IMAP4rev1 AUTH=PLAIN", "OK"), "capability", kinds.OAUTH_NOT_OFFERED),
    (failing(2, "NO AUTHENTICATE failed."), "authenticate", kinds.AUTHENTICATION_FAILED),
    (failing(2, "NO [UNAVAILABLE] later"), "authenticate", kinds.UNAVAILABLE),
    (failing(4, "BAD User is authenticated but not connected."), "namespace", kinds.AUTHENTICATED_NOT_CONNECTED),
    (failing(5, "NO Server Unavailable. 15"), "list", kinds.SERVER_UNAVAILABLE),
    (failing(5, '* LIST () "/" Sent', "OK"), "list", kinds.NO_INBOX),
    (failing(6, "NO [INUSE] locked"), "select_inbox", kinds.IN_USE),
    (failing(7, "NO Some messages could not be FETCHed"), "fetch_headers", kinds.FETCH_FAILED),
    ([*GREETING, *said(*TO_IDLE, ("IDLE", ["BAD no"]))], "idle_start", kinds.IDLE_REFUSED),
    ([*GREETING, *said(*TO_IDLE), *IDLE, End()], "idle_hold", kinds.IDLE_LOST),
    ([*GREETING, *said(*TO_IDLE), *IDLE, Quiet(), C(b"DONE\r\n"), Quiet()], "idle_hold", kinds.IDLE_SILENT),
    (
        [*GREETING, *said(*TO_IDLE), *IDLE, S(b"* BYE Session invalidated - AccessTokenExpired\r\n"), End()],
        "idle_hold",
        kinds.SESSION_EXPIRED_EARLY,
    ),
]


@pytest.mark.parametrize(("acts", "step", "kind"), FAILURES)
async def test_the_step_that_breaks_names_what_broke(acts: list[Act], step: str, kind: Kind) -> None:
    """The first fault ends the transaction; the steps after it are listed as skipped; everything is closed."""
    tx = transaction(acts)
    outcome = await perform(CLIENT, tx)
    assert outcome.failure is not None
    assert (outcome.failure.step, outcome.failure.fault and outcome.failure.fault.kind) == (step, kind)
    assert outcome.skipped == tuple(STEPS[STEPS.index(step) + 1 :])
    session = tx.session
    assert isinstance(session, Wires)
    assert session.closed


@pytest.mark.parametrize("place", range(1, len(HEALTHY)))
async def test_an_end_at_any_point_is_a_lost_connection_or_channel(place: int) -> None:
    """Cut off after every act of the healthy conversation, it never passes for anything else."""
    outcome = await perform(CLIENT, transaction([*HEALTHY[:place], End()]))
    broken = outcome.fault
    if broken is None:
        assert "tolerated" in facts(outcome, "logout")
        return
    assert broken.reason in (Reason.CONNECTION_RESET, Reason.PUSH_CHANNEL_LOST)


@pytest.mark.parametrize("place", range(1, len(HEALTHY)))
async def test_silence_at_any_point_is_a_read_timeout_or_a_lost_channel(place: int) -> None:
    """Stalled after every act of the healthy conversation, the wait is what failed."""
    outcome = await perform(CLIENT, transaction([*HEALTHY[:place], Silent()]))
    assert outcome.fault is None or outcome.fault.reason in (Reason.READ_TIMEOUT, Reason.PUSH_CHANNEL_LOST)
    assert outcome.fault or "tolerated" in facts(outcome, "logout")


async def test_bad_to_id_is_only_noted() -> None:
    """Some servers do not know it although they say so; others do not say so and are not asked."""
    refused = [*GREETING, *said(CAPABILITY, (ID[0], ["BAD Command Error. 12"])), Silent()]
    outcome = await perform(CLIENT, transaction(refused))
    assert facts(outcome, "id") == {"id": "refused"}
    outcome = await perform(CLIENT, transaction([*signing_in("AUTH=XOAUTH2 SASL-IR"), Silent()]))
    assert "id" in outcome.skipped


def with_examine(*answers: str, after: Sequence[Spoken] = ()) -> list[Act]:
    """Return a server whose inbox says so; then it hears `after` and falls silent."""
    return [*GREETING, *said(*TO_IDLE[:6], ("EXAMINE INBOX", answers), *after), Silent()]


async def test_an_empty_mailbox_is_healthy() -> None:
    """Nothing to fetch: the step is skipped and the transaction goes on."""
    answers = ["* 0 EXISTS", "* OK [UIDVALIDITY 14] x", "* OK [UIDNEXT 1] x", "OK [READ-ONLY] done"]
    idle: list[Act] = [C(b"A8 IDLE\r\n"), S(b"+ idling\r\n"), Quiet(), C(b"DONE\r\n"), S(b"A8 OK\r\n")]
    acts = [*with_examine(*answers)[:-1], *idle, *said(("NOOP", ["OK"]), ("LOGOUT", ["OK"]), first=9)]
    outcome = await perform(CLIENT, transaction(acts))
    assert (outcome.fault, outcome.skipped) == (None, ("fetch_headers",))


@pytest.mark.parametrize(("uid_next", "first"), [("", 4294967295), ("* OK [UIDNEXT 3] x", 1)])
async def test_the_newest_messages_are_asked_for_in_any_mailbox(uid_next: str, first: int) -> None:
    """Without UIDNEXT the last message alone; with few messages from the first UID on."""
    answers = [one for one in ("* 2 EXISTS", "* OK [UIDVALIDITY 14] x", uid_next, "OK [READ-WRITE] done") if one]
    fetch = f"UID FETCH {first}:* (UID FLAGS INTERNALDATE RFC822.SIZE)"
    outcome = await perform(CLIENT, transaction(with_examine(*answers, after=[(fetch, ["* 1 EXPUNGE", "OK"])])))
    assert step_of(outcome, "fetch_headers").fault is None
    assert facts(outcome, "select_inbox")["read_only"] is False


async def test_a_changed_uidvalidity_is_noted_and_remembered() -> None:
    """The device remembers the mailbox's incarnation; the first time there is nothing to compare."""
    memory: dict[str, str] = {}
    assert "uid_validity_changed" not in facts(
        await perform(CLIENT, transaction(HEALTHY, memory=memory)), "select_inbox"
    )
    assert "uid_validity_changed" not in facts(
        await perform(CLIENT, transaction(HEALTHY, memory=memory)), "select_inbox"
    )
    memory["uid_validity"] = "13"
    assert facts(await perform(CLIENT, transaction(HEALTHY, memory=memory)), "select_inbox")["uid_validity_changed"]
    assert memory["uid_validity"] == "14"


async def test_special_uses_are_asked_for_where_they_can_be() -> None:
    """RETURN (SPECIAL-USE) needs the extended LIST too (RFC 6154, RFC 5258)."""
    offered = ("CAPABILITY", [f"* CAPABILITY {OFFER} SPECIAL-USE LIST-EXTENDED", "OK"])
    listing = ('LIST "" "*" RETURN (SPECIAL-USE)', LIST[1])
    acts = [*GREETING, *said(*TO_IDLE[:3], offered, NAMESPACE, listing), Silent()]
    outcome = await perform(CLIENT, transaction(acts))
    assert facts(outcome, "list")["special_uses"] == "\\sent"


async def test_what_the_server_never_offered_is_skipped_and_what_it_withdrew_is_a_fault() -> None:
    """NAMESPACE and IDLE are used where offered; IDLE that was there before must stay."""
    bare = ("CAPABILITY", ["* CAPABILITY IMAP4rev1", "OK"])
    acts = [*GREETING, *said(*TO_IDLE[:3], bare, *TO_IDLE[5:], ("NOOP", ["OK"]), ("LOGOUT", ["OK"]))]
    outcome = await perform(CLIENT, transaction(acts))
    assert (outcome.fault, outcome.skipped) == (None, ("namespace", "idle_start", "idle_hold"))
    assert facts(outcome, "capability_auth") == {"idle_offered": False}
    memory: dict[str, str] = {}
    await perform(CLIENT, transaction(HEALTHY, memory=memory))
    outcome = await perform(CLIENT, transaction(acts, memory=memory))
    assert outcome.fault is not None
    assert outcome.fault.kind is kinds.IDLE_WITHDRAWN


async def test_idle_stays_as_long_as_told_and_counts_what_it_hears() -> None:
    """A keep-alive does not shorten the hold, a change does not end it, and the step's limit lies beyond it."""
    options = Imap4Options(idle_seconds=90)
    heard: list[Act] = [S(b"* OK Still here\r\n"), S(b"* 10 EXISTS\r\n"), Quiet()]
    tx = transaction([*GREETING, *said(*TO_IDLE), *IDLE, *heard, *REST[1:]], options=options)
    outcome = await perform(CLIENT, tx)
    assert facts(outcome, "idle_hold")["changes"] == 1
    assert wire_of(tx).clock.now == 1090
    hold = next(step for step in CLIENT.steps if step.name == "idle_hold")
    assert hold.limit(tx.assignment) > 90 + 30


async def test_nothing_secret_is_left_in_the_record() -> None:
    """Neither token nor password nor address stands in an outcome, whatever happens."""
    for acts in (HEALTHY, failing(2, "NO AUTHENTICATE failed. a@b t1")):
        printed = repr(await perform(CLIENT, transaction(acts)))
        assert not any(secret in printed for secret in ("t1'", "a@b", SASL))


@pytest.mark.parametrize(
    "options", [{"idle_seconds": 0}, {"idle_seconds": 1800}, {"id_name": "\r\n"}, {"id_version": "ä"}]
)
def test_options_that_cannot_work_are_refused(options: dict[str, Any]) -> None:
    """IDLE must end before the 29 minutes of RFC 2177; the ID fields must be quotable."""
    with pytest.raises(ValueError, match="must be"):
        Imap4Options(**options)


async def test_a_step_out_of_order_is_a_bug_of_ours() -> None:
    """No conversation before the greeting."""
    step = next(step for step in CLIENT.steps if step.name == "noop")
    with pytest.raises(FaultError) as caught:
        await step.run(transaction([]), CLIENT.memory())
    assert caught.value.fault.reason is Reason.PROBE_INTERNAL
    with pytest.raises(FaultError) as caught:
        assert CLIENT.memory().bearer
    assert caught.value.fault.reason is Reason.PROBE_INTERNAL


def test_the_client_is_registered_with_the_names_people_rely_on() -> None:
    """Name, steps in order, endpoint and scopes."""
    assert CLIENT.name == "imap4"
    assert [step.name for step in CLIENT.steps if step.name not in ("reach_logout", "canary")] == STEPS
    assert CLIENT.endpoints == ("imap4",)
    assert CLIENT.scopes is not None
    assert CLIENT.scopes.delegated.startswith("https://outlook.office.com/IMAP.AccessAsUser.All")
    assert not any(step.opt_in for step in CLIENT.steps)


# -- freshness -----------------------------------------------------------------------------------------------------


def looking(*found: str, subject: str = '"x7-canary"') -> list[Act]:
    """Return a healthy server that is asked for the canary, and answers so."""
    rest = [*said((f"UID SEARCH SUBJECT {subject}", [*found, "OK"]), first=10), C(b"A11 IDLE\r\n"), S(b"+ idling\r\n")]
    last = said(("NOOP", ["OK"]), ("LOGOUT", ["* BYE", "OK"]), first=12)
    return [*GREETING, *said(*TO_IDLE), *rest, Quiet(), *transcript("C: DONE\nS: A11 OK"), *last]


@CHUNKS
@pytest.mark.parametrize(
    ("answers", "seen"),
    [(["* SEARCH 17 21"], "seen"), (["* SEARCH"], "absent"), (["* SEARCH 21 "], "seen"), ([], "absent")],
)
async def test_the_canary_is_looked_for_by_its_subject(chunk: int, answers: list[str], seen: str) -> None:
    """Its absence alone is no fault: nobody else has seen it."""
    outcome = await perform(CLIENT, transaction(looking(*answers), chunk=chunk, canary="x7-canary"))
    assert outcome.fault is None
    assert facts(outcome, "canary")["canary"] == seen
    steps = [result.step for result in outcome.results]
    assert steps[steps.index("fetch_headers") + 1] == "canary"


async def test_a_canary_that_another_client_sees_is_missed() -> None:
    """Green but empty is stale."""
    sightings = Sightings()
    sightings.saw_canary("imap4", seen=False, now=WALL - 120)
    sightings.saw_canary("activesync", seen=True, now=WALL - 60)
    outcome = await perform(CLIENT, transaction(looking("* SEARCH"), canary="x7-canary", sightings=sightings))
    assert outcome.failure is not None
    assert (outcome.failure.step, outcome.fault and outcome.fault.kind) == ("canary", CANARY_MISSING)
    assert "x7" not in repr(outcome)


@pytest.mark.parametrize("answers", [["NO [CANNOT] not today"], ["* SEARCH one two", "OK"], ["BAD what"]])
async def test_a_search_that_fails_is_a_fault_of_the_step_canary(answers: list[str]) -> None:
    """Nothing is said of the canary then."""
    acts = [*GREETING, *said(*TO_IDLE, ('UID SEARCH SUBJECT "x7"', answers)), Silent()]
    outcome = await perform(CLIENT, transaction(acts, canary="x7"))
    assert outcome.failure is not None
    assert outcome.failure.step == "canary"


async def test_an_old_view_of_the_inbox_is_stale_where_another_client_sees_more() -> None:
    """Also one that shows nothing at all; without another client both are quiet mailboxes."""
    empty = ["* 0 EXISTS", "* OK [UIDVALIDITY 14] x", "* OK [UIDNEXT 1] x", "OK [READ-ONLY] done"]
    for acts in (HEALTHY, with_examine(*empty)):
        sightings = Sightings()
        sightings.saw_newest("activesync", WALL - 600, WALL - 400)
        sightings.saw_newest("imap4", 0.0, WALL - 60)
        sightings.saw_newest("activesync", WALL - 600, WALL - 40)
        outcome = await perform(CLIENT, transaction(acts, sightings=sightings))
        assert outcome.failure is not None
        assert (outcome.failure.step, outcome.fault and outcome.fault.kind) == ("fetch_headers", VIEW_STALE)


async def test_a_view_as_new_as_the_others_is_fresh() -> None:
    """The newest message of the script is from 09:00 UTC."""
    sightings = Sightings()
    for ago in (400, 40):
        sightings.saw_newest("activesync", WALL - 3600, WALL - ago)
    assert (await perform(CLIENT, transaction(HEALTHY, sightings=sightings))).fault is None
