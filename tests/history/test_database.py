"""The file of the history: what is in it, what goes first, and what becomes of a file that is no good."""

import logging
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from prober.history.database import CELL, FILE, IN_MEMORY, MIGRATIONS, Bounds, Database, Failure

NOW = 1_800_000_000 // CELL * CELL
HOUR = 3600.0


def failure(number: int, *, at: float = NOW, target: str = "hq", whole: bool = True, size: int = 10) -> Failure:
    return Failure(f"f{number}", "toy", target, at, whole, f'{{"n": {number}}}', f'{{"pad": "{"x" * size}"}}')


Memory = Callable[..., Database]


@pytest.fixture
def memory() -> Iterator[Memory]:
    """Make histories that are kept nowhere, and close them."""
    made: list[Database] = []

    def make(bounds: Bounds | None = None) -> Database:
        made.append(Database(None, bounds))
        return made[-1]

    yield make
    for one in made:
        one.close()


def numbers(database: Database, **wanted: str) -> list[int]:
    return [one["n"] for one in database.failures(limit=10_000, **wanted)]


def test_what_is_written_is_there_after_a_restart(tmp_path: Path) -> None:
    """Counts add up in their cells; the newest failure comes first, by any of its names."""
    database = Database(tmp_path)
    database.write({(NOW, "toy", "hq"): [1, 2, 3, 4]}, [failure(1), failure(2, target="exo")], NOW)
    database.write({(NOW, "toy", "hq"): [1, 0, 0, 0], (NOW + CELL, "toy", "hq"): [0, 0, 1, 0]}, [failure(3)], NOW)
    database.close()
    again = Database(tmp_path)
    assert again.cells(NOW, NOW + CELL) == {("toy", "hq"): {NOW: [2, 2, 3, 4]}}
    assert again.cells(NOW, NOW + 2 * CELL)["toy", "hq"] == {NOW: [2, 2, 3, 4], NOW + CELL: [0, 0, 1, 0]}
    assert again.failures() == [
        {"id": "f3", "client": "toy", "target": "hq", "origin": "schedule", "n": 3},
        {"id": "f2", "client": "toy", "target": "exo", "origin": "schedule", "n": 2},
        {"id": "f1", "client": "toy", "target": "hq", "origin": "schedule", "n": 1},
    ]
    assert numbers(again, target="hq") == [3, 1]
    assert numbers(again, client="toy", target="exo") == [2]
    assert numbers(again, client="other") == []
    assert numbers(again, before="f3") == [2, 1]
    assert again.failures(limit=1)[0]["n"] == 3
    assert again.bundle("f1") == {"id": "f1", "origin": "schedule", "pad": "x" * 10}
    assert again.bundle("f9") is None
    assert not again.lost
    again.close()


def test_failures_are_found_by_where_they_come_from(memory: Memory) -> None:
    """Those that say nothing of it, as they did once, came from the schedule."""
    database = memory()
    lost = Failure("f2", "toy", "hq", NOW, True, '{"n": 2, "origin": "push"}', '{"origin": "push"}')
    database.write({}, [failure(1), lost, failure(3)], NOW)
    assert numbers(database, origin="push") == [2]
    assert numbers(database, origin="schedule", target="hq") == [3, 1]
    assert numbers(database, origin="probe") == []
    found = database.bundle("f2")
    assert found is not None
    assert found["origin"] == "push"


def test_nobody_else_may_read_the_file(tmp_path: Path) -> None:
    database = Database(tmp_path)
    database.write({}, [failure(1)], NOW)
    modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    database.close()
    assert modes == {0o600}


def test_without_a_folder_it_is_kept_in_memory(memory: Memory) -> None:
    database = memory()
    database.write({(NOW, "toy", "hq"): [1, 0, 0, 0]}, [failure(1)], NOW)
    assert numbers(database) == [1]
    assert not database.lost


def test_failures_are_kept_longer_than_counts(memory: Memory) -> None:
    database = memory(Bounds(counted_for=8 * HOUR, failures_for=30 * HOUR))
    database.write({(NOW, "toy", "hq"): [1, 0, 0, 0]}, [failure(1)], NOW)
    later = NOW + 9 * HOUR
    database.write({(int(later), "toy", "hq"): [1, 0, 0, 0]}, [failure(2, at=later)], later)
    assert list(database.cells(0, 2 * NOW)["toy", "hq"]) == [int(later)]
    assert numbers(database) == [2, 1]
    database.write({}, [], NOW + 31 * HOUR)
    assert numbers(database) == [2]


def test_what_others_say_again_goes_first(memory: Memory) -> None:
    """Of too many failures; then the oldest."""
    database = memory(Bounds(failures=3))
    database.write({}, [failure(1), failure(2, whole=False), failure(3), failure(4, whole=False), failure(5)], NOW)
    assert numbers(database) == [5, 3, 1]
    database.write({}, [failure(6)], NOW + 60)
    assert numbers(database) == [6, 5, 3]


def test_bytes_are_bounded_and_given_back(tmp_path: Path) -> None:
    """The file itself shrinks; what is newest stays."""
    database = Database(tmp_path, Bounds(octets=200_000))
    for batch in range(10):
        some = [failure(10 * batch + number, size=10_000) for number in range(10)]
        database.write({}, some, NOW + 60 * batch)
    kept = numbers(database)
    database.close()
    assert 5 < len(kept) < 25
    assert kept[0] == 99
    assert (tmp_path / FILE).stat().st_size < 400_000


