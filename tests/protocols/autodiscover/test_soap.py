"""SOAP of Autodiscover: the published example, errors of either level, redirects, and everything that is no answer."""

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.exchange import Auth, Headers, Reply
from prober.faults.taxonomy import FaultError, Reason
from prober.protocols.autodiscover.soap import SETTINGS, GetUserSettings, UserSettings

URL = "https://myserver.contoso.com/autodiscover/autodiscover.svc"
ASK = GetUserSettings(URL, "UserName@domain.contoso.com")

PRINTED = b"""<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:a="http://www.w3.org/2005/08/addressing">
  <s:Header>
    <a:Action s:mustUnderstand="1">http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/GetUserSettingsResponse</a:Action>
  </s:Header>
  <s:Body>
  <GetUserSettingsResponseMessage xmlns="http://schemas.microsoft.com/exchange/2010/Autodiscover">
      <Response xmlns:i="http://www.w3.org/2001/XMLSchema-instance">
        <ErrorCode>NoError</ErrorCode>
        <ErrorMessage />
        <UserResponses>
          <UserResponse>
            <ErrorCode>NoError</ErrorCode>
            <ErrorMessage>No error.</ErrorMessage>
            <RedirectTarget i:nil="true" />
            <UserSettingErrors />
            <UserSettings>
              <UserSetting i:type="StringSetting">
                <Name>UserDisplayName</Name>
                <Value>UserDisplayName</Value>
              </UserSetting>
              <UserSetting i:type="StringSetting">
                <Name>UserDN</Name>
                <Value>/o=First Organization/ou=Exchange Administrative Group (SDASDASDJ)/cn=Recipients/cn=UserDisplayName</Value>
              </UserSetting>
              <UserSetting i:type="StringSetting">
                <Name>CasVersion</Name>
                <Value>14.00.0478.000</Value>
              </UserSetting>
            </UserSettings>
          </UserResponse>
        </UserResponses>
      </Response>
    </GetUserSettingsResponseMessage>
  </s:Body>
</s:Envelope>
"""  # noqa: E501 - as printed
"""Learn, "GetUserSettings operation (SOAP)": GetUserSettings Response Example, five of its settings left out."""

REQUEST = """<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:a="http://schemas.microsoft.com/exchange/2010/Autodiscover"
               xmlns:wsa="http://www.w3.org/2005/08/addressing"
               xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">
  <soap:Header>
    <a:RequestedServerVersion>Exchange2013</a:RequestedServerVersion>
    <wsa:Action>http://schemas.microsoft.com/exchange/2010/Autodiscover/Autodiscover/GetUserSettings</wsa:Action>
    <wsa:To>https://myserver.contoso.com/autodiscover/autodiscover.svc</wsa:To>
  </soap:Header>
  <soap:Body>
    <a:GetUserSettingsRequestMessage>
      <a:Request>
        <a:Users>
          <a:User>
            <a:Mailbox>UserName@domain.contoso.com</a:Mailbox>
          </a:User>
        </a:Users>
        <a:RequestedSettings>
          <a:Setting>UserDN</a:Setting>
          <a:Setting>ExternalEwsUrl</a:Setting>
          <a:Setting>InternalEwsUrl</a:Setting>
          <a:Setting>MapiHttpEnabled</a:Setting>
        </a:RequestedSettings>
      </a:Request>
    </a:GetUserSettingsRequestMessage>
  </soap:Body>
</soap:Envelope>
"""
"""The same page's GetUserSettings Request Example, with our version and settings, without a namespace not used."""


def squeezed(document: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r">\s+<", "><", document.strip()))


def answer(user: str, code: str = "<ErrorCode>NoError</ErrorCode>") -> Reply:
    space = 'xmlns="http://schemas.microsoft.com/exchange/2010/Autodiscover"'
    body = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        f"<GetUserSettingsResponseMessage {space}><Response>{code}<UserResponses>{user}</UserResponses></Response>"
        "</GetUserSettingsResponseMessage></s:Body></s:Envelope>"
    )
    return Reply(200, Headers(), body.encode())


def user(code: str, more: str = "") -> str:
    return f"<UserResponse><ErrorCode>{code}</ErrorCode>{more}</UserResponse>"


def kind(reply: Reply) -> tuple[str, Reason]:
    with pytest.raises(FaultError) as caught:
        ASK.read(reply)
    assert "contoso" not in str(caught.value.fault.evidence)
    return caught.value.fault.kind.code, caught.value.fault.reason


