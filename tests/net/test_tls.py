"""TLS between memory buffers, against OpenSSL's own server side and against bytes written by hand."""

import contextlib
import hashlib
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import FaultError, Kind
from prober.model import Certificate
from prober.net.route import TlsPolicy
from prober.net.tls import (
    Application,
    Opened,
    TlsSession,
    TlsSetupError,
    make_context,
    read_certificate,
    tls_fault,
)
from tests.net.certificates import Leaf, Pki
from tests.net.made import Raised


class Far:
    """The server's end, moved by hand."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.object = context.wrap_bio(self.incoming, self.outgoing, server_side=True)

    def step(self) -> None:
        """Go on with the handshake as far as it goes."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self.object.do_handshake()

    def say(self, data: bytes) -> bytes:
        """Return the records that carry `data`."""
        self.object.write(data)
        return self.outgoing.read()


def facts(client: TlsSession) -> Certificate | None:
    """Return what the peer's certificate says."""
    der = client.peer_certificate()
    return None if der is None else read_certificate(der, verified=client.verified)


def shake(near: TlsSession, far: Far) -> None:
    """Move records both ways until the client is through."""
    while not near.handshake():
        far.incoming.write(near.outgoing())
        far.step()
        near.feed(far.outgoing.read())
    far.incoming.write(near.outgoing())
    far.step()


def near(pki: Pki, name: str = "mail.test", application: Application = Application.HTTPS, **policy: str) -> TlsSession:
    """Return a client that trusts our authority."""
    wanted = TlsPolicy(ca_file=pki.ours.file, **policy)  # type: ignore[arg-type]  # a version's literal arrives as str
    return TlsSession(make_context(wanted, application), name)


def test_a_handshake_tells_what_was_agreed(pki: Pki) -> None:
    """Version, cipher and certificate are known afterwards."""
    client = near(pki)
    shake(client, Far(pki.good.server()))
    certificate = facts(client)
    assert client.verified
    assert client.version == "TLSv1.3"
    assert client.cipher == "TLS_AES_256_GCM_SHA384"
    assert client.peer_certificate() == pki.good.der
    assert certificate is not None
    assert certificate.not_before == pki.good.not_before.timestamp()
    assert certificate.not_after == pki.good.not_after.timestamp()
    assert certificate.sha256 == hashlib.sha256(pki.good.der).hexdigest()
    assert certificate.verified


@pytest.mark.parametrize(
    ("quality", "name", "kind", "code"),
    [
        ("expired", "mail.test", kinds.TLS_EXPIRED, "10"),
        ("early", "mail.test", kinds.TLS_NOT_YET_VALID, "9"),
        ("other_name", "mail.test", kinds.TLS_WRONG_NAME, "62"),
        ("common_name_only", "mail.test", kinds.TLS_WRONG_NAME, "62"),
        ("other_name", "127.0.0.1", kinds.TLS_WRONG_NAME, "64"),
        ("unknown", "mail.test", kinds.TLS_UNTRUSTED, "20"),
        ("for_clients", "mail.test", kinds.TLS_BAD_CERTIFICATE, "26"),
    ],
)
def test_a_refused_certificate_has_its_kind_and_is_read_all_the_same(
    pki: Pki, quality: str, name: str, kind: Kind, code: str
) -> None:
    """What it says is known although, indeed because, it was not acceptable."""
    leaf: Leaf = getattr(pki, quality)
    client = near(pki, name)
    with Raised() as raised:
        shake(client, Far(leaf.server()))
    assert raised.error.fault.kind is kind
    assert raised.error.fault.evidence == {"verify_code": code}
    certificate = facts(client)
    assert certificate is not None
    assert certificate.not_after == leaf.not_after.timestamp()
    assert certificate.sha256 == hashlib.sha256(leaf.der).hexdigest()
    assert not certificate.verified
    assert client.outgoing()[:1] == b"\x15", "the peer is told by an alert (RFC 8446 section 6)"


@pytest.mark.parametrize("name", ["127.0.0.1", "::1"])
def test_an_address_is_found_among_the_certificates_addresses(pki: Pki, name: str) -> None:
    """Hosts given as numbers are verified like names."""
    client = near(pki, name)
    shake(client, Far(pki.good.server()))
    assert client.verified


