"""What servers say, as records: lines as Exchange and Dovecot send them, and lines nobody should send."""

import calendar
import imaplib
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.faults.taxonomy import BAD_REPLY, FaultError, Kind
from prober.protocols.imap import grammar, responses
from prober.protocols.imap.responses import (
    Capability,
    Condition,
    Continuation,
    Exists,
    Expunge,
    Fetch,
    Flags,
    Found,
    Listed,
    Namespace,
    Other,
    Prefix,
    Recent,
    Response,
    ServerId,
    Status,
    internal_date,
    parse,
)

SAID: list[tuple[bytes, Response]] = [
    (b"* OK Dovecot (Debian) ready.", Status("", Condition.OK, text="Dovecot (Debian) ready.")),
    (
        b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] Dovecot (Debian) ready.",
        Status("", Condition.OK, "CAPABILITY", "IMAP4rev1 SASL-IR AUTH=PLAIN", "Dovecot (Debian) ready."),
    ),
    (
        b"* OK The Microsoft Exchange IMAP4 service is ready. [RgBSADMA]",
        Status("", Condition.OK, text="The Microsoft Exchange IMAP4 service is ready. [RgBSADMA]"),
    ),
    (b"* PREAUTH hello", Status("", Condition.PREAUTH, text="hello")),
    (b"* bye Connection closed. 14", Status("", Condition.BYE, text="Connection closed. 14")),
    (
        b"A5 BAD User is authenticated but not connected.",
        Status("A5", Condition.BAD, text="User is authenticated but not connected."),
    ),
    (
        b"A1 NO [UNAVAILABLE] Temporary authentication failure. [host:2026-01-01 00:00:00]",
        Status("A1", Condition.NO, "UNAVAILABLE", text="Temporary authentication failure. [host:2026-01-01 00:00:00]"),
    ),
    (b"* OK [UIDVALIDITY 1700000000] UIDs valid", Status("", Condition.OK, "UIDVALIDITY", "1700000000", "UIDs valid")),
    (b"A7 OK [READ-ONLY] Examine completed", Status("A7", Condition.OK, "READ-ONLY", text="Examine completed")),
    (
        rb"* OK [PERMANENTFLAGS (\Answered \*)] Flags permitted.",
        Status("", Condition.OK, "PERMANENTFLAGS", r"(\Answered \*)", "Flags permitted."),
    ),
    (b"A1 OK", Status("A1", Condition.OK)),
    (b"* OK ", Status("", Condition.OK)),
    (b"* OK [unfinished", Status("", Condition.OK, text="[unfinished")),
    (
        "* NO zu viele Fehler für Jürgen \N{SNOWMAN}".encode(),
        Status("", Condition.NO, text="zu viele Fehler für Jürgen ☃"),
    ),
    (b"* BAD \xff", Status("", Condition.BAD, text="\N{REPLACEMENT CHARACTER}")),
    (b"+ idling", Continuation(b"idling")),
    (b"+", Continuation(b"")),
    (b"+ ", Continuation(b"")),
    (b"+ eyJzdGF0dXMiOiI0MDEifQ==", Continuation(b"eyJzdGF0dXMiOiI0MDEifQ==")),
    (
        b"* CAPABILITY IMAP4 IMAP4rev1 AUTH=XOAUTH2 idle ",
        Capability(frozenset({"IMAP4", "IMAP4REV1", "AUTH=XOAUTH2", "IDLE"})),
    ),
    (b"* ID NIL", ServerId()),
    (b'* ID ("name" "Dovecot")', ServerId({"name": "Dovecot"})),
    (b'* ID ("Name" "x" "version" NIL)', ServerId({"name": "x"})),
    (b"* ID ()", ServerId()),
    (b'* NAMESPACE (("" "/")) NIL NIL', Namespace((Prefix("", "/"),), (), ())),
    (
        b'* NAMESPACE (("INBOX." ".")("" NIL)) (("~" "/" "X-PARAM" ("FLAG1" "FLAG2"))) (("#shared/" "/"))',
        Namespace((Prefix("INBOX.", "."), Prefix("", None)), (Prefix("~", "/"),), (Prefix("#shared/", "/"),)),
    ),
    (rb'* LIST (\HasNoChildren) "/" INBOX', Listed(frozenset({"\\hasnochildren"}), "/", "INBOX")),
    (
        rb'* LIST (\Marked \Sent) "/" "Gesendete Elemente"',
        Listed(frozenset({"\\marked", "\\sent"}), "/", "Gesendete Elemente"),
    ),
    (rb'* LIST () "\\" {4}' + b"\r\na\r\nb", Listed(frozenset(), "\\", "a\r\nb")),
    (b'* LIST () NIL NIL ("CHILDINFO" ("SUBSCRIBED"))', Listed(frozenset(), None, "NIL")),
    (b"* SEARCH 2 84 882", Found((2, 84, 882))),
    (b"* SEARCH", Found(())),
    (b"* search 7 ", Found((7,))),
    (b"* SEARCH 2 5 6 7 11 12 18 19 20 23 (MODSEQ 917162500)", Found((2, 5, 6, 7, 11, 12, 18, 19, 20, 23))),
    (rb"* FLAGS (\Seen $Forwarded)", Flags(frozenset({"\\Seen", "$Forwarded"}))),
    (b"* 23 EXISTS", Exists(23)),
    (b"* 0 recent", Recent(0)),
    (b"* 44 EXPUNGE ", Expunge(44)),
    (
        rb'* 12 FETCH (FLAGS (\Seen) INTERNALDATE "17-Jul-1996 02:44:25 -0700" RFC822.SIZE 4286 UID 7 MODSEQ (5))',
        Fetch(
            12,
            {
                "FLAGS": ("\\Seen",),
                "INTERNALDATE": b"17-Jul-1996 02:44:25 -0700",
                "RFC822.SIZE": 4286,
                "UID": 7,
                "MODSEQ": (5,),
            },
        ),
    ),
    (
        b"* 1 FETCH (UID 3 BODY[HEADER.FIELDS (Date)] {6}\r\nDate: )",
        Fetch(1, {"UID": 3, "BODY[HEADER.FIELDS (DATE)]": b"Date: "}),
    ),
    (b"* 1 FETCH (BODY[] NIL)", Fetch(1, {"BODY[]": None})),
    (b"* 1 FETCH ()", Fetch(1, {})),
    (b"* ENABLED CONDSTORE", Other("ENABLED")),
    (b"* SORT", Other("SORT")),
    (b'* STATUS "INBOX" (MESSAGES 3)', Other("STATUS")),
    (b"* 5 FROBNICATED (whatever", Other("FROBNICATED")),
    (b"* VANISHED (EARLIER) 41:43", Other("VANISHED")),
]


