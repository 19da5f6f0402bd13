"""CPU per probe, beside prometheus-blackbox-exporter and a client in C, on the same nginx and Dovecot in the same run.

The claim is the ratio within one round; milliseconds vary with the machine. Every program stays, as a prober does, for
five rounds, in which they take short turns, so that an hour or a second in which the machine is slow is slow for all of
them; the median over all rounds is shown. Every answer is checked: a round with a failed probe is an error, and no
figure.
"""

import asyncio
import ctypes
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from benchmarks.figures import Figure, show
from benchmarks.scrape import asking, body_of
from benchmarks.worker import CONCURRENCY, USUAL
from tests.servers.account import fresh_room, make
from tests.servers.dovecot import Dovecot, Options
from tests.servers.pki import Pki
from tests.servers.ports import accepts, free_port
from tests.servers.process import Daemon

GENERATIONS, ROUNDS = 3, 5
"""How often every program is started, and the rounds of each: where its memory happens to lie is a few percent."""
PROBES = 100
"""Of one turn: a tenth of a second or two."""
# The most it may cost, as a ratio to the exporter's probe of the same server. A whole attempt of imap4 has no goal: it
# asks for capabilities and exchanges ID besides, which the exporter does not.
GOALS = {
    "product https, stdlib": 0.95,
    "product https, uvloop": 0.85,
    "product imap, stdlib": 0.95,
    "product imap, uvloop": 0.85,
}
ABOVE_FLOOR = 0.25
"""Milliseconds above what a program in C needs, on uvloop."""
LOOPS = ("uvloop", "stdlib")
PROGRAMS = ("nginx", "dovecot", "prometheus-blackbox-exporter", "cc", "taskset")
HEADERS = Path("/usr/include/openssl/ssl.h")
PINNED = max(os.sched_getaffinity(0))
"""The core that every measured program has, so that they differ in nothing but what they do."""
Turn = Callable[[], float]
"""Makes `PROBES` probes; returns milliseconds of CPU per probe. A failed probe ends the bench."""
NGINX = """
daemon off; worker_processes 1; pid {room}/nginx.pid; error_log {room}/error.log crit;
load_module /usr/lib/nginx/modules/ngx_mail_module.so;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {room}/body; proxy_temp_path {room}/proxy; fastcgi_temp_path {room}/fastcgi;
  uwsgi_temp_path {room}/uwsgi; scgi_temp_path {room}/scgi;
  server {{
    listen 127.0.0.1:{https} ssl; server_name localhost; ssl_protocols TLSv1.3;
    ssl_certificate {certificate}; ssl_certificate_key {key};
    location /Microsoft-Server-ActiveSync {{ add_header WWW-Authenticate 'Basic realm="bench"' always; return 401; }}
    location / {{ default_type application/json; return 200 '{{"ok":true}}'; }}
  }}
}}
mail {{
  auth_http 127.0.0.1:{https}/; imap_capabilities IMAP4rev1 SASL-IR AUTH=PLAIN ID;
  server {{
    listen 127.0.0.1:{imap} ssl; protocol imap; ssl_protocols TLSv1.3;
    ssl_certificate {certificate}; ssl_certificate_key {key};
  }}
}}
"""
BLACKBOX = """
modules:
  https: {{prober: http, timeout: 10s, http: {{tls_config: {{ca_file: "{ca}"}}, preferred_ip_protocol: ip4}}}}
  options:
    prober: http
    timeout: 10s
    http: {{method: OPTIONS, valid_status_codes: [401], tls_config: {{ca_file: "{ca}"}}, preferred_ip_protocol: ip4}}
  imap:
    prober: tcp
    timeout: 10s
    tcp:
      tls: true
      tls_config: {{ca_file: "{ca}", server_name: localhost}}
      preferred_ip_protocol: ip4
      query_response: [{{expect: "^\\\\* OK"}}, {{send: ". LOGOUT"}}, {{expect: "^\\\\* BYE"}}]
"""


def installed(bench: str, programs: Sequence[str]) -> bool:
    """Return whether `programs` and what C needs for TLS are there; name what is not."""
    missing = [name for name in programs if shutil.which(name) is None]
    missing += [] if HEADERS.exists() else ["libssl-dev"]
    if missing:
        print(f"{bench}: {', '.join(missing)} not installed (make servers)", file=sys.stderr)
    return not missing


