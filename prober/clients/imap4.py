"""An IMAP4 mail program: signs in, looks at folders and the newest messages, and idles for news; it changes nothing.

Rule: no secret goes over a plain connection. At an `imap://` endpoint the upgrade to TLS happens in the step
`capability`, because only the capabilities tell whether the server can; that step then asks for them once more.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from prober.faults.taxonomy import PROBER_BUG, FaultError
from prober.model import Assignment, PushSettings
from prober.protocols.imap.authenticate import (
    Authenticate,
    Login,
    LoginMechanism,
    Mechanism,
    OAuthBearer,
    Plain,
    XOAuth2,
    non_synchronizing,
)
from prober.protocols.imap.commands import (
    AskCapability,
    AskCapabilityAgain,
    AskNamespace,
    Examine,
    Examined,
    FetchDate,
    FetchNewest,
    Identify,
    ListAll,
    Logout,
    Noop,
)
from prober.protocols.imap.session import AFTER_DONE, Conversation
from prober.protocols.imap.status import (
    IDLE_NOT_OFFERED,
    IDLE_SILENT,
    IDLE_WITHDRAWN,
    MECHANISM_NOT_OFFERED,
    OAUTH_NOT_OFFERED,
    OAUTH_WITHDRAWN,
    SESSION_EXPIRED,
)
from prober.transaction import Client, Scopes, SkipStep, Step, Token, Transaction, only_at, uses_oauth
from prober.vocabulary import Depth, Environment

ENDPOINT = "imap4"
OAUTH = ("XOAUTH2", "OAUTHBEARER")
PORTS = {"imap": 143, "imaps": 993}
NEWEST = 5
"""How many of the newest messages are looked at."""
LAST_UID = 2**32 - 1
"""Where nothing tells the next UID: a range from here to `*` holds the last message."""
TOKEN_MARGIN = 300.0
"""Seconds before a token's end from which a session may rightly be ended as expired."""
LONGEST_IDLE = 28 * 60.0
"""Seconds after which IDLE is renewed at the latest (RFC 2177 section 3: at least every 29 minutes)."""
SEEN = "yes"
SPECIAL_USES = frozenset({"\\all", "\\archive", "\\drafts", "\\flagged", "\\junk", "\\sent", "\\trash"})

MechanismChoice: TypeAlias = Literal["auto", "plain", "login", "xoauth2", "oauthbearer"]
SaslIr: TypeAlias = Literal["auto", "yes", "no"]


@dataclass(frozen=True, slots=True)
class Imap4Options:
    """What configuration may say of this client.

    `mechanism`: how to sign in; `auto` takes what credential and server have in common. `sasl_ir`: whether the first
    message of a mechanism goes on the command line (RFC 4959). `idle_seconds`: how long the periodic transaction
    stays in IDLE. `id_name` and `id_version` are what the ID command says of us.
    """

    mechanism: MechanismChoice = "auto"
    sasl_ir: SaslIr = "auto"
    idle_seconds: float = 1.0
    id_name: str = "client-access-prober"
    id_version: str = "1.0"

    def __post_init__(self) -> None:
        if not 0 < self.idle_seconds <= LONGEST_IDLE:
            raise ValueError(f"idle_seconds must be above 0 and at most {LONGEST_IDLE:.0f}")
        if not (self.id_name + self.id_version).isascii() or not (self.id_name + self.id_version).isprintable():
            raise ValueError("id_name and id_version must be printable ASCII")


@dataclass(slots=True)
class MailProgram:
    """What the mail program knows within one session. `spent` is a token that the server ended a session over."""

    conversation: Conversation | None = None
    spent: Token | None = None
    token: Token | None = None
    token_until: float | None = None
    inbox: Examined | None = None

    @property
    def talk(self) -> Conversation:
        """The open conversation; the greeting comes first in every transaction."""
        if self.conversation is None:
            raise FaultError(PROBER_BUG, {"missing": "greeting"})
        return self.conversation

    @property
    def bearer(self) -> Token:
        """The token in hand; asking for it comes before signing in."""
        if self.token is None:
            raise FaultError(PROBER_BUG, {"missing": "token_request"})
        return self.token


