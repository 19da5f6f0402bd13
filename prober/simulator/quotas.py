"""Budgets of those who ask: off as a whole."""

from collections.abc import Iterator
from contextlib import contextmanager

from prober.simulator.tenant import Tenant


class OverQuota(Exception):  # noqa: N818 - a signal: the service words the refusal
    """A budget is used up; `retry_after` in seconds."""

    def __init__(self, why: str, retry_after: float) -> None:
        super().__init__(why)
        self.why = why
        self.retry_after = retry_after


class Quotas:
    """Counts what is asked."""

    def __init__(self, tenant: Tenant, limits: None = None) -> None:
        self._tenant = tenant

    @contextmanager
    def enter(self, service: str, who: str, *, weight: int = 1) -> Iterator[None]:
        """Count one request of `who` while it lasts. Raises `OverQuota`."""
        yield
