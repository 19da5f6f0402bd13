"""TLS contexts of the pages; how they are served is in `test_server.py`."""

import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from prober.serving.tls import ALWAYS, CURVES, SUITES, Renewed, TlsFileError, TlsSettings, context, names
from tests.net.certificates import Pki


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def good(pki: Pki) -> TlsSettings:
    return TlsSettings(pki.good.file, pki.good.file)


def test_what_is_asked_for_is_set(good: TlsSettings, pki: Pki) -> None:
    """Versions, suites, who verifies whom."""
    made = context(
        replace(
            good,
            minimum="TLS12",
            maximum="TLS12",
            client_auth="RequireAndVerifyClientCert",
            client_ca_file=pki.ours.file,
            suites=("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
            curve="CurveP384",
        )
    )
    assert (made.minimum_version, made.maximum_version) == (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
    assert made.verify_mode is ssl.CERT_REQUIRED
    older = [one["name"] for one in made.get_ciphers() if one["protocol"] != "TLSv1.3"]
    assert older == ["ECDHE-ECDSA-AES128-GCM-SHA256"]
    assert context(good).verify_mode is ssl.CERT_NONE


def test_suites_of_tls_1_3_alone_leave_no_older_version(good: TlsSettings) -> None:
    """There would be nothing to agree on."""
    assert context(replace(good, suites=tuple(ALWAYS))).minimum_version is ssl.TLSVersion.TLSv1_3


@pytest.mark.parametrize("suite", sorted(SUITES))
def test_openssl_knows_every_suite_by_our_name_for_it(good: TlsSettings, suite: str) -> None:
    made = context(replace(good, suites=(suite,)))
    assert SUITES[suite] in [one["name"] for one in made.get_ciphers()]


@pytest.mark.parametrize("curve", sorted(CURVES))
def test_openssl_knows_every_curve(good: TlsSettings, curve: str) -> None:
    context(replace(good, curve=curve))


def test_each_bad_file_is_told_by_its_key(good: TlsSettings, pki: Pki, tmp_path: Path) -> None:
    """Missing, foreign, garbage: never OpenSSL's own words about what is inside."""
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("canary-secret")
    for change, key in (
        ({"cert_file": str(tmp_path / "no.pem")}, "cert_file"),
        ({"key_file": str(tmp_path / "no.pem")}, "key_file"),
        ({"key_file": pki.other_name.file}, "cert_file"),
        ({"cert_file": str(garbage)}, "cert_file"),
        ({"client_ca_file": str(garbage)}, "client_ca_file"),
    ):
        with pytest.raises(TlsFileError) as caught:
            context(replace(good, **change))  # type: ignore[arg-type]  # texts for keys that are texts
        assert caught.value.key == key
        assert "canary" not in str(caught.value)


def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_its_password(good: TlsSettings, tmp_path: Path) -> None:
    """A daemon has no terminal to wait at."""
    key = tmp_path / "key.pem"
    key.write_bytes(
        ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(TlsFileError):
        context(replace(good, key_file=str(key)))


def test_a_renewed_context_asks_for_each_connection(good: TlsSettings) -> None:
    """What is chosen then is what the connection gets."""
    first, second = context(good), context(good)
    choice = [first, second]
    renewed = Renewed.by(lambda: choice.pop(0))
    assert isinstance(renewed, ssl.SSLContext)
    for expected in (first, second):
        opened = renewed.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_side=True)
        assert opened.context is expected


def test_names_of_a_certificate() -> None:
    assert names({"subjectAltName": (("DNS", "a.test"), ("URI", "spiffe://b"))}) == ["a.test", "spiffe://b"]
    assert names({}) == names(None) == []
