"""Makes openapi/vectors/shares/*.json: `python -m tests.vectors.generate_shares`, by hand, and the difference is read.

Outcomes are written here by hand; the one JWE that is not made here is the standard's own example.
"""

import base64
import hashlib
import hmac
import json
import unicodedata
import zlib
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from crypto.secret import jwe
from crypto.secret.secret import Secret
from sync.vault.share import Link, link_text, share_secrets
from sync.wire.share import ShareId
from tests.vectors.known_link_jwe import JWE, KEY
from tests.vectors.vector_case import case, drawn, flip

FOLDER = Path(__file__).parents[2] / "openapi" / "vectors" / "shares"
LONGEST = 10_000
TEXT = b'{"resourceType":"Bundle","type":"document"}'
FHIR = "application/fhir+json"
LINK_KEY, IV = drawn("link key"), drawn("iv")[:12]
URL = "https://carnet.example/s/" + "A" * 43


def part(value):
    raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def sealed(header, plaintext=TEXT, key=LINK_KEY, iv=IV):
    """A JWE with any header, made without the code under test."""
    protected = part(header)
    body = AESGCM(key).encrypt(iv, plaintext, protected.encode())
    return ".".join((protected, "", part(iv), part(body[:-16]), part(body[-16:])))


def deflated(data):
    stream = zlib.compressobj(9, zlib.DEFLATED, -15)
    return stream.compress(data) + stream.flush()


def secrets():
    for name in ("a share", "another share"):
        secret, share = drawn(f"{name} secret"), ShareId(drawn(f"{name} handle")[:16])
        made = share_secrets(Secret(secret), share)
        output = {
            "link_key": made.link_key.reveal(),
            "owner_token": made.owner_token.reveal(),
            "log_seed": made.log_key.seed.reveal(),
            "log_key": made.log_key.public_key,
        }
        yield case(name, "SHR-2", "share_secrets", {"secret": secret, "share": share}, output)
    secret = drawn("a share secret")
    other = share_secrets(Secret(secret), ShareId(bytes(16)))
    yield case(
        "the same secret under another handle gives another key",
        "SHR-2",
        "share_secrets",
        {"secret": secret, "share": bytes(16)},
        {
            "link_key": other.link_key.reveal(),
            "owner_token": other.owner_token.reveal(),
            "log_seed": other.log_key.seed.reveal(),
            "log_key": other.log_key.public_key,
        },
    )


def passcodes():
    """Salts by HMAC, as RFC 5869 has it, and Argon2id by the library itself: made without the code under test."""
    secret, share = drawn("a share secret"), drawn("a share handle")[:16]
    cases = [
        ("digits", "471100", share),
        ("letters that are composed first", "Ka\u0308se 77", share),
        ("the same of another share", "471100", drawn("another share handle")[:16]),
    ]
    for name, passcode, handle in cases:
        text = unicodedata.normalize("NFC", passcode).encode()
        key = hmac.digest(bytes(32), secret, "sha256")
        salt = hmac.digest(key, b"carnet/1/share passcode\0" + handle + text + b"\1", "sha256")[:16]
        hashed = Argon2id(salt=salt, length=32, iterations=2, lanes=1, memory_cost=19_456).derive(text)
        given = {"secret": secret, "share": handle, "passcode": passcode}
        yield case(name, "SHR-9", "passcode", given, {"salt": salt, "hash": hashed})


def links_built():
    def built(name, must="SHR-3", viewer="", **fields):
        link = {"url": URL, "flags": "", "ends": None, "label": None} | fields
        text = link_text(
            Link(link["url"], Secret(drawn("link key")), link["flags"], link["ends"], link["label"]), viewer
        )
        given = link | {"key": drawn("link key"), "viewer": viewer}
        return case(name, must, "link_text", given, {"text": text})

    yield built("the least")
    yield built("with a viewer before it", viewer="https://carnet.example/view")
    yield built("all flags that go together", flags="LP")
    yield built("with an end and a label", ends=1_900_000_000, label="For the clinic, 3 Ä")
    yield built("direct, and of 80 characters of label", flags="U", label="x" * 80)


def links_read():
    right = {"url": URL, "key": part(drawn("link key")), "v": 1}
    least = {"url": URL, "key": drawn("link key"), "flags": "", "ends": None, "label": None}

    def read(name, fields, output=None, reason=None, before="", after=""):
        text = before + "shlink:/" + (fields if isinstance(fields, str) else part(fields)) + after
        outcome = None if reason is None else "link_refused"
        return case(name, "SHR-23", "read_link", {"text": text}, output, outcome, reason)

    yield read("the least", right, least)
    yield read("behind a viewer's address", right, least, before="https://viewer.example/a?b=c#")
    yield read("with white space around it", right, least, before=" \n", after="\n")
    yield read("with padding", part(right | {"x": ""}) + "==", least)
    yield read("without v", {name: right[name] for name in ("url", "key")}, least)
    yield read(
        "with names and flags that nobody knows", right | {"flag": "LXZ", "labelzzz": "?"}, least | {"flags": "L"}
    )
    yield read("flags in another order", right | {"flag": "PL"}, least | {"flags": "LP"})
    yield read("an end as a number", right | {"exp": 1_900_000_000}, least | {"ends": 1_900_000_000})
    yield read("an end as text", right | {"exp": "1900000000"}, least | {"ends": 1_900_000_000})
    yield read("an end in milliseconds", right | {"exp": "1900000000000"}, least | {"ends": 1_900_000_000})
    yield read("an end that is none is no end", right | {"exp": "soon"}, least)
    yield read("a label longer than it may be", right | {"label": "x" * 100}, least | {"label": "x" * 100})
    yield read("version 2", right | {"v": 2}, reason="newer_version")
    yield read("no url", {name: right[name] for name in ("key", "v")}, reason="url")
    yield read("a url that is no text", right | {"url": 1}, reason="url")
    yield read("no key", {name: right[name] for name in ("url", "v")}, reason="key")
    yield read("a key of 31 bytes", right | {"key": part(bytes(31))}, reason="key")
    yield read("a key that is no base64url", right | {"key": "!" * 43}, reason="key")
    yield read("a passcode on a direct link", right | {"flag": "PU"}, reason="flags")
    yield read("a list", [right], reason="form")
    yield read("no JSON", part(b"{"), reason="form")
    yield read("no base64url", "%%%", reason="form")
    yield case("no link", "SHR-23", "read_link", {"text": URL}, None, "link_refused", "form")


