"""Decides, for every occasion, whether and how it goes wrong. The same seed and the same occasions give the same draws."""

from collections.abc import Iterable

from prober.simulator.faults.fault import Fault, Level, Occasion
from prober.simulator.tenant import Tenant


class Weather:
    """The incidents that are on, and the draws."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant

    def strike(self, occasion: Occasion, level: Level) -> Fault | None:
        """Return the fault that hits `occasion` at `level`, if one does, and note it."""
        return None
