"""The tenant's certificates, checked by OpenSSL's own client."""

import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509

from prober.simulator.ground.pki import Authority, server_context

NAMES = ("mail.x.test", "127.0.0.1")


def shake(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> None:
    """Let a client and a server shake hands in memory. Raises what the client's side raises."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(down, up, server_hostname=name)
    answering = server.wrap_bio(up, down, server_side=True)
    for _ in range(4):
        for side in (asking, answering):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                if side is asking:
                    raise


def trusting(ca_file: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(ca_file))
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


@pytest.mark.parametrize("name", NAMES)
def test_the_right_certificate_pleases_the_strictest_client(tmp_path: Path, name: str) -> None:
    """By name and by address."""
    authority, heard = Authority(tmp_path), list[str]()
    server = server_context(authority, NAMES, lambda asked: heard.append(asked) or "")  # type: ignore[func-returns-value]  # appends, then says nothing
    shake(trusting(authority.ca_file), server, name)
    assert heard == (["mail.x.test"] if name == "mail.x.test" else [""])


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("tls_wrong_name", "Hostname mismatch"),
        ("tls_expired", "certificate has expired"),
        ("tls_not_yet_valid", "not yet valid"),
        ("tls_untrusted", "unable to get local issuer"),
        ("tls_alert", "handshake failure"),
    ],
)
def test_each_fault_is_what_it_says(tmp_path: Path, kind: str, why: str) -> None:
    """In OpenSSL's words, that of the name with underscores."""
    authority = Authority(tmp_path)
    with pytest.raises(ssl.SSLError) as seen:
        shake(trusting(authority.ca_file), server_context(authority, NAMES, lambda _: kind), "mail.x.test")
    assert why in str(seen.value).replace("_", " ").replace("HANDSHAKE FAILURE", "handshake failure")


def test_another_authority_is_not_trusted(tmp_path: Path) -> None:
    """Two tenants do not trust each other."""
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other")
    with pytest.raises(ssl.SSLCertVerificationError, match=r"unable to get local issuer|self-signed|signature"):
        shake(trusting(other.ca_file), server_context(Authority(tmp_path), NAMES, lambda _: ""), "mail.x.test")


def test_keys_are_their_owners_alone(tmp_path: Path) -> None:
    """And the authority's own is written nowhere."""
    authority = Authority(tmp_path)
    file = authority.issue("server", NAMES)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"PRIVATE" not in authority.ca_file.read_bytes()
    certificate = x509.load_pem_x509_certificate(file.read_bytes().partition(b"-----END PRIVATE KEY-----")[2])
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
