"""How strong an incident is at a time: it grows, stays, dies down, and may come back. Pure arithmetic, in minutes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Relapse:
    """The incident comes back `after_min` minutes after its end, for `for_min`, at a share of its full strength."""

    after_min: float
    for_min: float
    intensity: float = 1.0


@dataclass(frozen=True, slots=True)
class Shape:
    """The course of an incident, in minutes: how long it grows, how long it dies down, and how it comes back."""

    ramp_min: float = 0.0
    decay_min: float = 0.0
    relapses: tuple[Relapse, ...] = ()

    def intensity(self, minutes: float, end: float | None = None) -> float:
        """Return 0 to 1, `minutes` after the onset; `end` is when the decay begins, `None` for not yet.

        With ramp 10, decay 20 and an end at 60: 0.5 at 5, 1 from 10 to 60, 0.5 at 70, 0 from 80.
        """
        if minutes < 0:
            return 0.0
        if end is None or minutes < end:
            return self._risen(minutes)
        since = minutes - end
        falling = self._risen(end) * max(0.0, 1 - since / self.decay_min) if self.decay_min > 0 else 0.0
        back = [one.intensity for one in self.relapses if one.after_min <= since < one.after_min + one.for_min]
        return max(falling, *back, 0.0)

    def over(self, minutes: float, end: float | None) -> bool:
        """Whether nothing can come any more."""
        last = max((one.after_min + one.for_min for one in self.relapses), default=0.0)
        return end is not None and minutes >= end + max(self.decay_min, last)

    def _risen(self, minutes: float) -> float:
        return 1.0 if self.ramp_min <= 0 else min(1.0, minutes / self.ramp_min)
