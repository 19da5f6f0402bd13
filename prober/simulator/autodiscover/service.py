"""The Autodiscover service: JSON for whoever asks, XML and SOAP for those who sign in first."""

from math import ceil

from prober.simulator.autodiscover import pox, soap, version2
from prober.simulator.autodiscover.places import Places, asked_site, places_of
from prober.simulator.faults.fault import Fault
from prober.simulator.http.message import Reply, Request, html_reply
from prober.simulator.mailbox import Mailbox
from prober.simulator.service import Errand, Premises
from prober.simulator.tokens import EXCHANGE_NAMES, Admission, Refusal, challenge

POX, SOAP = "/autodiscover/autodiscover.xml", "/autodiscover/autodiscover.svc"
XML_STEPS = frozenset({"autodiscover_pox"})


class Autodiscover:
    """The service, under every name of the tenant."""

    name = "autodiscover"

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._tenant = premises.tenant

    def errand(self, request: Request) -> Errand:
        """Say which protocol a client looks for, or that it asks for everything at once."""
        if version2.is_version2(request):
            step = version2.step(request)
            return Errand(frozenset({step} if step else ()), version2.address(request))
        if request.path.lower() not in (POX, SOAP):
            return Errand()
        return Errand(XML_STEPS, self._about(request), token_expires=self._admitted(request).expires)

    async def answer(self, request: Request, fault: Fault | None) -> Reply:
        """Answer in the dialect of the path."""
        if version2.is_version2(request):
            return version2.answer(self._premises, request)
        path = request.path.lower()
        if path not in (POX, SOAP):
            return html_reply("<h1>404 - Not found</h1>", 404)
        admitted = self._admitted(request)
        if isinstance(admitted, Refusal):
            return self._challenged(request, admitted)
        return self._pox(request, admitted) if path == POX else self._soap(request, admitted)

    def throttled(self, request: Request, status: int, retry_after: float) -> Reply:
        """Refuse with the time to wait (RFC 6585 section 4, RFC 9110 section 15.6.4)."""
        usual = 429 if version2.is_version2(request) else 503
        return Reply(status or usual, (("Retry-After", str(ceil(retry_after))),))

    def _about(self, request: Request) -> str:
        wish = pox.read(request.body)
        users = soap.asked(request.body)
        named = (wish.address if wish else "") or (users[0][0] if users and users[0] else "")
        return named or request.header("x-anchormailbox") or request.header("x-user-identity")

    def _admitted(self, request: Request) -> Admission | Refusal:
        site = asked_site(self._premises, request)
        return self._premises.doorkeeper.admit(request.header("authorization"), EXCHANGE_NAMES, site)

    def _challenged(self, request: Request, refused: Refusal) -> Reply:
        bearer = request.header("authorization").lower().startswith("bearer")
        site = asked_site(self._premises, request)
        return Reply(401, tuple(challenge(self._tenant, self._premises.login, site, bearer=bearer, fault=refused)))

    def _pox(self, request: Request, admitted: Admission) -> Reply:
        wish = pox.read(request.body) if request.method == "POST" else None
        if wish is None or not (wish.address or wish.legacy_dn):
            return pox.error(pox.INVALID, self._tenant.clocks)
        if wish.schema not in (pox.OUTLOOK_RESPONSE, pox.MOBILE_RESPONSE):
            return pox.error(pox.NO_PROVIDER, self._tenant.clocks)
        mailbox = self._allowed(self._wished(wish), admitted)
        if mailbox is None:
            return pox.error(pox.NOT_FOUND, self._tenant.clocks)
        return pox.settings(request, wish, mailbox, self._places(request, mailbox))

    def _soap(self, request: Request, admitted: Admission) -> Reply:
        asked = soap.asked(request.body)
        if asked is None:
            known = soap.is_envelope(request.body)
            return soap.fault("The operation is not supported." if known else "The request is not valid XML.")
        found = [self._allowed(self._tenant.mailbox(user), admitted) for user in asked[0]]
        return soap.settings([(mailbox, self._places(request, mailbox)) for mailbox in found], asked[1])

    def _wished(self, wish: pox.Wish) -> Mailbox | None:
        if wish.address:
            return self._tenant.mailbox(wish.address)
        by_name = (one for one in self._tenant.mailboxes.values() if one.legacy_dn.lower() == wish.legacy_dn.lower())
        return next(by_name, None)

    def _allowed(self, mailbox: Mailbox | None, admitted: Admission) -> Mailbox | None:
        """Return the mailbox if it is one of who asks; to others it might as well not exist."""
        return mailbox if mailbox and self._premises.doorkeeper.may_open(admitted, mailbox) else None

    def _places(self, request: Request, mailbox: Mailbox | None) -> Places:
        return places_of(self._premises, request, mailbox)
