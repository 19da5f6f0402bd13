"""What a handler is given."""

from typing import Any

import pytest

from prober.simulator.graph.asking import Asking
from prober.simulator.graph.errors import GraphError
from prober.simulator.graph.odata import Query
from prober.simulator.service import Premises
from prober.simulator.tokens import Admission
from tests.simulator.graph.desk import NOW, ROOT, Desk


def asking(desk: Desk, body: Any = None) -> Asking:
    request = desk.request("POST", "/x", body=body, prefer="odata.maxpagesize=2")
    premises = Premises(desk.tenant, desk.doorkeeper, (desk.host,))
    return Asking(request, premises, Admission("", "aaaa"), Query({}, ""), ROOT)


def test_a_document_is_read_without_regard_to_case(desk: Desk) -> None:
    """As the documentation itself spells `Schedules` and `schedules`."""
    assert asking(desk, {"Schedules": [1], "startTime": None}).document() == {"schedules": [1], "starttime": None}


@pytest.mark.parametrize("body", [None, b"", b"{", b"[]", b"1", b"\xff\xfe", b"[" * 200_000])
def test_what_is_no_document_is_a_bad_request(desk: Desk, body: bytes | None) -> None:
    """However it is broken."""
    with pytest.raises(GraphError) as caught:
        asking(desk, body).document()
    assert caught.value.code == "BadRequest"


def test_it_knows_the_time_and_the_preferences(desk: Desk) -> None:
    """And that a path without a mailbox has none."""
    one = asking(desk)
    assert (one.now, one.prefer) == (NOW, "odata.maxpagesize=2")
    assert one.context("users") == f"{ROOT}/$metadata#users"
    with pytest.raises(LookupError):
        _ = one.mailbox