def options_of(assignment: Assignment) -> Imap4Options:
    """Return the assignment's options, or the defaults."""
    return assignment.options if isinstance(assignment.options, Imap4Options) else Imap4Options()


async def greeting(tx: Transaction, program: MailProgram) -> None:
    """Connect and read the greeting."""

    def token_valid() -> bool:
        until = program.token_until
        return until is None or until - tx.timeline.clock() > TOKEN_MARGIN

    program.conversation = Conversation(await tx.dial(ENDPOINT), token_valid)
    await program.talk.greet()
    if program.talk.site:
        tx.note(site=program.talk.site)


async def capability(tx: Transaction, program: MailProgram) -> None:
    """Ask what the server offers, upgrading a plain connection to TLS on the way."""
    offered = await program.talk.run(AskCapability())
    if urlsplit(tx.endpoint(ENDPOINT)).scheme == "imap":
        await program.talk.start_tls()
        offered = await program.talk.run(AskCapability())
    _demand_oauth(tx, offered)


def _demand_oauth(tx: Transaction, offered: frozenset[str]) -> None:
    """Insist on OAuth where it is needed: what was there before is withdrawn, what never was is not set up."""
    if not uses_oauth(tx.assignment) and tx.target.environment is not Environment.EXCHANGE_ONLINE:
        return
    if not any(f"AUTH={name}" in offered for name in OAUTH):
        raise FaultError(OAUTH_WITHDRAWN if _seen(tx, "oauth_offered") else OAUTH_NOT_OFFERED)
    tx.device.memory["oauth_offered"] = SEEN


async def id(tx: Transaction, program: MailProgram) -> None:  # noqa: A001 - the step's public name
    """Say who asks and hear who answers; a refusal is only noted."""
    if "ID" not in program.talk.offered:
        raise SkipStep
    options = options_of(tx.assignment)
    server = await program.talk.run(Identify(options.id_name, options.id_version))
    tx.note(id="refused" if server is None else "answered")


async def reach_logout(tx: Transaction, program: MailProgram) -> None:
    """Take leave before any sign-in."""
    await program.talk.run(Logout())


async def token_request(tx: Transaction, program: MailProgram) -> None:
    """Get a token for the mailbox."""
    token = await tx.token()
    if program.spent is not None and token.value == program.spent.value:
        token = await tx.token(fresh=True)
    program.token = token
    program.token_until = tx.timeline.clock() + token.expires_in


async def authenticate(tx: Transaction, program: MailProgram) -> None:
    """Sign in by the best means that credential and server share."""
    options, offered = options_of(tx.assignment), program.talk.offered
    name = choose(options.mechanism, offered, oauth=uses_oauth(tx.assignment))
    tx.note(mechanism=name)
    if name in ("xoauth2", "oauthbearer"):
        mechanism = _token_mechanism(name, tx, program)
    else:
        username, password = tx.identity.username, await tx.identity.password()
        if name == "login" and "LOGINDISABLED" not in offered:
            await program.talk.run(Login(username, password, non_synchronizing(offered)))
            return
        mechanism = (Plain if name == "plain" else LoginMechanism)(username, password)
    initial = options.sasl_ir == "yes" or (options.sasl_ir == "auto" and "SASL-IR" in offered)
    await program.talk.run(Authenticate(mechanism, initial))


def _token_mechanism(name: str, tx: Transaction, program: MailProgram) -> Mechanism:
    token = program.bearer
    tx.note(token_age=round(token.age))
    if name == "xoauth2":
        return XOAuth2(tx.mailbox, token.value)
    url = urlsplit(tx.endpoint(ENDPOINT))
    return OAuthBearer(tx.mailbox, token.value, url.hostname or "", url.port or PORTS[url.scheme])


