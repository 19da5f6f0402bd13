"""The healthy model of one way out: now and then the network hiccups, and everything fails for some seconds.

Rule of this file: what a blip explains is no evidence. Two states, blip and none; `tau` is the mean length of a blip in
seconds, `rho` the share of time spent in one, `certainty` the failure rate within one.
"""

from math import exp

TAU = 45.0
RHO = 2.6e-4
"""One blip of 45 s every second day."""
CERTAINTY = 0.98


class Blips:
    """A two-state filter, shared by everybody who takes the same way out. Times in epoch seconds."""

    __slots__ = ("_last", "_posterior", "_tau", "certainty", "rho")

    def __init__(self, tau: float = TAU, rho: float = RHO, certainty: float = CERTAINTY) -> None:
        self._tau = tau
        self.rho = rho
        self.certainty = certainty
        self._posterior = rho
        self._last: float | None = None

    def probability(self, at: float) -> float:
        """Return the probability that a transaction at `at` falls into a blip, before its result is known."""
        last = self._last
        if last is None:
            return self.rho
        stays = exp((last - at) / self._tau) if at > last else 1.0
        return self._posterior * stays + (1.0 - self._posterior) * (1.0 - stays) * self.rho

    def saw(self, at: float, blip: float, expected: float, *, failed: bool) -> None:
        """Learn from a result: `blip` and `expected` are the probabilities of a blip and of a failure before it."""
        inside = blip * self.certainty
        self._posterior = inside / expected if failed else (blip - inside) / (1.0 - expected)
        self._last = at

    def dump(self) -> list[float | None]:
        """Return what there is to know."""
        return [self._posterior, self._last]

    def load(self, state: list[float]) -> None:
        """Take over what `dump` gave. Raises `ValueError` for anything else."""
        posterior, last = state
        if not 0.0 <= posterior <= 1.0:
            raise ValueError("not a state of the blip filter")
        self._posterior, self._last = float(posterior), None if last is None else float(last)
