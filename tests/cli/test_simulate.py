"""`simulate` as a process: a tenant that others can use, described in a file."""

import json
import signal
import ssl
import stat
import subprocess
import sys
import urllib.request
from imaplib import IMAP4_SSL
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "prober"]
TENANT = """\
domain: corp.example
sites: [{name: hq, region: eu, code: HQX, environment: exchange_server}]
mailboxes: [{address: probe@corp.example, site: hq}]
"""


def test_its_state_file_is_all_a_client_needs(tmp_path: Path) -> None:
    """`once` is well with the configuration in it, imaplib with the account, and a delivery by the control shows up.

    Its folder is made, and what lies there can be used from elsewhere.
    """
    (tmp_path / "tenant.yml").write_text(TENANT)
    state = tmp_path / "tenant" / "state.json"
    arguments = ["simulate", "--config.file=tenant.yml", "--state-file=./tenant/state.json"]
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if "Stop with Ctrl-C" in line:
                break
        told = json.loads(state.read_text())
        assert stat.S_IMODE(state.stat().st_mode) == 0o600
        once = [*COMMAND, "once", f"--config.file={told['configuration_file']}", "--client=imap4", "--format=json"]
        ended = subprocess.run(once, capture_output=True, text=True, timeout=60, check=False)
        assert (ended.returncode, json.loads(ended.stdout)["verdict"]) == (0, "ok"), ended.stdout + ended.stderr
        host = next(one for one in told["hosts"] if one["client"] == "imap4")
        (account,) = told["mailboxes"]
        context = ssl.create_default_context(cafile=told["ca_file"])
        context.check_hostname = False  # the name is one that only the tenant's resolver knows
        with IMAP4_SSL(host["address"], host["port"], ssl_context=context, timeout=10) as reader:
            reader.login(account["address"], account["password"])
            before = int(reader.select()[1][0] or b"0")
            body = json.dumps({"mailbox": account["address"], "subject": "Delivered"}).encode()
            headers = {"Content-Type": "application/json"}
            request = urllib.request.Request(told["control"] + "deliver", body, headers)
            with urllib.request.urlopen(request, timeout=10) as answer:
                assert answer.status in (200, 201)
            assert int(reader.select()[1][0] or b"0") == before + 1
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("content", "said"),
    [("domian: x.example", "tenant.yml:1:1: domian: unknown key; did you mean 'domain'?"), (None, "No such file")],
)
def test_a_mistake_is_one_line_and_exit_2(tmp_path: Path, content: str | None, said: str) -> None:
    """Before anything starts."""
    file = tmp_path / "tenant.yml"
    if content is not None:
        file.write_text(content)
    command = [*COMMAND, "simulate", f"--config.file={file}"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
