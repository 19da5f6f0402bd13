"""Envelopes: how requests are framed, and what is read from answers, printed, made up or broken."""

from xml.etree import ElementTree as ET

import pytest

from prober.exchange import Auth, Headers, Reply
from prober.faults.taxonomy import Reason
from prober.protocols.ews import soap, status
from prober.protocols.ews.soap import Caller
from tests.protocols.ews.made import (
    APPLICATION,
    URL,
    WHO,
    answer,
    done,
    failed,
    fault_of,
    plain,
    reply,
    success,
    survive,
)
from tests.protocols.ews.printed import printed

S, T = f"{{{soap.ENVELOPE}}}", f"{{{soap.TYPES}}}"
BACK_OFF = '<m:MessageXml><t:Value Name="BackOffMilliseconds">{}</t:Value></m:MessageXml>'


def opened(said: Reply, operation: str = "GetFolder") -> object:
    return soap.only(said, operation)


# -- requests ------------------------------------------------------------------------------------------------------


def test_a_request_is_an_envelope_with_a_version() -> None:
    """It is led to the mailbox by a header, without anybody reading its body."""
    call = soap.request(WHO, "<m:GetFolder/>")
    root = ET.fromstring(call.body)
    assert (call.method, call.url, call.auth) == ("POST", URL, Auth.CREDENTIAL)
    headers = dict(call.headers)
    assert headers["Content-Type"] == "text/xml; charset=utf-8"
    assert headers["X-AnchorMailbox"] == "a@example.test"
    assert "X-PreferServerAffinity" not in headers
    version = root.find(f"{S}Header/{T}RequestServerVersion")
    assert version is not None
    assert version.get("Version") == "Exchange2013_SP1"
    assert root.find(f"{S}Header/{T}ExchangeImpersonation") is None
    assert root.find(f"{S}Body/{{{soap.MESSAGES}}}GetFolder") is not None


def test_an_application_says_for_whom_it_acts() -> None:
    root = ET.fromstring(soap.request(APPLICATION, "").body)
    path = f"{S}Header/{T}ExchangeImpersonation/{T}ConnectingSID/{T}PrimarySmtpAddress"
    assert root.findtext(path) == "a@example.test"


def test_affinity_is_asked_for_by_a_header() -> None:
    call = soap.request(Caller(URL, "a@b", affinity=True), "")
    assert dict(call.headers)["X-PreferServerAffinity"] == "true"


def test_what_is_put_into_a_request_cannot_break_out_of_it() -> None:
    """Addresses come from configuration, states and ids from servers."""
    nasty = Caller(URL, """a"&<'>@b""", impersonates=True)
    root = ET.fromstring(soap.request(nasty, soap.folder(nasty, "inbox")).body)
    assert root.findtext(f"{S}Body/{T}DistinguishedFolderId/{T}Mailbox/{T}EmailAddress") == nasty.mailbox


def test_an_address_does_not_show_in_what_is_logged() -> None:
    assert "a@example.test" not in repr(WHO)


# -- answers -------------------------------------------------------------------------------------------------------


def test_a_success_is_opened_whatever_the_namespaces_are_written_like() -> None:
    """The documentation has both."""
    assert soap.only(printed("get_folder"), "GetFolder").get("ResponseClass") == "Success"
    assert soap.only(printed("sync_hierarchy"), "SyncFolderHierarchy").get("ResponseClass") == "Success"


def test_a_printed_error_is_its_code() -> None:
    fault = fault_of(lambda: opened(printed("get_folder_error")))
    assert (fault.kind.code, fault.reason) == ("ews_invalid_id_malformed", Reason.CLIENT_MISCONFIG)
    assert fault.evidence == {"operation": "GetFolder", "response_code": "ErrorInvalidIdMalformed"}


def test_a_printed_soap_fault_without_a_code_is_the_clients() -> None:
    """Its text names a user and a server, and goes nowhere."""
    fault = fault_of(lambda: opened(printed("oof_error", 500), "GetUserOofSettings"))
    assert (fault.kind, fault.reason) == (status.REQUEST_REFUSED, Reason.CLIENT_MISCONFIG)
    assert fault.evidence == {"http_status": "500", "operation": "GetUserOofSettings"}


def soap_fault(code: str, detail: str = "", said: str = "Said to people.") -> str:
    """As Exchange writes it; Learn, "EWS throttling in Exchange" describes the back-off."""
    return (
        '<s:Fault xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><faultcode '
        f'xmlns:a="http://schemas.microsoft.com/exchange/services/2006/types">{code}</faultcode>'
        f'<faultstring xml:lang="en-US">{said}</faultstring><detail>{detail}</detail></s:Fault>'
    )