def test_the_published_answer_is_read() -> None:
    assert ASK.read(Reply(200, Headers(), PRINTED)) == UserSettings(
        user_dn="/o=First Organization/ou=Exchange Administrative Group (SDASDASDJ)/cn=Recipients/cn=UserDisplayName"
    )


def test_the_question_is_the_published_one() -> None:
    """An address cannot break out of its element, and does not show."""
    call = ASK.call()
    assert (call.method, call.url, call.auth) == ("POST", URL, Auth.CREDENTIAL)
    assert dict(call.headers)["Content-Type"] == "text/xml; charset=utf-8"
    assert squeezed(call.body.decode()) == squeezed(REQUEST)
    assert b"a&lt;b@c" in GetUserSettings(URL, "a<b@c").call().body
    assert "UserName" not in repr(ASK)
    assert len(SETTINGS) == 4


def test_settings_are_known_by_their_names() -> None:
    """The way in from outside comes first."""
    inner, outer = "https://in.contoso.com/ews", "https://out.contoso.com/ews"

    def told(**settings: str) -> UserSettings:
        pairs = "".join(
            f"<UserSetting><Name>{name}</Name><Value>{value}</Value></UserSetting>" for name, value in settings.items()
        )
        return ASK.read(answer(user("NoError", f"<UserSettings>{pairs}</UserSettings>")))

    assert told(InternalEwsUrl=inner, ExternalEwsUrl=outer, MapiHttpEnabled="True") == UserSettings("", outer, True)
    assert told(InternalEwsUrl=inner, MapiHttpEnabled="False").ews_url == inner
    assert told() == UserSettings()


def test_a_user_elsewhere_is_told_of() -> None:
    """By URL or by address; a redirect to nowhere is none."""
    there = "<RedirectTarget>https://there/x</RedirectTarget>"
    assert ASK.read(answer(user("RedirectUrl", there))).redirect_url == "https://there/x"
    other = "<RedirectTarget>a@fabrikam.com</RedirectTarget>"
    assert ASK.read(answer(user("RedirectAddress", other))).redirect_address == "a@fabrikam.com"
    assert kind(answer(user("RedirectUrl")))[1] is Reason.PROTOCOL_VIOLATION


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("InvalidUser", Reason.CLIENT_MISCONFIG),
        ("InvalidRequest", Reason.CLIENT_MISCONFIG),
        ("ServerBusy", Reason.SERVER_BUSY),
        ("InternalServerError", Reason.SERVER_ERROR),
        ("SomethingNew", Reason.PROTOCOL_VIOLATION),
        ("", Reason.PROTOCOL_VIOLATION),
    ],
)
def test_errors_of_either_level_have_their_meaning(code: str, reason: Reason) -> None:
    """Of the request and of the user."""
    assert kind(answer(user(code)))[1] is reason
    assert kind(answer(user("NoError"), f"<ErrorCode>{code}</ErrorCode>"))[1] is reason


FAULT = (
    b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>s:%s</faultcode>'
    b"<faultstring>no</faultstring></s:Fault></s:Body></s:Envelope>"
)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(500, Headers(), FAULT % b"Client"), "autodiscover_soap_refused"),
        (Reply(500, Headers(), FAULT % b"Server"), "autodiscover_soap_fault"),
        (Reply(503), "http_503"),
        (Reply(401), "http_401"),
        (Reply(200), "empty_reply"),
        (Reply(200, Headers(), b"<html>welcome</html>"), "html_instead_of_data"),
        (Reply(200, Headers(), b"<other/>"), "autodiscover_not_soap"),
        (Reply(200, Headers(), b"nothing"), "autodiscover_not_soap"),
        (
            Reply(200, Headers(), PRINTED.replace(b"Response xml", b"Other xml").replace(b"/Response>", b"/Other>")),
            "autodiscover_soap_element_missing",
        ),
        (answer(""), "autodiscover_soap_element_missing"),
        (Reply(502, Headers(), PRINTED), "http_502"),
    ],
)
def test_what_is_no_answer_is_told_apart(reply: Reply, code: str) -> None:
    """A SOAP fault says more than the status it rides on."""
    assert kind(reply)[0] == code


@given(st.data())
def test_only_faults_come_out_of_broken_answers(data: st.DataObject) -> None:
    """Cut and mutated."""
    body = bytearray(PRINTED[: data.draw(st.integers(0, len(PRINTED)))])
    for _ in range(data.draw(st.integers(0, 4)) if body else 0):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    with suppress(FaultError):
        assert isinstance(ASK.read(Reply(200, Headers(), bytes(body))), UserSettings)
