"""Plain XML of Autodiscover: examples as they are published, errors, redirects, and everything that is no answer."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.exchange import Auth, Headers, Reply
from prober.faults.taxonomy import FaultError, Reason
from prober.protocols.autodiscover.pox import AskMobileSync, AskPox, PoxChallenge, PoxSettings

URL = "https://mail.contoso.com/autodiscover/autodiscover.xml"

MAPI_HTTP = b"""<?xml version="1.0" encoding="utf-8"?>
 <Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">
   <Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a">
     <User>
       <DisplayName>User Display Name</DisplayName>
       <LegacyDN>/o=microsoft/ou=Contoso/cn=Recipients/cn=486021</LegacyDN>
       <AutoDiscoverSMTPAddress>user@Contoso.com</AutoDiscoverSMTPAddress>
       <DeploymentId>30c3a927-42aa-5de8-91e3-8e5b4655ed00</DeploymentId>
     </User>
     <Account>
       <AccountType>email</AccountType>
       <Action>settings</Action>
       <Protocol Type="mapiHttp" Version="1">
         <MailStore>
           <InternalUrl>https://mail.Contoso.com/mapi/emsmdb/?MailboxId=416c6368-656d-794a-6f45-57615272456e@Contoso.com</InternalUrl>
         </MailStore>
         <AddressBook>
           <InternalUrl>https://mail.Contoso.com/mapi/nspi/?MailboxId=416c6368-656d-794a-6f45-57615272456e@Contoso.com</InternalUrl>
         </AddressBook>
       </Protocol>
       <Protocol>
         <Type>WEB</Type>
         <External>
           <OWAUrl AuthenticationMethod="Fba">https://mail.Contoso.com/owa</OWAUrl>
           <Protocol>
             <Type>EXPR</Type>
             <ASUrl>https://mail.Contoso.com/ews/exchange.asmx</ASUrl>
           </Protocol>
         </External>
       </Protocol>
     </Account>
   </Response>
 </Autodiscover>
"""
"""MS-OXDSCLI section 4.4, "MapiHttp Response", its inner network's half of the WEB section left out."""

RESPONSE = """<Autodiscover xmlns="https://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">
<Response xmlns="https://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a">
<Account>{account}</Account></Response></Autodiscover>"""
"""Learn, "POX Autodiscover response for Exchange": what is around an account there, schemas with https as printed."""

EXCH = """<AccountType>email</AccountType><Action>settings</Action><Protocol><Type>EXCH</Type>
<ASUrl>https://mail.internal.contoso.com/ews/exchange.asmx</ASUrl></Protocol><Protocol><Type>EXPR</Type>
<ASUrl>https://mail.contoso.com/ews/exchange.asmx</ASUrl><EwsUrl>https://mail.contoso.com/ews/exchange.asmx</EwsUrl>
</Protocol>"""
ERROR = """<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"><Response>
<Error Time="19:56:08.3529375" Id="1054084152"><ErrorCode>{code}</ErrorCode><Message>x</Message><DebugData />
</Error></Response></Autodiscover>"""
MOBILE = """<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">
<Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006">
<Culture>en:us</Culture><User><DisplayName>Chris Gray</DisplayName><EMailAddress>chris@woodgrovebank.com</EMailAddress>
</User><Action>{action}</Action></Response></Autodiscover>"""
"""MS-ASCMD section 4.2.3, "Response - Case Redirect" and its neighbours, around the action."""


def replied(text: str | bytes, status: int = 200, **headers: str) -> Reply:
    body = text.encode() if isinstance(text, str) else text
    return Reply(status, Headers(headers.items()), body)


def kind(reply: Reply, question: AskPox | AskMobileSync | None = None) -> tuple[str, Reason]:
    with pytest.raises(FaultError) as caught:
        (question or AskPox(URL, "user@contoso.com")).read(reply)
    return caught.value.fault.kind.code, caught.value.fault.reason


def test_the_published_answer_about_mapi_over_http_is_read() -> None:
    """URLs of mail store and address book, the user's DN, and the URL of a nested section."""
    where = "?MailboxId=416c6368-656d-794a-6f45-57615272456e@Contoso.com"
    assert AskPox(URL, "user@contoso.com", mapi=True).read(replied(MAPI_HTTP)) == PoxSettings(
        as_url="https://mail.Contoso.com/ews/exchange.asmx",
        mapi_url=f"https://mail.Contoso.com/mapi/emsmdb/{where}",
        nspi_url=f"https://mail.Contoso.com/mapi/nspi/{where}",
        legacy_dn="/o=microsoft/ou=Contoso/cn=Recipients/cn=486021",
    )


