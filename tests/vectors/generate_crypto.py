"""Makes openapi/vectors/crypto/*.json: `python -m tests.vectors.generate_crypto`, by hand, and the difference is read.

The expected outcome of every case is written here by hand, or is a published answer; only bytes of right cases are
computed. Sealing to a KEM key draws its own randomness, so what the committed file holds is kept.
"""

import hashlib
import json
from pathlib import Path

from crypto.public.hashing import labelled_hash, signed_input
from crypto.public.passphrase import derive_key
from crypto.public.sealing import seal
from crypto.secret import aead, kdf
from crypto.secret.kem import KemKey
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from tests.vectors import known_answers as known
from tests.vectors.generate_crypto_codes import link_codes, recovery_codes
from tests.vectors.generate_crypto_keys import public_keys, signatures
from tests.vectors.generate_crypto_padding import padding
from tests.vectors.generate_crypto_tokens import tokens
from tests.vectors.vector_case import case, drawn, flip

VECTORS = Path(__file__).parents[2] / "openapi" / "vectors" / "crypto"


def hashing():
    yield case(
        "one part", "CRY-1", "hash", {"label": "test", "parts": ["0102"]}, {"hash": labelled_hash("test", b"\1\2")}
    )
    joined = labelled_hash("test", b"\1", b"", b"\2")
    yield case(
        "parts are joined without lengths",
        "CRY-1",
        "hash",
        {"label": "test", "parts": ["01", "", "02"]},
        {"hash": joined},
    )
    yield case(
        "no part",
        "CRY-1",
        "hash",
        {"label": "test", "parts": []},
        {"hash": hashlib.sha256(b"carnet/1/test\0").digest()},
    )
    yield case(
        "another label",
        "CRY-1",
        "hash",
        {"label": "test 2", "parts": ["0102"]},
        {"hash": labelled_hash("test 2", b"\1\2")},
    )
    signed = {"signed": signed_input("entry", b"\0m")}
    yield case("the input of a signature", "CRY-1", "signed_input", {"label": "entry", "message": b"\0m"}, signed)


def seeds():
    for number, (seed, public, _, _) in enumerate(known.RFC8032, 1):
        given = {"key_type": 1, "seed": seed}
        yield case(f"Ed25519, RFC 8032 test {number}", "CRY-14", "signing_key", given, {"public_key": public})
    seed = drawn("es256 seed")
    public = SigningKey.from_seed(2, Secret(seed)).public_key
    yield case("ES256", "CRY-14", "signing_key", {"key_type": 2, "seed": seed}, {"public_key": public})
    for key_type in (1, 2):
        key = SigningKey.from_seed(key_type, Secret(seed))
        given = {"key_type": key_type, "seed": seed, "label": "entry", "message": b"a message"}
        made = {"signature": key.sign("entry", b"a message")}
        yield case(f"the reference's signature, type {key_type}", "CRY-7", "sign", given, made)
    for key_type in (0, 3):
        given = {"key_type": key_type, "seed": seed}
        yield case(f"key type {key_type}", "CRY-2", "signing_key", given, outcome="bad_key")
    for length in (31, 33, 64):
        given = {"key_type": 1, "seed": bytes(length)}
        yield case(f"a signing seed of {length} bytes", "CRY-14", "signing_key", given, outcome="bad_key")
        yield case(f"a KEM seed of {length} bytes", "CRY-15", "kem_key", {"seed": bytes(length)}, outcome="bad_key")
    public = KemKey.from_seed(Secret(bytes.fromhex(known.XWING_SEED))).public_key
    yield case("X-Wing draft, first vector", "CRY-15", "kem_key", {"seed": known.XWING_SEED}, {"public_key": public})
    given = {"seed": known.XWING_SEED, "enc": known.XWING_CIPHERTEXT}
    yield case("X-Wing draft, decapsulation", "CRY-9", "xwing_decapsulate", given, {"shared": known.XWING_SHARED})


def kept_seal(name, key, info, plaintext):
    """What the committed file holds under this name, or, for a new one, a fresh seal."""
    path = VECTORS / "sealing.json"
    if path.exists():
        for old in json.loads(path.read_text())["cases"]:
            if old["name"] == name:
                return bytes.fromhex(old["input"]["sealed"])
    return seal(key.public_key, info, plaintext)


