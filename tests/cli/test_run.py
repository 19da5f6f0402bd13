"""`run` as a process: it starts, is ready, probes, drains at a signal, and says its mistakes in one line."""

import json
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import bcrypt
import httpx
import pytest

from tests.cli.program import Site, configuration, running
from tests.servers.dovecot import ALICE, PASSWORDS, Options
from tests.servers.fixtures import StartDovecot
from tests.servers.pki import Pki


def of_alice(folder: Path, control: str, pki: Pki, port: int, how: str) -> Path:
    """Write the configuration of one mailbox that is read over IMAP."""
    (folder / "password").write_text(PASSWORDS[ALICE])
    target = (
        "  - name: hq\n    environment: exchange_server\n"
        f'    endpoints: {{imap4: "imaps://localhost:{port}"}}\n'
        f"    tls: {{ca_file: {pki.ca_file}}}\n    mailbox: {ALICE}\n"
        f"    clients: [{{client: imap4, credential: alice, {how}}}]\n"
    )
    config = configuration(folder, control, target)
    credential = f"credentials:\n  alice: {{type: basic, username: {ALICE}, password_file: password}}\n"
    config.write_text(credential + config.read_text())
    return config


def run_in_vain(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the prober with a mistake in it."""
    command = [sys.executable, "-m", "prober", "run", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def test_it_probes_and_ends_with_0_at_sigterm(tmp_path: Path) -> None:
    """Healthy and ready once it listens; attempts are counted; the state is there afterwards, no traceback anywhere."""
    with (
        Site() as site,
        running(configuration(tmp_path, site.url), f"--storage.path={tmp_path / 'state'}") as program,
    ):
        assert program.get("/-/healthy")[0] == 200
        assert program.get("/-/ready") == (200, "ready\n")
        program.until("event=attempt client=control target=control verdict=ok")
        counted = r'clientaccess_attempts_total{client="control",target="control"} [1-9]'
        assert re.search(counted, program.get("/metrics")[1])
        program.signal(signal.SIGTERM)
        assert program.ended() == 0
        assert "Traceback" not in "".join(program.log)
        state = json.loads((tmp_path / "state" / "state.json").read_text())
        assert json.loads(state["sections"]["records"]["control/control"])["succeeded_at"] > 1.7e9


def test_while_it_drains_it_is_not_ready_and_the_running_attempt_still_counts(tmp_path: Path) -> None:
    """SIGINT during an attempt: 503 at once, metrics go on, the attempt ends well, then exit 0."""
    with Site() as site:
        site.open.clear()
        with running(configuration(tmp_path, site.url)) as program:
            assert site.visited.acquire(timeout=20)
            program.signal(signal.SIGINT)
            program.until("event=stopping")
            assert program.get("/-/ready") == (503, "not ready\n")
            assert program.get("/-/healthy")[0] == 200
            assert re.search(r"clientaccess_inflight [12]\.0", program.get("/metrics")[1])
            site.open.set()
            program.until("event=attempt client=control target=control verdict=ok")
            assert program.ended() == 0


def test_a_signal_makes_the_log_louder_and_quiet_again(tmp_path: Path) -> None:
    """SIGUSR1 shows every attempt, the next one only news."""
    with Site() as site, running(configuration(tmp_path, site.url), "--log.level=info") as program:
        program.signal(signal.SIGUSR1)
        program.until('event="logging from debug on"')
        program.signal(signal.SIGUSR1)
        program.until('event="logging from info on"')
        program.signal(signal.SIGTERM)
        assert program.ended() == 0


def test_a_second_signal_ends_it_at_once_with_1(tmp_path: Path) -> None:
    """The attempt that hangs is not waited for."""
    with Site() as site:
        site.open.clear()
        with running(configuration(tmp_path, site.url)) as program:
            assert site.visited.acquire(timeout=20)
            program.signal(signal.SIGTERM)
            program.until("event=stopping")
            program.signal(signal.SIGTERM)
            assert program.ended() == 1


def test_the_installation_survives_a_restart(tmp_path: Path) -> None:
    """Two runs, one device: the installation's id stays."""
    seen = set()
    for _ in range(2):
        with (
            Site() as site,
            running(configuration(tmp_path, site.url), f"--storage.path={tmp_path / 'state'}") as program,
        ):
            program.signal(signal.SIGTERM)
            assert program.ended() == 0
        seen.add(json.loads((tmp_path / "state" / "state.json").read_text())["installation"])
    assert len(seen) == 1


def test_two_probers_on_one_state_are_refused_and_a_round_by_hand_is_not(tmp_path: Path) -> None:
    """The second `run` says so in one line; `once` works on a copy and leaves the state alone."""
    state = tmp_path / "state"
    with Site() as site:
        config = configuration(tmp_path, site.url)
        with running(config, f"--storage.path={state}") as program:
            program.until("event=attempt client=control")
            second = run_in_vain(
                f"--config.file={config}", f"--storage.path={state}", "--web.listen-address=127.0.0.1:0"
            )
            assert second.returncode == 2
            assert second.stderr.splitlines()[-1:] == [f"prober: {state} is in use by another prober"]
            command = [sys.executable, "-m", "prober", "once", f"--config.file={config}", f"--storage.path={state}"]
            by_hand = subprocess.run(
                [*command, "--client=control"], capture_output=True, text=True, timeout=30, check=False
            )
            assert (by_hand.returncode, by_hand.stderr) == (0, "")
            assert by_hand.stdout.startswith("control on control (reach): OK in ")


def test_a_taken_port_is_one_line_and_code_2(tmp_path: Path) -> None:
    """Nothing is probed before the pages can be served."""
    with Site() as site, socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = run_in_vain(f"--config.file={configuration(tmp_path, site.url)}", f"--web.listen-address={address}")
        assert not site.visited.acquire(blocking=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"prober: cannot listen on {address}: another process listens there\n"


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1:99999", "::1:80"])
def test_a_bad_address_is_one_line_and_code_2(tmp_path: Path, address: str) -> None:
    """It is named."""
    config = configuration(tmp_path, "http://127.0.0.1:1/")
    done = run_in_vain(f"--config.file={config}", f"--web.listen-address={address}")
    assert done.returncode == 2
    assert done.stderr.startswith(f"prober: listen address '{address}': ")
    assert len(done.stderr.splitlines()) == 1


def test_a_mistake_in_the_configuration_is_one_line_and_code_2(tmp_path: Path) -> None:
    """As `check-config` says it."""
    config = configuration(tmp_path, "http://127.0.0.1:1/")
    config.write_text(config.read_text().replace("environment: exchange_server", "environment: exchange"))
    done = run_in_vain(f"--config.file={config}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{config}:3:")
    missing = run_in_vain(f"--config.file={tmp_path / 'missing.yml'}")
    assert missing.returncode == 2
    assert len(missing.stderr.splitlines()) == 1


def test_a_state_directory_that_cannot_be_used_is_said_and_survived(tmp_path: Path) -> None:
    """Losing state is a metric and a line in the log, never the end."""
    (tmp_path / "file").write_text("no directory")
    with (
        Site() as site,
        running(configuration(tmp_path, site.url), f"--storage.path={tmp_path / 'file'}") as program,
    ):
        assert "clientaccess_state_lost 1.0" in program.get("/metrics")[1]
        program.signal(signal.SIGTERM)
        assert program.ended() == 0


def test_held_sessions_are_logged_out_at_the_end(tmp_path: Path, pki: Pki, start_dovecot: StartDovecot) -> None:
    """SIGTERM in the middle of IDLE: a real Dovecot sees DONE and LOGOUT, not a connection that broke."""
    server = start_dovecot(Options(pki.right))
    with Site() as site:
        config = of_alice(tmp_path, site.url, pki, server.imaps_port, "interval: 2s, push: true")
        with running(config) as program:
            program.until("push channel of imap4/hq is open")
            program.until("event=attempt client=imap4 target=hq verdict=ok")
            program.signal(signal.SIGTERM)
            assert program.ended() == 0
            assert "Traceback" not in "".join(program.log)
    server.stop()
    ends = re.findall(r"imap\(alice.*?(Disconnected: Logged out|Disconnected|Connection closed)", server.log)
    assert len(ends) >= 2
    assert set(ends) == {"Disconnected: Logged out"}


def test_an_operator_may_end_it_from_a_page_where_that_is_enabled(tmp_path: Path) -> None:
    """Its configuration is shown; a quit drains as a signal does, and without the switch is refused."""
    with Site() as site, running(configuration(tmp_path, site.url), "--web.enable-lifecycle") as program:
        status, text = program.get("/config")
        assert (status, "endpoints:" in text) == (200, True)
        assert program.post("/-/quit")[0] == 200
        assert program.ended() == 0
        assert "Traceback" not in "".join(program.log)
    with Site() as site, running(configuration(tmp_path, site.url)) as program:
        assert program.post("/-/quit")[0] == program.post("/-/reload")[0] == 403
        assert program.get("/-/healthy")[0] == 200
        assert program.get("/nothing") == (404, "there is no such page\n")


def test_a_mistake_in_the_web_configuration_is_one_line_and_code_2(tmp_path: Path) -> None:
    """Before anything is probed or served."""
    web = tmp_path / "web.yml"
    web.write_text("basic_auth_users: {alice: hunter2-canary}\n")
    done = run_in_vain(f"--config.file={configuration(tmp_path, 'http://127.0.0.1:1/')}", f"--web.config.file={web}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{web}:1:20: basic_auth_users.alice: must be a bcrypt hash")
    assert len(done.stderr.splitlines()) == 1
    assert "canary" not in done.stderr


def test_users_of_the_web_configuration_may_come_in(tmp_path: Path) -> None:
    """And nobody else, to no page."""
    known = bcrypt.hashpw(b"right", bcrypt.gensalt(4)).decode()
    web = tmp_path / "web.yml"
    web.write_text(f"basic_auth_users: {{alice: {known}}}\n")
    with Site() as site, running(configuration(tmp_path, site.url), f"--web.config.file={web}") as program:
        assert program.get("/metrics")[0] == 401
        assert httpx.get(f"http://{program.address}/metrics", auth=("alice", "right"), timeout=20).status_code == 200


def test_an_attempt_is_made_while_somebody_waits(tmp_path: Path, pki: Pki, start_dovecot: StartDovecot) -> None:
    """Against a real Dovecot: success, its waterfall and transcript without a secret, and no attempt is counted."""
    server = start_dovecot(Options(pki.right))
    with Site() as site:
        config = of_alice(tmp_path, site.url, pki, server.imaps_port, "interval: 1d")
        with running(config) as program:
            status, text = program.get("/probe?target=hq&module=imap4")
            assert (status, "probe_success 1.0\n" in text) == (200, True), text
            status, text = program.get("/probe?target=hq&module=imap4&debug=true")
            assert "imap4 on hq (mailbox): OK" in text
            assert re.search(r"> \S+ (LOGIN|AUTHENTICATE)\b", text)
            assert PASSWORDS[ALICE] not in text
            assert ALICE not in text
            assert program.get("/probe?target=169.254.169.254&module=imap4")[0] == 400
            counted = re.search(
                r'clientaccess_attempts_total{client="imap4",target="hq"} ([0-9.]+)', program.get("/metrics")[1]
            )
            assert counted is not None
            assert float(counted[1]) <= 1.0
            program.signal(signal.SIGTERM)
            assert program.ended() == 0
            assert "Traceback" not in "".join(program.log)


def test_a_changed_file_is_put_in_force_by_a_signal_a_page_or_by_itself(tmp_path: Path) -> None:
    """A bad one is told with its mistakes, and changes nothing."""
    with Site() as site:
        file = configuration(tmp_path, site.url)
        text = file.read_text()
        with running(file, "--web.enable-lifecycle") as program:
            file.write_text(text.replace("name: hq", "name: second"))
            program.signal(signal.SIGHUP)
            program.until("the configuration is in force: 1 added, 1 removed, 0 changed, 1 kept")
            file.write_text(text.replace("name: hq", "nane: hq"))
            status, said = program.post("/-/reload")
            assert status == 500
            assert f"{file}:2:5: targets[0].nane: is not a known key; did you mean 'name'?" in said
            assert "clientaccess_config_last_reload_successful 0" in program.get("/metrics")[1]
            file.write_text(text.replace("name: hq", "name: third"))
            assert program.post("/-/reload") == (200, "reloaded\n")
            file.write_text(text)
            program.until("the configuration has changed")
            program.until("the configuration is in force")
            metrics = program.get("/metrics")[1]
            assert 'target="hq"' in metrics
            assert 'target="third"' not in metrics
            assert "clientaccess_config_last_reload_successful 1" in metrics
            program.signal(signal.SIGTERM)
            assert program.ended() == 0
            assert "Traceback" not in "".join(program.log)