def main() -> bool:
    """Run the bench; return whether every goal is met."""
    if not installed("cpu", PROGRAMS):
        return False
    with ExitStack() as stack:
        pki = Pki(stack.enter_context(fresh_room("pki")))
        room = make(stack.enter_context(fresh_room("bench")), "nginx")
        others = sorted(os.sched_getaffinity(0) - {PINNED}) or [PINNED]
        os.sched_setaffinity(0, others)  # what answers, and what drives the exporter, share the other cores
        stack.callback(os.sched_setaffinity, 0, {*others, PINNED})
        https, _ = nginx_of(stack, pki, room)
        dovecot = stack.enter_context(Dovecot(stack.enter_context(fresh_room("dovecot")), Options(pki.right)))
        imap = f"imaps://localhost:{dovecot.imaps_port}"
        rounds = [one for _ in range(GENERATIONS) for one in _generation(room, pki, https, imap)]
        return show("cpu", figures(rounds))


def nginx_of(stack: ExitStack, pki: Pki, room: Path) -> tuple[str, str]:
    """Start the server that is probed; return its two URLs."""
    ports = {"https": free_port(), "imap": free_port()}
    right = pki.right
    text = NGINX.format(room=room / "nginx", certificate=right.certificate_file, key=right.key_file, **ports)
    (room / "nginx.conf").write_text(text)
    nginx = Daemon(["nginx", "-e", "stderr", "-c", str(room / "nginx.conf")], room / "nginx.log")
    stack.callback(nginx.stop)
    nginx.until(lambda: all(accepts(port) for port in ports.values()), "listening")
    return f"https://localhost:{ports['https']}/", f"imaps://localhost:{ports['imap']}"


