"""The IMAP4 client against Dovecot: every way to sign in; each fault on one (verdict, reason, step, phase)."""

import asyncio
import imaplib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from prober.clients.imap4_channel import HeldInbox
from prober.faults.taxonomy import FaultError
from tests.real.vantage import frozen_at, password_of, target, vantage
from tests.servers.dovecot import ALICE, BOB, PASSWORDS, Dovecot, Options
from tests.servers.fixtures import StartDovecot
from tests.servers.oauth_server import SECRET_EXPIRED, TENANT, OAuthServer
from tests.servers.pki import Pki
from tests.servers.ports import free_port
from tests.servers.proxy import ConnectProxy

KEY = "imap4/hq"
OK = ("ok", None, None, None)


def implicit(server: Dovecot) -> str:
    return f"imaps://localhost:{server.imaps_port}"


def by_password(folder: Path, pki: Pki, url: str, **more: Any) -> dict[str, Any]:
    """A configuration with one target and Alice's password."""
    return {"credentials": {"alice": password_of(folder)}, "targets": [target(pki.ca_file, "imap4", url, **more)]}


def by_token(folder: Path, pki: Pki, oauth: OAuthServer, url: str, **more: Any) -> dict[str, Any]:
    """A configuration with one target and an application of the authorisation server."""
    (folder / "secret").write_text("prober-secret")
    credential = {
        "type": "client_credentials",
        "tenant": TENANT,
        "client_id": "prober",
        "client_secret_file": "secret",
        "authority": oauth.url,
        "scope": "IMAP.AccessAsUser.All",
    }
    return {
        "credentials": {"alice": credential},
        "token_service": {"tls": {"ca_file": str(pki.ca_file)}},
        "targets": [target(pki.ca_file, "imap4", url, **more)],
    }


def failing_control(port: int) -> dict[str, Any]:
    return {"control": {"urls": [f"http://127.0.0.1:{port}/"]}}


@pytest.mark.parametrize("scheme", ["imaps", "imap"])
@pytest.mark.parametrize("mechanism", ["auto", "plain", "login"])
async def test_a_password_opens_the_mailbox(
    dovecot: Dovecot, pki: Pki, tmp_path: Path, scheme: str, mechanism: str
) -> None:
    """Implicit TLS and STARTTLS; every step of the table runs."""
    dovecot.deliver(ALICE, "one")
    port = dovecot.imaps_port if scheme == "imaps" else dovecot.imap_port
    entry = {"options": {"mechanism": mechanism, "idle_seconds": 0.01}}
    async with vantage(tmp_path, by_password(tmp_path, pki, f"{scheme}://localhost:{port}", entry=entry)) as prober:
        outcome, judgement = await prober.attempt(KEY)
    assert judgement.verdict == "ok", outcome.fault
    assert [result.step for result in outcome.results] == [
        *("greeting", "capability", "id", "authenticate", "capability_auth", "namespace", "list", "select_inbox"),
        *("fetch_headers", "idle_start", "idle_hold", "noop", "logout"),
    ]
    tls = [result.step for result in outcome.results if "tls" in result.phases]
    assert tls == ["greeting" if scheme == "imaps" else "capability"]


@pytest.mark.parametrize("mechanism", ["xoauth2", "oauthbearer"])
@pytest.mark.parametrize("sasl_ir", ["yes", "no"])
async def test_a_token_of_a_real_authorisation_server_opens_the_mailbox(
    dovecot: Dovecot, oauth: OAuthServer, pki: Pki, tmp_path: Path, mechanism: str, sasl_ir: str
) -> None:
    entry = {"options": {"mechanism": mechanism, "sasl_ir": sasl_ir, "idle_seconds": 0.01}}
    async with vantage(tmp_path, by_token(tmp_path, pki, oauth, implicit(dovecot), entry=entry)) as prober:
        first, judgement = await prober.attempt(KEY)
        second, _ = await prober.attempt(KEY)
    assert judgement.verdict == "ok", first.fault
    asked, cached = (next(one for one in got.results if one.step == "token_request") for got in (first, second))
    assert {"connect", "tls", "send", "wait"} <= set(asked.phases)
    assert (cached.elapsed, cached.facts["cached"]) == (None, True)