def sealing():
    seed, info, text = drawn("kem seed"), b"carnet/1/test\0info", b"an epoch key, thirty-two bytes.."
    key = KemKey.from_seed(Secret(seed))
    right = kept_seal("right", key, info, text)

    def opened(name, sealed, output=None, seed=seed, info=info):
        given = {"seed": seed, "info": info, "sealed": sealed}
        return case(name, "CRY-9", "open", given, output, None if output else "cannot_open")

    yield opened("right", right, {"plaintext": text})
    yield opened("nothing inside", kept_seal("nothing inside", key, info, b""), {"plaintext": b""})
    yield opened("no info", kept_seal("no info", key, b"", text), {"plaintext": text}, info=b"")
    yield opened("another info", right, info=info + b"\0")
    yield opened("another key", right, seed=drawn("another kem seed"))
    for name, place in (
        ("ML-KEM ciphertext", 0),
        ("X25519 share", 1088),
        ("ciphertext", 1120),
        ("tag", len(right) - 1),
    ):
        yield opened(f"a flipped bit in the {name}", flip(right, place))
    yield opened("an X25519 share of zeros", right[:1088] + bytes(32) + right[1120:])
    yield opened("an X25519 share with its top bit set", flip(right, 1119, 0x80))
    yield opened("the last byte is missing", right[:-1])
    yield opened("a byte too many", right + b"\0")
    yield opened("shorter than its overhead", right[:1135])
    yield opened("empty", b"")


def derivation():
    key = drawn("a key")
    plain = {"key": key, "label": "test", "context": b"", "length": 32, "salt": b""}
    variants = {
        "without context and salt": {},
        "another label": {"label": "test 2"},
        "with context": {"context": b"ctx"},
        "with a salt": {"salt": drawn("a salt")},
        "two blocks and a part": {"length": 80},
        "16 bytes are a prefix of 32": {"length": 16},
        "a key of 16 bytes": {"key": key[:16]},
    }
    for name, change in variants.items():
        given = plain | change
        made = kdf.derive(given["key"], given["label"], given["context"], given["length"], given["salt"])
        yield case(name, "CRY-10", "derive", given, {"derived": made})
    zeros = kdf.derive(key, "test", salt=bytes(32))
    yield case("no salt is 32 zero bytes", "CRY-10", "derive", plain | {"salt": bytes(32)}, {"derived": zeros})
    yield case("an epoch_id", "CRY-11", "epoch_id", {"key": key}, {"epoch_id": kdf.epoch_id(Secret(key))})


def content():
    key, salt, header, text = drawn("content key"), drawn("content salt"), b"a header", b"a plaintext"
    base = {"key": key, "label": "frame", "header": header, "salt": salt}
    sealed = aead.seal(Secret(key), "frame", header, text, salt)
    yield case("right, sealed", "CRY-12", "seal", base | {"plaintext": text}, {"ciphertext": sealed})
    yield case("right, opened", "CRY-12", "open", base | {"ciphertext": sealed}, {"plaintext": text})
    empty = aead.seal(Secret(key), "frame", b"", b"", salt)
    given = base | {"header": b"", "ciphertext": empty}
    yield case("empty header and plaintext", "CRY-12", "open", given, {"plaintext": b""})
    faults = {
        "another key": {"key": flip(key)},
        "another label": {"label": "keybox"},
        "another header": {"header": flip(header)},
        "another salt": {"salt": flip(salt)},
        "a flipped bit in the ciphertext": {"ciphertext": flip(sealed)},
        "a flipped bit in the tag": {"ciphertext": flip(sealed, -1)},
        "the last byte is missing": {"ciphertext": sealed[:-1]},
        "shorter than a tag": {"ciphertext": sealed[:15]},
        "empty": {"ciphertext": b""},
        "a salt of 31 bytes": {"salt": salt[:31]},
        "a salt of 33 bytes": {"salt": salt + b"\0"},
    }
    for name, change in faults.items():
        yield case(name, "CRY-12", "open", base | {"ciphertext": sealed} | change, outcome="cannot_open")