def _exporter(stack: ExitStack, pki: Pki, room: Path) -> tuple[Daemon, int]:
    (room / "blackbox.yml").write_text(BLACKBOX.format(ca=pki.ca_file))
    port = free_port()
    pinned = ["taskset", "-c", str(PINNED), "prometheus-blackbox-exporter"]  # from the start: Go counts cores only then
    options = [f"--config.file={room / 'blackbox.yml'}", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
    exporter = Daemon([*pinned, *options], room / "blackbox.log")
    stack.callback(exporter.stop)
    exporter.until(lambda: accepts(port), "listening")
    return exporter, port


def _generation(room: Path, pki: Pki, https: str, imap: str) -> list[dict[str, float]]:
    """Start every program anew, and let them take their turns; return milliseconds per probe by variant and round."""
    with ExitStack() as stack:
        turns = _turns(stack, room, pki, https, imap)
        return [{name: turn() for name, turn in turns.items()} for _ in range(ROUNDS)]


def _turns(stack: ExitStack, room: Path, pki: Pki, https: str, imap: str) -> dict[str, Turn]:
    """Start every program; return its turns by variant, those that are compared close to each other."""
    exporter, program = _exporter(stack, pki, room), str(_compiled(room))

    def floor(kind: str, url: str) -> Turn:
        at_once = str(CONCURRENCY.get(kind, USUAL))
        command = [program, kind, str(urllib.parse.urlsplit(url).port), str(pki.ca_file), at_once]
        return Program(stack, f"floor in C, {kind}", command).turn

    def ours(title: str, kind: str) -> dict[str, Turn]:
        command = [sys.executable, "-m", "benchmarks.worker", kind, https, imap, str(pki.ca_file)]
        return {f"{title}, {loop}": Program(stack, f"{title}, {loop}", [*command, loop]).turn for loop in LOOPS}

    return {
        "floor in C, https": floor("https", https),
        **ours("transport https", "transport"),
        "blackbox http": partial(_blackbox, exporter, "options", f"{https}Microsoft-Server-ActiveSync"),
        **ours("product https", "https"),
        "floor in C, imap": floor("imap", imap),
        **ours("transport imap", "wire"),
        "blackbox imap": partial(_blackbox, exporter, "imap", urllib.parse.urlsplit(imap).netloc),
        **ours("product imap", "imap"),
        **ours("attempt imap4", "imap4"),
    }


def figures(rounds: Sequence[Mapping[str, float]]) -> list[Figure]:
    """Return what each variant costs, its ratio to the exporter within the round, and what ours add to the floor."""
    found = [Figure(name, statistics.median(one[name] for one in rounds), "ms CPU") for name in rounds[0]]
    for name in rounds[0]:
        if name.startswith(("product", "transport", "attempt")):
            peer = "blackbox imap" if "imap" in name else "blackbox http"
            ratio = statistics.median(one[name] / one[peer] for one in rounds)
            found.append(Figure(f"{name} / {peer}", ratio, "ratio", GOALS.get(name)))
    for loop, goal in zip(LOOPS, (ABOVE_FLOOR, None), strict=True):
        for kind, most in (("https", goal), ("imap", None)):
            above = statistics.median(one[f"product {kind}, {loop}"] - one[f"floor in C, {kind}"] for one in rounds)
            found.append(Figure(f"product {kind}, {loop}, above the floor", above, "ms CPU", most))
    return found


def _compiled(room: Path) -> Path:
    """Return the client in C, made for this machine's OpenSSL."""
    program = room / "floor"
    source = Path(__file__).with_name("floor.c")
    subprocess.run(
        ["cc", "-O2", "-Wall", "-Werror", "-o", program, source, "-lssl", "-lcrypto"], check=True, timeout=60
    )
    return program


class Program:
    """A program that stays, on the core of all: told a number, it makes so many probes and tells what they cost."""

    def __init__(self, stack: ExitStack, name: str, command: Sequence[str]) -> None:
        """Start it; it ends with `stack`."""
        self._name = name
        pinned = partial(os.sched_setaffinity, 0, [PINNED])
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=pinned)
        stack.callback(process.wait, timeout=60)
        assert process.stdin is not None
        assert process.stdout is not None
        stack.callback(process.stdout.close)
        stack.callback(process.stdin.close)  # which is what it ends by
        self._orders, self._results = process.stdin, process.stdout
        self.turn()  # the first says that it is ready, and counts for nothing

    def turn(self) -> float:
        """Have it make `PROBES` probes."""
        self._orders.write(f"{PROBES}\n")
        self._orders.flush()
        said = self._results.readline()
        if not said:
            raise SystemExit(f"cpu: {self._name}: the program has ended")
        result = json.loads(said)
        if result["good"] < PROBES:
            raise SystemExit(f"cpu: {self._name}: only {result['good']} of {PROBES} probes succeeded")
        return 1000 * float(result["cpu"]) / PROBES


def used(process: int) -> float:
    """Return the seconds of CPU that another process has used; `/proc` counts them in hundredths only."""
    clock = ctypes.c_int()
    if ctypes.CDLL(None).clock_getcpuclockid(process, ctypes.byref(clock)):  # POSIX: a number, no errno
        raise SystemExit(f"cpu: process {process} is gone")
    return time.clock_gettime(clock.value)


def _blackbox(exporter: tuple[Daemon, int], module: str, target: str) -> float:
    """Return milliseconds of the exporter's CPU per probe."""
    daemon, port = exporter
    query = urllib.parse.urlencode({"module": module, "target": target})
    at_once = CONCURRENCY.get(module, USUAL)
    before = used(daemon.pid)
    good = asyncio.run(_drive(port, query, PROBES, at_once))
    after = used(daemon.pid)
    if good < PROBES:
        raise SystemExit(f"cpu: blackbox {module}: only {good} of {PROBES} probes succeeded")
    return 1000 * (after - before) / PROBES


async def _drive(port: int, query: str, count: int, at_once: int) -> int:
    """Ask the exporter for `count` probes as Prometheus would, `at_once` side by side; return how many succeeded."""
    left, good = count, 0
    request = asking(f"/probe?{query}")

    async def one_after_the_other() -> None:
        nonlocal left, good
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while left > 0:
            left -= 1
            writer.write(request)
            body = await body_of(reader)  # on a line of its own: `good +=` would read `good` before it waits
            good += b"\nprobe_success 1" in body
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(one_after_the_other() for _ in range(min(at_once, count))))
    return good
