"""The service, held against exchangelib as it is, over TLS: what an independent client makes of its answers."""

import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests
from exchangelib import (
    BASIC,
    DELEGATE,
    IMPERSONATION,
    OAUTH2,
    UTC,
    Account,
    Configuration,
    Credentials,
    EWSDateTime,
    EWSTimeZone,
    Identity,
    Message,
)
from exchangelib.credentials import OAuth2AuthorizationCodeCredentials
from exchangelib.errors import (
    ErrorImpersonateUserDenied,
    ErrorInvalidSyncStateData,
    ErrorItemNotFound,
    ErrorMailboxMoveInProgress,
    ErrorNonExistentMailbox,
    ErrorServerBusy,
    ErrorSubscriptionNotFound,
)

from prober.simulator.ews.service import Ews
from prober.simulator.faults.fault import Fault
from prober.simulator.http.message import Reply, Request
from prober.simulator.mailbox import Mailbox, furnish
from prober.simulator.service import Errand
from prober.simulator.tenant import SERVER, Application
from prober.simulator.tokens import EXCHANGE
from tests.simulator.doorway import ALICE, APP, PASSWORD, Doorway, doorway, tenant_of_one
from tests.simulator.ews.desk import Desk, envelope, said

PLACE = "/EWS/Exchange.asmx"
GET_INBOX = (
    "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds>"
    '<t:DistinguishedFolderId Id="inbox"/><t:DistinguishedFolderId Id="calendar"/></m:FolderIds></m:GetFolder>'
)


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Doorway]:
    yield from opened(tmp_path, monkeypatch, "exchange_online")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Doorway]:
    yield from opened(tmp_path, monkeypatch, SERVER)


def opened(folder: Path, monkeypatch: pytest.MonkeyPatch, environment: str) -> Iterator[Doorway]:
    with doorway(folder, Ews, tenant_of_one(environment)) as way:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(way.ca_file))
        way.on_loop(lambda: furnish(mailbox(way), way.tenant.clocks.now()))
        yield way


def mailbox(way: Doorway) -> Mailbox:
    return way.tenant.mailboxes[ALICE]


def by_token(way: Doorway, user: str = ALICE, application: Application = APP) -> Any:
    """An application that acts for a user, as services do."""
    token = way.premises.doorkeeper.issue(application, EXCHANGE)
    granted = {"access_token": token, "token_type": "Bearer", "expires_at": time.time() + 3000}
    credentials = OAuth2AuthorizationCodeCredentials(access_token=granted, identity=Identity(primary_smtp_address=user))
    configuration = Configuration(
        service_endpoint=f"{way.url}{PLACE}", credentials=credentials, auth_type=OAUTH2, max_connections=2
    )
    return Account(user, config=configuration, access_type=IMPERSONATION, autodiscover=False)


def by_password(way: Doorway) -> Any:
    configuration = Configuration(
        service_endpoint=f"{way.url}{PLACE}", credentials=Credentials(ALICE, PASSWORD), auth_type=BASIC
    )
    return Account(ALICE, config=configuration, access_type=DELEGATE, autodiscover=False)


@pytest.fixture
def account(cloud: Doorway) -> Iterator[Any]:
    made = by_token(cloud)
    yield made
    made.protocol.close()


# -- exchangelib ---------------------------------------------------------------------------------------------------


def test_exchangelib_walks_the_folders_and_reads_the_mail(account: Any) -> None:
    assert {"Inbox", "Calendar", "Sent Items"} <= {folder.name for folder in account.root.walk()}
    assert account.inbox.total_count == account.inbox.unread_count == 12
    newest = account.inbox.all().order_by("-datetime_received")[0]
    assert newest.subject == "Weekly report 1"
    assert newest.body.strip() == "Report 1."
    assert b"Subject: Weekly report 1" in newest.mime_content


def test_exchangelib_filters_sorts_and_pages(account: Any) -> None:
    oldest = account.inbox.all().order_by("datetime_received").values_list("subject", flat=True)[:3]
    assert list(oldest) == ["Weekly report 12", "Weekly report 11", "Weekly report 10"]
    paged = account.inbox.all()
    paged.page_size = 5
    assert len(list(paged)) == 12
    assert account.inbox.filter(subject="Weekly report 3").count() == 1
    assert account.inbox.filter(subject__icontains="REPORT 1").count() == 4
    assert account.inbox.filter(is_read=True).count() == 0
    since = EWSDateTime.now(tz=UTC) - timedelta(hours=16)
    assert account.inbox.filter(datetime_received__gt=since).exclude(subject="Weekly report 1").count() == 2


