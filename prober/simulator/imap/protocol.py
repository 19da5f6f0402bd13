"""One IMAP connection of the tenant: takes commands one by one and answers as Exchange does (RFC 3501).

Rule of this file: what was not asked for in the right state is not done.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from prober.simulator.imap import commands, mishaps, reader, sasl, texts
from prober.simulator.imap.answer import Answer, bad, no, ok, severed
from prober.simulator.imap.entrance import ImapEntrance
from prober.simulator.imap.hold import Hold
from prober.simulator.imap.line import Line, Mode
from prober.simulator.imap.scanner import BadSyntax
from prober.simulator.imap.session import Command, Session
from prober.simulator.quotas import OverQuota
from prober.simulator.wire import Host


class ImapProtocol(Line):
    """One connection. `number` is unique among the tenant's connections."""

    __slots__ = ("_mechanism", "_pending", "_tag")

    def __init__(self, host: Host, entrance: ImapEntrance, number: int) -> None:
        super().__init__(host, entrance, number)
        self._tag = self._mechanism = ""
        self._pending = no(texts.AUTHENTICATE_FAILED)

    def _take(self, taken: bytes | reader.Wanted) -> None:
        if isinstance(taken, reader.Wanted):
            self._write(f"+ {texts.MORE}\r\n".encode())
        elif self._mode is Mode.COMMAND:
            self._command(taken)
        elif self._mode is Mode.RESPONSE:
            self._mode = Mode.COMMAND
            self._respond(self._tag, self._mechanism, taken)
        elif self._mode is Mode.ACKNOWLEDGEMENT:
            self._mode = Mode.COMMAND
            self._finish(self._tag, self._pending)
        else:
            self._done(taken)

    def _command(self, line: bytes) -> None:
        try:
            command, entry = commands.read_command(line)
        except BadSyntax:
            self._finish("*", bad(texts.PARSE_ERROR))
            return
        special = {"AUTHENTICATE": self._authenticate, "LOGIN": self._login, "IDLE": self._idle}.get(command.name)
        left = self._token_left()
        if left is not None and left <= 0:
            self._expire()
        elif special is not None and not command.by_uid:
            self._special(special, command)
        else:
            self._ordinary(command, entry)

    def _special(self, handle: Callable[[Command], None], command: Command) -> None:
        if self._session.authenticated is not (command.name == "IDLE"):
            self._finish(command.tag, bad(texts.WRONG_STATE))
            return
        try:
            handle(command)
        except BadSyntax:
            self._finish(command.tag, bad(texts.ARGUMENT_ERROR))

    def _ordinary(self, command: Command, entry: commands.Entry) -> None:
        if self._unconnected and not entry.front:
            self._perform(command.tag, entry.after, lambda until: severed("BAD", texts.NOT_CONNECTED))
        elif not commands.taken(self._session, entry.state):
            self._finish(command.tag, bad(texts.WRONG_STATE))
        else:
            step = entry.after if self._session.authenticated else entry.before
            kinds = mishaps.COMMAND if entry.front else mishaps.STORE
            self._perform(command.tag, step, lambda until: self._handled(command, entry, until), kinds)

    def _handled(self, command: Command, entry: commands.Entry, until: datetime | None) -> Answer:
        answer = entry.handle(self._session, command, until)
        leaving = command.name == "LOGOUT" and answer.status == "OK"
        return replace(answer, after=self._transport.close) if leaving else answer

    # Login.

    def _authenticate(self, command: Command) -> None:
        command.arguments.space()
        mechanism = command.arguments.atom()
        if mechanism not in sasl.MECHANISMS:
            self._finish(command.tag, no(texts.AUTHENTICATE_FAILED))
        elif command.arguments.takes(b" "):
            self._respond(command.tag, mechanism, command.arguments.rest())
        else:
            self._tag, self._mechanism, self._mode = command.tag, mechanism, Mode.RESPONSE
            self._write(b"+ \r\n")

    def _respond(self, tag: str, mechanism: str, response: bytes) -> None:
        if response == b"*":
            self._finish(tag, bad("AUTHENTICATE cancelled."))
            return
        presented = sasl.read(mechanism, response)
        self._enter(tag, mechanism, presented or sasl.Presented(""))

    def _login(self, command: Command) -> None:
        scanner = command.arguments
        scanner.space()
        account = scanner.astring()
        scanner.space()
        password = scanner.astring()
        scanner.end()
        self._enter(command.tag, "LOGIN", sasl.Presented(account, account=account, password=password))

    def _enter(self, tag: str, mechanism: str, presented: sasl.Presented) -> None:
        verdict = sasl.judge(self._entrance.premises, self._site, presented)
        self._tag, self._mechanism = tag, mechanism
        self._perform(
            tag, "authenticate", lambda until: self._entered(verdict), mishaps.LOGIN, presented.mailbox, verdict.expires
        )

    def _entered(self, verdict: sasl.Verdict) -> Answer:
        if not verdict.admitted:
            return self._refused(no(texts.AUTHENTICATE_FAILED))
        try:
            leave = self._entrance.admit(verdict.who)
            leave.__enter__()
        except OverQuota as over:
            return severed("BAD", texts.throttled(over.retry_after))
        self._leave = leave
        self._reader.literal_limit = reader.LITERAL_LIMIT
        self._session = Session(authenticated=True, mailbox=verdict.mailbox, expires=verdict.expires)
        self._connection.mailbox = verdict.mailbox.address if verdict.mailbox else ""
        self._arm()
        return ok(f"{self._verb} completed.")

    def _refused(self, answer: Answer, diagnostics: str = "") -> Answer:
        """Refuse a login: after a token with a challenge that says why, which the client has to acknowledge first."""
        if self._mechanism != "XOAUTH2":
            return replace(answer, text=answer.text.replace("AUTHENTICATE", self._verb, 1))
        self._pending, self._mode = answer, Mode.ACKNOWLEDGEMENT
        return Answer("", "", [b"+ " + sasl.challenge(diagnostics)])

    @property
    def _verb(self) -> str:
        return "LOGIN" if self._mechanism == "LOGIN" else "AUTHENTICATE"

    @property
    def _unconnected(self) -> bool:
        return self._session.authenticated and self._session.mailbox is None

    # Waiting for news.

    def _idle(self, command: Command) -> None:
        command.arguments.end()
        if self._unconnected:
            self._perform(command.tag, "idle_start", lambda until: severed("BAD", texts.NOT_CONNECTED))
        else:
            self._perform(command.tag, "idle_start", lambda until: self._idling(command.tag))

    def _idling(self, tag: str) -> Answer:
        self._mode = Mode.IDLE
        self._hold = Hold(tag, self._session.view, self._write, self._entrance.premises.tenant.clocks.now)
        return Answer("", "", [f"+ {texts.IDLING}".encode()], after=self._held)

    def _held(self) -> None:
        """Begin the hold proper, and let the weather say how it is going to go."""
        hold = self._hold
        if hold is None:
            return
        self._entrance.held(self._connection)
        fault = hold.fault = self._strike("idle_hold", mishaps.HOLD, push=True)
        kind = fault.kind if fault else ""
        if fault is not None and kind in mishaps.CUTS:
            self._fall_silent() if kind == "stall" else self._reset()
        elif fault is not None and kind in ("imap_bye", "throttle"):
            self._finish(hold.tag, mishaps.refusal(fault))
        elif fault is not None and kind == "push_drop":
            hold.drop_after(fault.number("after", 0), self._transport.close)
        else:
            hold.listen()
        self._arm()

    def _done(self, line: bytes) -> None:
        hold = self._hold
        self._mode = Mode.COMMAND
        self._stop()
        if hold is None:
            return
        answer = ok("IDLE completed.") if line.strip().upper() == b"DONE" else bad(texts.UNKNOWN_COMMAND)
        if hold.fault is not None and hold.fault.kind in mishaps.REFUSALS:
            answer = mishaps.refusal(hold.fault)
        self._write(hold.news())
        self._finish(hold.tag, answer)
