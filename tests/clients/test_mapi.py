"""What classic Outlook says over MAPI: what is not seen in its attempts and its channel."""

from typing import Any

import pytest

from prober.clients.mapi import SCOPES, Outlook, OutlookOptions, at, next_request
from prober.clients.outlook_desktop import CLIENT
from tests.clients.mapi_made import Server, transaction


def test_requests_are_numbered_within_one_instance() -> None:
    """MS-OXCMAPIHTTP section 2.2.3.3.2: a GUID for the client's instance, and a counter."""
    tx, outlook = transaction(Server()), Outlook()
    first, second = next_request(tx, outlook), next_request(tx, outlook)
    ids = [dict(one.call("PING").headers)["X-RequestId"] for one in (first, second)]
    assert ids == [f"{outlook.instance}:1", f"{outlook.instance}:2"]
    assert ids[0][0] == "{"
    assert len(ids[0]) == 40


def test_a_token_is_for_one_audience() -> None:
    """At the configured host it is the client's own; at another it is asked for anew."""
    tx = transaction(Server())
    assert at(tx, tx.endpoint("mapi")) is tx
    assert at(tx, "https://outlook.office365.com/mapi/emsmdb/") is not tx
    assert CLIENT.scopes is SCOPES


@pytest.mark.parametrize(
    "wrong",
    [
        {"legacy_dn": "o=x"},
        {"legacy_dn": "/o=ü"},
        {"client_application": "Outlook"},
        {"client_application": "Outlook/16.0\r\nX: y"},
        {"wait_seconds": 0},
        {"wait_seconds": 301},
    ],
)
def test_options_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must"):
        OutlookOptions(**wrong)