def test_exchangelib_synchronises_folders_and_items_in_pages(account: Any, cloud: Doorway) -> None:
    """The client asks on until the last page; then only what is new, changed or gone comes."""
    assert len(list(account.root.sync_hierarchy())) == 12
    assert list(account.root.sync_hierarchy()) == []
    first = list(account.inbox.sync_items(max_changes_returned=5))
    assert [kind for kind, _ in first] == ["create"] * 12
    assert list(account.inbox.sync_items()) == []
    cloud.on_loop(lambda: mailbox(cloud).deliver("new"))
    cloud.on_loop(lambda: mailbox(cloud).mark_read(mailbox(cloud).inbox.kind, 2))
    cloud.on_loop(lambda: mailbox(cloud).delete(mailbox(cloud).inbox.kind, 3))
    kinds = [kind for kind, _ in account.inbox.sync_items()]
    assert kinds == ["create", "update", "delete"]


def test_exchangelib_primes_again_after_a_bad_state(account: Any) -> None:
    with pytest.raises(ErrorInvalidSyncStateData):
        list(account.inbox.sync_items(sync_state="bm9uc2Vuc2U="))
    with pytest.raises(ErrorInvalidSyncStateData):
        list(account.root.sync_hierarchy(sync_state="nonsense"))


def test_exchangelib_sends_marks_and_deletes(account: Any) -> None:
    Message(account=account, subject="to me", body="hello", to_recipients=[ALICE]).send_and_save()
    got = account.inbox.get(subject="to me")
    assert got.body == "hello"
    got.is_read = True
    got.save(update_fields=["is_read"])
    got.refresh()
    assert got.is_read
    got.move_to_trash()
    assert account.inbox.filter(subject="to me").count() == 0
    assert account.trash.filter(subject="to me").count() == 1
    assert account.sent.filter(subject="to me").count() == 1
    kept = account.trash.get(subject="to me")
    gone = Message(account=account, folder=account.trash, id=kept.id, changekey=kept.changekey)
    kept.delete()
    with pytest.raises(ErrorItemNotFound):
        gone.refresh()


def test_exchangelib_looks_into_the_calendar_and_who_is_away(account: Any) -> None:
    now = EWSDateTime.now(tz=UTC)
    found = list(account.calendar.view(start=now - timedelta(days=2), end=now + timedelta(days=4)))
    assert len(found) == 4
    assert found[0].end - found[0].start == timedelta(minutes=30)
    assert account.oof_settings.state == "Disabled"


def test_exchangelib_sees_who_is_busy_in_its_own_zone(account: Any, cloud: Doorway) -> None:
    """The calendar is in UTC, the question and the answer in the client's zone, here with summer time."""
    start = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("UTC"))
    cloud.on_loop(lambda: mailbox(cloud).schedule("lunch", start, start + timedelta(hours=1)))
    berlin = EWSTimeZone("Europe/Berlin")
    day = EWSDateTime(2026, 7, 1, tzinfo=berlin)
    (view,) = account.protocol.get_free_busy_info([(account, "Organizer", False)], day, day + timedelta(days=1))
    (event,) = view.calendar_events
    assert (event.start, event.end, event.busy_type) == (start, start + timedelta(hours=1), "Busy")
    assert event.start.hour == 14
    assert view.merged == "0" * 28 + "22" + "0" * 18


def test_exchangelib_resolves_names(account: Any) -> None:
    assert account.version.build
    (found,) = account.protocol.resolve_names(["ali"])
    assert found.email_address == ALICE


def test_exchangelib_hears_of_new_mail_at_once(account: Any, cloud: Doorway) -> None:
    """The event comes with the delivery, and the subscription ends when the client says so."""
    with account.inbox.streaming_subscription() as subscription:
        deliver = threading.Timer(0.3, lambda: cloud.on_loop(lambda: mailbox(cloud).deliver("news")))
        deliver.start()
        (heard,) = account.inbox.get_streaming_events(subscription, connection_timeout=1, max_notifications_returned=1)
        deliver.join()
    assert "NewMailEvent" in {type(event).__name__ for event in heard.events}
    new = next(event for event in heard.events if type(event).__name__ == "NewMailEvent")
    assert account.inbox.get(id=new.item_id.id).subject == "news"
    with pytest.raises(ErrorSubscriptionNotFound):
        list(account.inbox.get_streaming_events(subscription, connection_timeout=1))


