"""What one finished attempt says of the domains: where it broke, and how far it came.

Rule of this file: what does not count for availability speaks of the prober or of a policy, never of the service.
"""

from enum import Enum
from typing import NamedTuple

from prober.faults.taxonomy import MAINTENANCE, Reason
from prober.model import Assignment, Outcome
from prober.verdict import Judgement
from prober.vocabulary import Depth, Domain, Environment, Verdict

GREEN = frozenset({Verdict.OK, Verdict.SLOW})
SILENT = frozenset({Verdict.RETIRED, Verdict.THROTTLED})
TOKEN_STEPS = frozenset({"token_request", "token_client", "token_user"})


class Colour(Enum):
    """How one attempt went."""

    GREEN = "green"
    RED = "red"
    OURS = "ours"
    """It did not count, for a reason that lies with us or with a policy."""


class Record(NamedTuple):
    """One attempt. `at` in epoch seconds; `domain` is where it broke, by its own evidence, `None` where it did not.

    `asked_token`: it broke while it asked for a token, not when it showed one. `depth` is how much it proves if green.
    """

    key: str
    client: str
    target: str
    environment: Environment
    at: float
    colour: Colour
    domain: Domain | None = None
    asked_token: bool = False
    depth: Depth = Depth.MAILBOX


def read(assignment: Assignment, outcome: Outcome, judgement: Judgement, at: float) -> Record | None:
    """Return what an attempt says; `None` for one that says nothing.

    That is one under maintenance, of a withdrawn protocol, or told to slow down: a limit is nobody's fault.
    """
    target, failure = assignment.target, outcome.failure
    if judgement.verdict in GREEN:
        who, depth = assignment.client, assignment.depth
        return Record(assignment.key, who, target.name, target.environment, at, Colour.GREEN, depth=depth)
    colour = _colour(judgement)
    if colour is None:
        return None
    return Record(
        assignment.key,
        assignment.client,
        target.name,
        target.environment,
        at,
        colour,
        _domain(judgement, colour),
        failure is not None and failure.step in TOKEN_STEPS,
        assignment.depth,
    )


def _colour(judgement: Judgement) -> Colour | None:
    if judgement.verdict in GREEN:
        return Colour.GREEN
    if judgement.verdict is Verdict.FAILED:
        return Colour.RED
    if judgement.verdict in SILENT or judgement.code == MAINTENANCE.code:
        return None
    return Colour.OURS


def _domain(judgement: Judgement, colour: Colour) -> Domain | None:
    if colour is Colour.GREEN:
        return None
    if colour is Colour.RED:
        return judgement.domain or (judgement.reason.domain if judgement.reason else Domain.FRONTEND)
    if judgement.reason is Reason.ACCESS_POLICY:
        return Domain.POLICY
    return Domain.PROXY if judgement.domain is Domain.PROXY else Domain.PROBER
