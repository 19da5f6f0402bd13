"""Whether PEM files hold what is asked of them, tried with the libraries that will use them.

Every function returns what is wrong, to be read after the file's name, or the empty text. Files are readable.
"""

import ssl
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

NO_CERTIFICATE = "holds no certificate in PEM form"
NO_KEY = "holds no private key in PEM form"
LOCKED = "holds a private key under a passphrase, which nobody is there to type"
STRANGERS = "holds a certificate and a private key that do not belong together"


class _LockedError(Exception):
    """OpenSSL asked for a passphrase."""


def authorities(file: str) -> str:
    """Say what is wrong with a file of authorities (`TlsPolicy.ca_file`)."""
    if not _mentions(file, "CERTIFICATE"):
        return NO_CERTIFICATE
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=file)
    except ssl.SSLError as exc:
        return f"holds a certificate that cannot be read ({_why(exc)})"
    return ""


def pair(certificate: str, key: str) -> str:
    """Say what is wrong with a client certificate and its key, which may be the same file."""
    if not _mentions(certificate, "CERTIFICATE"):
        return NO_CERTIFICATE
    if not _mentions(key, "PRIVATE KEY"):
        return NO_KEY if key == certificate else ""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password=_passphrase)
    except _LockedError:
        return LOCKED if key == certificate else ""
    except ssl.SSLError as exc:
        if exc.reason == "KEY_VALUES_MISMATCH":
            return STRANGERS if key == certificate else "does not belong to the private key in key_file"
        return f"cannot be used as client certificate ({_why(exc)})"
    return ""


def key(file: str) -> str:
    """Say what is wrong with a file that holds a private key alone."""
    if not _mentions(file, "PRIVATE KEY"):
        return NO_KEY
    try:
        load_pem_private_key(Path(file).read_bytes(), password=None)
    except TypeError:
        return LOCKED
    except (ValueError, UnsupportedAlgorithm):
        return "holds a private key that cannot be read"
    return ""


def application(file: str) -> str:
    """Say what is wrong with the certificate by which an application proves itself (PS256, so an RSA key)."""
    if not _mentions(file, "CERTIFICATE"):
        return NO_CERTIFICATE
    if not _mentions(file, "PRIVATE KEY"):
        return NO_KEY
    data = Path(file).read_bytes()
    try:
        public = x509.load_pem_x509_certificate(data).public_key()
        private = load_pem_private_key(data, password=None)
    except TypeError:
        return LOCKED
    except (ValueError, UnsupportedAlgorithm):
        return "holds a certificate or private key that cannot be read"
    if not isinstance(private, RSAPrivateKey):
        return "holds a private key that is not of type RSA, which token services ask for"
    return "" if public == private.public_key() else STRANGERS


def _mentions(file: str, what: str) -> bool:
    """Whether a block of `what` begins somewhere: `RSA PRIVATE KEY`, `TRUSTED CERTIFICATE` and the like included."""
    lines = Path(file).read_bytes().splitlines()
    return any(line.startswith(b"-----BEGIN ") and line.rstrip().endswith(f"{what}-----".encode()) for line in lines)


def _passphrase() -> str:
    raise _LockedError


def _why(exc: ssl.SSLError) -> str:
    return (exc.reason or "not in PEM form").replace("_", " ").lower()
