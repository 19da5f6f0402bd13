"""`verify` as a process: applications that open what they may, and no more."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.tenant import Tenant, tenant

__all__ = ["tenant"]
OTHER = "probe2@contoso.example"
NOBODY = "nobody@contoso.example"


def verify(file: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "prober", "verify", f"--config.file={file}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)


@pytest.fixture
def file(tenant: Tenant) -> Path:
    """A configuration of one mailbox with two clients: an application's, and a person's."""
    document = yaml.safe_load(tenant.configuration.read_text())
    document["targets"] = document["targets"][:1]
    target = document["targets"][0]
    target["clients"] = [one for one in target["clients"] if one["client"] in ("outlook_mac_legacy", "activesync")]
    made = tenant.configuration.with_name("two.yml")
    made.write_text(yaml.safe_dump(document))
    return made


def told(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_what_reaches_its_own_and_nothing_else_is_as_wanted(file: Path) -> None:
    """An address that nobody has is denied to both."""
    done = verify(file, f"--must-deny={NOBODY}", "--format=json")
    assert done.returncode == 0, done.stdout + done.stderr
    checks = told(done)
    assert [(one["mailbox"], one["found"]) for one in checks] == [
        *[("ams1-1", "reached")] * 2,
        *[("must-deny-1", "denied")] * 2,
    ]
    assert "contoso" not in done.stdout


def test_an_application_that_opens_too_much_is_told_apart_from_a_person(file: Path) -> None:
    """The application may open every mailbox of this tenant; the person's token only the person's own."""
    done = verify(file, f"--must-deny={OTHER}", "--format=json")
    assert done.returncode == 1
    wrong = [(one["client"], one["mailbox"]) for one in told(done) if not one["holds"]]
    assert wrong == [("outlook_mac_legacy", "must-deny-1")]


def test_people_read_a_line_per_check(file: Path) -> None:
    done = verify(file, f"--must-deny={OTHER}")
    assert "NOT outlook_mac_legacy by outlook_mac_legacy at must-deny-1: reached, wanted denied" in done.stdout
    assert len(done.stdout.splitlines()) == 4


def test_what_cannot_be_reached_is_unclear(file: Path) -> None:
    """Neither a permission nor a refusal: exit 3."""
    document = yaml.safe_load(file.read_text())
    for client in document["targets"][0]["clients"]:
        client["endpoints"] = dict.fromkeys(client["endpoints"], "https://127.0.0.1:1/")
    file.write_text(yaml.safe_dump(document))
    done = verify(file)
    assert done.returncode == 3, done.stdout
    assert done.stdout.count("???") == 2


@pytest.mark.parametrize("address", ["nobody", "@", "a@b@c", "a b@c.example"])
def test_what_is_no_address_is_a_mistake(file: Path, address: str) -> None:
    done = verify(file, f"--must-deny={address}")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--must-deny wants a mail address" in done.stderr


def test_without_a_mailbox_there_is_nothing_to_verify(tmp_path: Path) -> None:
    bare = tmp_path / "bare.yml"
    bare.write_text("targets: [{name: x, environment: exchange_online, clients: [{client: imap4}]}]\n")
    done = verify(bare)
    assert (done.returncode, done.stderr) == (2, "prober: no client goes to a mailbox: there is nothing to verify\n")
