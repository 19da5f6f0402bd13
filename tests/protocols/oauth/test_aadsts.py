from itertools import chain

import pytest

from prober.faults.taxonomy import Reason
from prober.protocols.oauth import aadsts


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (50033, Reason.TOKEN_SERVICE_ERROR),
        (80002, Reason.TOKEN_SERVICE_ERROR),
        (50196, Reason.THROTTLED),
        (50126, Reason.AUTH_REJECTED),
        (7000222, Reason.AUTH_REJECTED),
        (53003, Reason.ACCESS_POLICY),
        (90002, Reason.CLIENT_MISCONFIG),
    ],
)
def test_a_code_has_its_class(code: int, reason: Reason) -> None:
    assert aadsts.KINDS[code].reason is reason
    assert aadsts.KINDS[code].code == f"aadsts_{code}"


def test_no_code_stands_in_two_groups() -> None:
    groups = (
        aadsts.TOKEN_SERVICE,
        aadsts.CUSTOMER_SIDE,
        aadsts.THROTTLED,
        aadsts.USER_CREDENTIAL,
        aadsts.APP_CREDENTIAL,
        aadsts.ACCESS_POLICY,
        aadsts.CLIENT_MISCONFIG,
    )
    codes = list(chain.from_iterable(groups))
    assert len(codes) == len(set(codes)) == len(aadsts.KINDS)


def test_what_is_definite_or_about_time_is_known() -> None:
    rejected = {code for code, kind in aadsts.KINDS.items() if kind.reason is Reason.AUTH_REJECTED}
    assert rejected >= aadsts.DEFINITE
    assert set(aadsts.KINDS) >= aadsts.CLOCK_SENSITIVE
