"""Assertions and tokens that are nearly good: each gets its word, alike to the byte, and leaves nothing: ACC-3 to 9."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from backend.access import assertion as checking
from sync.wire.account import ASSERTION_TYPE, TokenRequest
from sync.wire.limits import ASSERTION_SECONDS_MAX
from tests.api.phone_kit import CardKeys, Phone, noise
from tests.api.server_kit import ORIGIN, START_MS, Served, code_of
from tests.hostile_clients.process_kit import dump_of

NOW_S = START_MS // 1000
MUM, DAD = CardKeys("mum"), CardKeys("dad")
NOBODY = CardKeys("nobody")


def part(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def claims(card: CardKeys = MUM, **changed: Any) -> dict[str, Any]:
    """Good claims, but for what is changed; None leaves a claim out."""
    text = card.id.hex()
    made = {"iss": text, "sub": text, "aud": ORIGIN, "jti": "j" * 32, "exp": NOW_S + 50} | changed
    return {name: value for name, value in made.items() if value is not None}


def signed(said: object, by: CardKeys = MUM, **header: Any) -> str:
    """A JWS over these claims; `header`: what differs from mum's own."""
    whole = {"alg": "EdDSA", "kid": MUM.id.hex(), "typ": ASSERTION_TYPE} | header
    text = f"{part({name: value for name, value in whole.items() if value is not None})}.{part(said)}"
    return f"{text}.{part(by.signing.sign_raw(text.encode()))}"


def unsigned(signature: bytes, **header: Any) -> str:
    return signed(claims(), **header).rpartition(".")[0] + "." + part(signature)


def by_public_key() -> str:
    """HMAC with the public key as its secret."""
    text = signed(claims(), alg="HS256").rpartition(".")[0]
    return f"{text}.{part(hmac.digest(MUM.signing.public_key, text.encode(), hashlib.sha256))}"


def raw_claims(old: str, new: str) -> bytes:
    return json.dumps(claims()).replace(old, new).encode()


def other_bits() -> str:
    """The same signature in another text: the last character carries four bits that are not used."""
    token = signed(claims())
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) + 1]


CONFUSED: dict[str, Callable[[], str]] = {
    "alg none, no signature": lambda: unsigned(b"", alg="none"),
    "alg none, signed": lambda: signed(claims(), alg="none"),
    "alg NONE": lambda: signed(claims(), alg="NONE"),
    "alg left out": lambda: signed(claims(), alg=None),
    "alg of another key type": lambda: signed(claims(), alg="ES256"),
    "alg in lower case": lambda: signed(claims(), alg="eddsa"),
    "the public key as a secret": by_public_key,
    "a key of its own in the header": lambda: signed(claims(), by=DAD, jwk={"kty": "OKP", "x": part(b"k" * 32)}),
    "an address of keys": lambda: signed(claims(), by=DAD, jku="https://other.example/keys"),
    "a critical extension": lambda: signed(claims(), crit=["b64"], b64=False),
    "wrong key": lambda: signed(claims(), by=DAD),
    "kid of another device": lambda: signed(claims(), kid=DAD.id.hex()),
    "kid, iss and sub of another device": lambda: signed(claims(DAD), kid=DAD.id.hex()),
    "iss and sub of another device": lambda: signed(claims(DAD)),
    "kid of nobody": lambda: signed(claims(NOBODY), by=NOBODY, kid=NOBODY.id.hex()),
    "kid in capitals": lambda: signed(claims(), kid=MUM.id.hex().upper()),
    "kid that is no id": lambda: signed(claims(), kid="../../etc"),
    "kid left out": lambda: signed(claims(), kid=None),
    "iss alone of another": lambda: signed(claims(iss=DAD.id.hex())),
    "sub left out": lambda: signed(claims(sub=None)),
    "wrong audience": lambda: signed(claims(aud="https://other.example")),
    "audience with a slash": lambda: signed(claims(aud=ORIGIN + "/")),
    "audience in a list": lambda: signed(claims(aud=[ORIGIN])),
    "audience left out": lambda: signed(claims(aud=None)),
    "another typ": lambda: signed(claims(), typ="JWT"),
    "typ left out": lambda: signed(claims(), typ=None),
    "not before": lambda: signed(claims(nbf=NOW_S + 3_600)),
    "a scope": lambda: signed(claims(scope="admin")),
    "jti left out": lambda: signed(claims(jti=None)),
    "jti too short": lambda: signed(claims(jti="j" * 15)),
    "jti too long": lambda: signed(claims(jti="j" * 129)),
    "jti a number": lambda: signed(claims(jti=10**40)),
    "jti of half a character": lambda: signed(raw_claims("j" * 32, "\\ud800" * 32)),
    "nonce of half a character": lambda: signed(raw_claims('"exp"', '"nonce": "\\ud800", "exp"')),
    "nonce too long": lambda: signed(claims(exp=None, nonce="n" * 129)),
    "neither exp nor nonce": lambda: signed(claims(exp=None)),
    "exp a text": lambda: signed(claims(exp=str(NOW_S + 50))),
    "exp a fraction": lambda: signed(claims(exp=NOW_S + 50.5)),
    "exp true": lambda: signed(claims(exp=True)),
    "exp without end": lambda: signed(raw_claims(str(NOW_S + 50), "1e999")),
    "a claim twice": lambda: signed(raw_claims('"exp"', '"exp": 1, "exp"')),
    "claims in a list": lambda: signed([claims()]),
    "no claims": lambda: signed(b""),
    "oversized": lambda: signed(claims(jti="j" * 32, iss="i" * 5_000)),
    "nested": lambda: signed(b'{"iss":' + b"[" * 2_000 + b"]" * 2_000 + b"}"),
    "signature cut off": lambda: signed(claims())[:-8],
    "signature in another text": other_bits,
    "signature padded": lambda: signed(claims()) + "==",
    "a part too many": lambda: signed(claims()) + ".AAAA",
    "a line feed at the end": lambda: signed(claims()) + "\n",
}