async def test_reach_needs_no_credential(dovecot: Dovecot, pki: Pki, tmp_path: Path) -> None:
    one = target(pki.ca_file, "imap4", implicit(dovecot), credential=None)
    async with vantage(tmp_path, {"targets": [one]}) as prober:
        outcome, judgement = await prober.attempt(KEY)
    assert judgement.verdict == "ok"
    assert [result.step for result in outcome.results] == ["greeting", "capability", "id", "reach_logout"]


async def test_a_delivery_wakes_the_held_inbox(dovecot: Dovecot, pki: Pki, tmp_path: Path) -> None:
    async with vantage(tmp_path, by_password(tmp_path, pki, implicit(dovecot), entry={"push": True})) as prober:
        assignment = prober.assignment(KEY)
        tx, held = prober.assembly.open(assignment), HeldInbox()
        await held.open(tx)
        waiting = asyncio.create_task(held.wait(tx, 20))
        await asyncio.to_thread(dovecot.deliver, ALICE, "wake up")
        assert await waiting
        await held.close(tx)
        await tx.close()


async def test_a_kick_during_idle_loses_the_channel(dovecot: Dovecot, pki: Pki, tmp_path: Path) -> None:
    async with vantage(tmp_path, by_password(tmp_path, pki, implicit(dovecot), entry={"push": True})) as prober:
        tx, held = prober.assembly.open(prober.assignment(KEY)), HeldInbox()
        await held.open(tx)
        waiting = asyncio.create_task(held.wait(tx, 20))
        await asyncio.to_thread(dovecot.kick, ALICE)
        with pytest.raises(FaultError) as lost:
            await waiting
        assert lost.value.fault.reason == "push_channel_lost"
        await tx.close()


async def test_a_wrong_password_is_excluded_before_it_ever_worked(dovecot: Dovecot, pki: Pki, tmp_path: Path) -> None:
    async with vantage(tmp_path, by_password(tmp_path, pki, implicit(dovecot))) as prober:
        (tmp_path / "password").write_text("wrong")
        assert await prober.landed(KEY) == ("excluded", "auth_rejected", "authenticate", None)


async def test_a_password_that_stops_working_unchanged_fails(
    start_dovecot: StartDovecot, pki: Pki, tmp_path: Path
) -> None:
    """It worked minutes ago and nothing of ours changed: the service's doing. Once the secret changes, ours."""
    server = start_dovecot(Options(pki.right))
    async with vantage(tmp_path, by_password(tmp_path, pki, implicit(server))) as prober:
        assert await prober.landed(KEY) == OK
        users = next(server._room.rglob("users"))
        users.write_text(users.read_text().replace(PASSWORDS[ALICE], "another"))
        assert await prober.landed(KEY) == ("failed", "auth_rejected", "authenticate", None)
        (tmp_path / "password").write_text("something else")
        assert await prober.landed(KEY) == ("excluded", "auth_rejected", "authenticate", None)


@pytest.mark.parametrize(
    "shape",
    [
        {"lifetime": -600},
        {"claims": {"email": BOB}},
        {"malformed": "not.a.token"},
        {"claims": {"iss": "https://elsewhere.example"}},
    ],
    ids=["expired", "of another user", "malformed", "foreign"],
)
async def test_a_bad_token_is_refused_and_excluded(
    dovecot: Dovecot, oauth: OAuthServer, pki: Pki, tmp_path: Path, shape: dict[str, Any]
) -> None:
    async with vantage(tmp_path, by_token(tmp_path, pki, oauth, implicit(dovecot))) as prober:
        with oauth.issuing(**{key: value for key, value in shape.items() if key != "lifetime"}, **_expired(shape)):
            assert await prober.landed(KEY) == ("excluded", "auth_rejected", "authenticate", None)


def _expired(shape: dict[str, Any]) -> dict[str, Any]:
    """A token whose `exp` is past, though the answer that brought it promised an hour."""
    return {"claims": {"exp": 1_600_000_000}} if "lifetime" in shape else {}


