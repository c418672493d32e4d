"""Makes openapi/vectors/terms/*.json and openapi/vectors/health-cards/*.json, by hand, and the difference is read:
`python -m tests.vectors.generate_terms`. Outcomes are written here by hand.
"""

import base64
import json
import zlib
from pathlib import Path

from crypto.public.keys import ED25519, ES256
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from sync.vault.health_card import jwk_of, numeric
from tests.vectors.vector_case import case, drawn

FOLDER = Path(__file__).parents[2] / "openapi" / "vectors"
SIGNER = SigningKey.from_seed(ED25519, Secret(drawn("a signer of packs")))
CARD_KEY = SigningKey.from_seed(ES256, Secret(drawn("a card's key")))
ISSUER = "https://carnet.example/i/AAAAAAAAAAAAAAAAAAAAAA"
BUNDLE = {"resourceType": "Bundle", "type": "collection", "entry": []}


def part(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def body(**more):
    given = {
        "language": "el",
        "name": "Small",
        "version": "1",
        "origins": [{"source": "a source", "licence": "a licence", "reviewed": "no"}],
        "systems": ["urn:example:codes"],
        "terms": [[0, "a", 0, "άλφα", []], [0, "b", 0, "βήτα", ["και βήτα"]]],
    }
    return compact(given | more)


def pack(raw=None, *, signed=None, **head):
    raw = body() if raw is None else raw
    fields = {
        "format": "carnet terms 1",
        "signature": part(SIGNER.sign("term pack", raw if signed is None else signed)),
        "signer": part(SIGNER.public_key),
    }
    return compact(fields | head) + b"\n" + raw


def packs():
    def refused(name, must, data, reason):
        return case(name, must, "read_pack", {"pack": data}, None, "pack_refused", reason)

    output = {"language": "el", "signer": SIGNER.public_key, "terms": 2}
    yield case("a small pack", "TRM-1 TRM-2 TRM-3", "read_pack", {"pack": pack()}, output)
    yield refused("without a second line", "TRM-1", pack().split(b"\n")[0], "form")
    yield refused("a newer kind", "TRM-2", pack(format="carnet terms 2"), "newer_version")
    yield refused("another kind of file", "TRM-2", pack(format="something"), "form")
    yield refused("one letter altered", "TRM-2", pack(body(name="smalL"), signed=body()), "signature")
    for name, more in (
        ("terms out of order", {"terms": [[0, "b", 0, "x", []], [0, "a", 0, "y", []]]}),
        ("a code twice", {"terms": [[0, "a", 0, "x", []], [0, "a", 0, "y", []]]}),
        ("a system that is not there", {"terms": [[1, "a", 0, "x", []]]}),
        ("an origin that is not there", {"terms": [[0, "a", 1, "x", []]]}),
        ("a text of two lines", {"terms": [[0, "a", 0, "x\ny", []]]}),
        ("a name that nobody knows", {"more": 1}),
        ("a language in words", {"language": "Greek"}),
    ):
        yield refused(name, "TRM-3", pack(body(**more)), "body")


def directory(**more):
    issuers = [{"iss": "https://clinic.example/issuer", "name": "Example Clinic", "website": "https://clinic.example"}]
    return compact({"name": "Small", "version": "1", "participating_issuers": issuers} | more)


def issuers():
    def read(name, must, data, output=None, reason=None):
        outcome = None if reason is None else "issuers_refused"
        return case(name, must, "read_issuers", {"list": data}, output, outcome, reason)

    def listed(raw, *, label="issuer list", signed=None, **head):
        signature = part(SIGNER.sign(label, raw if signed is None else signed))
        return pack(raw, **({"format": "carnet issuers 1", "signature": signature} | head))

    entry = {"iss": "https://clinic.example/issuer", "name": "Example Clinic"}
    yield read(
        "a small list",
        "SHC-12",
        listed(directory()),
        {"signer": SIGNER.public_key, "names": {entry["iss"]: entry["name"]}},
    )
    yield read("a directory that nobody signed", "SHC-12", directory(), reason="form")
    yield read("a term pack", "SHC-12", pack(), reason="form")
    yield read("a newer kind", "SHC-12", listed(directory(), format="carnet issuers 2"), reason="newer_version")
    yield read("one letter altered", "SHC-12", listed(directory(name="smalL"), signed=directory()), reason="signature")
    yield read("signed as a term pack", "SHC-12", listed(directory(), label="term pack"), reason="signature")
    for name, bad in (
        ("no issuers", []),
        ("an issuer twice", [entry, entry | {"iss": entry["iss"] + "/"}]),
        ("an issuer without TLS", [entry | {"iss": "http://clinic.example/issuer"}]),
        ("an issuer that is a patient's own card", [entry | {"iss": ISSUER}]),
        ("a name of two lines", [entry | {"name": "x\ny"}]),
    ):
        yield read(name, "SHC-12", listed(directory(participating_issuers=bad)), reason="body")


def stored(data):
    """Raw DEFLATE of stored blocks: the same bytes with every library."""
    stream = zlib.compressobj(0, zlib.DEFLATED, -15)
    return stream.compress(data) + stream.flush()


def jws(*, key=CARD_KEY, head=None, signature=None, **claims):
    vc = {
        "type": ["https://smarthealth.cards#health-card"],
        "credentialSubject": {"fhirVersion": "4.0.1", "fhirBundle": BUNDLE},
    }
    told = {"iss": ISSUER, "nbf": 1_700_000_000, "vc": vc} | claims
    fields = {"zip": "DEF", "alg": "ES256", "kid": jwk_of(CARD_KEY.public_key)["kid"]} | (head or {})
    signed = f"{part(compact(fields))}.{part(stored(compact(told)))}"
    return f"{signed}.{part(signature or key.sign_raw(signed.encode()))}"


def in_two(text):
    digits = text[len("shc:/") :]
    return [f"shc:/2/2/{digits[300:]}", f"shc:/1/2/{digits[:300]}"]


def cards():
    keys = {"keys": [jwk_of(CARD_KEY.public_key)]}
    good = {"issuer": ISSUER, "since": 1_700_000_000, "self_issued": True}

    def read(name, texts, output=None, reason=None, *, must="SHC-7 SHC-8", published=keys):
        given = {"texts": texts, "keys": published}
        outcome = None if reason is None else "card_refused"
        return case(name, must, "check_card", given, output, outcome, reason)

    yield read("a card as the text of its code", [numeric(jws())], good)
    yield read("a card in two codes, the second first", in_two(numeric(jws())), good)
    yield read("a card as a file", [json.dumps({"verifiableCredential": [jws()]})], good)
    yield read("a card as it is signed", [jws()], good)
    clinic = "https://clinic.example/issuer"
    yield read(
        "a card of somebody else's", [jws(iss=clinic)], good | {"issuer": clinic, "self_issued": False}, must="SHC-9"
    )
    twice = in_two(numeric(jws()))
    yield read("a card in two codes, one of them scanned twice", [twice[0], *twice], good)
    strange = twice[1].replace("/1/2/", "/1/2/12")
    yield read("two codes that both say that they are the first", [*twice, strange], reason="parts")
    yield read("codes of two sets", [twice[0], twice[1].replace("/1/2/", "/1/3/")], reason="parts")
    yield read("half of a card", in_two(numeric(jws()))[:1], reason="parts")
    yield read("no card", ["shlink:/abc"], reason="form")
    yield read("another algorithm", [jws(head={"alg": "none"})], reason="form")
    other = SigningKey.from_seed(ES256, Secret(drawn("another key")))
    yield read("signed by another key", [jws(key=other)], reason="signature")
    yield read("a signature of zeros", [jws(signature=bytes(64))], reason="signature")
    yield read("a key that is not published", [jws()], reason="key", published={"keys": []})
    named = jwk_of(other.public_key) | {"kid": jwk_of(CARD_KEY.public_key)["kid"]}
    yield read("a key under another one's name", [jws(key=other)], reason="signature", published={"keys": [named]})
    rid = jws(vc=json.loads(compact({"type": [], "rid": "lost", "credentialSubject": {"fhirBundle": BUNDLE}})))
    kid = keys["keys"][0]["kid"]
    for name, rids, revoked in (
        ("a card that is listed", ["lost"], True),
        ("a card that is listed with a time", ["lost.1600000000"], True),
        ("a card that is not listed", ["another"], False),
    ):
        given = {"card": rid, "crl": {"kid": kid, "method": "rid", "ctr": 1, "rids": rids}}
        yield case(name, "SHC-8", "is_revoked", given, {"revoked": revoked})


FILES = {
    "terms/packs.json": ("terms", "Term packs as files; `pack` is the whole file.", packs),
    "health-cards/issuers.json": ("health-cards", "Lists of issuers as files; `list` is the whole file.", issuers),
    "health-cards/cards.json": ("health-cards", "Health cards in their forms, checked with published keys.", cards),
}


def text_of(name):
    chapter, description, make = FILES[name]
    made = {"chapter": chapter, "description": description, "cases": list(make())}
    return json.dumps(made, ensure_ascii=False, indent=1) + "\n"


def main():
    for name in FILES:
        (FOLDER / name).parent.mkdir(exist_ok=True)
        (FOLDER / name).write_text(text_of(name), "utf-8")


if __name__ == "__main__":
    main()
