"""What a new configuration changes: decided here, from two records, before anybody acts on it."""

from collections.abc import Iterator
from dataclasses import dataclass

from prober.identity.spec import unbound
from prober.model import Assignment
from prober.settings.settings import Settings


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of assignments, each as it is (or was last) configured. Kept and changed ones have the same key.

    `moved` are keys of changed ones that get through in another way than before, and of those removed: what is under
    way for them says nothing of how things are now.
    """

    added: tuple[Assignment, ...] = ()
    removed: tuple[Assignment, ...] = ()
    changed: tuple[Assignment, ...] = ()
    kept: tuple[Assignment, ...] = ()
    moved: frozenset[str] = frozenset()

    @property
    def channels(self) -> tuple[tuple[str, ...], tuple[Assignment, ...]]:
        """The keys of those of whose channels leave is taken, and those whose channels are opened."""
        ended = (*self.removed, *self.changed)
        return tuple(one.key for one in ended), (*self.added, *self.changed)

    @property
    def words(self) -> str:
        """How much it is, for the log."""
        parts = ((self.added, "added"), (self.removed, "removed"), (self.changed, "changed"), (self.kept, "kept"))
        return ", ".join(f"{len(some)} {word}" for some, word in parts)


def difference(old: Settings, new: Settings) -> Change:
    """Return what `new` changes of the assignments of `old`."""
    before, now = ({one.key: one for one in settings.assignments} for settings in (old, new))
    both = [one for key, one in now.items() if key in before]
    moved = {one.key for one in both if _way_in(old, before[one.key]) != _way_in(new, one)}
    changed = [one for one in both if one.key in moved or one != before[one.key]]
    touched = {one.key for one in changed}
    removed = tuple(one for key, one in before.items() if key not in now)
    return Change(
        added=tuple(one for key, one in now.items() if key not in before),
        removed=removed,
        changed=tuple(changed),
        kept=tuple(one for one in both if one.key not in touched),
        moved=frozenset(moved | {one.key for one in removed}),
    )


def beyond_reload(old: Settings, new: Settings) -> Iterator[str]:
    """Give a line for everything that is different and can only be so from the start."""
    pairs = (
        ("global.vantage", old.vantage, new.vantage),
        ("global.labels", old.label_names, new.label_names),
        ("workers", old.workers, new.workers),
        ("storage", (old.storage_path, old.history), (new.storage_path, new.history)),
    )
    for name, before, now in pairs:
        if before != now:
            yield f"{name}: cannot change without a restart"


def _way_in(settings: Settings, one: Assignment) -> tuple[object, ...]:
    """Return all that decides whether and how an attempt, or a push channel, of an assignment gets through."""
    specs = (unbound(settings.credentials.get(name or "")) for name in (one.credential, one.push_credential))
    key = one.key
    return (settings.fingerprints.get(key, ""), settings.routes[one.target.name], one.target.environment, *specs)
