"""A share ends with its maker's place in the vault: SHR-12 and SHR-26 of openapi/protocol/shares.md."""

from __future__ import annotations

from tests.api.family_kit import add, enter, join, pulled, removed, set_role
from tests.api.phone_kit import LogBook, Phone
from tests.api.server_kit import Served, code_of
from tests.api.share_kit import Share


async def family(server: Served) -> tuple[Phone, Phone, LogBook]:
    """Mum's vault, and a co-owner in it."""
    mum = await server.registered("mum")
    book = await mum.found()
    other, _ = await join(server, mum, book, "other", "owner")
    return mum, other, book


async def shared(phone: Phone, book: LogBook, **settings: object) -> Share:
    return await Share(phone, f"of {phone.card.name}", vault=book.vault, **settings).made()


async def test_what_a_removed_owner_shared_opens_nothing_from_that_entry_on(server: Served):
    """SHR-26: her phone has not heard of it, and may never; no file and no location is handed out."""
    mum, other, book = await family(server)
    hers, mums = await shared(other, book, passcode="4711"), await shared(mum, book)
    location = (await hers.open("4711", embeddedLengthMax=1)).json()["files"][0]["location"]
    assert (await removed(mum, book, other.card.id)).code is None
    assert code_of(await hers.open("4711")) == "not_found"
    assert (await server.client.get(location)).status_code == 404
    assert (await mums.open()).status_code == 200
    state = await hers.state()
    assert (state.live, state.entitled, state.attempts_left) == (False, False, 5)
    assert (await hers.revoke()).status_code == 204, "she may still end it herself"


async def test_who_is_no_owner_any_more_shares_nothing_until_she_is_again(server: Served):
    """SHR-26."""
    mum, other, book = await family(server)
    hers = await shared(other, book, direct=True)
    assert (await set_role(mum, book, other.person, "editor")).code is None
    assert (await hers.fetch()).status_code == 404
    assert (await set_role(mum, book, other.person, "owner")).code is None
    assert (await hers.fetch()).status_code == 200


async def test_a_share_outlives_the_phone_that_made_it_if_its_owner_has_another(server: Served):
    """SHR-26."""
    mum = await server.registered("mum")
    book = await mum.found()
    share = await shared(mum, book)
    second = server.phone("mum's second")
    assert (await mum.post_json("/v1/devices", mum.card.enrolment(mum.account, second.card))).status_code == 201
    await second.log_in()
    assert (await enter(mum, book, add(second.card, mum.person, 2))).code is None
    assert (await removed(second, await pulled(second, book), mum.card.id)).code is None
    assert (await share.open()).status_code == 200


async def test_nobody_shares_in_the_name_of_a_vault_that_she_does_not_own(server: Served):
    """SHR-26: a stranger, and an editor."""
    mum, _, book = await family(server)
    editor, _ = await join(server, mum, book, "editor", "editor")
    for phone in (await server.registered("stranger"), editor):
        assert (await (await shared(phone, book)).open()).status_code == 404


async def test_a_vault_has_a_name_of_the_right_size(server: Served):
    """SHR-8."""
    assert code_of(await Share(await server.registered("mum"), vault=bytes(31)).make()) == "malformed"
