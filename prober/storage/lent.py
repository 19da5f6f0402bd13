"""State that belongs to another process: a worker has a copy of what it needs, and tells of every change.

Rule of this file: changes are told in the order of time, the last one of each key only.
"""

from collections.abc import Callable, Mapping, MutableMapping

from prober.storage.store import Section, Store

Changes = dict[str, dict[str, str | None]]
"""By section and key, the new value; `None` where it is gone."""


class LentSection(Section):
    """A live view of one part of what was lent."""

    def __init__(self, store: Store, values: dict[str, str], changed: Callable[[str, str | None], None]) -> None:
        super().__init__(store, values)
        self._changed = changed

    def __setitem__(self, key: str, value: str) -> None:
        if self._values.get(key) != value:
            super().__setitem__(key, value)
            self._changed(key, value)

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self._changed(key, None)


class LentStore(Store):
    """A copy in memory. `changed` is called when there is something to `take`, once until it is taken."""

    def __init__(
        self, installation: str, sections: Mapping[str, Mapping[str, str]], changed: Callable[[], None]
    ) -> None:
        super().__init__(None)
        self.installation = installation
        self._sections = {name: dict(values) for name, values in sections.items()}
        self._changes: Changes = {}
        self._written: set[tuple[str, str]] = set()
        self._tell = changed

    def section(self, name: str) -> MutableMapping[str, str]:
        """Return the named part; writing to it is a change to be told."""
        values = self._sections.setdefault(name, {})
        return LentSection(self, values, lambda key, value: self._change(name, key, value))

    def take(self) -> Changes:
        """Return what has changed since this was last asked."""
        changes, self._changes = self._changes, {}
        return changes

    def settle(self) -> None:
        """From now on it is known what is written here; what was before, the lender knows."""
        self._written.clear()

    def lend(self, sections: Mapping[str, Mapping[str, str]]) -> None:
        """Take over what the lender has now, but for what was written here since the last `settle`."""
        for name, values in sections.items():
            kept = {key: value for key, value in self._sections.get(name, {}).items() if (name, key) in self._written}
            mine = self._sections.setdefault(name, {})
            gone = {key for section, key in self._written if section == name} - kept.keys()
            mine.clear()
            mine.update({key: value for key, value in values.items() if key not in gone} | kept)

    def _change(self, name: str, key: str, value: str | None) -> None:
        if not self._changes:
            self._tell()
        self._written.add((name, key))
        self._changes.setdefault(name, {})[key] = value
