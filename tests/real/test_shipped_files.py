"""The files that compose mounts, in the programs they are for: a demo, Prometheus and Alertmanager started as it does.

Of an image only the program is another one: Debian's. Ports are free ones in the place of the usual ones.
"""

import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx
import pytest
import yaml

from prober.listen import DEFAULT_LISTEN
from tests.cli.test_demo import Demo
from tests.servers.account import fresh_room, give, make
from tests.servers.packages import program
from tests.servers.ports import HOST, free_port
from tests.servers.process import Daemon, retried, until

CONFIG = Path(__file__).parents[2] / "config"
PROGRAMS = {"prometheus": "prometheus", "alertmanager": "prometheus-alertmanager"}
USUAL = {"prometheus": "9090", "alertmanager": "9093", "prober": DEFAULT_LISTEN.removeprefix(":")}
ENOUGH = 90.0
"""Seconds that a scrape of every job may take: several of the intervals in the file."""

pytestmark = [pytest.mark.real, pytest.mark.long(45)]


class Started(NamedTuple):
    """What runs, and at which ports."""

    ports: Mapping[str, str]
    daemons: list[Daemon]

    def ask(self, name: str, path: str) -> Any:
        return httpx.get(f"http://{HOST}:{self.ports[name]}{path}", timeout=20, trust_env=False).json()


def services() -> Mapping[str, Any]:
    found: Mapping[str, Any] = yaml.safe_load((CONFIG / "compose.yaml").read_text())["services"]
    return found


def elsewhere(text: str, ports: Mapping[str, str]) -> str:
    """Return a file with the ports at which things are in the place of the usual ones."""
    for name, port in USUAL.items():
        text = re.sub(rf"\blocalhost:{port}\b", f"{HOST}:{ports[name]}", text)
    return text


def placed(room: Path, service: Mapping[str, Any], ports: Mapping[str, str]) -> list[str]:
    """Put what is mounted into `room`, with other ports; return the command with its places there."""
    places: dict[str, Path] = {}
    for number, volume in enumerate(service["volumes"]):
        source, target = volume.split(":")[:2]
        places[target] = place = room / str(number)
        if not source.startswith("."):
            make(place)
        elif (CONFIG / source).is_dir():
            shutil.copytree(CONFIG / source, place)
        else:
            shutil.copy(CONFIG / source, place)
    for file in room.rglob("*"):
        if file.is_file():
            file.write_text(elsewhere(file.read_text(), ports))
        give(file)
    mounted = re.compile(rf"(?<==)(?:{'|'.join(map(re.escape, places))})(?=/|$)")
    return [mounted.sub(lambda found: str(places[found[0]]), word) for word in service["command"]]


def start(room: Path, name: str, ports: Mapping[str, str]) -> Daemon:
    """Start a service as compose does, listening at its port."""
    command = [program(PROGRAMS[name]), *placed(make(room / name), services()[name], ports)]
    daemon = Daemon([*command, f"--web.listen-address={HOST}:{ports[name]}"], room / f"{name}.log")
    address = f"http://{HOST}:{ports[name]}/-/ready"

    def ready() -> bool:
        try:
            return httpx.get(address, timeout=5, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    daemon.until(ready, "ready", deadline=30)
    return daemon


@pytest.fixture(scope="module")
def started() -> Iterator[Started]:
    demo = Demo()
    with ExitStack() as stack:
        stack.callback(demo.process.communicate)
        stack.callback(demo.process.kill)
        room = stack.enter_context(fresh_room("compose"))

        def both() -> Started:
            prober = str(urlsplit(demo.url).port)
            ports = {"prober": prober, **{name: str(free_port()) for name in PROGRAMS}}
            daemons: list[Daemon] = []
            for name in PROGRAMS:
                shutil.rmtree(room / name, ignore_errors=True)
                daemons.append(start(room, name, ports))
            return Started(ports, daemons)

        made = retried(both)
        for daemon in made.daemons:
            stack.callback(daemon.stop)
        yield made


def test_every_job_of_the_file_is_scraped(started: Started) -> None:
    """The prober, and whoever watches it; each found where the files say it is."""

    def jobs() -> dict[str, str]:
        targets = started.ask("prometheus", "/api/v1/targets")["data"]["activeTargets"]
        return {one["labels"]["job"]: one["health"] for one in targets}

    expected = dict.fromkeys(("client-access-prober", "prometheus", "alertmanager"), "up")
    until(lambda: jobs() == expected, "every job is up", deadline=ENOUGH)
    query = "count(count by (client) (clientaccess_probe_info))"
    counted = started.ask("prometheus", f"/api/v1/query?query={query}")["data"]["result"]
    assert [one["value"][1] for one in counted] == ["9"]


def test_every_shipped_rule_is_evaluated_without_an_error(started: Started) -> None:
    shipped = {
        rule.get("alert", rule.get("record"))
        for file in (CONFIG / "prometheus/rules").glob("*.yml")
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
    }

    def rules() -> list[dict[str, Any]]:
        groups = started.ask("prometheus", "/api/v1/rules")["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    assert {rule["name"] for rule in rules()} == shipped
    until(lambda: {rule["health"] for rule in rules()} == {"ok"}, "every rule is evaluated", deadline=ENOUGH)


def test_prometheus_tells_the_alertmanager_that_routes_as_the_file_says(started: Started) -> None:
    active = started.ask("prometheus", "/api/v1/alertmanagers")["data"]["activeAlertmanagers"]
    assert [urlsplit(one["url"]).netloc for one in active] == [f"{HOST}:{started.ports['alertmanager']}"]
    running = yaml.safe_load(started.ask("alertmanager", "/api/v2/status")["config"]["original"])
    file = yaml.safe_load((CONFIG / "prometheus/alertmanager.yml").read_text())
    assert [one["name"] for one in running["receivers"]] == [one["name"] for one in file["receivers"]]
    assert len(running["inhibit_rules"]) == len(file["inhibit_rules"])
    assert len(running["route"]["routes"]) == len(file["route"]["routes"])
