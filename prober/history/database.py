"""The file: counts of attempts in cells of time, and bundles of evidence, bounded in days, rows and bytes.

Rules of this file: one thread at a time works with it; a file that is damaged or from the future is set aside and never
read; what is dropped first is what is told again elsewhere.
"""

import json
import logging
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

LOG = logging.getLogger(__name__)
FILE = "history.db"
CELL = 900
"""Seconds of a cell."""
DROP_PERIOD, SWEEP_PERIOD = 60, 3600
"""Seconds between two looks for what is too old or too much, and for assignments of which nothing is kept."""
APPLICATION = 0x70726F62
"""By which SQLite files of ours are known (`PRAGMA application_id`)."""
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE assignments (id INTEGER PRIMARY KEY, client TEXT NOT NULL, target TEXT NOT NULL,
        UNIQUE (client, target));
    CREATE TABLE cells (at INTEGER NOT NULL, assignment INTEGER NOT NULL, ok INTEGER NOT NULL, slow INTEGER NOT NULL,
        failed INTEGER NOT NULL, other INTEGER NOT NULL, PRIMARY KEY (at, assignment)) WITHOUT ROWID;
    CREATE TABLE failures (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, assignment INTEGER NOT NULL,
        at REAL NOT NULL, whole INTEGER NOT NULL, summary TEXT NOT NULL, bundle TEXT NOT NULL);
    CREATE INDEX failures_by_assignment ON failures (assignment, number);
    CREATE INDEX failures_by_age ON failures (whole, number);
    """,
)
"""What leads from each version of the schema to the next; the number of steps taken is `PRAGMA user_version`."""
FIRST_ORIGIN = "schedule"
ORIGIN = f"coalesce(json_extract(summary, '$.origin'), '{FIRST_ORIGIN}')"
"""Where a failure comes from. Those that were kept before this was told all came from the schedule."""
Counts = Mapping[tuple[int, str, str], Sequence[int]]
"""Attempts that were ok, slow, failed and anything else, by start of the cell (epoch), client and target."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is kept: seconds and number of cells, seconds and number of failures, and bytes of everything."""

    counted_for: float = 8 * 86400.0
    failures_for: float = 30 * 86400.0
    cells: int = 1_000_000
    failures: int = 20_000
    octets: int = 64 << 20


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure to be kept. `at` is in epoch seconds; `whole`: it has what no other one says again."""

    id: str
    client: str
    target: str
    at: float
    whole: bool
    summary: str
    bundle: str


IN_MEMORY = Bounds(cells=100_000, failures=1_000, octets=16 << 20)
"""What is kept at most where there is no disk to keep it on."""


class ForeignError(Exception):
    """The file is another program's, or was written by a version of the prober that knows more."""