def test_exchangelib_signs_in_with_a_password_at_a_server_of_ones_own(own: Doorway) -> None:
    account = by_password(own)
    assert account.inbox.total_count == 12
    assert "2019" in account.version.fullname
    account.protocol.close()


def test_exchangelib_is_refused_mailboxes_that_are_not_its_own(cloud: Doorway) -> None:
    """One that does not exist, and one that is not shared with the application."""
    stranger = Application(APP.client_id, "Stranger")
    for user, application, error in (
        ("no-one@contoso.example", APP, ErrorNonExistentMailbox),
        ("bob@contoso.example", stranger, ErrorImpersonateUserDenied),
    ):
        if user.startswith("bob"):
            cloud.on_loop(lambda: cloud.tenant.open_mailbox("bob@contoso.example", "ams1"))
        account = by_token(cloud, user, application)
        with pytest.raises(error):
            _ = account.inbox.total_count
        account.protocol.close()


# -- on the wire ---------------------------------------------------------------------------------------------------


def test_an_empty_bearer_is_told_where_to_get_one(cloud: Doorway) -> None:
    for method in ("GET", "POST"):
        reply = requests.request(method, f"{cloud.url}{PLACE}", headers={"Authorization": "Bearer"}, timeout=10)
        assert reply.status_code == 401
        assert "authorization_uri=" in reply.headers["WWW-Authenticate"]
        assert reply.headers["X-FEServer"]


def test_a_server_of_ones_own_offers_basic_as_well(own: Doorway) -> None:
    reply = requests.post(f"{own.url}{PLACE}", timeout=10)
    assert "Basic realm=" in reply.headers["WWW-Authenticate"]
    assert "Bearer" not in reply.headers["WWW-Authenticate"]


# -- in the desk's words ------------------------------------------------------------------------------------------


async def test_both_folders_of_the_probe_are_there() -> None:
    desk = Desk()
    root = await desk.ask(GET_INBOX)
    assert said(root) == ["NoError", "NoError"]
    ids = [one for one in root.iter() if one.tag.endswith("}FolderId")]
    assert len(ids) == 2
    assert len({one.get("Id") for one in ids}) == 2
    assert "MajorVersion" in next(one for one in root.iter() if one.tag.endswith("ServerVersionInfo")).attrib


@pytest.mark.parametrize("body", ["", "<", "<a/>", envelope("<m:Nonsense/>"), envelope("<m:GetFolder/>"), envelope("")])
async def test_what_is_no_request_is_a_fault(body: str) -> None:
    reply = await Desk().reply(body)
    assert reply.status == 500
    assert b"<e:ResponseCode>ErrorSchemaValidation</e:ResponseCode>" in bytes(reply.body)  # type: ignore[arg-type]  # no stream


async def test_an_unknown_version_is_a_fault() -> None:
    reply = await Desk().reply(envelope(GET_INBOX, version="Exchange1999"))
    assert b"ErrorInvalidServerVersion" in bytes(reply.body)  # type: ignore[arg-type]  # no stream


async def test_an_application_has_to_say_for_whom_it_acts() -> None:
    """And it needs the permission; a user's token opens the user's own mailbox without a word."""
    desk = Desk()
    alone = await desk.reply(envelope(GET_INBOX, acting_for=""))
    assert b"ErrorImpersonationRequired" in bytes(alone.body)  # type: ignore[arg-type]  # no stream
    poor = Application(APP.client_id, "Poor", mailboxes=APP.mailboxes, permissions=frozenset({"Mail.Read"}))
    refused = await desk.reply(envelope(GET_INBOX), token=desk.token(poor))
    assert b"ErrorAccessDenied" in bytes(refused.body)  # type: ignore[arg-type]  # no stream
    user = await desk.reply(envelope(GET_INBOX, acting_for=""), token=desk.token(APP, ALICE))
    assert user.status == 200


async def test_a_mailbox_on_a_server_is_not_in_the_cloud() -> None:
    desk = Desk()
    desk.tenant.open_mailbox(ALICE, "hq")
    assert b"ErrorNonExistentMailbox" in bytes((await desk.reply(envelope(GET_INBOX))).body)  # type: ignore[arg-type]  # no stream


async def test_an_expired_token_is_refused_with_the_reason() -> None:
    desk = Desk()
    reply = await desk.reply(envelope(GET_INBOX), token="Bearer nonsense")
    assert reply.status == 401
    assert dict(reply.headers)["x-ms-diagnostics"].startswith("2000001;")


