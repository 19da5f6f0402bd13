"""Who is tried where; that it tells too much apart from just enough is shown in `tests/cli/test_verify.py`."""

from pathlib import Path

from prober.clients import catalogue
from prober.enrolment.verification import _quiet, _strangers
from prober.settings.load import load

CONFIGURATION = """
credentials:
  app: {type: client_credentials, tenant: t.example, client_id: c, client_secret_env: PATH}
  user: {type: basic, username: u@corp.example, password_env: PATH}
targets:
  - name: one
    environment: exchange_online
    mailbox: a@t.example
    clients: [{client: outlook_mobile, credential: app}, {client: owa, credential: app}, {client: imap4}]
  - name: two
    environment: exchange_online
    mailbox: b@t.example
    clients: [{client: outlook_mobile, credential: app}]
  - name: hq
    environment: exchange_server
    host: mail.corp.example
    mailbox: u@corp.example
    canary: canary-0123456789abcdef
    clients: [{client: activesync, credential: user, steps: [send_mail, search]}]
"""


def test_each_credential_and_client_is_tried_once_and_passwords_nowhere_else(tmp_path: Path) -> None:
    """A password at another's mailbox is a wrong password, and that locks accounts."""
    (tmp_path / "prober.yml").write_text(CONFIGURATION)
    settings = load([tmp_path / "prober.yml"], catalogue())
    own = [one for one in settings.assignments if one.credential]
    tried = _strangers(settings, own, ["x@t.example", "y@t.example"])
    assert [(one.client, one.target.name, one.target.mailbox) for one in tried] == [
        ("outlook_mobile", "must-deny-1", "x@t.example"),
        ("owa", "must-deny-1", "x@t.example"),
        ("outlook_mobile", "must-deny-2", "y@t.example"),
        ("owa", "must-deny-2", "y@t.example"),
    ]
    assert {one.target.canary for one in tried} == {None}
    assert _quiet(own[-1]).steps == {"search"}
