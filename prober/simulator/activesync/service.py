"""ActiveSync over HTTP: who asks, whether the device may, and which command it is (MS-ASHTTP).

Rule of this file: what is wrong with a request is told where the protocol tells it, by HTTP before the command is
known and by a status within the command's answer afterwards.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import ceil
from types import MappingProxyType

from prober.simulator.activesync import devices, folders, mail, ping, provisioning, sync
from prober.simulator.activesync import tags as t
from prober.simulator.activesync.request import Line, read_line
from prober.simulator.activesync.session import Command, Done, Session
from prober.simulator.activesync.tags import Tag
from prober.simulator.activesync.wbxml import Malformed, Node, decode, encode, node, text
from prober.simulator.faults.fault import Fault
from prober.simulator.http.message import Broken, Reply, Request
from prober.simulator.mailbox import Mailbox
from prober.simulator.service import Errand, Premises
from prober.simulator.tenant import SERVER, Site
from prober.simulator.tokens import EXCHANGE_NAMES, Admission, Refusal, challenge

ONLINE_VERSIONS = ("16.1",)
SERVER_VERSIONS = ("2.5", "12.0", "12.1", "14.0", "14.1", "16.0", "16.1")
OLD_STYLE = frozenset({"2.5", "12.0", "12.1"})
"""Versions that are told by HTTP status 449 to provision."""
TYPE = "application/vnd.ms-sync.wbxml"
OWN_KINDS = frozenset({"eas_status", "stale"})
PUSH = frozenset({"push_drop", "push_silent"})
BAD_WBXML, VERSION, PARTNERSHIPS = 102, 138, 177
OF_COLLECTION = frozenset({3, 7, 8, 9})
"""Statuses of Sync that are about a collection, not about the whole (MS-ASCMD section 2.2.3.177.17)."""
FIRST_GLOBAL = 101
ACCESS: Mapping[str, int] = MappingProxyType({devices.BLOCKED: 129, devices.QUARANTINED: 130})

COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "Provision": provisioning.provision,
        "FolderSync": folders.folder_sync,
        "GetItemEstimate": folders.get_item_estimate,
        "Sync": sync.sync,
        "Ping": ping.ping,
        "Settings": mail.settings,
        "ItemOperations": mail.item_operations,
        "Search": mail.search,
        "SendMail": mail.send_mail,
        "MoveItems": mail.move_items,
    }
)
STATUS: Mapping[str, tuple[Tag, Tag]] = MappingProxyType(
    {
        "Provision": (t.PROVISION, t.PROVISION_STATUS),
        "FolderSync": (t.FOLDER_SYNC, t.FOLDER_STATUS),
        "GetItemEstimate": (t.GET_ITEM_ESTIMATE, t.ESTIMATE_STATUS),
        "Sync": (t.SYNC, t.STATUS),
        "Ping": (t.PING, t.PING_STATUS),
        "Settings": (t.SETTINGS, t.SETTINGS_STATUS),
        "ItemOperations": (t.ITEM_OPERATIONS, t.ITEM_STATUS),
        "Search": (t.SEARCH, t.SEARCH_STATUS),
        "SendMail": (t.SEND_MAIL, t.SEND_STATUS),
        "MoveItems": (t.MOVE_ITEMS, t.MOVE_STATUS),
    }
)
"""Where a command carries the status of the whole."""
STEPS: Mapping[str, str] = MappingProxyType(
    {
        "FolderSync": "folder_sync",
        "GetItemEstimate": "item_estimate",
        "Settings": "settings_user",
        "ItemOperations": "item_fetch",
        "Search": "search",
        "Ping": "ping",
        "SendMail": "send_mail",
    }
)


class ActiveSync:
    """The service. `devices` is the device table of all mailboxes."""

    name = "activesync"

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._tenant = premises.tenant
        self.devices = devices.Devices()

    def errand(self, request: Request) -> Errand:
        """Say which step of a phone this is."""
        line = read_line(request)
        admitted = self._admitted(request)
        expires = admitted.expires
        user = line.user or request.header("x-user-identity") or getattr(admitted, "user", "")
        if request.method == "OPTIONS" or not request.has("authorization") or not _credential(request):
            return Errand(_unasked(request), user, token_expires=expires)
        body = _body(request)
        waits = line.command == "Ping" or (line.command == "Sync" and _waits(body))
        step = _step(line, body)
        steps = frozenset({step, "canary"} if step == "search" else {step})
        kinds = OWN_KINDS | (PUSH if waits else frozenset())
        return Errand(steps, user, waits, kinds, expires, line.device_id)

    async def answer(self, request: Request, fault: Fault | None) -> Reply | Broken:
        """Answer one request."""
        admitted, site = self._admitted(request), self._site(request)
        if isinstance(admitted, Refusal):
            return self._challenged(request, admitted, site)
        mailbox = self._mailbox(request, admitted)
        if mailbox is None:
            return Reply(403, (("Content-Type", "text/html"),), b"<html><body>The user is not enabled.</body></html>")
        if mailbox.site != request.connection.host.site and request.connection.host.site:
            return self._elsewhere(mailbox)
        if request.method == "OPTIONS":
            return self._options(site)
        if request.method != "POST":
            return Reply(405, (("Allow", "OPTIONS,POST"),))
        return await self._command(request, mailbox, site, fault)

    def throttled(self, request: Request, status: int, retry_after: float) -> Reply:
        """Refuse with the condition and the time to wait (MS-ASHTTP section 3.1.5.2.3)."""
        fields = (("Retry-After", str(ceil(retry_after))), ("X-MS-ASThrottle", "CommandFrequency"))
        return Reply(status or 503, fields)

    def _admitted(self, request: Request) -> Admission | Refusal:
        authorization = request.header("authorization")
        return self._premises.doorkeeper.admit(authorization, EXCHANGE_NAMES, self._site(request))

    def _site(self, request: Request) -> Site | None:
        return self._tenant.sites.get(request.connection.host.site)

    def _challenged(self, request: Request, refused: Refusal, site: Site | None) -> Reply:
        bearer = request.header("authorization").lower().startswith("bearer")
        fields = challenge(self._tenant, self._premises.login, site, bearer=bearer, fault=refused)
        return Reply(401, tuple(fields))

    def _mailbox(self, request: Request, admitted: Admission) -> Mailbox | None:
        """Return the mailbox of who was let in, where it is one of theirs."""
        asked = admitted.user or read_line(request).user.rpartition("\\")[2]
        found = self._tenant.mailbox(asked)
        return found if found and self._premises.doorkeeper.may_open(admitted, found) else None

    def _elsewhere(self, mailbox: Mailbox) -> Reply:
        """Say where the mailbox is (MS-ASHTTP section 3.1.5.2.2)."""
        there = self._premises.authority("activesync", mailbox.site)
        return Reply(451, (("X-MS-Location", f"https://{there}/Microsoft-Server-ActiveSync"),))

    def _options(self, site: Site | None) -> Reply:
        return Reply(
            200,
            (
                ("Allow", "OPTIONS,POST"),
                ("Public", "OPTIONS,POST"),
                ("MS-Server-ActiveSync", "15.20"),
                ("MS-ASProtocolVersions", ",".join(_versions(site))),
                ("MS-ASProtocolCommands", ",".join(sorted(COMMANDS))),
                ("X-MS-BackOffDuration", "L/-469"),
            ),
        )

    async def _command(
        self, request: Request, mailbox: Mailbox, site: Site | None, fault: Fault | None
    ) -> Reply | Broken:
        line = read_line(request)
        if line.command not in COMMANDS:
            return Reply(501)
        if not line.device_id or not line.device_id.isalnum() or len(line.device_id) > 32 or not line.device_type:
            return Reply(400)
        if fault is not None and fault.kind == "eas_status":
            return _reply(Done(_faulty(line.command, int(fault.number("code", 110)), _body(request))))
        if line.version not in _versions(site):
            return _reply(Done(_status(line.command, VERSION)))
        try:
            device = self.devices.get(mailbox.address, line.device_id, line.device_type)
        except devices.TooManyDevicesError:
            return _reply(Done(_status(line.command, PARTNERSHIPS)))
        return await self._on_device(
            request,
            Session(self._tenant, mailbox, device, line, _body(request), request.body, fault, self._until(fault)),
        )

    async def _on_device(self, request: Request, session: Session) -> Reply | Broken:
        line = session.line
        if request.body and session.body is None:
            return _reply(Done(_status(line.command, BAD_WBXML)))
        if session.device.access in ACCESS:
            return _reply(Done(_status(line.command, ACCESS[session.device.access])))
        due = 0 if line.command == "Provision" else provisioning.due(session)
        if due and due != provisioning.WIPE and line.version in OLD_STYLE:
            return Reply(449)
        if due:
            return _reply(Done(_status(line.command, due)))
        return _reply(await COMMANDS[line.command](session))

    def _until(self, fault: Fault | None) -> datetime | None:
        if fault is None or fault.kind != "stale":
            return None
        return self._tenant.clocks.now() - timedelta(minutes=fault.number("age_min", 60))


def _reply(done: Done) -> Reply | Broken:
    if done.cut_off:
        return Broken(Reply(), "nothing", "close")
    if done.document is None:
        return Reply(done.status)
    return Reply(done.status, (("Content-Type", TYPE), ("MS-Server-ActiveSync", "15.20")), encode(done.document))


def _status(command: str, code: int) -> Node:
    """Return an answer that is this status alone, where the command carries it."""
    root, status = STATUS[command]
    return node(root, text(status, code))


def _faulty(command: str, code: int, body: Node | None) -> Node:
    """Return an answer with this status, within the collection or the item where it is about one."""
    if command == "Sync" and code in OF_COLLECTION:
        name = body.value(t.COLLECTIONS, t.COLLECTION, t.COLLECTION_ID) if body else ""
        parts = (text(t.SYNC_KEY, 0), text(t.COLLECTION_ID, name), text(t.STATUS, code))
        return node(t.SYNC, node(t.COLLECTIONS, node(t.COLLECTION, *parts)))
    if command == "GetItemEstimate" and code < FIRST_GLOBAL:
        return node(t.GET_ITEM_ESTIMATE, node(t.ESTIMATE_RESPONSE, text(t.ESTIMATE_STATUS, code)))
    if command == "MoveItems":
        source = body.value(t.MOVE, t.SRC_MSG_ID) if body else ""
        return node(t.MOVE_ITEMS, node(t.MOVE_RESPONSE, text(t.SRC_MSG_ID, source), text(t.MOVE_STATUS, code)))
    return _status(command, code)


def _versions(site: Site | None) -> tuple[str, ...]:
    return SERVER_VERSIONS if site is not None and site.environment == SERVER else ONLINE_VERSIONS


def _credential(request: Request) -> bool:
    """Whether the request presents anything: an empty bearer is a question, not a credential."""
    return bool(request.header("authorization").partition(" ")[2].strip())


def _unasked(request: Request) -> frozenset[str]:
    """Return the step of a request that carries no command; a command without a credential is none of any client."""
    if not request.has("authorization"):
        return frozenset({"options_anonymous"} if request.method == "OPTIONS" else ())
    return frozenset({"options" if _credential(request) else "oauth_challenge"})


def _step(line: Line, body: Node | None) -> str:
    if line.command == "Provision":
        key = body.value(t.POLICIES, t.POLICY, t.POLICY_KEY) if body else ""
        return "provision_ack" if key else "provision_fetch"
    if line.command == "Sync":
        first = body.value(t.COLLECTIONS, t.COLLECTION, t.SYNC_KEY) if body else ""
        return "sync_prime" if first == "0" else "sync_fetch"
    return STEPS.get(line.command, line.command.lower())


def _waits(body: Node | None) -> bool:
    return body is not None and (body.find(t.WAIT) is not None or body.find(t.HEARTBEAT) is not None)


def _body(request: Request) -> Node | None:
    try:
        return decode(request.body) if request.body else None
    except (Malformed, RecursionError):
        return None