class Database:
    """The history in `folder`, or in memory where there is none. `lost`: there was one that could not be used."""

    def __init__(
        self, folder: Path | None, bounds: Bounds | None = None, migrations: Sequence[str] = MIGRATIONS
    ) -> None:
        self._file = None if folder is None else folder / FILE
        self._bounds = bounds or Bounds()
        self._migrations = migrations
        self.lost = False
        self._assignments: dict[tuple[str, str], int] = {}
        self._dropped_at = self._swept_at = float("-inf")
        self._connection = self._start()

    def write(self, counts: Counts, failures: Iterable[Failure], now: float) -> None:
        """Keep all of it, and drop what is too old or too much. Raises `sqlite3.Error`, and then has kept nothing."""
        try:
            self._write(counts, failures, now)
        except sqlite3.DatabaseError as exc:
            if isinstance(exc, sqlite3.OperationalError | sqlite3.IntegrityError):
                raise
            self._begin_anew(exc)
            self._write(counts, failures, now)

    def cells(self, start: int, end: int) -> dict[tuple[str, str], dict[int, list[int]]]:
        """Return the counts by client and target, and by the start of the cell, of `start` <= cell < `end`."""
        rows = self._connection.execute(
            "SELECT client, target, at, ok, slow, failed, other FROM cells JOIN assignments ON id = assignment"
            " WHERE at >= ? AND at < ? ORDER BY assignment, at",
            (start, end),
        )
        found: dict[tuple[str, str], dict[int, list[int]]] = {}
        for client, target, at, *counts in rows:
            found.setdefault((client, target), {})[at] = counts
        return found

    def failures(
        self,
        client: str | None = None,
        target: str | None = None,
        limit: int = 50,
        before: str | None = None,
        origin: str | None = None,
    ) -> list[dict[str, Any]]:
        """Return what is said in short of failures, the newest first, from the one `before` an id."""
        wanted = {"client = ?": client, "target = ?": target, f"{ORIGIN} = ?": origin}
        if before is not None:
            wanted["number < (SELECT number FROM failures WHERE id = ?)"] = before
        given = {condition: value for condition, value in wanted.items() if value is not None}
        where = f"WHERE {' AND '.join(given)}" if given else ""
        rows = self._connection.execute(
            f"SELECT failures.id, client, target, summary FROM failures JOIN assignments"  # noqa: S608 - conditions above
            f" ON assignments.id = assignment {where} ORDER BY number DESC LIMIT ?",
            (*given.values(), limit),
        )
        return [
            {"id": id_, "client": name, "target": at, "origin": FIRST_ORIGIN} | json.loads(said)
            for id_, name, at, said in rows
        ]

    def bundle(self, id_: str) -> dict[str, Any] | None:
        """Return all that is kept of one failure, `None` where there is no such one."""
        row = self._connection.execute("SELECT bundle FROM failures WHERE id = ?", (id_,)).fetchone()
        return None if row is None else {"id": id_, "origin": FIRST_ORIGIN} | json.loads(row[0])

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _write(self, counts: Counts, failures: Iterable[Failure], now: float) -> None:
        with self._transaction() as connection:
            connection.executemany(
                "INSERT INTO cells VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET ok = ok + excluded.ok,"
                " slow = slow + excluded.slow, failed = failed + excluded.failed, other = other + excluded.other",
                [(at, self._assignment(client, target), *many) for (at, client, target), many in counts.items()],
            )
            connection.executemany(
                "INSERT OR REPLACE INTO failures (id, assignment, at, whole, summary, bundle)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (one.id, self._assignment(one.client, one.target), one.at, one.whole, one.summary, one.bundle)
                    for one in failures
                ],
            )
            if abs(now - self._dropped_at) >= DROP_PERIOD:
                self._drop(connection, now)
            if abs(now - self._swept_at) >= SWEEP_PERIOD:
                self._sweep(connection, now)
        self._connection.execute("PRAGMA incremental_vacuum").fetchall()

    def _drop(self, connection: sqlite3.Connection, now: float) -> None:
        """Drop what is too old; then, while there is too much, what others say again, and then what is oldest."""
        bounds, self._dropped_at = self._bounds, now
        connection.execute("DELETE FROM cells WHERE at < ?", (int(now - bounds.counted_for) - CELL,))
        connection.execute("DELETE FROM failures WHERE at < ?", (now - bounds.failures_for,))
        (cells,) = connection.execute("SELECT count(*) FROM cells").fetchone()
        if cells > bounds.cells:
            connection.execute(
                "DELETE FROM cells WHERE at <= (SELECT at FROM cells ORDER BY at LIMIT 1 OFFSET ?)",
                (cells - bounds.cells - 1,),
            )
        (count,) = connection.execute("SELECT count(*) FROM failures").fetchone()
        self._drop_oldest(connection, count - bounds.failures)
        while count and self._octets(connection) > bounds.octets:
            self._drop_oldest(connection, max(1, count // 20))
            (count,) = connection.execute("SELECT count(*) FROM failures").fetchone()

    @staticmethod
    def _drop_oldest(connection: sqlite3.Connection, number: int) -> None:
        if number > 0:
            connection.execute(
                "DELETE FROM failures WHERE number IN (SELECT number FROM failures ORDER BY whole, number LIMIT ?)",
                (number,),
            )

    def _sweep(self, connection: sqlite3.Connection, now: float) -> None:
        """Forget assignments of which nothing is kept any more."""
        self._swept_at = now
        connection.execute(
            "DELETE FROM assignments WHERE id NOT IN (SELECT assignment FROM cells)"
            " AND id NOT IN (SELECT assignment FROM failures)"
        )
        self._assignments.clear()

    @staticmethod
    def _octets(connection: sqlite3.Connection) -> int:
        """Return how many bytes are in use."""
        pages, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def _assignment(self, client: str, target: str) -> int:
        """Return the number under which the cells and failures of a client on a target are kept."""
        known = self._assignments.get((client, target))
        if known is None:
            connection = self._connection
            connection.execute("INSERT OR IGNORE INTO assignments (client, target) VALUES (?, ?)", (client, target))
            found = connection.execute("SELECT id FROM assignments WHERE client = ? AND target = ?", (client, target))
            (known,) = found.fetchone()
            self._assignments[client, target] = known
        return int(known)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield self._connection
            self._connection.execute("COMMIT")
        except BaseException:
            self._assignments.clear()
            self._dropped_at = self._swept_at = float("-inf")
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _start(self) -> sqlite3.Connection:
        """Open the file; one that is of no use is set aside; where there can be none, keep all in memory."""
        if self._file is None:
            return self._in_memory()
        try:
            try:
                return self._opened(self._file)
            except (sqlite3.DatabaseError, ForeignError) as exc:
                if isinstance(exc, sqlite3.OperationalError):
                    raise
                self._set_aside(self._file, exc)
                return self._opened(self._file)
        except (OSError, sqlite3.Error) as exc:
            self._lose("cannot be used, and is kept in memory", exc)
            return self._in_memory()

    def _in_memory(self) -> sqlite3.Connection:
        least = IN_MEMORY
        self._file = None
        self._bounds = replace(
            self._bounds,
            cells=min(self._bounds.cells, least.cells),
            failures=min(self._bounds.failures, least.failures),
            octets=min(self._bounds.octets, least.octets),
        )
        return self._opened(":memory:")

    def _begin_anew(self, exc: Exception) -> None:
        """Go on with an empty file in the place of one that turned out to be damaged."""
        self._connection.close()
        self._assignments.clear()
        if self._file is not None:
            try:
                self._set_aside(self._file, exc)
            except OSError as problem:
                self._lose("cannot be set aside, and is kept in memory", problem)
                self._file = None
        self._connection = self._start()

    def _opened(self, file: Path | str) -> sqlite3.Connection:
        """Return a connection to a file of the newest version. Raises `OSError`, `sqlite3.Error`, `ForeignError`."""
        if isinstance(file, Path):
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # SQLite takes its mode over
        connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        def pragma(words: str) -> Any:
            return connection.execute(f"PRAGMA {words}").fetchone()

        version, application = pragma("user_version")[0], pragma("application_id")[0]
        foreign = (
            application != APPLICATION if version else connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        )
        if foreign or version > len(self._migrations):
            raise ForeignError(f"version {version}")
        if version and pragma("quick_check(1)")[0] != "ok":
            raise sqlite3.DatabaseError("damaged")
        if not version:
            pragma("auto_vacuum = incremental")
        pragma("journal_mode = wal")
        pragma("synchronous = normal")
        pragma(f"journal_size_limit = {4 << 20}")
        for number, script in enumerate(self._migrations[version:], version + 1):
            marks = f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {number}"
            connection.executescript(f"BEGIN IMMEDIATE; {script}; {marks}; COMMIT")

    def _set_aside(self, file: Path, exc: Exception) -> None:
        """Keep what is not understood for people to look at. Raises `OSError`."""
        number = 1
        while (aside := file.with_name(f"{FILE}.bad-{number}")).exists():
            number += 1
        self._lose(f"is damaged or of a foreign version, and was moved to {aside.name}", exc)
        file.rename(aside)
        for suffix in ("-wal", "-shm"):
            file.with_name(f"{FILE}{suffix}").unlink(missing_ok=True)

    def _lose(self, what: str, exc: Exception) -> None:
        self.lost = True
        LOG.error("history in %s %s (%s)", self._file, what, type(exc).__name__)
