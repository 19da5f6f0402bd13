"""The web configuration while it changes."""

import logging
import os
from pathlib import Path

import pytest

from prober.serving.keeper import Keeper
from prober.settings.settings import ConfigurationError
from tests.net.certificates import Pki
from tests.serving.made import HASH, PASSWORD, basic, written


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


async def test_users_change_without_a_restart(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """At the next request; and a look at what has not changed reads nothing."""
    keeper = Keeper(written(tmp_path, f"basic_auth_users: {{alice: {HASH}}}"))
    assert keeper.current() is keeper.current()
    assert await keeper.current().users.admits(basic("alice", PASSWORD))
    with caplog.at_level(logging.INFO):
        written(tmp_path, f"basic_auth_users: {{bobby: {HASH}}}  # changed")
        assert not await keeper.current().users.admits(basic("alice", PASSWORD))
    assert await keeper.current().users.admits(basic("bobby", PASSWORD))
    assert "read again" in caplog.text


async def test_a_bad_file_keeps_the_old_and_says_so_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody is let in by a mistake, and nobody is kept out; when it is mended, it holds."""
    file = written(tmp_path, f"basic_auth_users: {{alice: {HASH}}}")
    keeper = Keeper(file)
    before = keeper.current()
    written(tmp_path, "basic_auth_users: {alice: oops-canary}")
    assert keeper.current() is keeper.current() is before
    assert caplog.text.count("stays as it was") == 1
    assert "basic_auth_users.alice: must be a bcrypt hash" in caplog.text
    assert "canary" not in caplog.text
    file.unlink()
    assert keeper.current() is before
    written(tmp_path, f"basic_auth_users: {{bobby: {HASH}}}")
    assert keeper.current() is not before


def test_a_bad_file_at_the_start_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        Keeper(written(tmp_path, "nonsense: 1"))


def test_a_renewed_certificate_is_read_and_half_of_one_is_not(
    tmp_path: Path, pki: Pki, caplog: pytest.LogCaptureFixture
) -> None:
    """The file that names it stays as it is; a link to another place is a change (Kubernetes secrets)."""
    (tmp_path / "first.pem").write_bytes(Path(pki.good.file).read_bytes())
    (tmp_path / "second.pem").write_bytes(Path(pki.other_name.file).read_bytes())
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).symlink_to("first.pem")
    keeper = Keeper(written(tmp_path, "tls_server_config: {cert_file: cert.pem, key_file: key.pem}"))
    first = keeper.context()

    def swap(name: str) -> None:
        (tmp_path / "new").symlink_to("second.pem")
        os.replace(tmp_path / "new", tmp_path / name)  # noqa: PTH105 - as it is done there

    swap("cert.pem")
    assert keeper.context() is first
    assert "no certificate that goes with the key" in caplog.text
    swap("key.pem")
    assert keeper.context() is not first


def test_tls_is_neither_turned_off_nor_on_at_run_time(
    tmp_path: Path, pki: Pki, caplog: pytest.LogCaptureFixture
) -> None:
    """Connections are one or the other from the start; passwords in the clear by a slip of the pen would be worse."""
    tls = f"tls_server_config: {{cert_file: {pki.good.file}, key_file: {pki.good.file}}}"
    keeper = Keeper(written(tmp_path, tls))
    assert keeper.secure
    written(tmp_path, f"basic_auth_users: {{alice: {HASH}}}")
    assert keeper.current().tls is not None
    assert "without a restart" in caplog.text
    plain = Keeper(tmp_path / "web.yml")
    written(tmp_path, tls)
    assert plain.current().tls is None
