"""NTLM legs, held against the accepting side of a library that is not ours."""

import base64
import hashlib
from pathlib import Path

import pytest
import spnego
from spnego.channel_bindings import GssChannelBindings

from prober.exchange import Headers, Reply
from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import FaultError
from prober.identity.negotiate import Negotiation, channel_binding
from prober.secret import Secret
from tests.identity.test_assertion import make


@pytest.fixture
def users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the accepting side knows."""
    file = tmp_path / "users"
    file.write_text("CORP:probe:right\n")
    monkeypatch.setenv("NTLM_USER_FILE", str(file))


def unauthorized(token: bytes | None = None, scheme: str = "NTLM") -> Reply:
    value = scheme if token is None else f"{scheme} {base64.b64encode(token).decode()}"
    return Reply(401, Headers([("WWW-Authenticate", value), ("WWW-Authenticate", 'Basic realm="x"')]))


def bindings(der: bytes) -> GssChannelBindings:
    return GssChannelBindings(application_data=b"tls-server-end-point:" + hashlib.sha256(der).digest())


def sent(value: str) -> bytes:
    scheme, _, token = value.partition(" ")
    assert scheme == "NTLM"
    return base64.b64decode(token)


@pytest.mark.usefixtures("users")
def test_three_legs_satisfy_the_accepting_side(tmp_path: Path) -> None:
    der = _der(make(tmp_path))
    server = spnego.server(protocol="ntlm", channel_bindings=bindings(der))
    talk = Negotiation("NTLM", "mail.corp.example")
    assert talk.offered(unauthorized())
    challenge = server.step(sent(talk.begin("CORP\\probe", Secret("right"), der)))
    last = talk.follow(unauthorized(challenge))
    assert last is not None
    server.step(sent(last))
    assert server.complete
    assert talk.follow(unauthorized()) is None


@pytest.mark.usefixtures("users")
def test_a_wrong_password_is_refused_there_and_final_here() -> None:
    server = spnego.server(protocol="ntlm")
    talk = Negotiation("NTLM", "mail.corp.example")
    challenge = server.step(sent(talk.begin("CORP\\probe", Secret("wrong"), None)))
    last = talk.follow(unauthorized(challenge))
    assert last is not None
    with pytest.raises(spnego.exceptions.SpnegoError):
        server.step(sent(last))
    assert talk.follow(unauthorized()) is None


def test_a_scheme_that_is_not_offered_is_not_begun() -> None:
    assert not Negotiation("NTLM", "h").offered(unauthorized(scheme="Negotiate"))
    assert Negotiation("Negotiate", "h").offered(Reply(401, Headers([("www-authenticate", "Basic, negotiate")])))


def test_a_challenge_that_is_garbage_is_a_fault_or_the_end() -> None:
    talk = Negotiation("NTLM", "h")
    talk.begin("CORP\\probe", Secret("canary"), None)
    assert talk.follow(Reply(401, Headers([("WWW-Authenticate", "NTLM !!!")]))) is None
    with pytest.raises(FaultError) as caught:
        talk.follow(unauthorized(b"garbage"))
    assert caught.value.fault.kind is kinds.BAD_REPLY
    assert "canary" not in repr(caught.value.fault)


def test_the_binding_is_the_hash_of_the_certificate(tmp_path: Path) -> None:
    der = _der(make(tmp_path))
    assert channel_binding(der).application_data == b"tls-server-end-point:" + hashlib.sha256(der).digest()


def _der(pem: Path) -> bytes:
    import ssl

    text = pem.read_text()
    return ssl.PEM_cert_to_DER_cert(text[: text.index("-----END CERTIFICATE-----") + 25])
