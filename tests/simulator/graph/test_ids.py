"""Ids of folders and items."""

import pytest

from prober.simulator.graph.errors import GraphError
from prober.simulator.graph.ids import folder_id, item_id, read_id, read_item
from tests.simulator.graph.desk import Desk, fill


def test_an_id_names_what_it_was_made_of(desk: Desk) -> None:
    """It looks like one of Exchange's, and needs no escaping in a path."""
    fill(desk.alice, 2)
    text = item_id(desk.alice, desk.alice.inbox, 2)
    assert text.startswith("AAMk")
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert read_item(desk.alice, text) == (desk.alice.inbox, desk.alice.inbox.items[2])
    assert read_id(desk.alice, folder_id(desk.alice, desk.alice.inbox)) == (desk.alice.inbox, 0)


@pytest.mark.parametrize("text", ["", "x", "AAMk", "AAMkAAAA", "BBBB" * 8, "AAM!" * 8, "Ä" * 32])
def test_what_is_no_id_is_malformed(desk: Desk, text: str) -> None:
    """By its own code."""
    with pytest.raises(GraphError) as caught:
        read_id(desk.alice, text)
    assert caught.value.code == "ErrorInvalidIdMalformed"


def test_another_mailbox_s_id_names_nothing_here(desk: Desk) -> None:
    """Nor does that of an item that is gone."""
    fill(desk.alice, 1)
    fill(desk.bob, 1)
    for box, text in (
        (desk.bob, item_id(desk.alice, desk.alice.inbox, 1)),
        (desk.alice, item_id(desk.alice, desk.alice.inbox, 9)),
    ):
        with pytest.raises(GraphError) as caught:
            read_item(box, text)
        assert caught.value.code == "ErrorItemNotFound"
