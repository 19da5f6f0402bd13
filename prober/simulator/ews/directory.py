"""ResolveNames: whom a few letters of a name or an address mean (MS-OXWSRSLNM). ConvertId: one id for another."""

from prober.simulator.ews import ids, soap
from prober.simulator.ews.session import Session
from prober.simulator.ews.soap import M, Malformed, Refused, T
from prober.simulator.http.markup import Element, el, text_of
from prober.simulator.mailbox import Mailbox

MOST = 100


def resolve_names(session: Session) -> Element:
    """Answer `ResolveNames`: the one found, several with a warning, none with an error."""
    wanted = text_of(session.element, f"{M}UnresolvedEntry").lower().removeprefix("smtp:")
    if not wanted:
        raise Malformed("The element 'ResolveNames' has incomplete content: 'UnresolvedEntry' is expected.")
    found = [one for one in session.tenant.mailboxes.values() if _fits(one, wanted)]
    if not found:
        refused = Refused("ErrorNameResolutionNoResults", "No results were found.")
        return soap.response(session.operation, soap.failure(session.operation, refused))
    full = session.element.get("ReturnFullContactData", "false") in ("true", "1")
    page = found[:MOST]
    resolved = el(
        "m:ResolutionSet",
        *(_resolution(one, full=full) for one in page),
        TotalItemsInView=str(len(page)),
        IncludesLastItemInRange=str(len(page) == len(found)).lower(),
    )
    if len(found) == 1:
        return soap.response(session.operation, soap.success(session.operation, resolved))
    several = ("Warning", "ErrorNameResolutionMultipleResults", "Multiple results were found.")
    tag = f"m:{session.operation}ResponseMessage"
    return soap.response(session.operation, soap.message(tag, *several, resolved))


def convert_id(session: Session) -> Element:
    """Answer `ConvertId` (MS-OXWSCVTID): the ids of this store have one form, and stay what they are."""
    wanted = session.element.get("DestinationFormat", "")
    messages = []
    for one in session.element.iterfind(f"{M}SourceIds/{T}AlternateId"):
        try:
            ids.read_item_id(one.get("Id", ""))
            found = el("m:AlternateId", Format=_kept(wanted), Id=one.get("Id", ""), Mailbox=one.get("Mailbox", ""))
            found.set("{http://www.w3.org/2001/XMLSchema-instance}type", "t:AlternateIdType")
            messages.append(soap.success(session.operation, found))
        except Refused as refused:
            messages.append(soap.failure(session.operation, refused))
    return soap.response(session.operation, *messages)


def _kept(wanted: str) -> str:
    if wanted != "EwsId":
        raise Refused("ErrorInvalidOperation", f"Ids are not converted to {wanted}.")
    return wanted


def _fits(mailbox: Mailbox, wanted: str) -> bool:
    names = (mailbox.address.lower(), mailbox.display_name.lower(), mailbox.display_name.lower().rpartition(" ")[2])
    return any(name.startswith(wanted) for name in names)


def _resolution(mailbox: Mailbox, *, full: bool) -> Element:
    who = el(
        "t:Mailbox",
        el("t:Name", mailbox.display_name),
        el("t:EmailAddress", mailbox.address),
        el("t:RoutingType", "SMTP"),
        el("t:MailboxType", "Mailbox"),
    )
    contact = el("t:Contact", el("t:DisplayName", mailbox.display_name)) if full else None
    return el("t:Resolution", who, contact)
