"""State survives a restart, whole or not at all, and its loss is never silent."""

import json
from pathlib import Path

import pytest

from prober.storage.store import FILE, Store, StoreBusyError, glance


def test_what_is_put_in_is_there_after_a_restart(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path / "state"))
    store.section("device imap4/hq")["uid_validity"] = "7"
    store.close()
    again = Store.open(str(tmp_path / "state"))
    assert dict(again.section("device imap4/hq")) == {"uid_validity": "7"}
    assert again.installation == store.installation
    assert not again.lost
    again.close()


def test_others_are_told_where_there_is_room_beside_it(tmp_path: Path) -> None:
    """Nowhere, for what is in memory and for a copy."""
    store = Store.open(str(tmp_path / "state"))
    assert store.folder == tmp_path / "state"
    store.close()
    assert Store.open(None).folder is None
    assert Store.copy(str(tmp_path / "state")).folder is None


def test_a_section_is_a_live_view() -> None:
    store = Store.open(None)
    one, two = store.section("a"), store.section("a")
    one["k"] = "v"
    assert two["k"] == "v"
    del two["k"]
    assert len(one) == 0
    assert list(one) == []


def test_only_a_change_is_written(tmp_path: Path) -> None:
    store = Store.open(str(tmp_path))
    section = store.section("a")
    section["k"] = "v"
    store.save()
    (tmp_path / FILE).unlink()
    section["k"] = "v"
    store.save()
    assert not (tmp_path / FILE).exists()
    section["k"] = "w"
    store.save()
    assert (tmp_path / FILE).exists()
    store.close()


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    Store.open(str(tmp_path)).close()
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_a_file_cut_anywhere_is_set_aside_and_its_loss_is_known(tmp_path: Path) -> None:
    """No truncation gives wrong state, a traceback, or silence."""
    store = Store.open(str(tmp_path / "whole"))
    store.section("a")["k"] = "v"
    store.close()
    whole = (tmp_path / "whole" / FILE).read_bytes()
    for length in range(len(whole)):
        folder = tmp_path / f"cut{length}"
        folder.mkdir()
        (folder / FILE).write_bytes(whole[:length])
        cut = Store.open(str(folder))
        assert cut.lost
        assert dict(cut.section("a")) == {}
        assert (folder / f"{FILE}.bad-1").read_bytes() == whole[:length]
        cut.close()


@pytest.mark.parametrize(
    "state",
    [
        {"version": 2, "installation": "x", "sections": {}},
        {"version": 1, "sections": {}},
        {"version": 1, "installation": "x", "sections": {"a": {"k": 1}}},
        {"version": 1, "installation": "x", "sections": []},
        [],
    ],
)
def test_a_foreign_file_is_not_guessed_at(tmp_path: Path, state: object) -> None:
    (tmp_path / FILE).write_text(json.dumps(state))
    store = Store.open(str(tmp_path))
    assert store.lost
    assert (tmp_path / f"{FILE}.bad-1").exists()
    store.close()


def test_several_bad_files_are_all_kept(tmp_path: Path) -> None:
    for _ in range(3):
        (tmp_path / FILE).write_text("bad")
        Store.open(str(tmp_path)).close()
    assert sorted(path.name for path in tmp_path.glob(f"{FILE}.bad-*")) == [f"{FILE}.bad-{n}" for n in (1, 2, 3)]


def test_a_directory_that_cannot_be_used_costs_the_state_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store.open(str(tmp_path / "file" / "below"))
    assert store.lost
    store.section("a")["k"] = "v"
    store.save()
    assert store.section("a")["k"] == "v"
    store.close()


def test_a_write_that_fails_keeps_the_old_state_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(str(tmp_path))
    before = (tmp_path / FILE).read_bytes()
    store.section("a")["k"] = "v"

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("os.fsync", full)
        store.save()
    assert store.lost
    assert (tmp_path / FILE).read_bytes() == before
    assert not (tmp_path / f"{FILE}.new").exists()
    store.save()
    assert json.loads((tmp_path / FILE).read_text())["sections"] == {"a": {"k": "v"}}
    store.close()


def test_two_probers_do_not_share_a_directory(tmp_path: Path) -> None:
    first = Store.open(str(tmp_path))
    with pytest.raises(StoreBusyError, match="in use by another prober"):
        Store.open(str(tmp_path))
    first.close()
    Store.open(str(tmp_path)).close()


def test_a_section_does_not_print_what_it_holds() -> None:
    section = Store.open(None).section("a")
    section["refresh"] = "canary"
    assert "canary" not in repr(section)


def test_a_copy_is_what_the_directory_holds_and_writes_nothing_back(tmp_path: Path) -> None:
    """For a look beside the prober that keeps the directory: same installation, own memory, no lock."""
    kept = Store.open(str(tmp_path))
    kept.section("a")["k"] = "v"
    kept.save()
    before = (tmp_path / FILE).read_bytes()
    copy = Store.copy(str(tmp_path))
    assert (copy.installation, copy.section("a")["k"], copy.lost) == (kept.installation, "v", False)
    copy.section("a")["k"] = "w"
    copy.close()
    assert (tmp_path / FILE).read_bytes() == before
    kept.close()


def test_a_copy_of_what_cannot_be_read_is_empty(tmp_path: Path) -> None:
    """Nothing there is lost state; something damaged is left alone for its keeper to set aside."""
    assert Store.copy(str(tmp_path)).lost
    (tmp_path / FILE).write_text("{")
    assert len(Store.copy(str(tmp_path)).section("a")) == 0
    assert (tmp_path / FILE).read_text() == "{"


def test_what_changes_while_it_is_written_is_written_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Saving may take its time in a thread; a change meanwhile marks the store anew."""
    store = Store.open(str(tmp_path))
    section = store.section("a")
    section["k"] = "v"
    replace = Path.replace

    def slow(self: Path, target: Path) -> Path:
        section["k"] = "w"
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", slow)
    store.save()
    monkeypatch.undo()
    assert store.dirty
    store.close()
    assert Store.copy(str(tmp_path)).section("a")["k"] == "w"


def test_a_glance_takes_nothing_into_use(tmp_path: Path) -> None:
    """Beside whoever keeps it; where there is nothing, or nothing that is understood, it finds nothing and says so."""
    folder = str(tmp_path / "state")
    assert glance(folder, "lists") == glance(None, "lists") == {}
    assert not (tmp_path / "state").exists()
    store = Store.open(folder)
    store.section("lists")["a"] = "1"
    store.save()
    assert glance(folder, "lists") == {"a": "1"}
    assert glance(folder, "others") == {}
    store.close()
    (tmp_path / "state" / FILE).write_text("{")
    assert glance(folder, "lists") == {}
    assert (tmp_path / "state" / FILE).read_text() == "{"