def choose(choice: MechanismChoice, offered: frozenset[str], *, oauth: bool) -> MechanismChoice:
    """Return the means of signing in. `auto`: the first of the credential's that the server offers.

    Raises `FaultError` (`imap_oauth_not_offered`, `imap_mechanism_not_offered`).
    """
    fitting: tuple[MechanismChoice, ...] = ("xoauth2", "oauthbearer") if oauth else ("plain", "login")
    wanted = fitting if choice == "auto" else tuple(one for one in fitting if one == choice)
    for name in wanted:
        if f"AUTH={name.upper()}" in offered or (name == "login" and "LOGINDISABLED" not in offered):
            return name
    missing = OAUTH_NOT_OFFERED if oauth and choice == "auto" else MECHANISM_NOT_OFFERED
    raise FaultError(missing, {"mechanism": choice, "credential": "token" if oauth else "password"})


async def capability_auth(tx: Transaction, program: MailProgram) -> None:
    """Ask what the server offers now."""
    offered = await program.talk.run(AskCapabilityAgain())
    if "IDLE" in offered:
        tx.device.memory["idle_offered"] = SEEN
    elif _seen(tx, "idle_offered"):
        raise FaultError(IDLE_WITHDRAWN)
    else:
        tx.note(idle_offered=False)


async def namespace(tx: Transaction, program: MailProgram) -> None:
    """Ask for the namespaces: the first command that needs the mailbox behind the front end."""
    if "NAMESPACE" not in program.talk.offered:
        raise SkipStep
    await program.talk.run(AskNamespace())


async def list(tx: Transaction, program: MailProgram) -> None:  # noqa: A001 - the step's public name
    """List all folders and find the inbox among them."""
    special_use = {"SPECIAL-USE", "LIST-EXTENDED"} <= program.talk.offered
    mailboxes = await program.talk.run(ListAll(special_use))
    used = sorted(SPECIAL_USES & {attribute for one in mailboxes for attribute in one.attributes})
    tx.note(mailboxes=len(mailboxes), special_uses=" ".join(used))


async def select_inbox(tx: Transaction, program: MailProgram) -> None:
    """Open the inbox for reading only."""
    inbox = program.inbox = await program.talk.run(Examine())
    before, now = tx.device.memory.get("uid_validity"), str(inbox.uid_validity)
    tx.device.memory["uid_validity"] = now
    tx.note(messages=inbox.exists, read_only=inbox.read_only)
    if before not in (None, now):
        tx.note(uid_validity_changed=True)


async def fetch_headers(tx: Transaction, program: MailProgram) -> None:
    """Fetch what a list of the newest messages shows, and one header field of the newest."""
    inbox = program.inbox
    if inbox is None or not inbox.exists:
        raise SkipStep
    first = max(inbox.uid_next - NEWEST, 1) if inbox.uid_next else LAST_UID
    messages = await program.talk.run(FetchNewest(first))
    if not messages:
        return
    newest = max(messages, key=lambda message: message.uid)
    await program.talk.run(FetchDate(newest.uid))
    tx.note(newest_internaldate=max(message.arrived for message in messages).isoformat())


async def idle_start(tx: Transaction, program: MailProgram) -> None:
    """Ask to be told of news."""
    if not await _begin_idle(program):
        raise SkipStep


async def _begin_idle(program: MailProgram) -> bool:
    """Begin IDLE; return whether the server offers it."""
    if "IDLE" not in program.talk.offered:
        return False
    await program.talk.idle()
    return True


async def idle_hold(tx: Transaction, program: MailProgram) -> None:
    """Stay in IDLE for a moment, then leave it."""
    if not program.talk.idling:
        raise SkipStep
    until, told = tx.timeline.clock() + options_of(tx.assignment).idle_seconds, 0
    while (left := until - tx.timeline.clock()) > 0:
        told += await program.talk.wait(left)
    await program.talk.done()
    tx.note(changes=told)


async def noop(tx: Transaction, program: MailProgram) -> None:
    """Show that the session still answers after IDLE."""
    await program.talk.run(Noop())


async def logout(tx: Transaction, program: MailProgram) -> None:
    """Take leave."""
    await program.talk.run(Logout())


def _seen(tx: Transaction, name: str) -> bool:
    return tx.device.memory.get(name) == SEEN


