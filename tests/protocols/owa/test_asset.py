"""A script from wherever it lies."""

import pytest

from prober.exchange import Auth
from prober.faults.taxonomy import Reason
from prober.protocols.owa.asset import Asset
from tests.protocols.eas.made import refused
from tests.protocols.oidc.made import outcomes, said

ASK = Asset("https://res.cdn.test/boot.js")


def test_a_script_is_asked_for_and_weighed() -> None:
    """By anybody."""
    assert (ASK.call().method, ASK.call().url, ASK.call().auth) == ("GET", ASK.url, Auth.NONE)
    assert ASK.read(said(b'"use strict";')) == 13


@pytest.mark.parametrize(
    ("status", "body"),
    [
        *((200, b""), (200, b"<!DOCTYPE html><html>"), (204, b""), (302, b"x")),
        *((status, b"x") for status in (403, 404, 429, 500, 503)),
    ],
)
def test_whatever_is_no_script_is_the_networks_error(status: int, body: bytes) -> None:
    """The page that names it came from us a moment ago."""
    fault = refused(ASK.read, said(body, status))
    assert (fault.kind.code, fault.reason) == ("owa_asset_broken", Reason.SERVER_ERROR)
    assert (fault.evidence["http_status"], fault.evidence["bytes"]) == (str(status), str(len(body)))


def test_any_bytes_are_a_script_but_none() -> None:
    """Never a traceback."""
    assert outcomes(ASK.read, b"<html>") == {"read", "owa_asset_broken"}
