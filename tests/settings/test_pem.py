"""Files of certificates and keys are tried before anything runs, by what will use them."""

from pathlib import Path

import pytest

from prober.settings import pem
from tests.settings.made import Key, certificate_pem, curve_key, key_pem, rsa_key

OURS, CURVE, STRANGER = rsa_key(), curve_key(), rsa_key()
CERTIFICATE, KEY = certificate_pem(OURS), key_pem(OURS)
BROKEN = CERTIFICATE[:100] + b"!!!!" + CERTIFICATE[104:]
LOCKED = key_pem(OURS, b"passphrase")


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "f.pem")


def written(file: str, *parts: bytes) -> str:
    Path(file).write_bytes(b"".join(parts))
    return file


def test_authorities_are_one_or_more_certificates(file: str) -> None:
    assert pem.authorities(written(file, CERTIFICATE, certificate_pem(CURVE))) == ""
    assert pem.authorities(written(file, b"comment\r\n", CERTIFICATE.replace(b"\n", b"\r\n"))) == ""


@pytest.mark.parametrize("content", [b"", KEY, b"\x30\x82\x01\x02", b"CERTIFICATE-----", b"\xff" * 100])
def test_what_holds_no_certificate_is_no_authority(file: str, content: bytes) -> None:
    assert pem.authorities(written(file, content)) == pem.NO_CERTIFICATE


def test_a_damaged_certificate_is_found_wherever_it_stands(file: str) -> None:
    assert pem.authorities(written(file, BROKEN)).startswith("holds a certificate that cannot be read (")
    assert pem.authorities(written(file, CERTIFICATE, BROKEN)).startswith("holds a certificate that cannot be read (")


@pytest.mark.parametrize("key", [OURS, CURVE], ids=["rsa", "curve"])
def test_a_client_certificate_goes_with_its_key_in_one_file_or_two(tmp_path: Path, file: str, key: Key) -> None:
    other = str(tmp_path / "key.pem")
    assert pem.pair(written(file, key_pem(key), certificate_pem(key)), file) == ""
    assert pem.pair(written(file, certificate_pem(key)), written(other, key_pem(key))) == ""


def test_a_client_certificate_and_a_strange_key_are_told_apart(tmp_path: Path, file: str) -> None:
    other = written(str(tmp_path / "key.pem"), key_pem(STRANGER))
    assert pem.pair(written(file, CERTIFICATE), other) == "does not belong to the private key in key_file"
    assert pem.pair(written(file, CERTIFICATE, key_pem(STRANGER)), file) == pem.STRANGERS


def test_a_client_certificate_without_a_usable_key_is_no_identity(file: str) -> None:
    assert pem.pair(written(file, KEY), file) == pem.NO_CERTIFICATE
    assert pem.pair(written(file, CERTIFICATE), file) == pem.NO_KEY
    assert pem.pair(written(file, CERTIFICATE, LOCKED), file) == pem.LOCKED
    assert pem.pair(written(file, BROKEN, KEY), file).startswith("cannot be used as client certificate (")


def test_what_is_wrong_with_a_key_of_its_own_is_told_of_the_key(tmp_path: Path, file: str) -> None:
    """The certificate is fine: the same thing is not said of both files."""
    for content in (LOCKED, b""):
        assert pem.pair(written(file, CERTIFICATE), written(str(tmp_path / "key.pem"), content)) == ""


def test_a_key_must_be_readable_without_a_passphrase(file: str) -> None:
    assert pem.key(written(file, KEY)) == pem.key(written(file, key_pem(CURVE))) == ""
    assert pem.key(written(file, CERTIFICATE)) == pem.NO_KEY
    assert pem.key(written(file, LOCKED)) == pem.LOCKED
    assert pem.key(written(file, KEY[:200] + b"!" + KEY[201:])) == "holds a private key that cannot be read"


def test_an_application_proves_itself_with_certificate_and_rsa_key(file: str) -> None:
    assert pem.application(written(file, CERTIFICATE, KEY)) == pem.application(written(file, KEY, CERTIFICATE)) == ""
    assert pem.application(written(file, KEY)) == pem.NO_CERTIFICATE
    assert pem.application(written(file, CERTIFICATE)) == pem.NO_KEY
    assert pem.application(written(file, CERTIFICATE, LOCKED)) == pem.LOCKED
    assert pem.application(written(file, CERTIFICATE, key_pem(STRANGER))) == pem.STRANGERS
    assert pem.application(written(file, BROKEN, KEY)) == "holds a certificate or private key that cannot be read"
    assert "not of type RSA" in pem.application(written(file, certificate_pem(CURVE), key_pem(CURVE)))
