"""Policies: the handshake that gives a device its key, and what is due to one without (MS-ASPROV section 3.1.5)."""

from prober.simulator.activesync import tags as t
from prober.simulator.activesync.session import Done, Session
from prober.simulator.activesync.wbxml import Node, node, text

POLICY_TYPE = "MS-EAS-Provisioning-WBXML"
NOT_PROVISIONED, REFRESH, INVALID_KEY = 142, 143, 144
WIPE = 140
POLICY = node(
    t.EAS_PROVISION_DOC,
    text(t.DEVICE_PASSWORD_ENABLED, 0),
    text(t.ATTACHMENTS_ENABLED, 1),
    text(t.ALLOW_STORAGE_CARD, 1),
)


def due(session: Session) -> int:
    """Return the status that sends a device to provision first, 0 for one that may go on."""
    device, key = session.device, session.line.policy_key
    if device.wipe:
        return WIPE
    if device.policy_key and key == device.policy_key:
        return 0
    return NOT_PROVISIONED if key in ("", "0") else INVALID_KEY


async def provision(session: Session) -> Done:
    """Answer either phase; a device that is to be wiped is told so."""
    if session.body is None or session.body.tag != t.PROVISION:
        return Done(node(t.PROVISION, text(t.PROVISION_STATUS, 2)))
    if session.device.wipe:
        return Done(node(t.PROVISION, text(t.PROVISION_STATUS, 1), node(t.REMOTE_WIPE)))
    asked = session.body.find(t.POLICIES, t.POLICY)
    if asked is None:
        return Done(node(t.PROVISION, text(t.PROVISION_STATUS, 2)))
    if asked.value(t.POLICY_TYPE) != POLICY_TYPE:
        return Done(_answer(text(t.PROVISION_STATUS, 3)))
    key = asked.value(t.POLICY_KEY)
    return Done(_acknowledged(session, key) if key else _offered(session))


def _offered(session: Session) -> Node:
    key = session.device.offer()
    return _answer(text(t.PROVISION_STATUS, 1), text(t.POLICY_KEY, key), node(t.POLICY_DATA, POLICY))


def _acknowledged(session: Session, key: str) -> Node:
    """Only the key just offered can be acknowledged; 5 says that it was another."""
    if key != session.device.offered:
        return _answer(text(t.PROVISION_STATUS, 5))
    return _answer(text(t.PROVISION_STATUS, 1), text(t.POLICY_KEY, session.device.accept()))


def _answer(*parts: Node) -> Node:
    policy = node(t.POLICY, text(t.POLICY_TYPE, POLICY_TYPE), *parts)
    return node(t.PROVISION, text(t.PROVISION_STATUS, 1), node(t.POLICIES, policy))
