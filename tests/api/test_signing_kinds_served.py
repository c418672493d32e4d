"""The server takes cards of both signing kinds and holds each to its own: CRY-25 over HTTP."""

from __future__ import annotations

import msgspec
import pytest

from crypto.public.keys import ED25519, ES256
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from sync.wire.account import TokenRequest
from sync.wire.item import FRAME_LABEL, Item
from tests.api.phone_kit import CardKeys, make_frame, noise
from tests.api.server_kit import ORIGIN, code_of

PAIRS = [(ED25519, ES256), (ES256, ED25519)]


async def registered(server, name, kind):
    phone = server.phone(name)
    phone.card = CardKeys(name, key_type=kind)
    return await phone.register()


def other_key(name, kind):
    """A key of the other kind, from the very seed of the card's own."""
    return SigningKey.from_seed(kind, Secret(noise(name, "signing")))


@pytest.mark.parametrize(("kind", "other"), PAIRS)
async def test_a_phone_of_either_kind_enrols_the_other_which_gets_a_token_then(server, kind, other):
    first = await registered(server, "first", kind)
    second = CardKeys("second", key_type=other)
    response = await first.post_json("/v1/devices", first.card.enrolment(first.account, second))
    assert response.status_code == 201
    phone = server.phone("second")
    phone.card = second
    await phone.log_in()


@pytest.mark.parametrize(("kind", "other"), PAIRS)
async def test_an_assertion_of_the_other_kind_opens_nothing(server, kind, other):
    """Its header says what its signature is, truly; the card says something else."""
    phone = await registered(server, "mum", kind)
    phone.card.signing = other_key("mum", other)
    body = TokenRequest(phone.card.assertion(ORIGIN, server.clock() // 1000))
    assert code_of(await phone.post_json("/v1/token", body)) == "assertion_invalid"


@pytest.mark.parametrize(("kind", "other"), PAIRS)
async def test_a_frame_signed_by_the_other_kind_is_refused(server, kind, other):
    phone = await registered(server, "mum", kind)
    book = await phone.found()
    good = make_frame(book, phone.card)
    forged = Item(good.kind, good.signed, other_key("mum", other).sign(FRAME_LABEL, good.signed))
    answered = (await phone.sync(phone.ask(book, forged))).one
    assert answered.code == "signature"
    assert (await phone.push(book, good)).code is None


@pytest.mark.parametrize(("kind", "other"), PAIRS)
async def test_a_proof_of_the_other_kind_opens_no_account(server, kind, other):
    phone = server.phone("mum")
    phone.card = CardKeys("mum", key_type=kind)
    right = phone.card.new_account(ORIGIN)
    phone.card.signing = other_key("mum", other)
    forged = msgspec.structs.replace(right, proof=phone.card.new_account(ORIGIN).proof)
    assert code_of(await phone.post_json("/v1/accounts", forged)) == "malformed"


async def test_the_same_frame_with_the_other_s_is_the_frame_that_is_there(server):
    """CRY-7, LOG-10: nothing is stored twice, and nobody is called a clone for it."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    phone = await registered(server, "mum", ES256)
    book = await phone.found()
    frame = make_frame(book, phone.card)
    ask = phone.ask(book, frame)
    assert (await phone.sync(ask)).one.code is None
    s = order - int.from_bytes(frame.signature[32:], "big")
    turned = Item(frame.kind, frame.signed, frame.signature[:32] + s.to_bytes(32, "big"))
    again = (await phone.sync(msgspec.structs.replace(ask, items=(turned,)))).one
    assert again.code is None
    assert len(again.items) == 1