def test_cells_are_bounded_in_number(memory: Memory) -> None:
    database = memory(Bounds(cells=10))
    targets = [f"t{number}" for number in range(4)]
    database.write(
        {(NOW + cell * CELL, "toy", name): [1, 0, 0, 0] for cell in range(5) for name in targets}, [], NOW + 5 * CELL
    )
    kept = database.cells(0, 2 * NOW)
    assert {tuple(cells) for cells in kept.values()} == {(NOW + 3 * CELL, NOW + 4 * CELL)}
    assert len(kept) == 4


def test_assignments_of_which_nothing_is_left_are_forgotten(memory: Memory) -> None:
    """However often the configuration changes; and who comes back is counted on."""
    database = memory(Bounds(counted_for=HOUR, failures_for=HOUR))
    database.write({(NOW, "toy", "gone"): [1, 0, 0, 0]}, [failure(1, target="gone too")], NOW)
    later = NOW + 10 * CELL
    database.write({(later, "toy", "hq"): [1, 0, 0, 0]}, [], later)
    assert database._connection.execute("SELECT target FROM assignments").fetchall() == [("hq",)]
    database.write({(later, "toy", "gone"): [1, 0, 0, 0]}, [], later)
    assert set(database.cells(0, 2 * NOW)) == {("toy", "hq"), ("toy", "gone")}


@pytest.mark.parametrize("spoil", ["garbage", "middle", "newer", "foreign"])
def test_a_file_that_is_no_good_is_set_aside(tmp_path: Path, spoil: str, caplog: pytest.LogCaptureFixture) -> None:
    """One line in the log, the file beside, and a new history; never a crash."""
    file = tmp_path / FILE
    if spoil in ("garbage", "foreign"):
        file.write_bytes(b"no database, whatever it is called\n" * 100)
    if spoil == "foreign":
        file.unlink()
        with closing(sqlite3.connect(file)) as other:
            other.execute("CREATE TABLE theirs (x)")
    if spoil in ("middle", "newer"):
        database = Database(tmp_path)
        database.write({}, [failure(number, size=3000) for number in range(20)], NOW)
        database.close()
    if spoil == "middle":
        data = bytearray(file.read_bytes())
        data[4096 : len(data) // 2] = b"\xa5" * (len(data) // 2 - 4096)
        file.write_bytes(data)
    if spoil == "newer":
        with closing(sqlite3.connect(file)) as other:
            other.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    was = file.read_bytes()
    with caplog.at_level(logging.ERROR):
        database = Database(tmp_path)
    assert database.lost
    assert [len(record.getMessage().splitlines()) for record in caplog.records] == [1]
    assert (tmp_path / f"{FILE}.bad-1").read_bytes() == was
    database.write({}, [failure(1)], NOW)
    assert numbers(database) == [1]
    database.close()
    again = Database(tmp_path)
    assert not again.lost
    again.close()


def test_damage_that_shows_later_costs_the_past_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is being written then is in the new file."""
    database = Database(tmp_path)
    database.write({(NOW, "toy", "hq"): [1, 0, 0, 0]}, [failure(1)], NOW)

    def broken(*_: object) -> None:
        if not (tmp_path / f"{FILE}.bad-1").exists():
            raise sqlite3.DatabaseError("database disk image is malformed")

    monkeypatch.setattr(database, "_drop", broken)  # where SQLite happens to find it
    database.write({(NOW + CELL, "toy", "hq"): [0, 0, 1, 0]}, [failure(2)], NOW + 60)
    assert database.lost
    assert numbers(database) == [2]
    assert database.cells(0, 2 * NOW) == {("toy", "hq"): {NOW + CELL: [0, 0, 1, 0]}}
    database.close()


def test_where_no_file_can_be_it_is_kept_in_memory(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    database = Database(tmp_path)
    assert database.lost
    database.write({}, [failure(number) for number in range(IN_MEMORY.failures + 10)], NOW)
    assert numbers(database)[0] == IN_MEMORY.failures + 9
    assert len(numbers(database)) == IN_MEMORY.failures
    database.close()


def test_what_cannot_be_written_is_not_written_in_part(memory: Memory) -> None:
    """The counts of a batch belong to its failures; and the next batch goes on as ever."""
    database = memory()
    database._connection.execute("PRAGMA max_page_count = 30")
    with pytest.raises(sqlite3.OperationalError):
        database.write({(NOW, "toy", "hq"): [1, 0, 0, 0]}, [failure(1, size=1_000_000)], NOW)
    assert database.cells(0, 2 * NOW) == {}
    database.write({(NOW, "toy", "hq"): [1, 0, 0, 0]}, [], NOW)
    assert database.cells(0, 2 * NOW) == {("toy", "hq"): {NOW: [1, 0, 0, 0]}}
    assert not database.lost


def test_an_older_file_is_brought_up_to_date(tmp_path: Path) -> None:
    """Step by step from where it is, and keeps what is in it."""
    old = Database(tmp_path)
    old.write({}, [failure(1)], NOW)
    old.close()
    newer = (*MIGRATIONS, "ALTER TABLE failures ADD COLUMN note TEXT NOT NULL DEFAULT 'old'")
    for _ in range(2):
        database = Database(tmp_path, migrations=newer)
        assert not database.lost
        assert database._connection.execute("SELECT id, note FROM failures").fetchall() == [("f1", "old")]
        assert database._connection.execute("PRAGMA user_version").fetchone() == (len(newer),)
        database.close()
