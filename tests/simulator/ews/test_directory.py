"""Names resolved, and ids that stay what they are."""

from prober.simulator.ews import ids
from tests.simulator.ews.desk import Desk, envelope, said, texts

RESOLVE = (
    '<m:ResolveNames ReturnFullContactData="{full}"><m:UnresolvedEntry>{name}</m:UnresolvedEntry></m:ResolveNames>'
)
CONVERT = (
    '<m:ConvertId DestinationFormat="{form}"><m:SourceIds><t:AlternateId Format="EwsId" Id="{id}" Mailbox="a@b"/>'
    "</m:SourceIds></m:ConvertId>"
)


async def test_one_several_and_none_are_told_apart() -> None:
    desk = Desk()
    one = await desk.ask(RESOLVE.format(full="true", name="smtp:alice@contoso"))
    assert said(one) == ["NoError"]
    assert texts(one, "EmailAddress") == ["alice@contoso.example"]
    assert texts(one, "DisplayName") == ["Alice"]
    desk.tenant.open_mailbox("alan@contoso.example", "ams1")
    several = await desk.ask(RESOLVE.format(full="false", name="AL"))
    assert said(several) == ["ErrorNameResolutionMultipleResults"]
    assert len(texts(several, "Resolution")) == 2
    assert said(await desk.ask(RESOLVE.format(full="false", name="zoe"))) == ["ErrorNameResolutionNoResults"]
    assert (await desk.reply(envelope("<m:ResolveNames/>"))).status == 500


async def test_an_id_of_this_store_stays_what_it_is() -> None:
    desk = Desk()
    own = ids.item_id(desk.mailbox, desk.mailbox.deliver("x")).get("Id")
    kept = await desk.ask(CONVERT.format(form="EwsId", id=own))
    assert [one.get("Id") for one in kept.iter() if one.tag.endswith("}AlternateId")] == [own]
    assert said(await desk.ask(CONVERT.format(form="HexEntryId", id=own))) == ["ErrorInvalidOperation"]
    assert said(await desk.ask(CONVERT.format(form="EwsId", id="DUMMY"))) == ["ErrorInvalidIdMalformed"]
