"""The image as a container tool builds it without a network, run unprivileged on a read-only root."""

import json
import re
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

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
CONFIGURATION = (
    "targets: [{name: hq, environment: exchange_server, host: nowhere.invalid, clients: [{client: imap4}]}]\n"
)
LARGEST = 150 * 10**6

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
    arguments = ("--build-arg", f"BASE={BASE}", "--build-arg", "REVISION=abc123")
    call("buildah", "bud", *way, *arguments, *mounts, "-t", IMAGE, "-f", "Dockerfile", ".")
    yield IMAGE
    call("buildah", "rmi", "--force", IMAGE, BASE)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What lets containers run where limits cannot be raised."""
    settings = tmp_path / "containers.conf"
    settings.write_text(CONTAINERS)
    return {"CONTAINERS_CONF": str(settings), "PATH": PATH, "HOME": str(tmp_path)}


HARDENED = ("--read-only", "--cap-drop", "all", "--security-opt", "no-new-privileges", "--network", "host")


def test_it_is_unprivileged_and_says_what_it_is(image: str, environment: dict[str, str]) -> None:
    version = call("podman", "run", "--rm", *HARDENED, image, "--version", environment=environment)
    assert re.fullmatch(r"prober \S+ \(revision abc123, Python 3\.\d+\.\d+\)", version)
    uid = call("podman", "run", "--rm", *HARDENED, "--entrypoint", "id", image, "-u", environment=environment)
    assert uid == "65532"


def test_it_is_small_and_labelled(image: str) -> None:
    found = json.loads(call("buildah", "inspect", "--type", "image", image))
    labels = found["OCIv1"]["config"]["Labels"]
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert found["OCIv1"]["config"]["User"] == "65532:65532"
    sizes = {name: _size(name) for name in (IMAGE, BASE)}
    assert sizes[IMAGE] - sizes[BASE] < LARGEST


def _size(name: str) -> int:
    listed = json.loads(call("buildah", "images", "--json", name))
    number, unit = listed[0]["size"].split()
    return int(float(number) * {"KB": 10**3, "MB": 10**6, "GB": 10**9}[unit.upper()])


def test_it_probes_and_is_healthy_on_a_read_only_root(image: str, environment: dict[str, str], tmp_path: Path) -> None:
    """State goes to the volume; a signal stops it with code 0."""
    folder = tmp_path / "configuration"
    folder.mkdir(mode=0o755)
    (folder / "prober.yml").write_text(CONFIGURATION)
    for path in (folder, *tmp_path.parents[:3], tmp_path):
        path.chmod(0o755)
    port = free_port()
    command = ["podman", "run", "--rm", *HARDENED, "--volume", f"{folder}:/etc/prober:ro", image, "run"]
    command += ["--config.file=/etc/prober", "--storage.path=/var/lib/prober", f"--web.listen-address=127.0.0.1:{port}"]
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        assert _healthy(port, process) == b"healthy\n"
        process.terminate()
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output.decode()
        assert b"Traceback" not in output
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def _healthy(port: int, process: subprocess.Popen[bytes]) -> bytes:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/healthy", timeout=5) as answer:
                body: bytes = answer.read()
        except (urllib.error.URLError, ConnectionError):
            assert process.poll() is None, process.communicate()[0].decode()
            time.sleep(0.1)  # the container has to start
        else:
            return body
    raise AssertionError("not healthy in time")