@pytest.mark.parametrize(
    ("records", "kind", "reason"),
    [
        (b"\x15\x03\x03\x00\x02\x02\x28", kinds.TLS_ALERT, "sslv3_alert_handshake_failure"),
        (b"\x15\x03\x03\x00\x02\x02\x70", kinds.TLS_ALERT, "tlsv1_unrecognized_name"),
        (b"\x15\x03\x03\x00\x02\x02\x46", kinds.TLS_NO_COMMON_VERSION, "tlsv1_alert_protocol_version"),
        (b"* OK IMAP ready\r\n", kinds.TLS_NOT_TLS, "wrong_version_number"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", kinds.TLS_NOT_TLS, "wrong_version_number"),
        (b"\x16\x03\x03\x00\x04\x0e\x00\x00\x00", kinds.TLS_FAILED, "unexpected_message"),
    ],
)
def test_a_handshake_that_breaks_has_the_kind_of_its_breaking(
    pki: Pki, records: bytes, kind: Kind, reason: str
) -> None:
    """Alert numbers of RFC 8446 section 6 (40, 112, 70), and servers that speak something else."""
    client = near(pki)
    assert not client.handshake()
    client.feed(records)
    with Raised() as raised:
        client.handshake()
    assert raised.error.fault.kind is kind
    assert raised.error.fault.evidence == {"tls_reason": reason}
    assert client.peer_certificate() is None


def test_a_server_of_old_versions_only_has_none_in_common(pki: Pki) -> None:
    """TLS 1.2 is all it has, 1.3 is wanted."""
    context = pki.good.server()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    client, server = near(pki, minimum_version="1.3"), Far(context)
    client.handshake()
    server.incoming.write(client.outgoing())
    with pytest.raises(ssl.SSLError):
        server.step()
    client.feed(server.outgoing.read())
    with Raised() as raised:
        client.handshake()
    assert raised.error.fault.kind is kinds.TLS_NO_COMMON_VERSION


@pytest.mark.parametrize("minimum", ["1.0", "1.1"])
def test_old_versions_are_spoken_where_configured(pki: Pki, minimum: str) -> None:
    """An old server is reached all the same, and without a warning."""
    context = pki.good.server()
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
        context.minimum_version = ssl.TLSVersion.TLSv1_1
    client = near(pki, minimum_version=minimum)
    shake(client, Far(context))
    assert client.version == "TLSv1.1"


@pytest.mark.parametrize(
    ("application", "chosen"), [(Application.HTTPS, "http/1.1"), (Application.IMAP, None)], ids=["https", "imap"]
)
def test_only_https_offers_a_protocol_name(pki: Pki, application: Application, chosen: str | None) -> None:
    """ALPN (RFC 7301) where a name is registered for what we speak."""
    context = pki.good.server()
    context.set_alpn_protocols(["h2", "http/1.1"])
    server = Far(context)
    shake(near(pki, application=application), server)
    assert server.object.selected_alpn_protocol() == chosen


def test_plaintext_comes_out_as_it_went_in(pki: Pki) -> None:
    """Both ways, over several records, and a goodbye is heard."""
    client, server = near(pki), Far(pki.good.server())
    shake(client, server)
    server.incoming.write(client.encrypt(b"a1 NOOP\r\n"))
    assert server.object.read() == b"a1 NOOP\r\n"
    client.feed(server.say(b"x" * 40_000))
    assert client.decrypt() == Opened(b"x" * 40_000)
    client.feed(server.say(b"bye"))
    with pytest.raises(ssl.SSLWantReadError):
        server.object.unwrap()
    client.feed(server.outgoing.read())
    assert client.decrypt() == Opened(b"bye", finished=True)


def test_what_came_before_a_fault_is_not_lost_to_it(pki: Pki) -> None:
    """The last words are read, then the fault is told."""
    client, server = near(pki), Far(pki.good.server())
    shake(client, server)
    client.feed(server.say(b"last words") + b"\x17\x03\x03\x00\x11" + bytes(17))
    opened = client.decrypt()
    assert opened.data == b"last words"
    assert opened.fault is not None
    assert opened.fault.fault.kind is kinds.TLS_FAILED


def test_our_goodbye_is_a_close_notify(pki: Pki) -> None:
    """The server hears the end as an end (RFC 8446 section 6.1)."""
    client, server = near(pki), Far(pki.good.server())
    shake(client, server)
    server.incoming.write(client.farewell())
    assert server.object.read() == b""


def test_there_is_no_goodbye_before_the_handshake_is_done(pki: Pki) -> None:
    """Nothing has been opened that could be closed."""
    assert near(pki).farewell() == b""


def test_a_missing_client_certificate_shows_after_the_handshake(pki: Pki) -> None:
    """In TLS 1.3 the server's alert comes when the client thinks it is through."""
    client, server = near(pki), Far(pki.good.server(client_ca=pki.ours.file))
    with pytest.raises(ssl.SSLError):
        shake(client, server)
    client.feed(server.outgoing.read())
    opened = client.decrypt()
    assert opened.fault is not None
    assert opened.fault.fault.kind is kinds.TLS_ALERT
    assert opened.fault.fault.evidence == {"tls_reason": "tlsv13_alert_certificate_required"}


def test_a_client_certificate_is_shown_when_asked_for(pki: Pki) -> None:
    """The server reads the one that is configured."""
    mine = pki.ours.leaf("client", "client.test")
    client, server = near(pki, certificate_file=mine.file), Far(pki.good.server(client_ca=pki.ours.file))
    shake(client, server)
    assert server.object.getpeercert(binary_form=True) == mine.der


def test_the_systems_authorities_are_trusted_without_a_file() -> None:
    """No file means the system's own set, and verification is never off."""
    context = make_context(TlsPolicy(), Application.HTTPS)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.cert_store_stats()["x509_ca"] == ssl.create_default_context().cert_store_stats()["x509_ca"]


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [
        ({"ca_file": "nowhere.pem"}, "cannot use nowhere.pem as authorities (no such file or directory)"),
        ({"certificate_file": "nowhere.pem"}, "cannot use nowhere.pem as client certificate (no such file"),
        (
            {"certificate_file": "a.pem", "key_file": "b.pem"},
            "cannot use a.pem and b.pem as client certificate (no such file",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named(policy: dict[str, str], sentence: str) -> None:
    """One clear sentence."""
    with pytest.raises(TlsSetupError) as raised:
        make_context(TlsPolicy(**policy), Application.HTTPS)  # type: ignore[arg-type]  # no version among them
    assert str(raised.value).startswith(sentence)


def test_a_file_of_something_else_is_named(tmp_path: Path, pki: Pki) -> None:
    """It exists, but holds no certificates; or a certificate without its key."""
    prose = tmp_path / "prose.pem"
    prose.write_text("Dear Sir or Madam")
    with pytest.raises(TlsSetupError, match=r"prose\.pem as authorities \(.+\)$"):
        make_context(TlsPolicy(ca_file=str(prose)), Application.HTTPS)
    with pytest.raises(TlsSetupError, match=r"ours\.pem as client certificate \(.+\)$"):
        make_context(TlsPolicy(certificate_file=pki.ours.file), Application.HTTPS)


def test_a_key_behind_a_password_is_refused_and_not_asked_for(tmp_path: Path, pki: Pki) -> None:
    """OpenSSL would otherwise ask on the terminal, and wait there for ever."""
    locked = tmp_path / "locked.pem"
    key = ec.generate_private_key(ec.SECP256R1())
    locked.write_bytes(
        ssl.DER_cert_to_PEM_cert(pki.good.der).encode()
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(TlsSetupError, match=r"as client certificate"):
        make_context(TlsPolicy(certificate_file=str(locked)), Application.HTTPS)


def test_nothing_is_encrypted_before_the_handshake_is_done(pki: Pki) -> None:
    """It is a fault, not bytes in the clear."""
    client = near(pki)
    client.feed(b"* OK IMAP ready\r\n")
    with Raised() as raised:
        client.encrypt(b"a1 LOGIN me secret\r\n")
    assert raised.error.fault.kind is kinds.TLS_NOT_TLS
    assert b"secret" not in client.outgoing()


def test_a_certificate_that_cannot_be_read_says_nothing() -> None:
    """It is no reason to fail otherwise."""
    assert read_certificate(b"not DER", verified=True) is None


def test_what_no_table_knows_is_still_a_tls_fault() -> None:
    """An error without a reason, and a verify code without a row."""
    nameless = ssl.SSLError("?")
    nameless.reason = None  # type: ignore[assignment]  # what OpenSSL gives for a number it has no name for
    assert tls_fault(nameless).fault.evidence == {"tls_reason": "unknown"}
    assert tls_fault(nameless).fault.kind is kinds.TLS_FAILED
    strange = ssl.SSLCertVerificationError("?")
    strange.verify_code = 23
    fault: FaultError = tls_fault(strange)
    assert fault.fault.kind is kinds.TLS_BAD_CERTIFICATE
    assert fault.fault.evidence == {"verify_code": "23"}


def test_certificates_are_compared_with_another_reader(pki: Pki) -> None:
    """`ssl` says the same of the same bytes as our reading does."""
    seen = read_certificate(pki.good.der, verified=True)
    known = x509.load_der_x509_certificate(pki.good.der)
    assert seen is not None
    assert seen.not_after == ssl.cert_time_to_seconds(known.not_valid_after_utc.strftime("%b %d %H:%M:%S %Y GMT"))
