"""Shares: what belongs together is never parted, the load is even, and little moves."""

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from prober.model import Assignment, Target
from prober.vocabulary import Depth, Environment
from prober.workers.shares import groups, preferred, shares, ties


def assignment(
    target: str,
    client: str = "imap4",
    *,
    credential: str | None = None,
    push: str | None = None,
    mailbox: str | None = None,
    interval: float = 60.0,
) -> Assignment:
    where = Target(target, Environment.EXCHANGE_SERVER, mailbox)
    return Assignment(client, where, Depth.REACH, interval, 60.0, credential, push_credential=push)


def any_assignment(number: int) -> Assignment:
    """Decode one of all assignments that sixteen targets, three clients, few credentials and mailboxes allow."""
    chosen = []
    for size in (16, 3, 5, 5, 4, 4):
        number, rest = divmod(number, size)
        chosen.append(rest)
    credential, push = (None if one == 0 else f"c{one}" for one in chosen[2:4])
    return assignment(
        f"t{chosen[0]}",
        ("imap4", "owa", "activesync")[chosen[1]],
        credential=credential,
        push=push,
        mailbox=(None, "One@Corp.example", "one@corp.EXAMPLE", "two@corp.example")[chosen[4]],
        interval=(1.0, 30.0, 60.0, 300.0)[chosen[5]],
    )


FLEETS = st.lists(
    st.integers(0, 16 * 3 * 5 * 5 * 4 * 4 - 1).map(any_assignment), max_size=24, unique_by=lambda one: one.key
)


def test_what_shares_something_stays_together_also_by_way_of_others() -> None:
    """One and two share a credential, two and three a mailbox that is written twice; four is alone."""
    fleet = [
        assignment("one", credential="user"),
        assignment("two", push="user", mailbox="A@corp.example"),
        assignment("three", "owa", mailbox="a@CORP.example"),
        assignment("four", interval=30.0),
    ]
    found = {group.name: {one.target.name for one in group.assignments} for group in groups(fleet)}
    assert found == {"imap4/one": {"one", "two", "three"}, "imap4/four": {"four"}}
    assert {group.name: group.starts for group in groups(fleet)} == {"imap4/one": 3 / 60, "imap4/four": 1 / 30}


@given(FLEETS, st.integers(1, 8))
def test_everybody_is_somewhere_and_nobody_is_parted(fleet: list[Assignment], workers: int) -> None:
    """Whatever two assignments share, one worker has both."""
    found = shares(fleet, workers)
    assert len(found) == workers
    assert sorted(one.key for some in found for one in some) == sorted(one.key for one in fleet)
    where = [{tie for one in some for tie in ties(one)} for some in found]
    assert sum(map(len, where)) == len(set().union(*where))


@given(FLEETS, st.integers(1, 8))
def test_nobody_has_more_than_a_quarter_above_the_mean_but_for_what_cannot_be_parted(
    fleet: list[Assignment], workers: int
) -> None:
    """The bound of the method: 1.25 of the mean, or the mean and one group."""
    loads = [sum(1 / one.interval for one in some) for some in shares(fleet, workers)]
    mean = sum(loads) / workers
    heaviest = max((group.starts for group in groups(fleet)), default=0.0)
    assert max(loads) <= max(1.25 * mean, mean + heaviest) + 1e-9


@given(FLEETS, st.randoms(use_true_random=False))
def test_the_order_of_the_configuration_decides_nothing(fleet: list[Assignment], random: Random) -> None:
    """Two readings of one configuration give the same shares."""
    turned = list(fleet)
    random.shuffle(turned)
    first, second = shares(fleet, 4), shares(turned, 4)
    assert [{one.key for one in some} for some in first] == [{one.key for one in some} for some in second]


def test_a_change_moves_little() -> None:
    """Of two hundred targets alike, one that is new, gone or quicker moves less than a twentieth of the others."""
    fleet = [assignment(f"site-{number:03}") for number in range(200)]

    def where(some: list[Assignment]) -> dict[str, int]:
        return {one.key: number for number, share in enumerate(shares(some, 4)) for one in share}

    before = where(fleet)
    changes = ([*fleet, assignment("new")], fleet[1:], [replace(fleet[0], interval=30.0), *fleet[1:]])
    for changed in changes:
        after = where(changed)
        assert sum(after[key] != number for key, number in before.items() if key in after) < 10


def test_one_worker_more_takes_its_share_and_no_more() -> None:
    """Preferences of a name stay in their order when somebody joins."""
    for name in ("imap4/a", "owa/b", "activesync/c"):
        assert [number for number in preferred(name, 5) if number != 4] == list(preferred(name, 4))
