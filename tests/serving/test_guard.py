"""Who may see which page, and what every answer carries."""

import logging
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from prober.serving.guard import BODY, CLIENT_NAMES, OVERSIZED, Guard, host_of, is_loopback, is_ours
from prober.serving.toolkit import WebSettings
from prober.serving.users import CrowdedError, Users
from tests.net.certificates import Pki
from tests.serving.made import HASH, PASSWORD, Answer, basic, configured, scope

SECURITY = ("content-security-policy", "x-content-type-options", "referrer-policy", "cache-control")
PRIVATE = ["/config", "/config/", "/probe", "/api/v1/failures", "/api/v1/failures/17"]


async def page(scope: Scope, receive: Receive, send: Send) -> None:
    """Read what was brought, and answer with it."""
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"cache-control", b"max-age=5")]})
    await send({"type": "http.response.body", "body": b"seen " + str(len(body)).encode()})


async def ask(guarded: Guard, asked: dict[str, Any], *pieces: bytes) -> Answer:
    answer = Answer()
    bodies = list(pieces) or [b""]

    async def receive() -> Message:
        return {"type": "http.request", "body": bodies.pop(0), "more_body": bool(bodies)}

    await guarded(asked, receive, answer)
    return answer


@pytest.mark.parametrize("path", PRIVATE)
async def test_without_a_web_configuration_some_pages_answer_this_machine_only(path: str) -> None:
    """One line, and no page behind it is asked."""
    near, far = await ask(Guard(page), scope(path)), await ask(Guard(page), scope(path, peer="192.0.2.7"))
    assert (near.status, far.status) == (200, 403)
    assert far.text.count("\n") == 1
    assert "--web.config.file" in far.text


@pytest.mark.parametrize("path", ["/", "/metrics", "/api/v1/status", "/-/healthy", "/configuration", "/probes"])
async def test_the_others_answer_everybody(path: str) -> None:
    assert (await ask(Guard(page), scope(path, peer="192.0.2.7"))).status == 200


@pytest.mark.parametrize(
    ("peer", "near"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:192.0.2.1", False),
        ("10.0.0.1", False),
        ("localhost", False),
        ("", False),
    ],
)
def test_who_is_on_this_machine(peer: str, near: bool) -> None:
    assert is_loopback(peer) is near


async def test_a_peer_without_an_address_is_not_on_this_machine() -> None:
    assert (await ask(Guard(page), scope("/probe") | {"client": None})).status == 403


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:10143", 200),
        ("[::1]:10143", 200),
        ("localhost", 200),
        (socket.gethostname(), 200),
        ("evil.example:10143", 403),
        ("localhost.evil.example", 403),
        ("", 403),
        ("[::1", 403),
    ],
)
async def test_a_name_that_others_can_point_here_is_no_name_of_ours(host: str, status: int) -> None:
    """A page in a browser on this machine reaches us from loopback too, under a name of its own (DNS rebinding)."""
    assert (await ask(Guard(page), scope("/config", headers=[("Host", host)]))).status == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:10143", 200),
        ("http://evil.example", 403),
        ("http://localhost:9090", 403),
        ("null", 403),
        ("http://[", 403),
    ],
)
async def test_a_page_of_another_site_cannot_have_things_done(origin: str, status: int) -> None:
    """Its visitor's browser may reach us where the site itself cannot."""
    asked = scope("/-/quit", method="POST", headers=[("Host", "localhost:10143"), ("Origin", origin)])
    assert (await ask(Guard(page), asked)).status == status


async def test_a_body_is_bounded_whether_its_length_was_said_or_not() -> None:
    """One byte more is too much."""
    exact = await ask(Guard(page), scope(method="POST"), b"x" * BODY)
    assert exact.text == f"seen {BODY}"
    said = [("Host", "localhost"), ("Content-Length", str(BODY + 1))]
    for asked, pieces in ((scope(method="POST", headers=said), ()), (scope(method="POST"), (b"x" * BODY, b"x"))):
        answer = await ask(Guard(page), asked, *pieces)
        assert (answer.status, answer.text.count("\n"), answer.headers["connection"]) == (413, 1, "close")


