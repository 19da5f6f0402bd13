"""`enroll` as a process, against the simulated tenant's token service, with a person's browser played by hand."""

import html
import re
import signal
import stat
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.tenant import Tenant, tenant

__all__ = ["tenant"]
COMMAND = [sys.executable, "-m", "prober"]


def started(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*COMMAND, "enroll", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def line_with(process: subprocess.Popen[str], pattern: str) -> re.Match[str]:
    assert process.stdout is not None
    for line in process.stdout:
        found = re.search(pattern, line)
        if found:
            return found
    raise AssertionError(process.communicate())


def phone(tenant: Tenant, folder: Path) -> tuple[Path, str]:
    """Write a configuration of a phone whose token is not there yet; return it and the credential's name."""
    document = yaml.safe_load(tenant.configuration.read_text())
    name = next(name for name, one in document["credentials"].items() if one["type"] == "refresh_token")
    document["credentials"] = {name: document["credentials"][name] | {"token_file": "fresh.token"}}
    target = document["targets"][0]
    target["clients"] = [one for one in target["clients"] if one["credential"] == name]
    document["targets"] = [target]
    document["global"]["tls"]["ca_file"] = str(tenant.ca_file)
    file = folder / "phone.yml"
    file.write_text(yaml.safe_dump(document))
    return file, name


def browse(tenant: Tenant, url: str, user: str, password: str) -> str:
    """Sign in on the page at `url`; return where the browser is sent."""
    page = tenant.open(url)
    form = {name: html.unescape(value) for name, value in HIDDEN.findall(page)}
    action = urllib.parse.urljoin(url, html.unescape(re.findall(r'action="?([^">\s]+)', page)[0]))
    return tenant.redirect(action, form | {"login": user, "passwd": password})


HIDDEN = re.compile(r'<input type=hidden name="([^"]+)" value="([^"]*)">')


def test_a_person_consents_in_a_browser_and_the_token_works(tenant: Tenant, tmp_path: Path) -> None:
    """It is in its file, for its owner alone, on no terminal; and the phone is well with it."""
    file, name = phone(tenant, tmp_path)
    process = started(f"--config.file={file}", f"--credential={name}")
    url = line_with(process, r"(https://\S+/authorize\S+)")[1]
    back = browse(tenant, url, *tenant.account)
    assert back.startswith("http://localhost:")
    with urllib.request.urlopen(back, timeout=10) as page:
        assert "signed in" in page.read().decode()
    out, errors = process.communicate(timeout=20)
    assert process.returncode == 0, errors
    token = tmp_path / "fresh.token"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600
    assert token.read_text() not in out + errors
    once = subprocess.run(
        [*COMMAND, "once", f"--config.file={file}"], capture_output=True, text=True, timeout=60, check=False
    )
    assert once.returncode == 0, once.stdout + once.stderr


def test_a_code_is_typed_on_another_machine(tenant: Tenant, tmp_path: Path) -> None:
    """For machines without a browser."""
    file, name = phone(tenant, tmp_path)
    process = started(f"--config.file={file}", f"--credential={name}", "--device-code")
    code = line_with(process, r"type the code (\S+)")[1]
    user, password = tenant.account
    answer = tenant.post(f"{tenant.login}/common/deviceauth", {"user_code": code, "login": user, "passwd": password})
    assert "true" in answer
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
    assert (tmp_path / "fresh.token").read_text()


def test_without_a_configuration_everything_is_said_on_the_command_line(tmp_path: Path) -> None:
    """A token service that nobody runs here refuses, and that is told in one line."""
    process = started(
        *("--device-code", "--tenant=t.example", "--client-id=1111", "--authority=https://127.0.0.1:1"),
        *(f"--output={tmp_path / 'token'}", "--scope=s offline_access"),
    )
    out, errors = process.communicate(timeout=30)
    assert (process.returncode, out) == (1, "")
    assert errors.startswith("prober: no token was issued: tcp_refused")
    assert len(errors.splitlines()) == 1


def test_a_refusal_is_one_line_and_exit_1(tenant: Tenant, tmp_path: Path) -> None:
    """The file is not made."""
    file, name = phone(tenant, tmp_path)
    process = started(f"--config.file={file}", f"--credential={name}")
    url = line_with(process, r"(https://\S+/authorize\S+)")[1]
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)
    refusal = urllib.parse.urlencode({"error": "access_denied", "state": query["state"][0]})
    with urllib.request.urlopen(f"{query['redirect_uri'][0]}?{refusal}", timeout=10) as page:
        assert "Not signed in" in page.read().decode()
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (1, "prober: no token was issued: consent_refused error=access_denied\n")
    assert not (tmp_path / "fresh.token").exists()