def store():
    key, nonce, aad, text = drawn("store key"), drawn("nonce")[:12], b"items/1", b"a row"
    sealed = aead.StoreCipher(Secret(key)).seal(nonce, aad, text)
    base = {"key": key, "aad": aad}
    yield case("right, sealed", "CRY-13", "store_seal", base | {"nonce": nonce, "plaintext": text}, {"sealed": sealed})
    yield case("right, opened", "CRY-13", "store_open", base | {"sealed": sealed}, {"plaintext": text})
    faults = {
        "another place": {"aad": b"items/2"},
        "another key": {"key": flip(key)},
        "a flipped bit in the nonce": {"sealed": flip(sealed)},
        "a flipped bit in the ciphertext": {"sealed": flip(sealed, 12)},
        "the last byte is missing": {"sealed": sealed[:-1]},
        "shorter than nonce and tag": {"sealed": sealed[:27]},
        "shorter than a nonce": {"sealed": sealed[:7]},
        "empty": {"sealed": b""},
    }
    for name, change in faults.items():
        yield case(name, "CRY-13", "store_open", base | {"sealed": sealed} | change, outcome="cannot_open")


def passphrase():
    def given(**change):
        plain = {
            "passphrase": b"password",
            "salt": b"somesalt",
            "memory_kib": 256,
            "iterations": 2,
            "lanes": 1,
            "length": 32,
        }
        return plain | change

    yield case("the Argon2 reference's own answer", "CRY-22", "derive_key", given(), {"key": known.ARGON2ID})
    other = given(salt=drawn("a salt")[:16], iterations=3, lanes=2, length=64)
    arguments = {name: other[name] for name in ("memory_kib", "iterations", "lanes", "length")}
    yield case(
        "two lanes, 64 bytes",
        "CRY-22",
        "derive_key",
        other,
        {"key": derive_key(b"password", other["salt"], **arguments)},
    )
    faults = {
        "a salt of 7 bytes": {"salt": bytes(7)},
        "a salt of 65 bytes": {"salt": bytes(65)},
        "a passphrase of 1,025 bytes": {"passphrase": bytes(1025)},
        "no iteration": {"iterations": 0},
        "17 iterations": {"iterations": 17},
        "no lane": {"lanes": 0},
        "five lanes": {"lanes": 5},
        "less than 8 KiB a lane": {"lanes": 4, "memory_kib": 31},
        "more than 1 GiB": {"memory_kib": 1_048_577},
        "15 bytes": {"length": 15},
        "65 bytes": {"length": 65},
    }
    for name, change in faults.items():
        yield case(name, "CRY-22", "derive_key", given(**change), outcome="bad_parameters")


FILES = {
    "hashing": ("Labels: hashes and the inputs of signatures.", hashing),
    "keys": ("Which public keys are refused.", public_keys),
    "signatures": ("Which signatures hold. `verify_raw` signs the bytes as they are, without a label.", signatures),
    "tokens": ("Compact JWS; `keys` is what a kid finds, `claims` the JSON that must come out.", tokens),
    "seeds": ("Key pairs from seeds, the reference's deterministic signatures, X-Wing's own known answer.", seeds),
    "sealing": (
        "Opening what was sealed to the KEM key of a seed. Open-only: sealing draws its own randomness.",
        sealing,
    ),
    "derivation": ("HKDF with labels.", derivation),
    "content": ("AES-256-GCM under a fresh key for every salt.", content),
    "store": ("Rows of a phone's local store.", store),
    "padding": ("Sizes, and exact unpadding of deflate streams.", padding),
    "recovery_code": ("Spelling and reading recovery codes, and their keys.", recovery_codes),
    "link_code": ("Spelling and reading link codes, and the rendezvous.", link_codes),
    "passphrase": ("Argon2id and the bounds of its parameters.", passphrase),
}


def described():
    """Every file of the chapter: its name and what stands in it."""
    for name, (description, cases) in FILES.items():
        yield f"{name}.json", {"chapter": "crypto", "description": description, "cases": list(cases())}


def written(document):
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def main():
    VECTORS.mkdir(parents=True, exist_ok=True)
    for name, document in list(described()):
        (VECTORS / name).write_text(written(document))


if __name__ == "__main__":
    main()