@contextmanager
def hour_glass(oauth: OAuthServer, how: str) -> Iterator[None]:
    """Break the authorisation server in one way."""
    with ExitStack() as stack:
        if how == "down":
            stack.enter_context(oauth.down())
        elif how == "slow":
            stack.enter_context(oauth.hanging())
        elif how == "500":
            stack.enter_context(oauth.answering(500, "<html>oops</html>"))
        else:
            stack.enter_context(oauth.answering(401, SECRET_EXPIRED))
        yield


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("down", ("failed", "connect_refused", "token_request", "connect")),
        ("500", ("failed", "token_service_error", "token_request", None)),
        ("expired secret", ("excluded", "auth_rejected", "token_request", None)),
    ],
)
async def test_a_broken_token_service_is_named_as_such(
    dovecot: Dovecot, oauth: OAuthServer, pki: Pki, tmp_path: Path, how: str, expected: tuple[str, ...]
) -> None:
    async with vantage(tmp_path, by_token(tmp_path, pki, oauth, implicit(dovecot))) as prober:
        with hour_glass(oauth, how):
            assert await prober.landed(KEY) == expected


async def test_a_slow_token_service_is_waited_for_in_vain(
    dovecot: Dovecot, oauth: OAuthServer, pki: Pki, tmp_path: Path
) -> None:
    entry = {"timeout": "1500ms"}
    async with vantage(tmp_path, by_token(tmp_path, pki, oauth, implicit(dovecot), entry=entry)) as prober:
        with hour_glass(oauth, "slow"):
            assert await prober.landed(KEY) == ("failed", "read_timeout", "token_request", "wait")


async def test_a_server_frozen_before_its_greeting_is_waited_for_in_vain(
    dovecot: Dovecot, pki: Pki, tmp_path: Path
) -> None:
    """The kernel accepts the connection; TLS gets no answer."""
    async with vantage(tmp_path, by_password(tmp_path, pki, implicit(dovecot), entry={"timeout": "1s"})) as prober:
        with dovecot.frozen():
            assert await prober.landed(KEY) == ("failed", "tls_handshake", "greeting", "tls")


async def test_a_plain_server_frozen_before_its_greeting_is_silent(dovecot: Dovecot, pki: Pki, tmp_path: Path) -> None:
    url = f"imap://localhost:{dovecot.imap_port}"
    async with vantage(tmp_path, by_password(tmp_path, pki, url, entry={"timeout": "1s"})) as prober:
        with dovecot.frozen():
            assert await prober.landed(KEY) == ("failed", "read_timeout", "greeting", "wait")


