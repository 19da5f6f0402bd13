"""One page, and what its status means for a control."""

import pytest

from prober.exchange import Auth, Call, Reply
from prober.faults.taxonomy import FaultError, Reason
from prober.protocols.http.page import CONTROL_STATUS, Page

URL = "https://www.example.test/"


def test_a_page_is_asked_for_by_nobody() -> None:
    """A GET without credentials."""
    assert Page(URL).call() == Call("GET", URL, (("Accept", "*/*"),), b"", Auth.NONE)


@pytest.mark.parametrize("status", [200, 204, 301, 401, 403, 404, 429, 499])
def test_any_answer_below_500_shows_a_working_way(status: int) -> None:
    """Even a refusal was said by somebody who works."""
    assert Page(URL).read(Reply(status)) == status


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
def test_a_server_error_shows_nothing(status: int) -> None:
    """It fails, with the status as evidence."""
    with pytest.raises(FaultError) as caught:
        Page(URL).read(Reply(status))
    assert caught.value.fault.kind is CONTROL_STATUS
    assert caught.value.fault.reason is Reason.SERVER_ERROR
    assert caught.value.fault.evidence == {"status": str(status)}
