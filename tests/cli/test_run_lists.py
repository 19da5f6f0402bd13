"""`run` as a process whose targets stand in lists: swapped as Kubernetes does it, and kept over a restart."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.program import Program, running
from tests.discovery.made import ListServer

TARGET = "- {{name: {name}, environment: exchange_server, endpoints: {{imap4: 'imaps://127.0.0.1:1'}}, {clients}}}\n"
CLIENTS = "clients: [{client: imap4, interval: 1d}]"


def as_list(*names: str) -> str:
    return "".join(TARGET.format(name=name, clients=CLIENTS) for name in names) or "[]"


def targets(program: Program) -> set[str]:
    """Return whose attempts are counted."""
    lines = program.get("/metrics")[1].splitlines()
    counted = (line for line in lines if line.startswith("clientaccess_attempts_total{"))
    return {line.partition('target="')[2].partition('"')[0] for line in counted}


def value(program: Program, name: str) -> str:
    lines = program.get("/metrics")[1].splitlines()
    return next(line.rpartition(" ")[2] for line in lines if line.startswith(f"clientaccess_{name}"))


class Mount:
    """A folder as the kubelet fills it: files lead to `..data`, and that to a version, swapped as a whole."""

    def __init__(self, folder: Path, **files: str) -> None:
        self._folder, self._number = folder, 0
        self.swap(**files)
        for name in files:
            (folder / name.replace("_", ".")).symlink_to(f"..data/{name.replace('_', '.')}")

    def swap(self, **files: str) -> None:
        self._number += 1
        version = self._folder / f"..{self._number}"
        version.mkdir()
        for name, text in files.items():
            (version / name.replace("_", ".")).write_text(text)
        (self._folder / "..new").symlink_to(version.name)
        (self._folder / "..new").rename(self._folder / "..data")


@pytest.mark.long(20)
def test_a_swapped_config_map_is_taken_up_while_it_runs(tmp_path: Path) -> None:
    """Configuration and list in one swap; then a list that is cut off, which keeps no change from being made."""
    discovery = "discovery: {files: [list.yml]}\n"
    mount = Mount(tmp_path, prober_yml=f"targets:\n{as_list('a')}{discovery}", list_yml=as_list("b", "c"))
    with running(tmp_path / "prober.yml") as program:
        assert targets(program) == {"a", "b", "c"}
        mount.swap(prober_yml=f"targets:\n{as_list('a', 'd')}{discovery}", list_yml=as_list("b", "e"))
        program.until("the configuration is in force: 2 added, 1 removed, 0 changed, 2 kept")
        assert targets(program) == {"a", "b", "d", "e"}
        assert value(program, 'discovery_targets{source="files[0]"}') == "2.0"
        mount.swap(prober_yml=f"targets:\n{as_list('d')}{discovery}", list_yml=as_list("b", "e")[:-9])
        program.until(r"the list files\[0\] stays as it was: .*list\.yml:")
        assert targets(program) == {"b", "d", "e"}
        assert value(program, "config_last_reload_successful") == "1.0"
        assert value(program, 'discovery_last_refresh_successful{source="files[0]"}') == "0.0"
        program.signal(signal.SIGTERM)
        assert program.ended() == 0


def test_lists_outlast_a_restart_in_which_they_are_not_to_be_had(tmp_path: Path) -> None:
    """The server is away and the file is cut off; without a state, the file is one line and code 2."""
    (tmp_path / "list.yml").write_text(as_list("b"))
    config = tmp_path / "prober.yml"
    state = f"--storage.path={tmp_path / 'state'}"
    with ListServer(as_list("c").encode()) as server:
        lists = {"files": ["list.yml"], "http": [{"url": server.url(), "interval": "1h"}]}
        config.write_text(f"targets:\n{as_list('a')}discovery: {json.dumps(lists)}\n")
        with running(config, state) as program:
            program.until("the configuration is in force: 1 added")
            program.signal(signal.SIGTERM)
            assert program.ended() == 0
    (tmp_path / "list.yml").write_text("- {name: ")
    with running(config, state) as program:
        program.until(r"the list discovery\.http\[0\] stays as it was: cannot be fetched \(tcp_refused\)")
        assert targets(program) == {"a", "b", "c"}
        assert any("the list files[0] stays as it was" in line for line in program.log)
        program.signal(signal.SIGTERM)
        assert program.ended() == 0
    command = [sys.executable, "-m", "prober", "run", f"--config.file={config}", "--web.listen-address=127.0.0.1:0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"{tmp_path / 'list.yml'}:1:")
    (tmp_path / "list.yml").write_text("[]")
    with running(config) as program:
        assert targets(program) == {"a"}


def test_a_configuration_of_lists_is_checked_without_fetching(tmp_path: Path) -> None:
    """`check-config` asks no server; nothing to probe yet is no mistake."""
    config = tmp_path / "prober.yml"
    with ListServer(b"[") as server:
        config.write_text(f"discovery: {{http: [{{url: '{server.url()}'}}]}}\n")
        command = [sys.executable, "-m", "prober", "check-config", str(config)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert (done.returncode, done.stderr, server.asked) == (0, "", [])