OPENING = (greeting, capability, token_request, authenticate, capability_auth, select_inbox)


class HeldInbox:
    """The inbox held in IDLE: renewed well before the server's limit, reopened when its token's life is over."""

    __slots__ = ("_program", "_renew_at")

    def __init__(self) -> None:
        self._program = MailProgram()
        self._renew_at = 0.0

    async def open(self, tx: Transaction) -> None:
        """Sign in, open the inbox for reading only and begin IDLE."""
        self._program = MailProgram(spent=self._program.spent)
        for act in OPENING:
            if act is not token_request or uses_oauth(tx.assignment):
                await act(tx, self._program)
        if not await _begin_idle(self._program):
            raise FaultError(IDLE_NOT_OFFERED)
        self._renew_at = tx.timeline.clock() + _hold(tx)

    async def wait(self, tx: Transaction, seconds: float) -> bool:
        """Hold up to `seconds`; return whether a message came or went. Raises `FaultError`."""
        clock = tx.timeline.clock
        until = clock() + seconds
        while (left := until - clock()) > 0:
            try:
                if await self._listen(tx, left):
                    return True
            except FaultError as error:
                if error.fault.kind is not SESSION_EXPIRED:
                    raise
                if await self._reopen(tx):
                    return True
        return False

    async def _listen(self, tx: Transaction, seconds: float) -> bool:
        talk, clock = self._program.talk, tx.timeline.clock
        if self._renew_at <= clock():
            await talk.done()
            await talk.idle()
            self._renew_at = clock() + _hold(tx)
        return await talk.wait(min(seconds, self._renew_at - clock())) > 0

    async def _reopen(self, tx: Transaction) -> bool:
        """Sign in anew with a new token; return whether the mailbox changed in between."""
        before = self._program.talk.messages
        await self._program.talk.close()
        self._program.spent = self._program.token
        await self.open(tx)
        return self._program.talk.messages != before

    async def close(self, tx: Transaction) -> None:
        """End IDLE, take leave, hang up; what goes wrong with it no longer matters."""
        if self._program.conversation is None:
            return
        talk = self._program.talk
        with suppress(FaultError):
            if talk.idling:
                await talk.done()
            await talk.run(Logout())
        await talk.close()


def _hold(tx: Transaction) -> float:
    return min((tx.assignment.push or PushSettings()).hold, LONGEST_IDLE)


def _idle_limit(assignment: Assignment) -> float:
    """Longer than the hold and the 30 seconds for its end, so that a silent end is named as such."""
    return options_of(assignment).idle_seconds + AFTER_DONE + 5


CLIENT = Client(
    name="imap4",
    summary="An IMAP4 mail program such as Apple Mail or Thunderbird",
    memory=MailProgram,
    steps=(
        Step(greeting, Depth.REACH, 20),
        Step(capability, Depth.REACH, 15),
        Step(id, Depth.REACH, 15),
        Step(reach_logout, Depth.REACH, 5, tolerated=True, applies=only_at(Depth.REACH, Depth.TOKEN)),
        Step(token_request, Depth.TOKEN, 15, applies=uses_oauth),
        Step(authenticate, Depth.MAILBOX, 30),
        Step(capability_auth, Depth.MAILBOX, 15),
        Step(namespace, Depth.MAILBOX, 30),
        Step(list, Depth.MAILBOX, 30),
        Step(select_inbox, Depth.MAILBOX, 30),
        Step(fetch_headers, Depth.MAILBOX, 30),
        Step(idle_start, Depth.MAILBOX, 15),
        Step(idle_hold, Depth.MAILBOX, _idle_limit, overdue=IDLE_SILENT),
        Step(noop, Depth.MAILBOX, 15),
        Step(logout, Depth.MAILBOX, 5, tolerated=True),
    ),
    endpoints=(ENDPOINT,),
    scopes=Scopes(
        app="https://outlook.office365.com/.default",
        delegated="https://outlook.office.com/IMAP.AccessAsUser.All offline_access",
    ),
    interval=60.0,
    options=Imap4Options,
    held=HeldInbox,
)