BUSY_DETAIL = (
    '<e:ResponseCode xmlns:e="http://schemas.microsoft.com/exchange/services/2006/errors">ErrorServerBusy'
    '</e:ResponseCode><t:MessageXml xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">'
    '<t:Value Name="BackOffMilliseconds">297749</t:Value></t:MessageXml>'
)


@pytest.mark.parametrize(
    ("content", "http_status", "kind", "retry_after"),
    [
        (soap_fault("a:ErrorServerBusy", BUSY_DETAIL), 500, "ews_back_off", 297.749),
        (soap_fault("a:ErrorServerBusy"), 500, "ews_server_busy", None),
        (soap_fault("a:ErrorInternalServerError"), 503, "ews_internal_server_error", None),
        (soap_fault("a:ErrorImpersonateUserDenied"), 200, "ews_impersonate_user_denied", None),
        (soap_fault("s:Server"), 500, "ews_fault_of_server", None),
        (soap_fault("s:Client"), 500, "ews_fault_of_client", None),
        (soap_fault(""), 500, "ews_fault_of_server", None),
        (soap_fault("a:ErrorAccessDenied", said="EWS is not enabled."), 403, "ews_switched_off", None),
    ],
)
def test_a_fault_speaks_before_the_status_it_rides_on(
    content: str, http_status: int, kind: str, retry_after: float | None
) -> None:
    fault = fault_of(lambda: opened(reply(content, http_status)))
    assert (fault.kind.code, fault.retry_after) == (kind, retry_after)


@pytest.mark.parametrize(
    ("said", "kind", "retry_after"),
    [
        (failed("GetFolder", "ErrorServerBusy", BACK_OFF.format("300000")), "ews_back_off", 300.0),
        (failed("GetFolder", "ErrorServerBusy", BACK_OFF.format("soon")), "ews_server_busy", None),
        (failed("GetFolder", "ErrorServerBusy", BACK_OFF.format("9" * 12)), "ews_server_busy", None),
        (failed("GetFolder", "ErrorServerBusy"), "ews_server_busy", None),
        (reply(answer("GetFolder")), "ews_element_missing", None),
        (failed("GetFolder", ""), "ews_element_missing", None),
        (failed("GetFolder", "NoError"), "ews_element_missing", None),
        (reply(answer("FindFolder", success("FindFolder"))), "ews_wrong_answer", None),
        (reply(""), "ews_wrong_answer", None),
        (reply(answer("GetFolder", success("GetFolder")), 502), "http_502", None),
    ],
)
def test_a_response_message_says_yes_or_why_not(said: Reply, kind: str, retry_after: float | None) -> None:
    fault = fault_of(lambda: opened(said))
    assert (fault.kind.code, fault.retry_after) == (kind, retry_after)


def test_the_first_refusal_among_several_messages_counts() -> None:
    both = reply(answer("GetFolder", success("GetFolder"), _refused("ErrorFolderNotFound")))
    assert fault_of(lambda: opened(both)).kind.code == "ews_folder_not_found"


def _refused(code: str) -> str:
    inner = f"<m:ResponseCode>{code}</m:ResponseCode>"
    return f'<m:GetFolderResponseMessage ResponseClass="Warning">{inner}</m:GetFolderResponseMessage>'


def test_the_header_of_a_throttled_answer_goes_before_its_message() -> None:
    content = answer(
        "GetFolder",
        _refused("ErrorServerBusy").replace(
            "</m:ResponseCode>",
            "</m:ResponseCode>" + "<m:MessageXml><t:Value Name='BackOffMilliseconds'>5000</t:Value></m:MessageXml>",
        ),
    )
    assert fault_of(lambda: opened(reply(content, headers={"Retry-After": "7"}))).retry_after == 7.0
    assert fault_of(lambda: opened(reply(content, headers={"X-MS-BackOffDuration": "L/90"}))).retry_after == 5.0


PAGE = b"<!DOCTYPE html><html><body>Server Error in '/EWS' Application.</body></html>"


