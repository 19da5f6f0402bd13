"""Answers for the tests of the readers: envelopes around what an operation says, and a caller to ask with."""

from collections.abc import Callable, Mapping
from random import Random

import pytest

from prober.exchange import Headers, Reply
from prober.faults.taxonomy import Fault, FaultError
from prober.protocols.ews.soap import Caller

URL = "https://mail.example.test/EWS/Exchange.asmx"
WHO = Caller(URL, "a@example.test")
APPLICATION = Caller(URL, "a@example.test", impersonates=True)
SPACES = (
    'xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" '
    'xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"'
)


def document(content: str) -> bytes:
    """Return an envelope around the content of a body."""
    return (
        '<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">'
        '<s:Header><h:ServerVersionInfo MajorVersion="15" MinorVersion="20" MajorBuildNumber="9200" '
        'MinorBuildNumber="10" Version="V2018_01_08" '
        'xmlns:h="http://schemas.microsoft.com/exchange/services/2006/types"/></s:Header>'
        f"<s:Body>{content}</s:Body></s:Envelope>"
    ).encode()


def reply(content: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Return an answer with an envelope."""
    return Reply(status, Headers((headers or {}).items()), document(content))


def plain(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """Return an answer as it came."""
    return Reply(status, Headers((headers or {}).items()), body)


def answer(operation: str, *messages: str) -> str:
    """Return the answer of an operation around response messages."""
    array = f"<m:ResponseMessages>{''.join(messages)}</m:ResponseMessages>"
    return f"<m:{operation}Response {SPACES}>{array}</m:{operation}Response>"


def success(operation: str, *content: str) -> str:
    """Return one response message that says `NoError`."""
    inner = "<m:ResponseCode>NoError</m:ResponseCode>" + "".join(content)
    return f'<m:{operation}ResponseMessage ResponseClass="Success">{inner}</m:{operation}ResponseMessage>'


def refused(operation: str, code: str, more: str = "", text: str = "Said to people.") -> str:
    """Return one response message that is an error."""
    inner = f"<m:MessageText>{text}</m:MessageText><m:ResponseCode>{code}</m:ResponseCode>{more}"
    return f'<m:{operation}ResponseMessage ResponseClass="Error">{inner}</m:{operation}ResponseMessage>'


def done(operation: str, *content: str) -> Reply:
    """Return the answer of an operation that succeeded."""
    return reply(answer(operation, success(operation, *content)))


def failed(operation: str, code: str, more: str = "", text: str = "Said to people.") -> Reply:
    """Return the answer of an operation that was refused."""
    return reply(answer(operation, refused(operation, code, more, text)))


def fault_of(read: Callable[[], object]) -> Fault:
    """Return the fault that a reader raises."""
    with pytest.raises(FaultError) as caught:
        read()
    return caught.value.fault


def survive(read: Callable[[Reply], object], sound: Reply) -> None:
    """See that nothing but a fault comes of a sound answer that was cut short, bent or replaced."""
    read(sound)
    chance = Random(7)
    bodies = [sound.body[:length] for length in range(0, len(sound.body), 7)]
    for _ in range(300):
        bent = bytearray(sound.body)
        for _ in range(chance.randint(1, 4)):
            bent[chance.randrange(len(bent))] = chance.randrange(256)
        bodies.append(bytes(bent))
    bodies += [chance.randbytes(chance.randint(0, 200)) for _ in range(100)]
    faults = (_fault(read, Reply(status, sound.headers, body)) for body in bodies for status in (200, 500))
    assert all(len(text) <= 120 for fault in faults if fault for text in fault.evidence.values())


def _fault(read: Callable[[Reply], object], said: Reply) -> Fault | None:
    try:
        read(said)
    except FaultError as error:
        return error.fault
    return None