async def test_a_server_frozen_after_login_is_silent_at_the_next_command(
    dovecot: Dovecot, pki: Pki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    landed = await _frozen_in(dovecot, pki, tmp_path, monkeypatch, before="namespace")
    assert landed == ("failed", "read_timeout", "namespace", "wait")


async def test_a_server_frozen_during_idle_loses_the_channel(
    dovecot: Dovecot, pki: Pki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    landed = await _frozen_in(dovecot, pki, tmp_path, monkeypatch, before="idle_hold")
    assert landed[:3] == ("failed", "push_channel_lost", "idle_hold")


async def _frozen_in(
    dovecot: Dovecot, pki: Pki, folder: Path, monkeypatch: pytest.MonkeyPatch, *, before: str
) -> tuple[str | None, ...]:
    """Freeze every process of the server as the named step begins; thaw them when the attempt has ended."""
    with frozen_at(monkeypatch, before, dovecot.frozen):
        entry = {"timeout": "3s", "options": {"idle_seconds": 0.2}}
        async with vantage(folder, by_password(folder, pki, implicit(dovecot), entry=entry)) as prober:
            landed: tuple[str | None, ...] = await prober.landed(KEY)
    return landed


@pytest.mark.parametrize(
    ("certificate", "code"),
    [("wrong_name", "tls_wrong_name"), ("expired", "tls_expired"), ("unknown_ca", "tls_untrusted")],
)
async def test_a_bad_certificate_fails_whatever_the_control_says(
    start_dovecot: StartDovecot, pki: Pki, tmp_path: Path, certificate: str, code: str, refusing_port: int
) -> None:
    server = start_dovecot(Options(getattr(pki, certificate)))
    configuration = by_password(tmp_path, pki, implicit(server)) | failing_control(refusing_port)
    async with vantage(tmp_path, configuration) as prober:
        await prober.attempt("control/control")
        outcome, judgement = await prober.attempt(KEY)
    assert (judgement.verdict, judgement.code) == ("failed", code)
    failure = outcome.failure
    assert failure is not None
    assert (failure.step, failure.fault.phase if failure.fault else None) == ("greeting", "tls")
    assert failure.certificate is not None
    assert not failure.certificate.verified


NETWORK = {
    "refused": ("connect_refused", "greeting", "connect"),
    "silent": ("tls_handshake", "greeting", "tls"),
    "no such name": ("dns_failure", "greeting", "dns"),
    "black hole": ("connect_timeout", "greeting", "connect"),
}


@pytest.mark.parametrize("control", ["fine", "failing"])
@pytest.mark.parametrize("fault", NETWORK)
async def test_a_network_fault_fails_and_with_a_failing_control_is_inconclusive(
    pki: Pki,
    tmp_path: Path,
    fault: str,
    control: str,
    refusing_port: int,
    silent_port: int,
    black_hole_port: int,
    oauth: OAuthServer,
) -> None:
    urls = {
        "refused": f"imaps://127.0.0.1:{refusing_port}",
        "silent": f"imaps://127.0.0.1:{silent_port}",
        "no such name": "imaps://nowhere.invalid:993",
        "black hole": f"imaps://127.0.0.1:{black_hole_port}",
    }
    page = f"http://127.0.0.1:{refusing_port}/" if control == "failing" else f"{oauth.url}/"
    configuration = by_password(tmp_path, pki, urls[fault], entry={"timeout": "1s"})
    configuration["control"] = {"urls": [page], "tls": {"ca_file": str(pki.ca_file)}}
    async with vantage(tmp_path, configuration) as prober:
        await prober.attempt("control/control")
        verdict = "inconclusive" if control == "failing" else "failed"
        assert await prober.landed(KEY) == (verdict, *NETWORK[fault])


async def test_too_many_connections_are_throttling(start_dovecot: StartDovecot, pki: Pki, tmp_path: Path) -> None:
    server = start_dovecot(Options(pki.right, connections=2))
    with ExitStack() as others:
        for _ in range(2):
            other = others.enter_context(imaplib.IMAP4("127.0.0.1", server.imap_port))
            other.login(ALICE, PASSWORDS[ALICE])
        async with vantage(tmp_path, by_password(tmp_path, pki, f"imaps://127.0.0.1:{server.imaps_port}")) as prober:
            assert await prober.landed(KEY) == ("throttled", "throttled", "authenticate", None)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, OK),
        (403, ("excluded", "probe_internal", "greeting", "connect")),
        (407, ("excluded", "probe_internal", "greeting", "connect")),
        (502, ("failed", "connect_refused", "greeting", "connect")),
        (504, ("failed", "connect_timeout", "greeting", "connect")),
    ],
)
async def test_a_proxy_is_gone_through_and_its_refusal_is_not_the_services(
    dovecot: Dovecot, pki: Pki, tmp_path: Path, connect_proxy: ConnectProxy, status: int, expected: tuple[str, ...]
) -> None:
    connect_proxy.status = status
    way = {"proxy": {"url": connect_proxy.url}}
    async with vantage(tmp_path, by_password(tmp_path, pki, implicit(dovecot), **way)) as prober:
        assert await prober.landed(KEY) == expected
    assert [one.authority for one in connect_proxy.asked] == [f"localhost:{dovecot.imaps_port}"]


async def test_a_proxy_that_is_not_there_is_our_own_trouble(dovecot: Dovecot, pki: Pki, tmp_path: Path) -> None:
    way = {"proxy": {"url": f"http://127.0.0.1:{free_port()}"}}
    async with vantage(tmp_path, by_password(tmp_path, pki, implicit(dovecot), **way)) as prober:
        assert (await prober.landed(KEY))[:3] == ("excluded", "probe_internal", "greeting")
