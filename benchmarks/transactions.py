"""CPU of whole mailbox transactions, and how much of it is neither TLS nor the kernel nor parsing.

Each is the product's: an attempt as the schedule starts one, with every sink, on uvloop and one core; servers have the
other. Kernel is system time; what TLS and parsing take is measured in the same process directly after, by
`benchmarks/attribution.py`. Whatever is left is the prober's own. The claim is that share; the median over the rounds
is shown. A round with a failed transaction is an error, not a figure.

The kernel tells whose time it was by looking at every tick (4 ms here), and a round has a dozen ticks of its own: what
a round's share says of it is chance. So the share of the kernel is that of all rounds together, in each of them.
"""

import json
import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from benchmarks.figures import Figure, show
from tests.servers.account import fresh_room
from tests.servers.dovecot import PASSWORDS, Dovecot, Options
from tests.servers.packages import missing
from tests.servers.pki import Pki
from tests.servers.sogo import Sogo

ROUNDS = 5
WANTED, FEW = 120, 9
"""Transactions of one round, and those with a server that takes a quarter of a second for each."""
MAILBOXES = 12
GOAL = 0.25
"""The most that may be neither TLS nor the kernel nor parsing."""
PACKAGES = frozenset(
    {"dovecot-core", "dovecot-imapd", "dovecot-lmtpd", "memcached", "nginx-light", "postgresql", "sogo"}
    | {"sogo-activesync"}
)
CORES = sorted(os.sched_getaffinity(0))
PINNED = CORES[-1]
"""The core of what is measured; servers have the others, where there are any."""
PARTS = ("TLS", "kernel", "parsing")
ENTRIES: Mapping[str, Mapping[str, Any]] = {
    "imap4": {"client": "imap4", "options": {"idle_seconds": 0.01}},
    "activesync": {"client": "activesync"},
}
"""Every step that is not opt-in; IDLE is held for a moment only, since waiting costs nothing."""
LAYOUT = "domain: corp.example\nsites: [{name: hq, region: eu, code: HQX, environment: exchange_server}]\nmailboxes:\n"
SUBJECTS = tuple(f"message {number}" for number in range(5))


@dataclass(frozen=True, slots=True)
class Case:
    """What is measured: a client, by a configuration that has it for several mailboxes, so many times."""

    configuration: Path
    client: str
    wanted: int = WANTED


def main() -> bool:
    """Run the bench; return whether every goal is met."""
    absent = sorted(PACKAGES & set(missing()))
    if absent:
        print(f"transactions: {', '.join(absent)} not installed (make servers)", file=sys.stderr)
        return False
    with ExitStack() as stack:
        os.sched_setaffinity(0, CORES[:-1] or CORES)  # for the servers, which inherit it
        stack.callback(os.sched_setaffinity, 0, CORES)
        cases = _cases(stack)
        rounds = [{name: _spent(name, case) for name, case in cases.items()} for _ in range(ROUNDS)]
        return show("transactions", figures(rounds))


def figures(rounds: Sequence[Mapping[str, Mapping[str, float]]]) -> list[Figure]:
    """Return what each case costs, by parts, and its share that belongs to none of them: each the median."""
    found = []
    for name in rounds[0]:
        spent = _kernel_evened([one[name] for one in rounds])
        found.append(Figure(name, statistics.median(one["cpu"] for one in spent), "ms CPU"))
        found += [Figure(f"  {part}", statistics.median(one[part] for one in spent), "ms CPU") for part in PARTS]
        found.append(Figure("  outside of these", statistics.median(map(_outside, spent)), "ms CPU"))
        share = statistics.median(_outside(one) / one["cpu"] for one in spent)
        found.append(Figure(f"{name}, share outside", share, "ratio", GOAL))
    return found


def _kernel_evened(spent: Sequence[Mapping[str, float]]) -> list[Mapping[str, float]]:
    """Return the rounds with the share of the kernel that they have together."""
    share = sum(one["kernel"] for one in spent) / sum(one["cpu"] for one in spent)
    return [{**one, "kernel": share * one["cpu"]} for one in spent]


def _outside(spent: Mapping[str, float]) -> float:
    return spent["cpu"] - sum(spent[part] for part in PARTS)