def test_the_way_in_from_outside_comes_first() -> None:
    """A prober may stand anywhere."""
    found = AskPox(URL, "a@contoso.com").read(replied(RESPONSE.format(account=EXCH)))
    assert found.as_url == found.ews_url == "https://mail.contoso.com/ews/exchange.asmx"


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        ("<Action>redirectAddr</Action><RedirectAddr>a@fabrikam.com</RedirectAddr>", ("a@fabrikam.com", "")),
        ("<Action>redirectUrl</Action><RedirectUrl>https://there/x</RedirectUrl>", ("", "https://there/x")),
        ("<Action>redirectUrl</Action><RedirectUrl>http://there/x</RedirectUrl>", ("", "")),
    ],
)
def test_redirects_are_told_and_never_to_a_plain_scheme(account: str, expected: tuple[str, str]) -> None:
    found = AskPox(URL, "a@contoso.com").read(replied(RESPONSE.format(account=account)))
    assert (found.redirect_address, found.redirect_url) == expected


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_of_http_is_told_too(status: int) -> None:
    """MS-OXDSCLI section 3.1.5.4."""
    assert AskPox(URL, "a@b.c").read(replied("", status, Location="https://other/")).redirect_url == "https://other/"
    assert kind(replied("", status, Location="http://other/")) == ("http_unexpected_status", Reason.PROTOCOL_VIOLATION)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("500", ("autodiscover_address_unknown", Reason.CLIENT_MISCONFIG)),
        ("501", ("autodiscover_address_unknown", Reason.CLIENT_MISCONFIG)),
        ("600", ("autodiscover_invalid_request", Reason.CLIENT_MISCONFIG)),
        ("601", ("autodiscover_no_provider", Reason.CLIENT_MISCONFIG)),
        ("603", ("autodiscover_provider_failed", Reason.SERVER_ERROR)),
        ("999", ("autodiscover_error", Reason.SERVER_ERROR)),
        ("", ("autodiscover_error", Reason.SERVER_ERROR)),
        ("user@contoso.com", ("autodiscover_error", Reason.SERVER_ERROR)),
    ],
)
def test_errors_have_their_meaning(code: str, expected: tuple[str, Reason]) -> None:
    """With status 200, as MS-OXDSCLI section 2.2.4.1.2 has them; no text of theirs is kept."""
    for question in (AskPox(URL, "a@b.c"), AskMobileSync(URL, "a@b.c")):
        assert kind(replied(ERROR.format(code=code)), question) == expected


def test_a_phone_is_told_where_to_go() -> None:
    """MS-ASCMD section 4.2: settings, a redirect to another address, an error within the action."""
    ask = AskMobileSync(URL, "chris@woodgrovebank.com")
    server = "https://loandept.woodgrovebank.com/Microsoft-Server-ActiveSync"
    settings = f"<Settings><Server><Type>MobileSync</Type><Url>{server}</Url><Name>{server}</Name></Server></Settings>"
    assert ask.read(replied(MOBILE.format(action=settings))).as_url == server
    redirect = "<Redirect>chris@loandept.woodgrovebank.com</Redirect>"
    assert ask.read(replied(MOBILE.format(action=redirect))).redirect_address == "chris@loandept.woodgrovebank.com"
    refused = "<Error><Status>1</Status><Message>x</Message><DebugData>y</DebugData></Error>"
    assert kind(replied(MOBILE.format(action=refused)), ask)[1] is Reason.SERVER_ERROR
    assert ask.read(replied("", 302, Location="https://other/")).redirect_url == "https://other/"


def test_questions_are_the_published_ones() -> None:
    """Learn, "POX Autodiscover request for Exchange"; an address cannot break out of its element."""
    call = AskPox(URL, "a<&>@contoso.com", mapi=True).call()
    assert call.method == "POST"
    assert call.auth is Auth.CREDENTIAL
    assert dict(call.headers) == {"Content-Type": "text/xml; charset=utf-8", "X-MapiHttpCapability": "1"}
    assert call.body == (
        b'<?xml version="1.0" encoding="utf-8"?><Autodiscover '
        b'xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request>'
        b"<EMailAddress>a&lt;&amp;&gt;@contoso.com</EMailAddress><AcceptableResponseSchema>"
        b"http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
        b"</AcceptableResponseSchema></Request></Autodiscover>"
    )
    assert b"mobilesync/requestschema/2006" in AskMobileSync(URL, "a@b.c").call().body
    assert len(AskPox(URL, "a@b.c").call().headers) == 1
    assert "contoso" not in repr(AskPox(URL, "a@contoso.com")) + repr(AskMobileSync(URL, "a@contoso.com"))


def test_who_asks_without_credentials_is_refused() -> None:
    """And that is how it should be."""
    ask = PoxChallenge(URL)
    assert ask.call().auth is Auth.NONE
    refused = replied("", 401, **{"WWW-Authenticate": 'Bearer client_id="x", Basic realm="y"'})
    assert ask.read(refused) == "basic bearer"
    for reply, reason in (
        (replied(RESPONSE.format(account=EXCH)), Reason.UNEXPECTED_CHALLENGE),
        (replied("<html>welcome</html>"), Reason.PROTOCOL_VIOLATION),
        (replied("", 503), Reason.SERVER_BUSY),
    ):
        with pytest.raises(FaultError) as caught:
            ask.read(reply)
        assert caught.value.fault.reason is reason


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no xml",
        b"<html>hello</html>",
        b"<Autodiscover/>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><Autodiscover><Response>&a;</Response></Autodiscover>',
        b'<?xml version="1.0" encoding="nonsense"?><Autodiscover><Response/></Autodiscover>',
    ],
)
def test_what_is_no_answer_is_a_violation(body: bytes) -> None:
    """A page for people, other XML, entities that might explode."""
    assert kind(replied(body))[1] is Reason.PROTOCOL_VIOLATION


@given(st.data())
def test_only_faults_come_out_of_broken_answers(data: st.DataObject) -> None:
    """Cut and mutated."""
    body = bytearray(MAPI_HTTP[: data.draw(st.integers(0, len(MAPI_HTTP)))])
    for _ in range(data.draw(st.integers(0, 4)) if body else 0):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    for question in (AskPox(URL, "a@b.c"), AskMobileSync(URL, "a@b.c")):
        with suppress(FaultError):
            assert isinstance(question.read(replied(bytes(body))), PoxSettings)
