"""The web configuration: what it says, and one line for each mistake."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prober.serving.toolkit import load
from prober.settings.settings import ConfigurationError
from tests.net.certificates import Pki
from tests.serving.made import HASH, configured, written


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


def told(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        configured(folder, text)
    return [str(one).removeprefix(f"{folder}/") for one in caught.value.problems]


def test_the_example_of_the_toolkit_is_understood(tmp_path: Path, pki: Pki) -> None:
    """Every key of its documentation that means something here."""
    made = configured(
        tmp_path,
        f"""\
tls_server_config:
  cert_file: {pki.good.file}
  key_file: {pki.good.file}
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: {pki.ours.file}
  client_allowed_sans: [mail.test]
  min_version: TLS12
  max_version: TLS13
  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]
  prefer_server_cipher_suites: true
  curve_preferences: [CurveP256]
http_server_config:
  http2: true
  headers:
    Strict-Transport-Security: max-age=31536000
    X-Frame-Options: deny
    X-XSS-Protection: ""
basic_auth_users:
  alice: {HASH}
""",
    )
    assert made.tls is not None
    assert made.context is not None
    assert made.tls.client_names == ("mail.test",)
    assert made.headers == {"Strict-Transport-Security": "max-age=31536000", "X-Frame-Options": "deny"}
    assert bool(made.users)
    assert made.files == (pki.good.file, pki.good.file, pki.ours.file)


def test_files_are_looked_for_beside_the_one_that_names_them(tmp_path: Path, pki: Pki) -> None:
    """As everywhere in the configuration."""
    (tmp_path / "own.pem").write_bytes(Path(pki.good.file).read_bytes())
    made = configured(tmp_path, "tls_server_config: {cert_file: own.pem, key_file: own.pem}\n")
    assert made.files == (str(tmp_path / "own.pem"),) * 2


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "web.yml:1:1: is empty"),
        ("tls: {}", "web.yml:1:1: tls: is not a known key; known here: tls_server_config, "),
        ("basic_auth_user: {}", "web.yml:1:1: basic_auth_user: is not a known key; did you mean 'basic_auth_users'?"),
        ("tls_server_config: {cert_file: a}", "web.yml:1:1: tls_server_config: needs key_file"),
        (
            "tls_server_config: {cert_file: a, key_file: b}",
            "web.yml:1:21: tls_server_config.cert_file: names a file that does not exist",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: a, min_version: TLS14}",
            "web.yml:1:48: tls_server_config.min_version: 'TLS14' is no version of TLS; did you mean ",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: a, min_version: TLS13, max_version: TLS12}",
            "web.yml:1:68: tls_server_config.max_version: must not be older than min_version",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: a, client_auth_type: RequireAnyClientCert}",
            "web.yml:1:48: tls_server_config.client_auth_type: asks for certificates that nobody verifies",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: a, client_auth_type: RequireAndVerifyClientCert}",
            "web.yml:1:48: tls_server_config.client_auth_type: needs client_ca_file",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: a, client_ca_file: c}",
            "web.yml:1:48: tls_server_config.client_ca_file: needs a client_auth_type that verifies",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: a, client_allowed_sans: [c]}",
            "web.yml:1:48: tls_server_config.client_allowed_sans: needs client_auth_type",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: a, cipher_suites: [RC4]}",
            "web.yml:1:64: tls_server_config.cipher_suites[0]: 'RC4' is no cipher suite here",
        ),
        (
            "tls_server_config: {cert_file: a, key_file: a, curve_preferences: [CurveP256, X25519]}",
            "web.yml:1:79: tls_server_config.curve_preferences[1]: is one too many",
        ),
        ("http_server_config: {headers: {Server: x}}", "web.yml:1:32: http_server_config.headers.Server: 'Server' is "),
        (
            'http_server_config: {headers: {X-Frame-Options: "a\\r\\nb: c"}}',
            "web.yml:1:32: http_server_config.headers.X-Frame-Options: must be one line",
        ),
        ("basic_auth_users: {alice: hunter2-canary}", "web.yml:1:20: basic_auth_users.alice: must be a bcrypt hash"),
        ("basic_auth_users: {'a:b': x}", "web.yml:1:1: basic_auth_users: has a user whose name"),
        ("basic_auth_users: [alice]", "web.yml:1:1: basic_auth_users: must be a mapping"),
        ("basic_auth_users: {alice: $2y$31$" + "a" * 53 + "}", "web.yml:1:20: basic_auth_users.alice: must be a bcry"),
    ],
)
def test_each_mistake_is_one_line_with_its_place(tmp_path: Path, text: str, line: str) -> None:
    """And never what stands there: it may be the password itself."""
    found = told(tmp_path, text)
    assert any(one.startswith(line) for one in found), found
    assert all("\n" not in one and "canary" not in one for one in found)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path / "none.yml")
    assert str(caught.value) == f"{tmp_path / 'none.yml'}:1:1: cannot be read: No such file or directory"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.binary(max_size=200) | st.text(alphabet="tls_servr_cofig:{}[]'\"\n -&*!|>%@`", max_size=60).map(str.encode))
def test_whatever_stands_there_only_mistakes_come_out(tmp_path: Path, data: bytes) -> None:
    """Bytes from anywhere."""
    file = written(tmp_path, "")
    file.write_bytes(data)
    with contextlib.suppress(ConfigurationError):
        assert not load(file).users
