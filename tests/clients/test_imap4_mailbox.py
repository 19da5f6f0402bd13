"""Signing in as a mail program does: every means that credential and server may share, and TLS before any secret."""

import base64
import gc
import weakref
from typing import Any

import pytest

from prober.clients.imap4 import CLIENT
from prober.clients.imap4_mailbox import Imap4Options, choose
from prober.faults.taxonomy import STARTTLS_REFUSED, FaultError, Kind, Reason
from prober.protocols.imap import status as kinds
from prober.transaction import perform
from prober.vocabulary import Depth, Environment
from tests.clients.imap_made import (
    CHUNKS,
    GREETING,
    HEALTHY,
    PLAIN,
    SASL,
    Person,
    facts,
    said,
    signing_in,
    step_of,
    transaction,
    wire_of,
)
from tests.protocols.imap.scripted_wire import Act, Handshake, S, transcript

BEARER = base64.b64encode(b"n,a=a@b,\x01host=mail.example.test\x01port=993\x01auth=Bearer t1\x01\x01").decode()
NAME, WORD = base64.b64encode(b"alice").decode(), base64.b64encode(b"wonder land").decode()
SIGN_INS: list[tuple[str, str, Imap4Options, list[str], str]] = [
    (
        "refresh_token",
        "AUTH=XOAUTH2 AUTH=OAUTHBEARER SASL-IR",
        Imap4Options(),
        [f"A2 AUTHENTICATE XOAUTH2 {SASL}"],
        "xoauth2",
    ),
    ("refresh_token", "AUTH=XOAUTH2", Imap4Options(), ["A2 AUTHENTICATE XOAUTH2", SASL], "xoauth2"),
    ("refresh_token", "AUTH=XOAUTH2", Imap4Options(sasl_ir="yes"), [f"A2 AUTHENTICATE XOAUTH2 {SASL}"], "xoauth2"),
    ("refresh_token", "AUTH=XOAUTH2 SASL-IR", Imap4Options(sasl_ir="no"), ["A2 AUTHENTICATE XOAUTH2", SASL], "xoauth2"),
    (
        "refresh_token",
        "AUTH=OAUTHBEARER SASL-IR",
        Imap4Options(),
        [f"A2 AUTHENTICATE OAUTHBEARER {BEARER}"],
        "oauthbearer",
    ),
    (
        "refresh_token",
        "AUTH=XOAUTH2 AUTH=OAUTHBEARER",
        Imap4Options(mechanism="oauthbearer"),
        ["A2 AUTHENTICATE OAUTHBEARER", BEARER],
        "oauthbearer",
    ),
    ("basic", "AUTH=PLAIN AUTH=LOGIN SASL-IR", Imap4Options(), [f"A2 AUTHENTICATE PLAIN {PLAIN}"], "plain"),
    ("basic", "AUTH=PLAIN", Imap4Options(), ["A2 AUTHENTICATE PLAIN", PLAIN], "plain"),
    ("ntlm", "", Imap4Options(), ['A2 LOGIN "alice" "wonder land"'], "login"),
    ("basic", "AUTH=PLAIN", Imap4Options(mechanism="login"), ['A2 LOGIN "alice" "wonder land"'], "login"),
    ("basic", "LOGINDISABLED AUTH=LOGIN SASL-IR", Imap4Options(), ["A2 AUTHENTICATE LOGIN", NAME, WORD], "login"),
]


async def test_a_conversation_is_let_go_of_without_the_collector() -> None:
    """With it a connection and all of TLS: thousands would stay open in memory until the collector came round."""
    usual = gc.isenabled()
    gc.disable()
    try:
        tx = transaction(HEALTHY)
        assert (await perform(CLIENT, tx)).fault is None
        seen = weakref.ref(wire_of(tx))
        del tx
        assert seen() is None
    finally:
        if usual:
            gc.enable()


@pytest.mark.parametrize(("kind", "offer", "options", "lines", "mechanism"), SIGN_INS)
async def test_the_best_means_that_credential_and_server_share_is_taken(
    kind: str, offer: str, options: Imap4Options, lines: list[str], mechanism: str
) -> None:
    """Mechanism and initial response follow credential, offer and options; pieces wait to be asked for."""
    asked: list[Act] = []
    for line in lines:
        asked += transcript(f"C: {line}\nS: +")
    tx = transaction(signing_in(offer, *asked[:-1], S(b"A2 OK in\r\n")), person=Person(kind), options=options)
    outcome = await perform(CLIENT, tx)
    assert facts(outcome, "authenticate")["mechanism"] == mechanism
    assert step_of(outcome, "authenticate").fault is None
    assert ("token_request" in {result.step for result in outcome.results}) == (kind == "refresh_token")


