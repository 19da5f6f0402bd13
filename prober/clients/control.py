"""Something known to be well, fetched from the same vantage by the same way out: while it fails, nobody else is judged.

Rule: it fails only when every one of its pages fails, because one web site's bad day says nothing about the vantage.
"""

from collections.abc import Iterator

from prober.faults.taxonomy import Fault, FaultError
from prober.model import Assignment, Target
from prober.protocols.http.page import Page
from prober.transaction import ENDPOINT_MISSING, Client, NoOptions, Step, Transaction
from prober.vocabulary import Depth

ENDPOINTS = ("control", *(f"control_{number}" for number in range(2, 10)))
PER_PAGE = 30.0
"""Seconds that each page may take before the step itself gives up; the phases have shorter limits of their own."""


def pages(target: Target) -> Iterator[str]:
    """Return the names of the endpoints that `target` has, in order."""
    return (name for name in ENDPOINTS if name in target.endpoints)


def _limit(assignment: Assignment) -> float:
    return PER_PAGE * max(len(tuple(pages(assignment.target))), 1)


async def fetch(tx: Transaction, memory: None) -> None:
    """Fetch one page after the other until one answers."""
    first: Fault | None = None
    for name in pages(tx.target):
        try:
            status = await tx.ask(Page(tx.endpoint(name)))
        except FaultError as error:
            first = first or error.fault.during(tx.timeline.interrupted)
            continue
        tx.note(page=name, status=status)
        return
    if first is None:
        raise FaultError(ENDPOINT_MISSING, {"endpoint": ENDPOINTS[0]})
    raise FaultError(first.kind, first.evidence, phase=first.phase, retry_after=first.retry_after)


def _no_memory() -> None:
    """Nothing is remembered from one page to the next."""


CLIENT = Client(
    name="control",
    summary="A web page that is known to be well",
    title="Control",
    memory=_no_memory,
    steps=(Step(fetch, Depth.REACH, _limit),),
    endpoints=ENDPOINTS,
    interval=30.0,
    options=NoOptions,
)