async def test_a_code_strikes_within_a_well_formed_answer() -> None:
    """The form is that of the operation, so that clients find the code where they look for it."""
    busy = Fault("soap_code", arguments={"code": "ErrorServerBusy", "back_off_ms": 300000})
    reply = await Desk().reply(envelope(GET_INBOX), fault=busy)
    body = bytes(reply.body)  # type: ignore[arg-type]  # no stream
    assert reply.status == 200
    assert b"<m:ResponseCode>ErrorServerBusy</m:ResponseCode>" in body
    assert b'<t:Value Name="BackOffMilliseconds">300000</t:Value>' in body
    oof = "<m:GetUserOofSettingsRequest><t:Mailbox><t:Address>a</t:Address></t:Mailbox></m:GetUserOofSettingsRequest>"
    assert said(await Desk().ask(oof, fault=busy)) == ["ErrorServerBusy"]


def test_exchangelib_understands_codes_and_back_off(cloud: Doorway, monkeypatch: pytest.MonkeyPatch) -> None:
    """Struck through the service's own refusals: a code in an answer, and a throttled request."""
    account = by_token(cloud)
    answer, refuse = cloud.service.answer, cloud.service.throttled
    code = Fault("soap_code", arguments={"code": "ErrorMailboxMoveInProgress"})
    monkeypatch.setattr(cloud.service, "answer", lambda request, fault: answer(request, code))
    with pytest.raises(ErrorMailboxMoveInProgress):
        _ = account.inbox.total_count

    async def throttled(request: Request, fault: Fault | None) -> Reply:
        return refuse(request, 0, 2)

    monkeypatch.setattr(cloud.service, "answer", throttled)
    with pytest.raises(ErrorServerBusy) as caught:
        _ = account.inbox.total_count
    assert caught.value.back_off == 2
    account.protocol.close()


async def test_a_stale_view_ends_in_the_past() -> None:
    desk = Desk()
    desk.mailbox.deliver("now")
    find = GET_INBOX.replace("IdOnly", "Default")
    counts = [one.text for one in (await desk.ask(find)).iter() if one.tag.endswith("}TotalCount")]
    old = Fault("stale", arguments={"age_min": 30})
    stale = [one.text for one in (await desk.ask(find, fault=old)).iter() if one.tag.endswith("}TotalCount")]
    assert (counts, stale) == (["1", "0"], ["0", "0"])


def test_throttling_says_for_how_long() -> None:
    desk = Desk()
    reply = desk.service.throttled(desk.request(envelope(GET_INBOX)), 0, 30.4)
    assert (reply.status, dict(reply.headers)["Retry-After"]) == (500, "31")
    assert b'<t:Value Name="BackOffMilliseconds">30400</t:Value>' in bytes(reply.body)  # type: ignore[arg-type]  # no stream
    assert desk.service.throttled(desk.request(""), 503, 1).status == 503


async def test_affinity_is_given_to_those_who_prefer_it() -> None:
    desk = Desk()
    plain = await desk.reply(envelope(GET_INBOX))
    kept = await desk.reply(envelope(GET_INBOX), headers={"X-PreferServerAffinity": "true"})
    assert "Set-Cookie" not in dict(plain.headers)
    assert dict(kept.headers)["Set-Cookie"].startswith("X-BackEndOverrideCookie=")


async def test_other_paths_are_nowhere_and_a_look_is_allowed() -> None:
    desk = Desk()
    assert (await desk.reply("", path="/EWS/other")).status == 404
    assert (await desk.reply("", method="GET")).status == 200
    assert desk.service.errand(desk.request("", path="/EWS/other")) == Errand()


def test_errands_name_step_mailbox_and_faults() -> None:
    desk = Desk()
    asked = desk.service.errand(desk.request(envelope(GET_INBOX)))
    assert (asked.steps, asked.mailbox, asked.push) == (frozenset({"get_folder"}), ALICE, False)
    assert asked.kinds == {"soap_code", "stale"}
    assert asked.token_expires > desk.tenant.clocks.wall()
    stream = desk.service.errand(desk.request(envelope("<m:GetStreamingEvents/>")))
    assert (stream.steps, stream.push) == (frozenset({"stream_wait"}), True)
    assert stream.kinds == {"soap_code", "push_drop", "push_silent"}
    empty = desk.request("", token="Bearer", headers={"X-User-Identity": ALICE})
    assert desk.service.errand(empty) == Errand(frozenset({"oauth_challenge"}), ALICE)
    assert desk.service.errand(desk.request(envelope("<m:FindItem/>"))).steps == frozenset()
    search = desk.request(envelope("<m:FindItem><m:Restriction/></m:FindItem>"))
    assert desk.service.errand(search).steps == frozenset({"canary"})