@pytest.mark.parametrize(
    ("said", "kind", "reason"),
    [
        (plain(PAGE), "ews_server_error_page", Reason.SERVER_ERROR),
        (plain(PAGE, 500), "http_500", Reason.SERVER_ERROR),
        (plain(b"<html><body>Welcome</body></html>"), "html_instead_of_data", Reason.PROTOCOL_VIOLATION),
        (plain(b""), "empty_reply", Reason.PROTOCOL_VIOLATION),
        (plain(b"nonsense"), "ews_not_soap", Reason.PROTOCOL_VIOLATION),
        (plain(b"<a/>"), "ews_not_soap", Reason.PROTOCOL_VIOLATION),
        (plain(b'<?xml version="1.0" encoding="nonsense"?><a/>'), "ews_not_soap", Reason.PROTOCOL_VIOLATION),
        (plain(b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'), "ews_not_soap", Reason.PROTOCOL_VIOLATION),
        (plain(b"The account is LOCKED OUT.", 401), "ews_account_locked", Reason.AUTH_REJECTED),
        (plain(b"The referenced account is currently locked out", 500), "ews_account_locked", Reason.AUTH_REJECTED),
        (plain(b"", 401), "http_401", Reason.AUTH_REJECTED),
        (plain(b"", 403), "http_403", Reason.ACCESS_POLICY),
        (plain(b"", 503), "http_503", Reason.SERVER_BUSY),
        (plain(b"", 503, {"Retry-After": "60"}), "http_throttled", Reason.THROTTLED),
        (plain(b"", 302, {"Location": "/ews/genericerrorpage.htm"}), "http_error_page", Reason.SERVER_ERROR),
        (
            plain(b"", 503, {"X-CasErrorCode": "ErrorMailboxStoreUnavailable"}),
            "ews_mailbox_store_unavailable",
            Reason.MAILBOX_UNAVAILABLE,
        ),
        (plain(b"", 503, {"X-CasErrorCode": "SomethingElse"}), "http_503", Reason.SERVER_BUSY),
    ],
)
def test_what_comes_instead_of_an_envelope_is_classified(said: Reply, kind: str, reason: Reason) -> None:
    fault = fault_of(lambda: opened(said))
    assert (fault.kind.code, fault.reason) == (kind, reason)


def test_an_envelope_with_a_document_type_is_none() -> None:
    """SOAP 1.1 section 3 forbids it."""
    sound = printed("get_folder_error")
    typed = sound.body.replace(b"<soap:Envelope", b"<!DOCTYPE x><soap:Envelope", 1)
    assert fault_of(lambda: opened(plain(typed))).kind is status.NOT_SOAP


def test_the_error_code_of_the_front_end_is_kept() -> None:
    fault = fault_of(lambda: opened(plain(b"", 503, {"X-CasErrorCode": "SomethingElse"})))
    assert fault.evidence["error"] == "SomethingElse"


def test_the_build_of_the_server_is_told() -> None:
    assert soap.build(done("GetFolder")) == "15.20.9200.10"
    assert soap.build(printed("subscribe")) == "15.0.785.6"
    assert soap.build(plain(b"")) == ""
    assert soap.build(Reply(200, Headers(), done("GetFolder").body.replace(b'"9200"', b'"x"'))) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2013-09-16T04:31:29Z", 1379305889.0),
        ("2006-10-16T09:00:00-07:00", 1161014400.0),
        ("2006-11-03T23:00:00", 1162594800.0),
        ("", None),
    ],
)
def test_times_are_seconds_since_the_epoch(text: str, expected: float | None) -> None:
    """Without a zone they are in UTC."""
    element = ET.fromstring(f"<t:Message xmlns:t='x'><t:DateTimeReceived>{text}</t:DateTimeReceived></t:Message>")
    assert soap.moment(element, "GetItem", "DateTimeReceived") == expected


@pytest.mark.parametrize("text", ["soon", "2013-99-16T04:31:29Z", "²"])
def test_a_time_that_is_none_is_a_fault(text: str) -> None:
    element = ET.fromstring(f"<a><b>{text}</b></a>")
    fault = fault_of(lambda: soap.moment(element, "GetItem", "b"))
    assert fault.kind is status.MALFORMED
    assert text not in fault.evidence.values()


@pytest.mark.parametrize("text", ["", "-1", "1e3", "²", "9" * 10])
def test_a_number_that_is_none_is_a_fault(text: str) -> None:
    assert fault_of(lambda: soap.number(ET.fromstring(f"<a><b>{text}</b></a>"), "GetFolder", "b")).reason is (
        Reason.PROTOCOL_VIOLATION
    )


def test_deep_nesting_ends_in_a_fault() -> None:
    deep = "<a>" * 5000 + "</a>" * 5000
    assert fault_of(lambda: opened(reply(deep))).kind is status.WRONG_ANSWER


def test_nothing_but_faults_come_of_broken_answers() -> None:
    survive(opened, printed("get_folder"))
    survive(lambda said: soap.build(said), done("GetFolder"))