async def asked(server: Served, token: str) -> httpx.Response:
    return await server.phone("x").post_json("/v1/token", TokenRequest(token))


def seen(answer: httpx.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    return answer.status_code, answer.content, [h for h in answer.headers.multi_items() if h[0] != "x-request-id"]


async def test_the_one_that_all_others_differ_from_is_good(server: Served):
    await server.registered("mum")
    assert (await asked(server, signed(claims(jti="k" * 32)))).status_code == 200


async def test_every_confused_assertion_is_refused_with_the_same_bytes_and_leaves_nothing(server: Served):
    """ACC-3."""
    await server.registered("mum")
    await server.registered("dad")
    before = await dump_of(server.engine.reading())
    wrong = await asked(server, "no assertion")
    for name, made in CONFUSED.items():
        answer = await asked(server, made())
        assert code_of(answer) == "assertion_invalid", name
        assert seen(answer) == seen(wrong), name
    assert await dump_of(server.engine.reading()) == before


async def test_an_unknown_device_costs_the_server_what_a_known_one_does(server: Served, monkeypatch):
    """ACC-3: one signature is looked at whether the device is enrolled or not, so that time says nothing."""
    looked: list[int] = []
    verify = checking.jws.verify_raw
    monkeypatch.setattr(checking.jws, "verify_raw", lambda *given: looked.append(1) or verify(*given))
    await server.registered("mum")
    for kid in (MUM.id.hex(), NOBODY.id.hex()):
        looked.clear()
        said = claims() | {"iss": kid, "sub": kid}
        assert code_of(await asked(server, signed(said, by=DAD, kid=kid))) == "assertion_invalid"
        assert len(looked) == 1


@pytest.mark.parametrize("off", [-NOW_S, -3_600, -1, 0, ASSERTION_SECONDS_MAX + 1, 10**9, 10**300])
async def test_expired_and_not_yet_valid_are_told_a_nonce_and_no_more(server: Served, off: int):
    """ACC-5: one row more, and it is the nonce."""
    await server.registered("mum")
    answer = await asked(server, signed(claims(exp=NOW_S + off)))
    assert (answer.status_code, code_of(answer)) == (401, "clock")
    assert (await server.engine.reading().fetch("SELECT count(*) FROM tokens"))[0][0] == 1


async def test_a_nonce_and_an_assertion_are_good_once(server: Served):
    """ACC-4, ACC-5."""
    await server.registered("mum")
    nonce = (await asked(server, signed(claims(exp=1)))).json()["nonce"]
    first = signed(claims(exp=None, nonce=nonce, jti="a" * 32))
    assert (await asked(server, first)).status_code == 200
    assert code_of(await asked(server, first)) == "assertion_invalid"
    again = await asked(server, signed(claims(exp=None, nonce=nonce, jti="b" * 32)))
    assert code_of(again) == "clock"
    assert again.json()["nonce"] != nonce
    assert code_of(await asked(server, signed(claims(exp=None, nonce=nonce, jti="b" * 32)))) == "assertion_invalid"


async def test_what_was_signed_before_a_revocation_is_worth_nothing_after_it(server: Served):
    """ACC-6, ACC-9: assertion, nonce and token of a device that is revoked meanwhile."""
    dad = await server.registered("dad")
    mum = Phone("mum", server.client, ORIGIN, server.clock)
    await mum.post_json("/v1/devices", dad.card.enrolment(dad.account, mum.card))  # type: ignore[arg-type]
    await mum.log_in()
    nonce = (await asked(server, signed(claims(exp=1)))).json()["nonce"]
    kept = [signed(claims(jti="c" * 32)), signed(claims(exp=None, nonce=nonce, jti="d" * 32))]
    await server.client.delete(f"/v1/devices/{mum.card.id.hex()}", headers=dad.headers)
    before = await dump_of(server.engine.reading())
    for token in kept:
        assert code_of(await asked(server, token)) == "revoked"
    assert code_of(await mum.send()) == "revoked"
    assert await dump_of(server.engine.reading()) == before


async def test_an_assertion_is_no_token_and_a_token_no_assertion(server: Served):
    """ACC-7, ACC-8."""
    mum = await server.registered("mum")
    assert code_of(await asked(server, mum.token)) == "assertion_invalid"
    bearers = [
        signed(claims()),
        mum.token[:-1],
        mum.token + "A",
        mum.token[::-1],
        noise("t").hex(),
        " ",
        "\t" + mum.token,
    ]
    for text in bearers[:-1]:
        answer = await server.client.get("/v1/devices", headers={"authorization": f"Bearer {text}"})
        assert (answer.status_code, code_of(answer)) == (401, "token_invalid"), text
    stored = (await server.engine.reading().fetch("SELECT token_hash FROM tokens"))[0][0]
    by_hash = base64.urlsafe_b64encode(stored).rstrip(b"=").decode()
    answer = await server.client.get("/v1/devices", headers={"authorization": f"Bearer {by_hash}"})
    assert code_of(answer) == "token_invalid", "who reads the database has no token"