@pytest.mark.parametrize(
    ("kind", "offer", "choice", "expected"),
    [
        ("basic", "LOGINDISABLED", "auto", kinds.MECHANISM_NOT_OFFERED),
        ("basic", "AUTH=LOGIN LOGINDISABLED", "plain", kinds.MECHANISM_NOT_OFFERED),
        ("basic", "AUTH=XOAUTH2 AUTH=PLAIN", "xoauth2", kinds.MECHANISM_NOT_OFFERED),
        ("refresh_token", "AUTH=XOAUTH2", "oauthbearer", kinds.MECHANISM_NOT_OFFERED),
        ("refresh_token", "AUTH=XOAUTH2 AUTH=PLAIN", "plain", kinds.MECHANISM_NOT_OFFERED),
    ],
)
async def test_no_means_in_common_is_a_matter_of_set_up(kind: str, offer: str, choice: Any, expected: Kind) -> None:
    """Nothing is sent that was not offered, and a token is never sent as a password."""
    tx = transaction(signing_in(offer), person=Person(kind), options=Imap4Options(mechanism=choice))
    outcome = await perform(CLIENT, tx)
    assert outcome.failure is not None
    assert (outcome.failure.step, outcome.fault and outcome.fault.kind) == ("authenticate", expected)
    assert expected.reason is Reason.CLIENT_MISCONFIG


def test_choosing_without_oauth_names_what_is_missing() -> None:
    """After the step `capability` has passed, OAuth may still vanish behind STARTTLS."""
    with pytest.raises(FaultError) as caught:
        choose("auto", frozenset(), oauth=True)
    assert caught.value.fault.kind is kinds.OAUTH_NOT_OFFERED


async def test_oauth_that_was_offered_before_is_withdrawn_by_the_server() -> None:
    """The device remembers: what is missing from the start is set-up, what vanishes is a fault of the service."""
    memory: dict[str, str] = {}
    first = await perform(CLIENT, transaction(signing_in("AUTH=PLAIN"), memory=memory))
    assert first.fault is not None
    assert first.fault.kind is kinds.OAUTH_NOT_OFFERED
    await perform(CLIENT, transaction(HEALTHY, memory=memory))
    then = await perform(CLIENT, transaction(signing_in("AUTH=PLAIN"), memory=memory))
    assert then.fault is not None
    assert (then.fault.kind, then.fault.reason) == (kinds.OAUTH_WITHDRAWN, Reason.SERVER_ERROR)


async def test_exchange_online_must_offer_oauth_even_where_nobody_signs_in() -> None:
    """At depth reach there is no credential; elsewhere nobody can tell what would be needed."""
    for environment, fails in ((Environment.EXCHANGE_ONLINE, True), (Environment.EXCHANGE_SERVER, False)):
        acts = [*signing_in("AUTH=PLAIN"), *said(("LOGOUT", ["OK"]), first=2)]
        outcome = await perform(CLIENT, transaction(acts, depth=Depth.REACH, environment=environment))
        assert bool(outcome.fault) == fails


@CHUNKS
async def test_a_plain_endpoint_is_upgraded_before_anything_secret(chunk: int) -> None:
    """Capabilities in plain, STARTTLS, the handshake, capabilities anew; only those count."""
    acts: list[Act] = [
        *GREETING,
        *said(("CAPABILITY", ["* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED", "OK"]), ("STARTTLS", ["OK go"])),
        Handshake(),
        *said(("CAPABILITY", ["* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR", "OK"]), first=3),
        *said((f"AUTHENTICATE PLAIN {PLAIN}", ["OK"]), first=4),
    ]
    tx = transaction(acts, person=Person("basic"), url="imap://mail.example.test:143", chunk=chunk)
    outcome = await perform(CLIENT, tx)
    assert wire_of(tx).upgraded
    assert step_of(outcome, "authenticate").fault is None


@pytest.mark.parametrize(
    "acts",
    [
        signing_in("AUTH=PLAIN AUTH=XOAUTH2"),
        [*signing_in("STARTTLS AUTH=PLAIN"), *said(("STARTTLS", ["NO not today"]), first=2)],
        [*signing_in("STARTTLS AUTH=PLAIN"), *said(("STARTTLS", ["BAD what"]), first=2)],
    ],
)
async def test_without_tls_nothing_secret_is_said(acts: list[Act]) -> None:
    """STARTTLS missing or refused ends the transaction in `capability`, at every depth."""
    for depth, person in ((Depth.MAILBOX, Person("basic")), (Depth.REACH, None)):
        tx = transaction(acts, person=person, depth=depth, url="imap://mail.example.test")
        outcome = await perform(CLIENT, tx)
        assert outcome.failure is not None
        assert (outcome.failure.step, outcome.fault and outcome.fault.kind) == ("capability", STARTTLS_REFUSED)
        assert b"wonder" not in wire_of(tx).sent
