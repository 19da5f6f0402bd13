"""What several clients ask Autodiscover."""

import pytest

from prober.clients.discovery import discover, not_supported
from prober.clients.outlook_mobile import CLIENT
from prober.faults.taxonomy import FaultError
from prober.transaction import SkipStep
from tests.clients.graph_made import Web, discovered, transaction
from tests.protocols.graph.made import answer


async def test_the_url_is_told_and_whether_it_is_at_the_same_host() -> None:
    web = Web(autodiscover=discovered("Ews"))
    tx = transaction(CLIENT, web)
    assert (await discover(tx, "Ews")).url.endswith("/Ews")
    assert tx.timeline.facts["same_host"] is True
    assert "Protocol=Ews" in web.calls[0].url
    assert "Email=probe%40contoso.example" in web.calls[0].url


async def test_without_an_endpoint_there_is_nobody_to_ask() -> None:
    tx = transaction(CLIENT, Web())
    tx.assignment.target.endpoints.pop("autodiscover")  # type: ignore[attr-defined]  # a dict in this test
    with pytest.raises(SkipStep):
        await discover(tx, "Ews")


@pytest.mark.parametrize(("code", "expected"), [("ProtocolNotSupported", True), ("MissingProtocol", False)])
async def test_a_protocol_that_is_not_known_is_told_apart(code: str, expected: bool) -> None:
    tx = transaction(CLIENT, Web(autodiscover=answer({"ErrorCode": code}, 400)))
    with pytest.raises(FaultError) as caught:
        await discover(tx, "Rest")
    assert not_supported(caught.value) is expected
