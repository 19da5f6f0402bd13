"""What somebody has to look after."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from prober.faults.taxonomy import Reason
from prober.observe.status import Row
from prober.observe.upkeep import ExpiryPanel, PushPanel

NOON = datetime(2027, 1, 15, 12, tzinfo=UTC)


@dataclass(frozen=True)
class State:
    """How a channel fares."""

    client: str = "imap4"
    target: str = "hq"
    open_since: float | None = None
    opened: int = 0
    losses: int = 0
    loss: str = ""


def test_a_channel_is_open_closed_or_not_open_yet() -> None:
    """With since when, how often it was lost, and why."""
    channels = [State(), State(open_since=NOON.timestamp(), opened=1), State(opened=2, losses=2, loss="read_timeout")]
    panel = PushPanel(lambda: channels)
    assert [(one["open"], one["since"], one["losses"], one["loss"]) for one in panel.data()] == [
        (False, None, 0, None),
        (True, "2027-01-15T12:00:00+00:00", 0, None),
        (False, None, 2, "read_timeout"),
    ]
    page = panel.page()
    assert page.index("not open yet") < page.index("open</span> since") < page.index("closed</span>")
    assert "12:00:00</time>" in page
    assert PushPanel(list).page() == ""


def test_tokens_secrets_and_certificates_have_their_ends() -> None:
    """The earliest certificate of a target; a credential without a known end is told, too."""
    rows = [Row("imap4", "", "hq", "mailbox"), Row("owa", "", "hq", "token"), Row("owa", "", "x", "token")]
    ends = ["2027-03-01T00:00:00+00:00", "2027-02-01T00:00:00+00:00", None]
    shown = [replace(row, certificate_not_after=end) for row, end in zip(rows, ends, strict=True)]
    panel = ExpiryPanel({"<app>": NOON, "user": None}, lambda: shown)
    panel.requested("user")
    panel.issued("user", NOON.timestamp() + 3600)
    assert panel.data() == {
        "credentials": [
            {
                "credential": "<app>",
                "token_expires_at": None,
                "secret_expires_at": "2027-01-15T12:00:00+00:00",
                "failed": None,
            },
            {
                "credential": "user",
                "token_expires_at": "2027-01-15T13:00:00+00:00",
                "secret_expires_at": None,
                "failed": None,
            },
        ],
        "certificates": [{"target": "hq", "not_after": "2027-02-01T00:00:00+00:00"}],
    }
    page = panel.page()
    assert "&lt;app&gt;" in page
    assert "2027-01-15 13:00</time>" in page
    assert "not known" in page


def test_a_refused_token_is_told_until_one_is_issued() -> None:
    panel = ExpiryPanel({"user": None}, list)
    panel.failed("user", Reason.AUTH_REJECTED)
    assert panel.data()["credentials"][0]["failed"] == "auth_rejected"
    assert "auth_rejected" in panel.page()
    panel.issued("user", NOON.timestamp())
    assert panel.data()["credentials"][0]["failed"] is None


def test_nothing_that_ends_needs_no_room() -> None:
    assert ExpiryPanel({}, list).page() == ""
