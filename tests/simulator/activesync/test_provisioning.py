"""The handshake that gives a device its key."""

import pytest

from prober.simulator.activesync import tags as t
from prober.simulator.activesync.provisioning import POLICY_TYPE, due, provision
from prober.simulator.activesync.wbxml import Node, node, text
from tests.simulator.activesync.made import Desk


def asked(key: str = "", kind: str = POLICY_TYPE) -> Node:
    parts = (text(t.POLICY_TYPE, kind), *((text(t.POLICY_KEY, key), text(t.PROVISION_STATUS, 1)) if key else ()))
    return node(t.PROVISION, node(t.POLICIES, node(t.POLICY, *parts)))


async def policy(desk: Desk, body: Node) -> Node:
    done = await provision(desk.session(body))
    assert done.document is not None
    found = done.document.find(t.POLICIES, t.POLICY)
    assert found is not None
    return found


async def test_two_phases_lead_to_the_final_key() -> None:
    """A temporary one with the policy, then the one that counts."""
    desk = Desk()
    offered = await policy(desk, asked())
    assert offered.find(t.POLICY_DATA, t.EAS_PROVISION_DOC) is not None
    accepted = await policy(desk, asked(offered.value(t.POLICY_KEY)))
    key = accepted.value(t.POLICY_KEY)
    assert key == desk.device.policy_key != offered.value(t.POLICY_KEY)
    assert due(desk.session(None, key=key)) == 0


async def test_only_the_key_just_offered_can_be_acknowledged() -> None:
    """Status 5 for another."""
    desk = Desk()
    await policy(desk, asked())
    assert (await policy(desk, asked("12345"))).value(t.PROVISION_STATUS) == "5"


async def test_another_type_of_policy_is_unknown() -> None:
    """Status 3."""
    assert (await policy(Desk(), asked(kind="MS-WAP-Provisioning-XML"))).value(t.PROVISION_STATUS) == "3"


@pytest.mark.parametrize("body", [None, node(t.SYNC), node(t.PROVISION)])
async def test_what_is_no_request_is_told_so(body: Node | None) -> None:
    """Status 2 of the whole."""
    done = await provision(Desk().session(body))
    assert done.document is not None
    assert done.document.value(t.PROVISION_STATUS) == "2"


@pytest.mark.parametrize(
    ("known", "sent", "status"), [("", "", 142), ("", "0", 142), ("7", "8", 144), ("7", "", 142), ("7", "7", 0)]
)
def test_what_is_due_to_a_device(known: str, sent: str, status: int) -> None:
    """To provision first, where its key is none or another."""
    desk = Desk()
    desk.device.policy_key = known
    assert due(desk.session(None, key=sent)) == status


def test_a_wipe_comes_before_everything() -> None:
    """Whatever the key."""
    desk = Desk()
    desk.device.wipe = True
    assert due(desk.session(None)) == 140