def test_nobody_comes(tenant: Tenant, tmp_path: Path) -> None:
    file, name = phone(tenant, tmp_path)
    process = started(f"--config.file={file}", f"--credential={name}", "--timeout=1")
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, "consent_too_late" in errors) == (1, True)


def test_an_interrupt_is_no_traceback(tenant: Tenant, tmp_path: Path) -> None:
    file, name = phone(tenant, tmp_path)
    process = started(f"--config.file={file}", f"--credential={name}")
    line_with(process, "authorize")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give --config.file and --credential, or --tenant, --client-id, --scope, --output"),
        (
            ["--tenant=t", "--client-id=c", "--scope=s", "--output=x", "--authority=http://x"],
            "--authority must be an https URL",
        ),
        (["--config.file=CONFIG", "--credential=nobody"], "--credential must name a credential of type refresh_token"),
        (
            ["--config.file=CONFIG", "--canary", "--target=nowhere"],
            "--target must name a target with a mailbox: ams1-1",
        ),
    ],
)
def test_mistakes_are_one_line_and_exit_2(tenant: Tenant, arguments: list[str], said: str) -> None:
    given = [one.replace("CONFIG", str(tenant.configuration)) for one in arguments]
    done = subprocess.run([*COMMAND, "enroll", *given], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_authorities_that_are_not_there_are_a_mistake(tenant: Tenant, tmp_path: Path) -> None:
    """One line, and no traceback."""
    file, name = phone(tenant, tmp_path)
    file.write_text(file.read_text().replace(str(tenant.ca_file), str(tmp_path / "missing.pem")))
    process = started(f"--config.file={file}", f"--credential={name}")
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, len(errors.splitlines())) == (2, 1)
    assert "missing.pem" in errors


@pytest.fixture
def marked(tenant: Tenant) -> Any:
    """The tenant's configuration as a document."""
    return yaml.safe_load(tenant.configuration.read_text())


def test_the_canary_is_put_there_and_every_client_sees_it(
    tenant: Tenant, marked: dict[str, Any], tmp_path: Path
) -> None:
    """The line to add is printed; with it, each client of the mailbox finds the item."""
    done = subprocess.run(
        [*COMMAND, "enroll", "--canary", f"--config.file={tenant.configuration}", "--target=ams1-1"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = re.search(r"canary: (canary-[0-9a-f]{16})", done.stdout)
    assert found is not None
    marked["targets"] = marked["targets"][:1]
    marked["targets"][0]["canary"] = found[1]
    file = tenant.configuration.with_name("with-canary.yml")
    file.write_text(yaml.safe_dump(marked))
    once = subprocess.run(
        [*COMMAND, "once", f"--config.file={file}", "--format=json"],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    attempts = [yaml.safe_load(line) for line in once.stdout.splitlines()]
    seen = {
        one["client"]: step["evidence"].get("canary")
        for one in attempts
        for step in one["steps"]
        if step["step"] == "canary"
    }
    assert set(seen) == {"imap4", "activesync", "outlook_mobile", "outlook_mac", "outlook_mac_legacy", "owa"}
    assert set(seen.values()) == {"seen"}, once.stdout
