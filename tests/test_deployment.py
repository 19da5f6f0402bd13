"""The examples for Prometheus, Alertmanager, Grafana, compose and systemd work as they lie there, by their checkers."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from dashboards.generate import BOARDS
from prober.listen import DEFAULT_LISTEN
from tests.servers.alertmanager import amtool
from tests.servers.packages import program
from tests.servers.process import BASE_ENVIRONMENT
from tests.servers.prometheus import promtool
from tests.test_rules import PROMETHEUS, RULES

ROOT = Path(__file__).parents[1]
CONFIG = ROOT / "config"
GRAFANA = CONFIG / "grafana/provisioning"
UNIT = CONFIG / "systemd/client-access-prober.service"
MOST_EXPOSED = 15
"""Tenths of systemd's measure, 0 to 100: what this unit may be open to."""
LOCAL = "localhost"


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


@pytest.mark.real
def test_promtool_accepts_the_configuration_and_finds_the_rules() -> None:
    checked = promtool("check", "config", str(PROMETHEUS / "prometheus.yml"))
    assert checked.returncode == 0, checked.stdout
    shipped = [path for path in RULES if path.parent.name == "rules"]
    assert f"{len(shipped)} rule files found".encode() in checked.stdout


@pytest.mark.real
def test_amtool_accepts_the_configuration() -> None:
    checked = amtool("check-config", str(PROMETHEUS / "alertmanager.yml"))
    assert checked.returncode == 0, checked.stdout


def test_everything_looks_for_the_others_where_they_are() -> None:
    """The prober, Prometheus, Alertmanager: at their own ports of one machine."""
    prometheus = read(PROMETHEUS / "prometheus.yml")
    scraped = {job["job_name"]: job["static_configs"][0]["targets"] for job in prometheus["scrape_configs"]}
    assert scraped["client-access-prober"] == [f"{LOCAL}{DEFAULT_LISTEN}"]
    told = prometheus["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    assert (scraped["alertmanager"], scraped["prometheus"]) == (told, [f"{LOCAL}:9090"])
    (source,) = read(GRAFANA / "datasources/client-access.yml")["datasources"]
    assert (source["type"], source["url"]) == ("prometheus", f"http://{LOCAL}:9090")


@pytest.mark.real
@pytest.mark.parametrize("files", [("compose.yaml",), ("compose.yaml", "compose.run.yaml")], ids=len)
def test_compose_accepts_its_files(files: tuple[str, ...]) -> None:
    """Merged as they are told to be."""
    command = [program("docker-compose"), *(f"--file={CONFIG / name}" for name in files), "config"]
    environment = BASE_ENVIRONMENT | {"PROBER_CONFIG": "/etc/prober", "PROBER_SECRETS": "/etc/secrets"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment)
    assert done.returncode == 0, done.stderr
    services = yaml.safe_load(done.stdout)["services"]
    assert set(services) == {"alertmanager", "grafana", "prober", "prometheus"}
    assert services["prober"]["command"][0] == ("run" if len(files) > 1 else "demo")


def test_compose_mounts_what_is_there_and_publishes_to_this_machine_alone() -> None:
    """Nothing gains rights, and the prober cannot write but where it has to."""
    services = read(CONFIG / "compose.yaml")["services"]
    for name, service in services.items():
        sources = [volume.partition(":")[0] for volume in service.get("volumes", ())]
        assert [one for one in sources if one.startswith(".") and not (CONFIG / one).exists()] == []
        assert (service["cap_drop"], service["security_opt"]) == (["ALL"], ["no-new-privileges:true"]), name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    published = {port.rpartition(":")[2] for port in services["prometheus"]["ports"]}
    assert published == {DEFAULT_LISTEN.removeprefix(":"), "3000", "9090", "9093"}
    assert services["prober"]["read_only"]
    shared = {name for name, one in services.items() if one.get("network_mode") == "service:prometheus"}
    assert shared == set(services) - {"prometheus"}


def test_grafana_finds_the_dashboards_where_compose_puts_them() -> None:
    (provider,) = read(GRAFANA / "dashboards/client-access.yml")["providers"]
    grafana = read(CONFIG / "compose.yaml")["services"]["grafana"]
    place = provider["options"]["path"]
    assert f"../dashboards:{place}:ro" in grafana["volumes"]
    assert grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"] == f"{place}/{BOARDS[0].name}.json"


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with a program that is installed here in the place of ours: its existence is checked, too."""
    text, count = re.subn(r"^ExecStart=\S+", "ExecStart=/bin/true", UNIT.read_text(), flags=re.MULTILINE)
    assert count == 1
    copy = tmp_path / UNIT.name
    copy.write_text(text)
    return copy


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [program("systemd-analyze"), "--no-pager", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=60, env=BASE_ENVIRONMENT, stdin=subprocess.DEVNULL
    )


@pytest.mark.real
def test_systemd_takes_the_unit_without_a_word(unit: Path) -> None:
    """Unknown keys and values are warnings to it: there are none."""
    checked = analyze("verify", "--man=no", str(unit))
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


@pytest.mark.real
def test_the_unit_is_open_to_next_to_nothing(unit: Path) -> None:
    rated = analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED}", str(unit))
    assert rated.returncode == 0, rated.stdout[-300:]
    assert analyze("security", "--offline=true", "--threshold=5", str(unit)).returncode != 0


def test_the_unit_runs_what_the_container_runs() -> None:
    """With the same places for configuration and state."""
    (command,) = re.findall(r"^CMD (\[.*\])$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    started = re.search(r"^ExecStart=(.*)$", UNIT.read_text(), re.MULTILINE)
    assert started
    assert started[1].split()[1:] == json.loads(command)
