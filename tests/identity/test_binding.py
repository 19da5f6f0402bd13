"""Where a credential may be shown: no secret leaves for another host, whoever sends us there."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from prober.exchange import Auth, Call, Headers, Reply
from prober.faults.taxonomy import FaultError, Reason
from prober.identity.binding import NOT_BOUND, check, checker
from prober.identity.identities import Identities
from prober.identity.spec import CredentialSpec, CredentialType
from prober.model import Assignment, Target
from prober.protocols.http.walk import target as follow
from prober.secret import SecretSource
from prober.timeline import Timeline
from prober.transaction import Device, Scopes, Transaction
from prober.vocabulary import Depth, Environment
from tests.identity.fakes import FakeService, Heard, granted

PASSWORD = SecretSource(environment="PROBER_TEST")
HOSTS = ("mail.corp.example:443", "*.corp.example:8443", "graph.microsoft.com")
ELSEWHERE = [
    "https://evil.example/",
    "https://mail.corp.example.evil.example/",
    "https://mail.corp.example:22/",
    "http://mail.corp.example/",
    "http://mail.corp.example:443.evil.example/",
    "https://mail.corp.example@evil.example/",
    "https://169.254.169.254/latest/",
    "http://169.254.169.254/metadata/identity/oauth2/token",
    "https://[fe80::1]/",
    "https://127.0.0.1/",
    "https://corp.example:8443/",
    "https://evilcorp.example:8443/",
    "https://graph.microsoft.com:4430/",
    "not a url",
    "https://[",
    "https://mail.corp.example:99999/",
]


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBER_TEST", "canary-password")


@pytest.mark.parametrize("url", ELSEWHERE)
def test_elsewhere_is_a_fault_of_its_own_that_names_credential_and_place(url: str) -> None:
    """Never a failure of the service: what is missing is a line in our configuration, or somebody plays a trick."""
    with pytest.raises(FaultError) as caught:
        check(CredentialSpec("u", CredentialType.BASIC, hosts=HOSTS), url)
    assert (caught.value.fault.kind, caught.value.fault.reason) == (NOT_BOUND, Reason.CLIENT_MISCONFIG)
    assert caught.value.fault.evidence["credential"] == "u"


@pytest.mark.parametrize(
    "url",
    [
        "https://mail.corp.example/EWS/Exchange.asmx",
        "https://MAIL.corp.example:443/",
        "https://mail.corp.example./",
        "https://deep.er.corp.example:8443/",
        "https://graph.microsoft.com/v1.0?x=https://evil.example/",
    ],
)
def test_where_it_belongs_it_goes(url: str) -> None:
    check(CredentialSpec("u", CredentialType.BASIC, hosts=HOSTS), url)


def test_what_nobody_has_bound_goes_anywhere() -> None:
    """Credentials of a configuration are always bound; those that code makes are its own affair."""
    check(CredentialSpec("u", CredentialType.BASIC), "https://anywhere.example/")


@pytest.mark.parametrize("url", ELSEWHERE)
def test_what_was_let_pass_before_opens_no_other_way(url: str) -> None:
    """Remembered is each URL that was let pass, word by word; a refusal is given every time."""
    shown = checker(CredentialSpec("u", CredentialType.BASIC, hosts=HOSTS))
    for _ in range(2):
        shown("https://mail.corp.example/")
        with pytest.raises(FaultError) as caught:
            shown(url)
        assert caught.value.fault.kind is NOT_BOUND


@dataclass
class Redirecting:
    """A session whose server answers with `replies`; it keeps what was sent, credentials and all."""

    replies: list[Reply]
    sent: list[Call]

    opened = 1

    async def exchange(self, call: Call) -> Reply:
        self.sent.append(call)
        return self.replies.pop(0)

    async def open(self, call: Call) -> AsyncIterator[bytes]:
        raise AssertionError(call)

    async def dial(self, url: str) -> None:
        raise AssertionError(url)

    def channel_binding(self, url: str) -> None:
        return None

    async def close(self) -> None: ...


@dataclass(frozen=True)
class Ask:
    """A question with the credential."""

    url: str

    def call(self) -> Call:
        return Call("GET", self.url, auth=Auth.CREDENTIAL)

    def read(self, reply: Reply) -> Reply:
        return reply


SPECS = {
    "basic": CredentialSpec("u", CredentialType.BASIC, "me", PASSWORD, hosts=HOSTS),
    "ntlm": CredentialSpec("u", CredentialType.NTLM, "me", PASSWORD, hosts=HOSTS),
    "oauth": CredentialSpec(
        "u", CredentialType.CLIENT_CREDENTIALS, tenant="t", client_id="c", client_secret=PASSWORD, hosts=HOSTS
    ),
}


@pytest.mark.parametrize("kind", SPECS)
@pytest.mark.parametrize(
    "where", ["https://evil.example/", "https://169.254.169.254/", "https://mail.corp.example:22/"]
)
async def test_no_redirect_takes_a_credential_along(kind: str, where: str) -> None:
    """The step that follows it ends with the fault, and no request with a credential was sent."""
    service = FakeService(granted("tok"))
    identities = Identities({"u": SPECS[kind]}, service, {}, Heard(), clock=service.clock)  # type: ignore[arg-type]  # stands for the network
    challenge = Headers([("WWW-Authenticate", "NTLM"), ("Location", where)])
    session = Redirecting([Reply(302, challenge), Reply(401, challenge)], [])
    target = Target("hq", Environment.EXCHANGE_SERVER, "me@corp.example")
    assignment = Assignment("toy", target, Depth.MAILBOX, 60, 60, "u", SPECS[kind].type.value)
    identity = identities.bind("u", Scopes("s", "s"), "me@corp.example")
    tx = Transaction(assignment, session, Timeline(), Device("D"), identity)  # type: ignore[arg-type]  # all that is used
    moved = await tx.ask(Ask("https://mail.corp.example/"))
    with pytest.raises(FaultError) as caught:
        await tx.ask(Ask(follow("https://mail.corp.example/", moved)))
    assert caught.value.fault.kind is NOT_BOUND
    beyond = [call for call in session.sent if not call.url.startswith("https://mail.corp.example/")]
    assert not any(name.lower() == "authorization" for call in beyond for name, _ in call.headers)
    await identities.close()