@pytest.mark.parametrize(("line", "expected"), SAID)
def test_a_response_is_read_as_what_it_says(line: bytes, expected: Response) -> None:
    """Known responses become their records, well-formed unknown ones are passed on by name."""
    assert parse(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"*",
        b"* ",
        b"A1",
        b"A1 BYE now",
        b"A1 FETCH (UID 1)",
        b"HTTP/1.1 400 Bad Request",
        b"220 smtp.example ESMTP ok",
        b"<html>",
        b"-ERR unknown",
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"* 5",
        b"* -1 EXISTS",
        b"* 99999999999 EXISTS",
        b"* 5 EXISTS now",
        b"* LIST",
        b"* LIST () /",
        b'* LIST (\\Sent "/" x',
        b'* LIST () "//" x',
        b'* LIST () "/" x y z',
        b'* NAMESPACE (("" "/")) NIL',
        b'* NAMESPACE ("" "/") NIL NIL',
        b'* ID ("name")',
        b'* ID (NIL "x" "y")',
        b"* FLAGS \\Seen",
        b"* SEARCH x",
        b"* SEARCH -1",
        b"* SEARCH 99999999999",
        b"* 1 FETCH",
        b"* 1 FETCH (UID)",
        b"* 1 FETCH (UID 5",
        b"* 1 FETCH (UID 5))",
        b"* 1 FETCH (BODY[ 5)",
        b"* 1 FETCH (BODY[] {10}\r\nshort)",
    ],
)
def test_what_breaks_the_grammar_is_a_bad_reply_that_quotes_nothing(line: bytes) -> None:
    """Malformed lines raise, and evidence holds our rule's name alone."""
    with pytest.raises(FaultError) as caught:
        parse(line)
    assert caught.value.fault.kind is BAD_REPLY
    assert set(caught.value.fault.evidence) == {"grammar"}


DATES = [
    b"17-Jul-1996 02:44:25 -0700",
    b" 7-Feb-1994 21:52:25 -0800",
    b"01-Jan-2026 00:00:00 +0000",
    b"29-Feb-2024 23:59:59 +0545",
    b"31-dec-1999 12:00:00 +1400",
]


@pytest.mark.parametrize("date", DATES)
def test_dates_mean_what_the_standard_library_reads_in_them(date: bytes) -> None:
    """`imaplib.Internaldate2tuple` gives local time; both name the same second."""
    theirs = imaplib.Internaldate2tuple(b'1 (INTERNALDATE "' + date.title() + b'")')
    assert theirs is not None
    ours = internal_date(date)
    assert ours.tzinfo is UTC
    assert ours == datetime.fromtimestamp(calendar.timegm(theirs) - _local_offset(ours), UTC)


def _local_offset(moment: datetime) -> float:
    offset = moment.astimezone().utcoffset()
    assert offset is not None
    return offset.total_seconds()


