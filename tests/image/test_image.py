"""The image as a container tool builds it without a network, run unprivileged on a read-only root."""

import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from prober import __version__
from tests.servers.dovecot import ALICE, PASSWORDS, Dovecot
from tests.servers.pki import Pki
from tests.servers.ports import free_port

ROOT = Path(__file__).parents[2]
MATERIAL = ROOT / "build" / "image"
BASE, IMAGE = "localhost/prober-test-base", "localhost/prober-test"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CONTAINERS = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
netns = "host"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
"""
CONFIGURATION = """
credentials:
  alice: {{type: basic, username: {user}, password_file: /etc/prober/password}}
targets:
  - name: hq
    environment: exchange_server
    endpoints: {{imap4: "imaps://localhost:{port}"}}
    tls: {{ca_file: /etc/prober/ca.pem}}
    mailbox: {user}
    clients: [{{client: imap4, credential: alice, interval: 1s, options: {{idle_seconds: 0.01}}}}]
"""
UP = b'clientaccess_up{client="imap4",target="hq"} 1.0'
CREATED = "2026-01-02T03:04:05Z"
LARGEST = 150 * 10**6
PREFIX = "org.opencontainers.image."
LABELS = {
    *("title", "description", "documentation", "licenses", "vendor", "base.name"),
    *("version", "revision", "created"),
}

pytestmark = [pytest.mark.real, pytest.mark.long(60)]


def call(*command: str, environment: dict[str, str] | None = None) -> str:
    """Run a command; return what it printed."""
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout.strip()


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Build from a Debian root file system and the locked wheels, which `make servers` has laid down."""
    assert (MATERIAL / "base.tar").exists(), "run `make servers` first"
    settings = tmp_path_factory.mktemp("pip") / "pip.conf"
    settings.write_text("[global]\nno-index = true\nfind-links = /wheels\n")
    base = call("buildah", "from", "scratch")
    call("buildah", "add", "-q", base, str(MATERIAL / "base.tar"), "/")
    call(
        "buildah", "run", "--isolation", "chroot", base, "--", "ln", "-sf", "/usr/bin/python3", "/usr/local/bin/python"
    )
    call("buildah", "config", "--env", f"PATH={PATH}", base)
    call("buildah", "commit", "-q", base, BASE)
    call("buildah", "rm", base)
    mounts = ("--volume", f"{MATERIAL / 'wheels'}:/wheels:ro", "--volume", f"{settings}:/etc/pip.conf:ro")
    way = ("--isolation", "chroot", "--pull-never", "--network", "host")
    known = {"BASE": BASE, "REVISION": "abc123", "VERSION": __version__, "CREATED": CREATED}
    arguments = [part for name, value in known.items() for part in ("--build-arg", f"{name}={value}")]
    call("buildah", "bud", "--format", "docker", *way, *arguments, *mounts, "-t", IMAGE, "-f", "Dockerfile", ".")
    yield IMAGE
    call("buildah", "rmi", "--force", IMAGE, BASE)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What lets containers run where limits cannot be raised."""
    settings = tmp_path / "containers.conf"
    settings.write_text(CONTAINERS)
    return {"DISABLE_HC_SYSTEMD": "true", "CONTAINERS_CONF": str(settings), "PATH": PATH, "HOME": str(tmp_path)}


HARDENED = ("--read-only", "--cap-drop", "all", "--security-opt", "no-new-privileges", "--network", "host")


def test_it_is_unprivileged_and_says_what_it_is(image: str, environment: dict[str, str]) -> None:
    version = call("podman", "run", "--rm", *HARDENED, image, "--version", environment=environment)
    assert re.fullmatch(r"prober \S+ \(revision abc123, Python 3\.\d+\.\d+\)", version)
    uid = call("podman", "run", "--rm", *HARDENED, "--entrypoint", "id", image, "-u", environment=environment)
    assert uid == "65532"


def test_it_is_small_and_labelled(image: str) -> None:
    found = json.loads(call("buildah", "inspect", "--type", "image", image))
    labels = {name.removeprefix(PREFIX): value for name, value in found["OCIv1"]["config"]["Labels"].items()}
    assert {name for name in labels if not name.startswith("io.")} == LABELS
    assert (labels["licenses"], labels["version"], labels["revision"]) == ("Apache-2.0", __version__, "abc123")
    assert (labels["created"], labels["base.name"]) == (CREATED, BASE)
    assert found["OCIv1"]["config"]["User"] == "65532:65532"
    assert found["Docker"]["config"]["Healthcheck"]["Test"] == ["CMD", "prober", "health"]
    sizes = {name: _size(name) for name in (IMAGE, BASE)}
    over = sizes[IMAGE] - sizes[BASE]
    print(f"image: {over / 10**6:.0f} MB over a base of {sizes[BASE] / 10**6:.0f} MB")  # noqa: T201 - the figure is wanted
    assert over < LARGEST


def _size(name: str) -> int:
    listed = json.loads(call("buildah", "images", "--json", name))
    number, unit = listed[0]["size"].split()
    return int(float(number) * {"KB": 10**3, "MB": 10**6, "GB": 10**9}[unit.upper()])


def test_it_probes_dovecot_and_is_healthy_on_a_read_only_root(
    image: str, environment: dict[str, str], tmp_path: Path, dovecot: Dovecot, pki: Pki
) -> None:
    """Listening elsewhere, as its health check is told; a signal stops it with code 0."""
    folder = tmp_path / "configuration"
    folder.mkdir(mode=0o755)
    (folder / "prober.yml").write_text(CONFIGURATION.format(user=ALICE, port=dovecot.imaps_port))
    (folder / "password").write_text(PASSWORDS[ALICE])
    (folder / "ca.pem").write_bytes(pki.ca_file.read_bytes())
    for path in (folder, *tmp_path.parents[:3], tmp_path):
        path.chmod(0o755)
    port, name = free_port(), f"prober-test-{os.getpid()}"
    command = ["podman", "run", "--rm", "--name", name, *HARDENED, "--volume", f"{folder}:/etc/prober:ro"]
    command += ["--env", f"PROBER_HEALTH_URL=http://127.0.0.1:{port}/-/healthy", image, "run"]
    command += ["--config.file=/etc/prober", "--storage.path=/var/lib/prober", f"--web.listen-address=127.0.0.1:{port}"]
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        assert _fetched(port, process, "/-/healthy", b"healthy") == b"healthy\n"
        _fetched(port, process, "/metrics", UP)
        call("podman", "healthcheck", "run", name, environment=environment)
        process.terminate()
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output.decode()
        assert b"Traceback" not in output
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def _fetched(port: int, process: subprocess.Popen[bytes], path: str, wanted: bytes) -> bytes:
    """Return the page once it holds what is wanted: the container has to start, and an attempt to end."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                body: bytes = answer.read()
        except (urllib.error.URLError, ConnectionError):
            assert process.poll() is None, process.communicate()[0].decode()
            body = b""
        if wanted in body:
            return body
        time.sleep(0.1)
    raise AssertionError(f"{path}: not {wanted!r} in time")
