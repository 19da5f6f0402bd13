"""OpenSSL's own tools agree on what is right and what is wrong with each certificate."""

import subprocess
from pathlib import Path

import pytest

from tests.servers.pki import KeyPair, Pki


def verify(pki: Pki, pair: KeyPair, *options: str) -> str:
    """Return what `openssl verify` says."""
    command = ["openssl", "verify", "-x509_strict", "-CAfile", str(pki.ca_file), *options, str(pair.certificate_file)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.stdout + done.stderr


def test_the_right_certificate_satisfies_strict_verification_for_name_and_address(pki: Pki) -> None:
    """Also newer Pythons, which verify strictly, find no fault with it."""
    assert verify(pki, pki.right, "-verify_hostname", "localhost").endswith("right.pem: OK\n")
    assert verify(pki, pki.right, "-verify_ip", "127.0.0.1").endswith("right.pem: OK\n")


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("wrong_name", "error 62"),  # X509_V_ERR_HOSTNAME_MISMATCH
        ("expired", "error 10"),  # X509_V_ERR_CERT_HAS_EXPIRED
        ("not_yet_valid", "error 9"),  # X509_V_ERR_CERT_NOT_YET_VALID
        ("unknown_ca", "error 20"),  # X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY
    ],
)
def test_each_wrong_certificate_has_exactly_its_own_fault(pki: Pki, name: str, error: str) -> None:
    """One fault and no other, so that a test of it cannot pass for another reason."""
    said = verify(pki, getattr(pki, name), "-verify_hostname", "localhost")
    assert [line.split(" at ")[0] for line in said.splitlines() if line.startswith("error ")][:1] == [error]
    assert said.count("error ") - said.count(": verification failed") <= 2


def test_a_foreign_certificate_is_right_to_those_who_trust_its_authority(pki: Pki) -> None:
    """What is wrong with it is the authority alone."""
    command = ["openssl", "verify", "-x509_strict", "-CAfile", str(pki.foreign_ca_file)]
    subprocess.run([*command, str(pki.unknown_ca.certificate_file)], check=True, capture_output=True)


def test_the_combined_file_holds_certificate_and_key(pki: Pki) -> None:
    """As `certificate_file` of a credential wants it."""
    text = Path(pki.application.combined_file).read_text()
    assert [line for line in text.splitlines() if line.startswith("-----BEGIN")] == [
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN PRIVATE KEY-----",
    ]