@pytest.mark.parametrize(
    "value",
    [
        None,
        5,
        "17-Jul-1996",
        b"",
        b"17-Jul-1996 02:44:25",
        b"32-Jul-1996 02:44:25 +0000",
        b"17-Jux-1996 02:44:25 +0000",
        b"17-Jul-1996 25:44:25 +0000",
        b"17-Jul-1996 02:44:25 +9959",
        b"01-Jan-0001 00:00:00 +1400",
        "1\u0661-Jul-1996 02:44:25 +0000".encode(),
    ],
)
def test_what_is_no_date_is_a_bad_reply(value: bytes | str | int | None) -> None:
    """Impossible dates raise the one exception."""
    with pytest.raises(FaultError):
        internal_date(value)


def test_flags_are_those_the_standard_library_finds() -> None:
    """`imaplib.ParseFlags` reads the same line and finds the same flags."""
    line = rb"* 12 FETCH (FLAGS (\Seen \Answered $Forwarded NonJunk))"
    fetched = parse(line)
    assert isinstance(fetched, Fetch)
    assert fetched.items["FLAGS"] == tuple(flag.decode() for flag in imaplib.ParseFlags(line))


def test_nothing_of_a_mailbox_is_printed() -> None:
    """Names, texts and contents stay out of every printed form."""
    lines = (
        b'* LIST () "/" secret',
        b"* OK secret",
        b"* OK [X secret] secret",
        b"* 1 FETCH (BODY[] {6}\r\nsecret)",
        b"+ secret",
        b'* NAMESPACE (("secret" "/")) NIL NIL',
        b"* FLAGS (secret)",
    )
    assert not any("secret" in repr(parse(line)) for line in lines)


def read(line: bytes) -> Kind | None:
    """Read `line` as deep as a client does; return the kind of the one exception that may come, or `None`."""
    try:
        said = parse(line)
        if isinstance(said, Fetch) and "INTERNALDATE" in said.items:
            internal_date(said.items["INTERNALDATE"])
    except FaultError as error:
        return error.fault.kind
    return None


@given(st.binary(max_size=300))
def test_any_bytes_give_a_response_or_the_one_exception(line: bytes) -> None:
    """Readers raise `FaultError` and nothing else."""
    assert read(line) in (None, BAD_REPLY)


PIECES = [
    b"* ", b"+ ", b"A1 ", b"OK ", b"NO ", b"BYE ", b"LIST ", b"FETCH ", b"1 ",
    b"NAMESPACE ", b"ID ", b"FLAGS ", b"CAPABILITY ",
    b"(", b")", b" ", b'"', b"/", b"\\", b"NIL", b"{2}\r\n", b"ab",
    b"[", b"]", b"UID 7", b"BODY[]", b"INTERNALDATE ", b"\xff",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join))
def test_any_words_give_a_response_or_the_one_exception(line: bytes) -> None:
    """The same with lines that look like IMAP, where the readers go deepest."""
    assert read(line) in (None, BAD_REPLY)


NEVER = re.compile(rb"(?!)")
WORDS = [
    b"(",
    b")",
    b" ",
    b"  ",
    b'"',
    b"/",
    b"\\",
    b"NIL",
    b"nil",
    b"{2}\r\n",
    b"ab",
    b"\\Seen",
    b"7",
    b"0" * 21,
    b"\xe4",
    b"<0>",
]
LISTED = st.lists(st.sampled_from([*WORDS, b"() ", b"(\\HasNoChildren \\Sent) ", b'"/" ', b'"a&b" ']), max_size=8)
FETCHED = st.lists(st.sampled_from([*WORDS, b"UID 7", b"FLAGS (\\Seen)", b'internaldate "x"', b"BODY[] "]), max_size=8)


def said(line: bytes) -> Response | dict[str, str]:
    """Return what `line` says, or the evidence of its fault."""
    try:
        return parse(line)
    except FaultError as error:
        return dict(error.fault.evidence)


@pytest.mark.parametrize(("start", "end", "words"), [(b"* LIST ", b"", LISTED), (b"* 1 FETCH (", b")", FETCHED)])
@given(data=st.data())
def test_what_is_said_plainly_is_read_as_at_length(
    start: bytes, end: bytes, words: st.SearchStrategy[list[bytes]], data: st.DataObject
) -> None:
    """The short cuts know no other grammar."""
    line = start + b"".join(data.draw(words)) + end
    at_once = said(line)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(responses, "PLAIN_LIST", NEVER)
        patch.setattr(grammar, "PLAIN_ITEM", NEVER)
        assert said(line) == at_once


@pytest.mark.parametrize("line", [b'* LIST (\\Sent) "/" "Sent Items"', b"* list () NIL INBOX"])
def test_a_plain_line_takes_the_short_cut(line: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or it would be none."""
    monkeypatch.delattr(responses, "_listed_at_length")
    assert isinstance(parse(line), Listed)
