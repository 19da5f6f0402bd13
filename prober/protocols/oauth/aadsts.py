"""AADSTS error codes as data: which class each belongs to, and whose credential it speaks of.

The vendor warns that codes and texts can change; codes not listed here are classified by the `error` field.
"""

from collections.abc import Mapping
from types import MappingProxyType

from prober.faults.taxonomy import Kind, Reason
from prober.vocabulary import Domain

TOKEN_SERVICE = (50000, 50033, 50087, 90006, 90012, 90024, 90033, 90036, 90090, 90091, 70012)
CUSTOMER_SIDE = (80001, 80002, 80005, 80014, 50166)
THROTTLED = (50196, 90055, 50088)
USER_CREDENTIAL = (
    *(50034, 50053, 50055, 50056, 50057, 50064, 50126, 50144, 50173, 70000, 70008, 700082, 70043),
    *(50132, 50133, 50089, 50078),
)
APP_CREDENTIAL = (
    *(70002, 7000215, 7000222, 7000218, 700027, 50012, 50013, 500133, 700030, 700024, 700016, 700011),
    *(7000112, 70001),
)
ACCESS_POLICY = (
    *(50076, 50079, 50074, 50072, 50158, 50097, 53000, 53001, 53002, 53003, 530032, 530035, 50131, 50005),
    *(53011, 65001, 65004, 90094, 50105),
)
CLIENT_MISCONFIG = (
    *(65005, 650052, 650056, 650057, 500011, 700025, 70011, 28002, 90002, 90014, 900144, 90023, 9002313),
    *(90072, 50020, 51004, 90038, 9001023),
)
CLOCK_SENSITIVE = frozenset({700024, 500133, 50013})
"""Codes that a clock of ours that is wrong brings about as well."""
DEFINITE = frozenset({50034, 50055, 50056, 50057, 50126, 50144, 7000215, 7000222, 70002, 7000218})
"""Codes after which the same secret is never sent again."""


def _kinds() -> dict[int, Kind]:
    groups: tuple[tuple[tuple[int, ...], Reason, Domain | None], ...] = (
        (TOKEN_SERVICE, Reason.TOKEN_SERVICE_ERROR, None),
        (CUSTOMER_SIDE, Reason.TOKEN_SERVICE_ERROR, None),
        (THROTTLED, Reason.THROTTLED, None),
        (USER_CREDENTIAL, Reason.AUTH_REJECTED, None),
        (APP_CREDENTIAL, Reason.AUTH_REJECTED, None),
        (ACCESS_POLICY, Reason.ACCESS_POLICY, None),
        (CLIENT_MISCONFIG, Reason.CLIENT_MISCONFIG, Domain.IDENTITY),
    )
    return {code: Kind(f"aadsts_{code}", reason, where) for codes, reason, where in groups for code in codes}


KINDS: Mapping[int, Kind] = MappingProxyType(_kinds())
"""Kind of each known code."""
