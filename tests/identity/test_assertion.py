"""The assertion, held against a library that shares nothing with the one that made it."""

import base64
import hashlib
import subprocess
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import FaultError
from prober.identity.assertion import Certificate

URL = "https://login.example/contoso.example/oauth2/v2.0/token"
NOW = 1_800_000_000.0


def make(folder: Path, name: str = "app", kind: str = "rsa:2048") -> Path:
    """A certificate and its key, made by openssl."""
    options = ["-pkeyopt", "ec_paramgen_curve:prime256v1"] if kind == "ec" else []
    key, certificate = folder / f"{name}.key", folder / f"{name}.crt"
    command = ["openssl", "req", "-x509", "-newkey", kind, *options, "-nodes", "-days", "7", "-subj", "/CN=probe"]
    subprocess.run(
        [*command, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True, timeout=60
    )
    file = folder / f"{name}.pem"
    file.write_bytes(certificate.read_bytes() + key.read_bytes())
    return file


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("pem"))


def test_an_independent_library_accepts_it_as_ps256(pem: Path) -> None:
    text = Certificate(str(pem)).assertion("client", URL, lambda: NOW).reveal()
    public = subprocess.run(
        ["openssl", "x509", "-in", str(pem), "-pubkey", "-noout"], check=True, capture_output=True, timeout=60
    ).stdout
    token = jwt.decode(text, RSAKey.import_key(public), algorithms=["PS256"])
    assert token.header["alg"] == "PS256"
    assert token.header["typ"] == "JWT"
    claims = token.claims
    assert (claims["aud"], claims["iss"], claims["sub"]) == (URL, "client", "client")
    assert claims["nbf"] <= NOW <= claims["iat"] + 1
    assert 300 <= claims["exp"] - NOW <= 600


def test_its_thumbprint_is_that_of_the_certificate(pem: Path) -> None:
    der = subprocess.run(
        ["openssl", "x509", "-in", str(pem), "-outform", "DER"], check=True, capture_output=True, timeout=60
    ).stdout
    certificate = Certificate(str(pem))
    certificate.assertion("client", URL)
    assert base64.urlsafe_b64decode(certificate.thumbprint + "=") == hashlib.sha256(der).digest()


def test_no_two_are_the_same(pem: Path) -> None:
    certificate = Certificate(str(pem))
    assert certificate.assertion("c", URL, lambda: NOW) != certificate.assertion("c", URL, lambda: NOW)


def test_a_new_certificate_is_taken_up_without_a_restart(pem: Path, tmp_path: Path) -> None:
    file = tmp_path / "app.pem"
    file.write_bytes(pem.read_bytes())
    certificate = Certificate(str(file))
    certificate.assertion("c", URL)
    before = certificate.thumbprint
    make(tmp_path, "next").replace(file)
    certificate.assertion("c", URL)
    assert certificate.thumbprint != before


@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"])
def test_a_file_that_holds_no_key_is_our_own_fault(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "app.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(FaultError) as caught:
        Certificate(str(file)).assertion("c", URL)
    assert caught.value.fault.kind is kinds.SECRET_UNREADABLE


def test_a_key_that_cannot_sign_ps256_is_our_own_fault(tmp_path: Path) -> None:
    with pytest.raises(FaultError) as caught:
        Certificate(str(make(tmp_path, kind="ec"))).assertion("c", URL)
    assert caught.value.fault.kind is kinds.SECRET_UNREADABLE
