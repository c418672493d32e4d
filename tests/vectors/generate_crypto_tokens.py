"""The cases of tokens.json: compact JWS, right and wrong."""

import base64
import hashlib
import hmac
import json

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.vectors.generate_crypto_keys import ED, ES
from tests.vectors.vector_case import case

TYP = "carnet-device+jwt"
KEYS = {
    "ed": {"key_type": 1, "public_key": ED.public_key},
    "es": {"key_type": 2, "public_key": ES.public_key},
}
CLAIMS = {"iss": "ed", "aud": "https://carnet.example", "exp": 1_800_000_000}
RIGHT = {"alg": "EdDSA", "kid": "ed", "typ": TYP}
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def part(value):
    raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def token(header=RIGHT, claims=CLAIMS, key=ED):
    signed = f"{part(header)}.{part(claims)}"
    return f"{signed}.{part(key.sign_raw(signed.encode()))}"


def stray(text):
    """The same bytes with an unused bit set in the last character of base64."""
    return text[:-1] + ALPHABET[ALPHABET.index(text[-1]) | 1]


def padded_to(length):
    """A right token of exactly this many characters: a claim grows until it fits (a multiple of 4 aside)."""
    for count in range(length):
        made = token(claims=CLAIMS | {"x": "x" * count})
        if len(made) >= length:
            return made
    raise AssertionError


def tokens():
    def tried(name, text, claims=None, typ=TYP):
        given = {"token": text, "typ": typ, "keys": KEYS}
        return case(
            name, "CRY-8", "token", given, {"claims": claims} if claims else None, None if claims else "bad_signature"
        )

    right = token()
    header, payload, signature = right.split(".")
    yield tried("Ed25519, right", right, CLAIMS)
    yield tried("ES256, right", token(RIGHT | {"alg": "ES256", "kid": "es"}, key=ES), CLAIMS)
    yield tried("the header's names in another order", token({"typ": TYP, "kid": "ed", "alg": "EdDSA"}), CLAIMS)
    longest = padded_to(4_095)
    assert 4_095 <= len(longest) <= 4_096
    yield tried("as long as allowed", longest, CLAIMS | {"x": "x" * _claim_length(longest)})
    yield tried("too long", padded_to(4_097))

    none = part(RIGHT | {"alg": "none"})
    yield tried("alg none without a signature", f"{none}.{payload}.")
    yield tried("alg none with a signature", token(RIGHT | {"alg": "none"}))
    signed = f"{part(RIGHT | {'alg': 'HS256'})}.{payload}"
    mac = hmac.digest(ED.public_key, signed.encode(), hashlib.sha256)
    yield tried("alg HS256 with the public key as its secret", f"{signed}.{part(mac)}")
    yield tried("alg of the other type", token(RIGHT | {"alg": "ES256"}))
    yield tried("alg Ed25519 is not the word", token(RIGHT | {"alg": "Ed25519"}))
    yield tried("alg in lower case", token(RIGHT | {"alg": "eddsa"}))
    yield tried("another typ", token(RIGHT | {"typ": "JWT"}))
    yield tried("typ in another case", token(RIGHT | {"typ": TYP.upper()}))
    yield tried("another typ is asked for", right, typ="carnet-access+jwt")
    yield tried("an unknown kid", token(RIGHT | {"kid": "nobody"}))
    yield tried("a kid that is no text", token(RIGHT | {"kid": 1}))
    yield tried("another key under this kid", token(RIGHT | {"alg": "ES256", "kid": "es"}, key=ED))
    for name in RIGHT:
        yield tried(f"no {name}", token({other: RIGHT[other] for other in RIGHT if other != name}))
    yield tried("crit", token(RIGHT | {"crit": ["exp"]}))
    yield tried(
        "a key in the header", token(RIGHT | {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": part(ED.public_key)}})
    )
    twice = json.dumps(RIGHT, separators=(",", ":"))[:-1] + ',"kid":"ed"}'
    yield tried("a name twice in the header", token(twice.encode()))
    yield tried("a name twice in the claims", token(claims=b'{"iss":"ed","iss":"es"}'))
    yield tried("a name twice within a claim", token(claims=b'{"iss":{"a":1,"a":2}}'))
    yield tried("the header is a list", token(b"[]"))
    yield tried("the claims are a list", token(claims=b"[1]"))
    yield tried("the claims are not UTF-8", token(claims=b'{"iss":"\xff"}'))
    yield tried("NaN is no JSON", token(claims=b'{"iss":NaN}'))
    yield tried("the claims are no JSON", token(claims=b"{"))
    yield tried("deeply nested claims", token(claims=b'{"a":' + b"[" * 1_400 + b"]" * 1_400 + b"}"))
    yield tried("other claims under the signature", f"{header}.{part(CLAIMS | {'iss': 'es'})}.{signature}")
    yield tried("another header under the signature", f"{part(dict(reversed(RIGHT.items())))}.{payload}.{signature}")
    labelled = part(ED.sign("token", f"{header}.{payload}".encode()))
    yield tried("signed with a label", f"{header}.{payload}.{labelled}")
    yield tried("base64 with padding", f"{right}==")
    yield tried("base64 with stray bits in the signature", f"{header}.{payload}.{stray(signature)}")
    yield tried("standard base64 letters", right.replace("-", "+").replace("_", "/"))
    yield tried("a line end after it", right + "\n")
    yield tried("two parts", f"{header}.{payload}")
    yield tried("four parts", f"{right}.{signature}")
    yield tried("empty", "")
    signed = f"{part(RIGHT | {'alg': 'ES256', 'kid': 'es'})}.{payload}"
    raw = ES.sign_raw(signed.encode())
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    yield tried("ES256 in DER", f"{signed}.{part(der)}")


def _claim_length(text):
    payload = text.split(".")[1]
    return len(json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["x"])
