"""The organisation and its users."""

from prober.simulator.graph.directory import find_user, no_such_user, object_id
from tests.simulator.graph.desk import ALICE, ALICE_ID, NOBOX, POOR, Desk


async def test_the_organisation_needs_a_permission_or_a_user(desk: Desk) -> None:
    """An application without one is known and refused: 403, so its token was good."""
    refused = await desk.ask("/organization?$select=id")
    assert (refused.status, refused.code) == (403, "Authorization_RequestDenied")
    seen = await desk.ask("/organization?$select=id", token=desk.user_token())
    assert (seen.status, seen.value) == (200, [{"id": desk.tenant.id}])
    whole = await desk.ask("/organization", token=desk.user_token("Mail.Read"))
    assert whole.value[0]["verifiedDomains"][0]["name"] == "contoso.example"
    assert (await desk.ask("/organization?$select=colour", token=desk.user_token())).code == "BadRequest"


async def test_a_user_is_found_by_name_and_by_id(desk: Desk) -> None:
    """In any case of letters; a user may look at themselves, nobody else without a permission."""
    token = desk.doorkeeper.issue(POOR, "https://graph.microsoft.com")
    by_name = await desk.ask(f"/users/{ALICE.upper()}", token=token)
    assert by_name.json["id"] == ALICE_ID
    assert (await desk.ask(f"/users/{ALICE_ID.upper()}", token=token)).json == by_name.json
    me = await desk.ask("/me?$select=mail", token=desk.user_token(""))
    assert me.json["mail"] == ALICE
    assert (await desk.ask(f"/users/{ALICE}")).code == "Authorization_RequestDenied"
    other = await desk.ask(f"/users/{NOBOX}", token=desk.user_token("Mail.Read"))
    assert other.code == "Authorization_RequestDenied"
    assert (await desk.ask(f"/users/{NOBOX}", token=token)).json["mail"] is None
    missing = await desk.ask("/users/nobody", token=token)
    assert (missing.status, missing.code) == (404, "Request_ResourceNotFound")


def test_an_account_without_an_id_goes_by_its_mailbox(desk: Desk) -> None:
    """Or, without one, by its name."""
    assert object_id(desk.tenant, desk.bob.address) == desk.bob.guid
    assert find_user(desk.tenant, desk.bob.guid) == desk.bob.address
    assert object_id(desk.tenant, NOBOX) == NOBOX
    assert find_user(desk.tenant, "nobody") == ""


def test_outlook_and_the_directory_word_it_differently() -> None:
    """Who nobody is."""
    assert no_such_user("x", mailbox=True).code == "ErrorInvalidUser"
    assert no_such_user("x", mailbox=False).code == "Request_ResourceNotFound"
