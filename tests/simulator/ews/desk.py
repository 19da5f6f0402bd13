"""The service without a wire: envelopes in, documents out."""

from xml.etree import ElementTree as ET

from prober.simulator.ews.service import Ews
from prober.simulator.ews.session import Session
from prober.simulator.faults.fault import Fault
from prober.simulator.http.message import Reply, Request, split_target
from prober.simulator.service import Premises
from prober.simulator.tenant import SERVER, Application, Site, Tenant, User
from prober.simulator.tokens import EXCHANGE, Doorkeeper
from prober.simulator.wire import Attempt, Connection, Host
from tests.simulator.doorway import ALICE, APP, PASSWORD

BOB = "bob@contoso.example"
M = "{http://schemas.microsoft.com/exchange/services/2006/messages}"
T = "{http://schemas.microsoft.com/exchange/services/2006/types}"


def envelope(content: str, *, acting_for: str = ALICE, version: str = "Exchange2013") -> str:
    """A request as published samples have it."""
    acting = (
        f"<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>{acting_for}</t:PrimarySmtpAddress>"
        "</t:ConnectingSID></t:ExchangeImpersonation>"
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><soap:Envelope '
        'xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" '
        'xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><soap:Header>'
        f'<t:RequestServerVersion Version="{version}"/>{acting if acting_for else ""}</soap:Header>'
        f"<soap:Body>{content}</soap:Body></soap:Envelope>"
    )


def said(root: ET.Element) -> list[str]:
    """The response codes of an answer, in order."""
    return [one.text or "" for one in root.iter() if one.tag.endswith("}ResponseCode")]


def texts(root: ET.Element, name: str) -> list[str]:
    """The texts of all elements of a name, in order."""
    return [one.text or "" for one in root.iter() if one.tag == f"{T}{name}" or one.tag == f"{M}{name}"]


class Desk:
    """One service with Alice and Bob in the cloud; `hq` is a server of one's own beside it."""

    def __init__(self) -> None:
        sites = [Site("ams1", "eu", "AMS"), Site("hq", "eu", "HQX", environment=SERVER)]
        self.tenant = Tenant("contoso.example", sites, users=[User(ALICE, PASSWORD)], applications=[APP])
        self.mailbox = self.tenant.open_mailbox(ALICE, "ams1")
        self.other = self.tenant.open_mailbox(BOB, "ams1")
        host = Host("mail.ams1.contoso.example", "127.0.0.1", 8443, site="ams1")
        login = Host("login.contoso.example", "127.0.0.1", 8443)
        self.premises = Premises(self.tenant, Doorkeeper(self.tenant), (host, login))
        self.service = Ews(self.premises)
        self._host = host

    def token(self, application: Application = APP, user: str = "") -> str:
        return f"Bearer {self.premises.doorkeeper.issue(application, EXCHANGE, user)}"

    def request(
        self,
        body: str,
        *,
        path: str = "/EWS/Exchange.asmx",
        method: str = "POST",
        token: str = "",
        headers: dict[str, str] | None = None,
    ) -> Request:
        connection = Connection(1, self._host, "127.0.0.1", 0.0, Attempt(self._host.name, 1))
        fields = {"Authorization": token or self.token(), **(headers or {})}
        pairs = tuple((key.lower(), value) for key, value in fields.items())
        return Request(method, path, pairs, body.encode(), connection, "", *split_target(path))

    async def reply(
        self,
        body: str,
        *,
        fault: Fault | None = None,
        path: str = "/EWS/Exchange.asmx",
        method: str = "POST",
        token: str = "",
        headers: dict[str, str] | None = None,
    ) -> Reply:
        return await self.service.answer(
            self.request(body, path=path, method=method, token=token, headers=headers), fault
        )

    async def ask(self, content: str, *, fault: Fault | None = None) -> ET.Element:
        """The document an operation is answered with, on status 200."""
        reply = await self.reply(envelope(content), fault=fault)
        assert isinstance(reply.body, bytes)
        assert reply.status == 200, reply.body
        return ET.fromstring(reply.body)

    def session(self, operation: str, content: str) -> Session:
        """One operation at hand, without the service around it."""
        element = ET.fromstring(envelope(content)).find("{http://schemas.xmlsoap.org/soap/envelope/}Body/*")
        assert element is not None
        return Session(self.tenant, self.mailbox, operation, element)
