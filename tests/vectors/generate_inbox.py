"""Makes openapi/vectors/inbox/*.json: `python -m tests.vectors.generate_inbox`, by hand, and the difference is read.

Notes are sealed here by RFC 9180 written out, with a fixed ephemeral key, and not by the code under test.
"""

import hmac
import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.vectors.vector_case import case, drawn, flip

FOLDER = Path(__file__).parents[2] / "openapi" / "vectors" / "inbox"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SECRET, HANDLE, NOTE, NONCE = drawn("a secret"), drawn("a handle")[:16], drawn("a note")[:16], drawn("a nonce")[:12]
LINK_KEY = drawn("a link key")
KEM = b"KEM\x00\x10"
HPKE = b"HPKE\x00\x10\x00\x01\x00\x02"
PDF = "JVBERi0xLjcKJSVFT0Y="


def expand(key, info, length):
    """HKDF-Expand (RFC 5869)."""
    block, out = b"", b""
    for number in range(1, -(-length // 32) + 1):
        block = hmac.digest(key, block + info + bytes([number]), "sha256")
        out += block
    return out[:length]


def derived(key, label, context=b"", length=32):
    prk = hmac.digest(bytes(32), key, "sha256")
    return expand(prk, b"carnet/1/" + label + b"\0" + context, length)


def key_of(secret, handle):
    seed = derived(secret, b"share note key", handle, 48)
    return ec.derive_private_key(1 + int.from_bytes(seed, "big") % (ORDER - 1), ec.SECP256R1())


def point(private):
    return private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def extracted(suite, salt, label, ikm):
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + ikm, "sha256")


def expanded(suite, prk, label, info, length):
    return expand(prk, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, length)


def hpke_sealed(public, info, plain):
    """Single-shot base mode (RFC 9180, 4.1, 5.1, 6.1)."""
    ephemeral = ec.derive_private_key(int.from_bytes(drawn("ephemeral"), "big") % ORDER, ec.SECP256R1())
    enc = point(ephemeral)
    shared = ephemeral.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public))
    secret = expanded(KEM, extracted(KEM, b"", b"eae_prk", shared), b"shared_secret", enc + public, 32)
    context = b"\0" + extracted(HPKE, b"", b"psk_id_hash", b"") + extracted(HPKE, b"", b"info_hash", info)
    prk = extracted(HPKE, secret, b"secret", b"")
    key, nonce = expanded(HPKE, prk, b"key", context, 32), expanded(HPKE, prk, b"base_nonce", context, 12)
    return enc + AESGCM(key).encrypt(nonce, plain, b"")


def outer(label, plain, note=NOTE, link_key=LINK_KEY):
    return NONCE + AESGCM(derived(link_key, label)).encrypt(NONCE, plain, b"carnet/1/" + label + b"\0" + note)


def sealed(plain, **more):
    info = b"carnet/1/share note\0" + more.get("info", NOTE)
    return outer(b"share note", hpke_sealed(point(key_of(SECRET, HANDLE)), info, plain), more.get("note", NOTE))


def filled(value, step=4_096):
    plain = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
    return plain.ljust(-(-len(plain) // step) * step)


def keys():
    for name in ("a", "another"):
        secret, handle = drawn(f"{name} secret"), drawn(f"{name} handle")[:16]
        output = {"public_key": point(key_of(secret, handle))}
        yield case(f"{name} share", "INB-1", "note_key", {"secret": secret, "share": handle}, output)


def notes():
    given = {"secret": SECRET, "share": HANDLE, "link_key": LINK_KEY, "note": NOTE}
    plain = filled({"v": 1, "from": "Dr. Reader", "text": "Hello"})
    right = sealed(plain)

    def opened(name, data, outcome=None, **more):
        output = None if outcome else {"plain": plain}
        return case(name, "INB-2", "open_note", given | more | {"sealed": data}, output, outcome)

    yield opened("right", right)
    yield opened("another note's id", right, "cannot_open", note=drawn("another note")[:16])
    yield opened("an id that only the outer layer has", sealed(plain, info=drawn("other")[:16]), "cannot_open")
    yield opened("another link key", right, "cannot_open", link_key=drawn("another link key"))
    yield opened("another share", right, "cannot_open", share=drawn("another handle")[:16])
    yield opened("an altered nonce", flip(right), "cannot_open")
    yield opened("an altered tag", flip(right, -1), "cannot_open")
    yield opened("without the inner layer", outer(b"share note", plain), "cannot_open")
    yield opened("under the answers' label", outer(b"share answer", plain), "cannot_open")
    yield opened("cut short", right[:27], "cannot_open")


def contents():
    least = {"v": 1, "from": "Dr. Reader", "text": "Hello"}
    paper = {"name": "a.pdf", "type": "application/pdf", "data": PDF}

    def read(name, value, document=None, outcome=None):
        output = None
        if outcome is None:
            output = {"from": value["from"], "text": value.get("text", ""), "document": document}
        return case(name, "INB-3", "read_note", {"plain": filled(value)}, output, outcome)

    def bad(name, value):
        return read(name, value, outcome="unreadable")

    yield read("a text", least)
    yield read("in any letters", least | {"from": "Δρ. Ρίντερ", "text": "Γειά"})
    yield read("with a document", least | {"document": paper}, paper)
    yield read("a document alone", least | {"text": "", "document": paper}, paper)
    yield read("with a name that nobody knows", least | {"more": [1]})
    yield bad("another version", least | {"v": 2})
    yield bad("from nobody", least | {"from": " "})
    yield bad("without from", {"v": 1, "text": "Hello"})
    yield bad("from somebody with 257 characters", least | {"from": "x" * 257})
    yield bad("nothing", least | {"text": " "})
    yield bad("a text of 4,001 characters", least | {"text": "x" * 4_001})
    yield bad("a document of another type", least | {"document": paper | {"type": "text/html"}})
    yield bad("a document that is another", least | {"document": paper | {"type": "image/png"}})
    yield bad("an empty document", least | {"document": paper | {"data": ""}})
    yield bad("a list", [least])
    yield bad("no JSON", b"{")
    short = json.dumps(least).encode()
    yield case("not filled", "INB-3", "read_note", {"plain": short}, None, "unreadable")


def answers():
    given = {"link_key": LINK_KEY, "note": NOTE}
    for name, text in (("short", "Thank you."), ("in any letters", "Ευχαριστώ."), ("long", "x" * 1_025)):
        made = outer(b"share answer", filled(text.encode(), 1_024))
        yield case(name, "INB-4", "seal_answer", given | {"nonce": NONCE, "text": text}, {"sealed": made})
    made = outer(b"share answer", filled(b"Thank you.", 1_024))
    yield case("right", "INB-4", "open_answer", given | {"sealed": made}, {"text": "Thank you."})
    other = given | {"note": drawn("another note")[:16], "sealed": made}
    yield case("another note's", "INB-4", "open_answer", other, None, "cannot_open")


FILES = {
    "keys": ("The public half of a share's note key, from S and the handle.", keys),
    "notes": ("A sealed note opened with what its share's owner has.", notes),
    "contents": ("What stands inside a note; `data` in base64.", contents),
    "answers": ("An answer, sealed with a given nonce and opened.", answers),
}


def files():
    """Every file of the chapter: its name and its text."""
    return {
        f"{name}.json": json.dumps(
            {"chapter": "inbox", "description": words, "cases": list(cases())}, indent=1, ensure_ascii=False
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