def _spent(name: str, case: Case) -> dict[str, float]:
    """Return milliseconds of one transaction: all, and those of each part. A failed one ends the bench."""
    pinned = partial(os.sched_setaffinity, 0, [PINNED])
    command = [sys.executable, "-m", "benchmarks.mailbox", str(case.configuration), case.client, str(case.wanted)]
    done = subprocess.run(command, check=True, capture_output=True, timeout=300, preexec_fn=pinned)
    result = json.loads(done.stdout)
    if result["good"] < 2 * case.wanted:
        raise SystemExit(f"transactions: {name}: only {result['good']} of {2 * case.wanted} succeeded")
    return {part: 1000 * float(result[part]) / case.wanted for part in ("cpu", *PARTS)}


def _cases(stack: ExitStack) -> dict[str, Case]:
    """Start the servers; return what is measured with them."""
    room = stack.enter_context(fresh_room("bench"))
    pki = Pki(stack.enter_context(fresh_room("pki")))
    tenant = stack.enter_context(_tenant(room))
    users = {f"user{number}@example.test": "secret" for number in range(MAILBOXES)}
    dovecot = stack.enter_context(Dovecot(room / "dovecot", Options(pki.right, users=users)))
    sogo = stack.enter_context(Sogo(room / "sogo", pki.right))
    for server, everybody in ((dovecot, users), (sogo, PASSWORDS)):
        for user in everybody:
            for subject in SUBJECTS:
                server.deliver(user, subject)
    imaps = f"imaps://localhost:{dovecot.imaps_port}"
    with_sogo = _configured(room / "sogo.yml", "activesync", sogo.url, PASSWORDS, pki)
    with_dovecot = _configured(room / "dovecot.yml", "imap4", imaps, users, pki)
    return {
        "activesync, simulated tenant": Case(tenant, "activesync"),
        "activesync, SOGo": Case(with_sogo, "activesync", FEW),
        "imap4, simulated tenant": Case(tenant, "imap4"),
        "imap4, Dovecot": Case(with_dovecot, "imap4"),
    }


def _configured(file: Path, client: str, url: str, users: Mapping[str, str], pki: Pki) -> Path:
    """Write a configuration with one client for each of `users` at one server."""
    credentials, targets = {}, []
    for number, (user, password) in enumerate(users.items()):
        secret = file.with_suffix(f".{number}")
        secret.write_text(password)
        credentials[f"user-{number}"] = {"type": "basic", "username": user, "password_file": secret.name}
        targets.append(
            {
                "name": f"mailbox-{number}",
                "environment": "exchange_server",
                "mailbox": user,
                "endpoints": {client: url},
                "clients": [{**ENTRIES[client], "credential": f"user-{number}"}],
            }
        )
    tls = {"ca_file": str(pki.ca_file)}
    way = {"tls": tls, "network": {"family": "ipv4"}}
    return _written(file, {"global": way, "credentials": credentials, "targets": targets})


def _written(file: Path, configuration: dict[str, Any]) -> Path:
    """Write it with nothing that holds attempts back or adds some: one follows the other."""
    unhurried = {"pacing": {"rate": 1000, "ceiling": 1000}, "detector": {"second_looks": False}}
    file.write_text(yaml.safe_dump(configuration | unhurried))
    return file


@contextmanager
def _tenant(room: Path) -> Iterator[Path]:
    """Have the simulated tenant running; give the configuration that it wrote, for the two clients."""
    places = "".join(f"  - {{address: probe{number}@corp.example, site: hq}}\n" for number in range(MAILBOXES))
    (room / "tenant.yml").write_text(LAYOUT + places)
    state = room / "state.json"
    arguments = [f"--config.file={room / 'tenant.yml'}", f"--state-file={state}"]
    command = [sys.executable, "-m", "prober", "simulate", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        while "Stop with" not in process.stdout.readline():
            if process.poll() is not None:
                raise SystemExit("transactions: the simulated tenant did not start")
        written = Path(json.loads(state.read_text())["configuration_file"])
        yield _written(written.with_name("transactions.yml"), _only(yaml.safe_load(written.read_text()), ENTRIES))
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def _only(configuration: dict[str, Any], clients: Collection[str]) -> dict[str, Any]:
    """Return `configuration` with these clients only, each with its usual steps."""
    for target in configuration["targets"]:
        kept = [one for one in target["clients"] if one["client"] in clients]
        target["clients"] = [{**one, **ENTRIES[one["client"]]} for one in kept]
        for one in target["clients"]:
            one.pop("steps", None)
    return configuration
