"""Lent state: a copy that tells of its changes, each once and in its last form."""

from prober.storage.lent import LentStore


def lent(told: list[str]) -> LentStore:
    return LentStore("an installation", {"records": {"a": "1"}}, lambda: told.append("changed"))


def test_it_holds_what_was_lent() -> None:
    """And is not the lender's own."""
    values = {"a": "1"}
    store = LentStore("an installation", {"records": values}, lambda: None)
    section = store.section("records")
    section["a"] = "2"
    assert store.installation == "an installation"
    assert (dict(section), values) == ({"a": "2"}, {"a": "1"})
    assert dict(store.section("device imap4/hq")) == {}


def test_changes_are_told_once_and_taken_in_their_last_form() -> None:
    """Setting what is there already is none."""
    told: list[str] = []
    store = lent(told)
    records, device = store.section("records"), store.section("device imap4/hq")
    records["a"] = "1"
    assert (told, store.take()) == ([], {})
    records["b"] = "2"
    records["b"] = "3"
    device["key"] = "4"
    del records["a"]
    assert told == ["changed"]
    assert store.take() == {"records": {"b": "3", "a": None}, "device imap4/hq": {"key": "4"}}
    assert store.take() == {}
    device.pop("key")
    device.pop("key", None)
    assert (told, store.take()) == (["changed"] * 2, {"device imap4/hq": {"key": None}})


def test_two_views_of_a_section_are_one() -> None:
    """And no view shows its values by accident."""
    store = lent([])
    store.section("records")["c"] = "secret"
    assert store.section("records")["c"] == "secret"
    assert len(store.section("records")) == 2
    assert "secret" not in repr(store.section("records"))


def test_what_is_lent_anew_does_not_undo_what_was_written_here() -> None:
    """What the lender cannot know yet stays; all else is as the lender has it."""
    store = lent([])
    records, device = store.section("records"), store.section("device imap4/hq")
    records["mine"] = "new"
    del records["a"]
    store.lend({"records": {"a": "1", "mine": "old", "theirs": "2"}, "device imap4/hq": {"key": "3"}})
    assert (dict(records), dict(device)) == ({"mine": "new", "theirs": "2"}, {"key": "3"})
    store.settle()
    store.lend({"records": {"a": "4"}})
    assert dict(records) == {"a": "4"}
