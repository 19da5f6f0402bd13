"""Free and busy, and out of office, as documents."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.simulator.doorway import ALICE
from tests.simulator.ews.desk import BOB, Desk, envelope, said, texts

ASK = (
    "<m:GetUserAvailabilityRequest><m:MailboxDataArray>{people}</m:MailboxDataArray><t:FreeBusyViewOptions>"
    "<t:TimeWindow><t:StartTime>2026-03-04T00:00:00</t:StartTime><t:EndTime>{end}</t:EndTime></t:TimeWindow>"
    "<t:MergedFreeBusyIntervalInMinutes>{interval}</t:MergedFreeBusyIntervalInMinutes>"
    "<t:RequestedView>{view}</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>"
)
OOF = "<m:GetUserOofSettingsRequest><t:Mailbox><t:Address>{}</t:Address></t:Mailbox></m:GetUserOofSettingsRequest>"
TEN = datetime(2026, 3, 4, 10, tzinfo=UTC)


def question(*people: str, end: str = "2026-03-05T00:00:00", interval: str = "60", view: str = "DetailedMerged") -> str:
    data = "".join(f"<t:MailboxData><t:Email><t:Address>{one}</t:Address></t:Email></t:MailboxData>" for one in people)
    return ASK.format(people=data, end=end, interval=interval, view=view)


def desk() -> Desk:
    made = Desk()
    made.other.schedule("secret", TEN, TEN + timedelta(minutes=30))
    made.other.schedule("tomorrow", TEN + timedelta(days=1), TEN + timedelta(days=1, minutes=30))
    return made


async def test_anybody_is_told_when_somebody_is_busy() -> None:
    root = await desk().ask(question(BOB))
    assert said(root) == ["NoError"]
    assert texts(root, "BusyType") == ["Busy"]
    assert "2026-03-04T10:00:00" in texts(root, "StartTime")
    assert texts(root, "MergedFreeBusy") == ["0" * 10 + "2" + "0" * 13]
    assert texts(root, "Subject") == ["secret"]


async def test_a_view_has_what_its_name_says() -> None:
    merged = await desk().ask(question(BOB, view="MergedOnly"))
    assert texts(merged, "CalendarEvent") == []
    assert texts(merged, "MergedFreeBusy")
    plain = await desk().ask(question(BOB, view="FreeBusy"))
    assert len(texts(plain, "CalendarEvent")) == 1
    assert texts(plain, "Subject") == texts(plain, "MergedFreeBusy") == []


async def test_strangers_are_refused_one_by_one() -> None:
    assert said(await desk().ask(question(ALICE, "x@y.example"))) == ["NoError", "ErrorMailRecipientNotFound"]


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        (question(BOB, end="2026-03-04T00:00:00"), "ErrorInvalidTimeInterval"),
        (question(BOB, end="2026-09-04T00:00:00"), "ErrorInvalidTimeInterval"),
        (question(BOB, interval="4"), "ErrorInvalidMergedFreeBusyInterval"),
        (question(BOB, view="Nonsense"), "ErrorInvalidMergedFreeBusyInterval"),
        (question(BOB).replace("FreeBusyViewOptions", "Other"), "ErrorInvalidTimeInterval"),
    ],
)
async def test_impossible_questions_are_refused_in_the_form_of_the_answer(ask: str, code: str) -> None:
    root = await desk().ask(ask)
    assert said(root) == [code]
    assert root.find(".//*{*}FreeBusyResponse/{*}ResponseMessage") is not None


async def test_a_time_that_is_none_is_a_fault() -> None:
    assert (await desk().reply(envelope(question(BOB, end="noon")))).status == 500


async def test_out_of_office_is_ones_own_business() -> None:
    root = await desk().ask(OOF.format(ALICE.upper()))
    assert said(root) == ["NoError"]
    assert texts(root, "OofState") == ["Disabled"]
    assert texts(root, "AllowExternalOof") == ["All"]
    assert said(await desk().ask(OOF.format(BOB))) == ["ErrorAccessDenied"]