async def test_a_head_that_is_too_long_is_told() -> None:
    assert (await ask(Guard(page), scope(extensions={OVERSIZED: True}))).status == 431


async def test_every_answer_carries_what_keeps_it_a_page() -> None:
    """What the page says itself stays; refusals carry it too."""
    for answer in (await ask(Guard(page), scope()), await ask(Guard(page), scope("/probe", peer="192.0.2.7"))):
        assert all(name in answer.headers for name in SECURITY)
        assert "script" not in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert (await ask(Guard(page), scope())).headers["cache-control"] == "max-age=5"


async def test_configured_fields_overrule_ours(tmp_path: Path) -> None:
    settings = configured(tmp_path, "http_server_config: {headers: {X-Content-Type-Options: other}}")
    answer = await ask(Guard(page, lambda: settings), scope())
    assert answer.headers["x-content-type-options"] == "other"


async def test_users_sign_in_for_every_page(tmp_path: Path) -> None:
    """Also from this machine; with the right password also from elsewhere, to every page."""
    settings = configured(tmp_path, f"basic_auth_users: {{alice: {HASH}}}")
    guarded = Guard(page, lambda: settings)
    for path in ("/", "/-/healthy", "/nothing", "/probe"):
        refused = await ask(guarded, scope(path))
        assert (refused.status, refused.headers["www-authenticate"]) == (401, 'Basic realm="prober"')
        right = [("Host", "prober.example"), ("Authorization", basic("alice", PASSWORD))]
        assert (await ask(guarded, scope(path, peer="192.0.2.7", headers=right))).status == 200
        wrong = [("Authorization", basic("alice", "wrong"))]
        assert (await ask(guarded, scope(path, headers=wrong))).status == 401


async def test_too_many_sign_ins_are_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def crowded(self: Users, field: str) -> bool:
        raise CrowdedError

    monkeypatch.setattr(Users, "admits", crowded)
    settings = WebSettings(users=Users({"alice": HASH}))
    answer = await ask(Guard(page, lambda: settings), scope())
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")


async def test_certificates_come_in_by_their_names(tmp_path: Path) -> None:
    """One of them must be among those allowed."""
    pki = Pki(tmp_path)
    settings = configured(
        tmp_path,
        f"tls_server_config: {{cert_file: {pki.good.file}, key_file: {pki.good.file}, client_ca_file: {pki.ours.file},"
        " client_auth_type: RequireAndVerifyClientCert, client_allowed_sans: [prometheus.test]}",
    )
    for shown, status in ((["prometheus.test", "other"], 200), (["other"], 403), ([], 403)):
        asked = scope(extensions={CLIENT_NAMES: shown})
        assert (await ask(Guard(page, lambda: settings), asked)).status == status
    assert (await ask(Guard(page, lambda: settings), scope())).status == 403


async def test_a_page_that_crashes_is_one_line_and_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    """What it was goes into the log, without what was in hand."""

    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("canary-secret")

    with caplog.at_level(logging.DEBUG):
        answer = await ask(Guard(broken), scope())
    assert (answer.status, answer.text.count("\n")) == (500, 1)
    assert "RuntimeError" in caplog.text
    assert "canary" not in caplog.text + answer.text
    assert "Traceback" not in caplog.text


async def test_a_page_that_crashes_in_the_middle_is_left_there() -> None:
    """A second beginning would be a protocol error."""

    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError

    assert (await ask(Guard(broken), scope())).status == 200


@given(st.text(max_size=60))
def test_no_host_field_breaks_the_reading(text: str) -> None:
    """It comes from anybody."""
    assert isinstance(is_ours(host_of(text)), bool)
