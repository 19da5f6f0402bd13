"""What the prober holds in memory: a whole one with a thousand assignments, and each TLS session that waits.

Every figure is of a process of its own, which prints what is resident. The prober has judged, counted and been scraped,
but serves nobody and holds no connection. The sessions are IMAP over TLS to nginx, opened by the prober's own network
as push channels are; each has read its greeting, and then nobody says anything. What the kernel holds for a connection
comes on top and is the same for everybody.
"""

import asyncio
import gc
import json
import logging
import resource
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import psutil

from benchmarks.figures import Figure, show
from benchmarks.fleet import first_round, service_of, settings_of
from prober.exchange import Session
from prober.net.network import Network
from prober.net.route import Route, TlsPolicy
from prober.observe.exposition import OPENMETRICS, Format, slices
from prober.timeline import Timeline
from tests.servers.account import fresh_room, make
from tests.servers.packages import program
from tests.servers.pki import Pki
from tests.servers.ports import accepts, free_port
from tests.servers.process import Daemon

ROUNDS = 5
ASSIGNMENTS = 1_000
HELD = (2_000, 10_000)
SPARE = 500
"""Descriptors that are needed besides those of the sessions."""
AT_ONCE = 32
FLEET, EACH = 150.0, 45.0
NGINX = """
daemon off; worker_processes 1; pid {room}/nginx.pid; error_log {room}/error.log crit;
load_module /usr/lib/nginx/modules/ngx_mail_module.so;
events {{ worker_connections {connections}; }}
mail {{
  auth_http 127.0.0.1:9/; timeout 1h; imap_capabilities IMAP4rev1 IDLE;
  server {{
    listen 127.0.0.1:{port} ssl; protocol imap; ssl_protocols TLSv1.3;
    ssl_certificate {certificate}; ssl_certificate_key {key};
  }}
}}
"""


def main() -> bool:
    """Run the bench; return whether every goal is met."""
    most = max(HELD) + SPARE
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < most:
        print(f"memory: {most} descriptors are needed, {hard} may be had", file=sys.stderr)
        return False
    resource.setrlimit(resource.RLIMIT_NOFILE, (most if hard == resource.RLIM_INFINITY else hard, hard))
    with ExitStack() as stack:
        pki = Pki(stack.enter_context(fresh_room("pki")))
        port = _serve(stack, pki, make(stack.enter_context(fresh_room("bench")), "nginx"), most)
        rounds = [
            _child("fleet", str(ASSIGNMENTS)) | _child("held", str(port), str(pki.ca_file), *map(str, HELD))
            for _ in range(ROUNDS)
        ]
    return show("memory", figures(rounds))


def figures(rounds: list[dict[str, float]]) -> list[Figure]:
    """Return the medians: MiB of a whole prober, KiB of a session, each with its goal."""
    middle = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
    return [
        Figure(name, value, *(("KiB", EACH) if name.startswith("each") else ("MiB", FLEET)))
        for name, value in middle.items()
    ]


def _serve(stack: ExitStack, pki: Pki, room: Path, connections: int) -> int:
    port = free_port()
    files = {"certificate": pki.right.certificate_file, "key": pki.right.key_file}
    (room / "nginx.conf").write_text(NGINX.format(room=room / "nginx", port=port, connections=connections, **files))
    nginx = Daemon([program("nginx"), "-e", "stderr", "-c", str(room / "nginx.conf")], room / "nginx.log")
    stack.callback(nginx.stop)
    nginx.until(lambda: accepts(port), "listening")
    return port


def _child(*arguments: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.memory", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, timeout=600)
    found: dict[str, float] = json.loads(done.stdout)
    return found


# -- in a process of its own -----------------------------------------------------------------------------------------


async def fleet(count: int) -> dict[str, float]:
    """Return MiB of a prober all of whose assignments have succeeded and failed once, and that was scraped."""
    logging.getLogger("prober").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_of(Path(folder), count)
        service = service_of(settings)
        for assignment, made in first_round(settings):
            service.tell(assignment, made, service.assembly.judging.judge(assignment, made))
        for _ in slices(service.metrics.registry, Format(OPENMETRICS, compressed=True)):
            pass
    return {f"a prober with {count:,} assignments": _resident() / 2**20}


async def held(port: int, ca_file: str, counts: list[int]) -> dict[str, float]:
    """Return KiB of each of so many sessions that wait."""
    network = Network(Route(tls=TlsPolicy(ca_file=ca_file), family="ipv4"))
    sessions = [await _opened(network, port)]
    before, found = _resident(), dict[str, float]()
    for count in counts:
        while len(sessions) <= count:
            more = min(AT_ONCE, count + 1 - len(sessions))
            sessions += await asyncio.gather(*(_opened(network, port) for _ in range(more)))
        found[f"each of {count:,} TLS sessions that wait"] = (_resident() - before) / 1024 / count
    for session, _ in sessions:
        await session.close()
    await network.close()
    return found


async def _opened(network: Network, port: int) -> tuple[Session, object]:
    session = network.session(Timeline())
    wire = await session.dial(f"imaps://localhost:{port}")
    greeting = await wire.receive() or b""
    if not greeting.startswith(b"* OK"):
        raise SystemExit(f"memory: the server said {greeting!r}")
    return session, wire


def _resident() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


if __name__ == "__main__":
    kind, *more = sys.argv[1:]
    work = fleet(int(more[0])) if kind == "fleet" else held(int(more[0]), more[1], [int(one) for one in more[2:]])
    print(json.dumps(asyncio.run(work)))
