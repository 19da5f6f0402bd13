"""What is shown of a configuration is what was written, without accounts."""

import yaml

from prober.settings.redacted import redacted
from tests.settings.made import Loading

ONE = """
global:
  proxy: {url: "http://proxy:3128", username: canary-user, password_env: PROBER_TEST_SECRET}
credentials:
  u: {type: basic, username: canary-user, password_env: PROBER_TEST_SECRET}
targets:
  - name: grüße
    environment: exchange_online
    mailbox: canary@corp.example
    clients: [{client: imap4, credential: u, interval: 90s}]
""".replace("name: grüße", "name: a")


def test_accounts_are_hidden_and_all_else_is_shown(loaded: Loading) -> None:
    text = loaded(ONE).redacted
    assert "canary" not in text
    assert "secret" not in text.replace("PROBER_TEST_SECRET", "")
    shown = yaml.safe_load(text)
    assert shown["targets"] == [
        {
            "name": "a",
            "environment": "exchange_online",
            "mailbox": "***",
            "clients": [{"client": "imap4", "credential": "u", "interval": "90s"}],
        }
    ]
    assert shown["credentials"]["u"] == {"type": "basic", "username": "***", "password_env": "PROBER_TEST_SECRET"}


def test_sections_keep_their_order_and_shared_parts_are_written_out() -> None:
    shared: list[object] = [{"client": "imap4"}]
    text = redacted({"targets": [{"clients": shared}, {"clients": shared}], "global": {"vantage": "ü"}})  # type: ignore[dict-item]  # plain values
    assert text.index("targets") < text.index("global")
    assert "&" not in text
    assert "ü" in text


def test_what_was_left_empty_stays_empty() -> None:
    assert yaml.safe_load(redacted({"targets": [{"mailbox": None}]})) == {"targets": [{"mailbox": None}]}