def files_sealed():
    for kind in (FHIR, "application/smart-health-card"):
        key, iv = drawn("link key"), drawn("iv")[:12]
        output = {"jwe": sealed({"alg": "dir", "enc": "A256GCM", "cty": kind})}
        given = {"key": key, "iv": iv, "content_type": kind, "plaintext": TEXT}
        yield case(kind, "SHR-4", "seal", given, output)


def files_opened():
    header = {"alg": "dir", "enc": "A256GCM", "cty": FHIR}
    right = sealed(header)
    parts = right.split(".")

    def opened(name, text, plaintext=None, outcome=None, reason=None, key=LINK_KEY, content_type=FHIR):
        output = None
        if plaintext is not None:
            digest = hashlib.sha256(plaintext).digest()
            output = {"content_type": content_type, "length": len(plaintext), "sha256": digest}
        given = {"key": key, "jwe": text, "longest": LONGEST}
        return case(name, "SHR-24", "open", given, output, outcome, reason)

    key = base64.urlsafe_b64decode(KEY + "=")
    example = jwe.open_(Secret(key), JWE, LONGEST).plaintext
    yield opened("the standard's example", JWE, example, key=key, content_type="application/smart-health-card")
    yield opened("right", right, TEXT)
    yield opened("with a line end behind it", right + "\n", TEXT)
    yield opened("without a content type", sealed({"alg": "dir", "enc": "A256GCM"}), TEXT, content_type=None)
    yield opened("with a key's name", sealed(header | {"kid": "1"}), TEXT)
    yield opened("deflated", sealed(header | {"zip": "DEF"}, deflated(TEXT)), TEXT)
    yield opened("as long as it may be", sealed(header, bytes(LONGEST)), bytes(LONGEST))
    yield opened("one byte longer", sealed(header, bytes(LONGEST + 1)), outcome="bad_jwe", reason="inflated")
    bomb = sealed(header | {"zip": "DEF"}, deflated(bytes(LONGEST + 1)))
    yield opened("deflated, one byte longer", bomb, outcome="bad_jwe", reason="inflated")
    cut = sealed(header | {"zip": "DEF"}, deflated(TEXT * 20)[:-4])
    yield opened("deflated and cut short", cut, outcome="bad_jwe", reason="form")
    zlibbed = sealed(header | {"zip": "DEF"}, zlib.compress(TEXT))
    yield opened("deflated with zlib's header", zlibbed, outcome="bad_jwe", reason="form")
    yield opened("another key", right, outcome="cannot_open", key=drawn("another key"))
    yield opened("another header", ".".join((part(header | {"kid": "1"}), *parts[1:])), outcome="cannot_open")
    tag = flip(base64.urlsafe_b64decode(parts[4] + "=="))
    yield opened("an altered tag", ".".join((*parts[:4], part(tag))), outcome="cannot_open")
    signed = f"{part({'zip': 'DEF', 'alg': 'ES256', 'kid': '1'})}.{part(deflated(TEXT))}.{part(bytes(64))}"
    yield opened("a signed card", signed, outcome="bad_jwe", reason="signed")
    yield opened("no JWE", "hello", outcome="bad_jwe", reason="form")
    yield opened("with a wrapped key", ".".join((parts[0], part(b"k"), *parts[2:])), outcome="bad_jwe", reason="form")
    yield opened("a tag of 12 bytes", ".".join((*parts[:4], part(bytes(12)))), outcome="bad_jwe", reason="form")
    yield opened(
        "an IV of 16 bytes", ".".join((*parts[:2], part(bytes(16)), *parts[3:])), outcome="bad_jwe", reason="form"
    )
    changes = {
        "a wrapped key's algorithm": {"alg": "A256KW"},
        "A128GCM": {"enc": "A128GCM"},
        "another compression": {"zip": "GZ"},
        "something critical": {"crit": ["x"], "x": 1},
    }
    for name, change in changes.items():
        yield opened(name, sealed(header | change), outcome="bad_jwe", reason="algorithm")


FILES = {
    "secrets": ("What follows from a share's secret S and its handle.", secrets),
    "passcodes": ("A passcode as a phone hands it in.", passcodes),
    "links": ("The text of a link. `ends`: seconds since 1970.", links_built),
    "reading": ("Anybody's link; reasons `form`, `newer_version`, `url`, `key`, `flags`.", links_read),
    "sealing": ("A share's file as a compact JWE.", files_sealed),
    "opening": (
        "A file of anybody's link, at most `longest` bytes of it; reasons of `bad_jwe`: `signed`, `form`, `algorithm`, "
        "`inflated`.",
        files_opened,
    ),
}


def files():
    """Every file of the chapter: its name and its text."""
    return {
        f"{name}.json": json.dumps(
            {"chapter": "shares", "description": words, "cases": list(cases())}, indent=1, ensure_ascii=False
        )
        + "\n"
        for name, (words, cases) in FILES.items()
    }


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
