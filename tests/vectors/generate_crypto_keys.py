"""The cases of keys.json and signatures.json, the crafted ones with the arithmetic that an attacker would do."""

import hashlib

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from crypto.public.hashing import signed_input
from crypto.secret.kem import KemKey
from crypto.secret.secret import Secret
from crypto.secret.signing import SigningKey
from tests.vectors import known_answers as known
from tests.vectors.vector_case import case, drawn, flip

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
P256 = 2**256 - 2**224 + 2**192 + 2**96 - 1
B256 = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B  # y² = x³ − 3x + b (SP 800-186)
K1_BASE = bytes.fromhex(
    "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
)  # SEC 2 §2.4.1
SIGN = 1 << 255
Y8 = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
SMALL_Y = {"0": 0, "1": 1, "-1": P - 1, "y of order 8": Y8, "-y of order 8": P - Y8, "p": P, "p + 1": P + 1}
# u of small order on Curve25519 and its twist (RFC 7748 §6.1 asks for the check; the values are those of order 1 to 8).
U8 = (
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
)

ED = SigningKey.from_seed(1, Secret(drawn("ed25519 seed")))
ES = SigningKey.from_seed(2, Secret(drawn("es256 seed")))
LABEL, MESSAGE = "entry", b"what was said"


def little(number):
    return number.to_bytes(32, "little")


def public_keys():
    yield from _signing_keys()
    yield from _kem_keys()


def _signing_keys():
    def signing(name, must, key_type, key, fault=True):
        given = {"key_type": key_type, "public_key": key}
        return case(name, must, "check_signing_key", given, outcome="bad_key" if fault else None)

    y = int.from_bytes(ED.public_key, "little") & ~SIGN
    sign = int.from_bytes(ED.public_key, "little") & SIGN
    yield signing("Ed25519, right", "CRY-3", 1, ED.public_key, fault=False)
    # Adding the point of order two turns (x, y) into (-x, -y): not of small order, and no reason to refuse.
    yield signing("Ed25519, of mixed order", "CRY-3", 1, little(P - y | sign ^ SIGN), fault=False)
    for name, small in SMALL_Y.items():
        yield signing(f"Ed25519, small order, y = {name}", "CRY-3", 1, little(small))
        yield signing(f"Ed25519, small order, y = {name}, sign bit", "CRY-3", 1, little(small | SIGN))
    yield signing("Ed25519, y = 3 as it should be", "CRY-3", 1, little(3), fault=False)
    yield signing("Ed25519, y = 3 encoded as p + 3", "CRY-3", 1, little(P + 3))
    yield signing("Ed25519, y = 2 is no point of the curve", "CRY-3", 1, little(2))
    yield signing("Ed25519, 31 bytes", "CRY-3", 1, ED.public_key[:31])
    yield signing("Ed25519, 33 bytes", "CRY-3", 1, ED.public_key + b"\0")
    x, y = ES.public_key[1:33], ES.public_key[33:]
    yield signing("ES256, right", "CRY-4", 2, ES.public_key, fault=False)
    yield signing("ES256, compressed", "CRY-4", 2, bytes([2 + (y[-1] & 1)]) + x)
    yield signing("ES256, hybrid form", "CRY-4", 2, bytes([6 + (y[-1] & 1)]) + x + y)
    yield signing("ES256, no point of the curve", "CRY-4", 2, flip(ES.public_key, 64))
    yield signing("ES256, zeros", "CRY-4", 2, b"\4" + bytes(64))
    yield signing("ES256, coordinates above the field", "CRY-4", 2, b"\4" + b"\xff" * 64)
    yield signing("ES256, the point at infinity", "CRY-4", 2, b"\0")
    # x = 0 is a point of the curve; p + 0 still fits 32 bytes, and a library that reduces would take both.
    zero = pow(B256, (P256 + 1) // 4, P256)
    yield signing("ES256, x = 0 as it should be", "CRY-4", 2, b"\4" + bytes(32) + zero.to_bytes(32, "big"), fault=False)
    yield signing("ES256, x = 0 encoded as p", "CRY-4", 2, b"\4" + P256.to_bytes(32, "big") + zero.to_bytes(32, "big"))
    yield signing("ES256, a point of secp256k1", "CRY-4", 2, K1_BASE)
    yield signing("ES256, x and y exchanged", "CRY-4", 2, b"\4" + y + x)
    yield signing("ES256, 64 bytes", "CRY-4", 2, x + y)
    yield signing("ES256, 66 bytes", "CRY-4", 2, ES.public_key + b"\0")
    yield signing("an Ed25519 key as ES256", "CRY-4", 2, ED.public_key)
    for key_type in (0, 3, 256):
        yield signing(f"key type {key_type}", "CRY-2", key_type, ED.public_key)


def _kem_keys():
    def kem(name, key, fault=True):
        return case(name, "CRY-5", "check_kem_key", {"public_key": key}, outcome="bad_key" if fault else None)

    right = KemKey.from_seed(Secret(drawn("kem seed"))).public_key
    lattice, curve = right[:1184], right[1184:]
    yield kem("KEM, right", right, fault=False)
    # Two coefficients share three bytes: the low twelve bits first (FIPS 203, algorithm 5).
    first = (3329).to_bytes(2, "little")
    yield kem("KEM, the first coefficient is 3329", bytes([first[0], right[1] & 0xF0 | first[1]]) + right[2:])
    last = (3329 << 4).to_bytes(2, "little")
    yield kem(
        "KEM, the last coefficient is 3329",
        right[:1150] + bytes([right[1150] & 0x0F | last[0], last[1]]) + right[1152:],
    )
    last = (3328 << 4).to_bytes(2, "little")
    yield kem(
        "KEM, the last coefficient is 3328",
        right[:1150] + bytes([right[1150] & 0x0F | last[0], last[1]]) + right[1152:],
        fault=False,
    )
    small = {"0": little(0), "1": little(1), "-1": little(P - 1)}
    small |= {f"of order 8, {number}": bytes.fromhex(u) for number, u in enumerate(U8, 1)}
    for name, u in small.items():
        yield kem(f"KEM, X25519 of small order, u = {name}", lattice + u)
    for name, u in {"p": P, "p + 1": P + 1, "p + 9": P + 9}.items():
        yield kem(f"KEM, X25519 not canonical, u = {name}", lattice + little(u))
    yield kem("KEM, X25519 with its top bit set", lattice + flip(curve, 31, 0x80))
    yield kem("KEM, 1,215 bytes", right[:-1])
    yield kem("KEM, 1,217 bytes", right + b"\0")
    yield kem("KEM, ML-KEM alone", lattice)


def signatures():
    for number, (_, public, message, signature) in enumerate(known.RFC8032, 1):
        given = {"key_type": 1, "public_key": public, "signed": message, "signature": signature}
        yield case(f"RFC 8032 test {number}", "CRY-6", "verify_raw", given)
    given = {"key_type": 2, "public_key": known.RFC6979_KEY, "signed": b"sample", "signature": known.RFC6979_SIGNATURE}
    yield case("RFC 6979 A.2.5, sample", "CRY-7", "verify_raw", given)
    yield from _both_types()
    yield from _crafted_ed25519()
    yield from _crafted_es256()


def verified(name, must, key_type, key, signature, fault=True, label=LABEL, message=MESSAGE):
    given = {"key_type": key_type, "public_key": key, "label": label, "message": message, "signature": signature}
    return case(name, must, "verify", given, outcome="bad_signature" if fault else None)


def _both_types():
    for word, must, key, other in (("Ed25519", "CRY-6", ED, ES), ("ES256", "CRY-7", ES, ED)):
        right, kind, public = key.sign(LABEL, MESSAGE), key.key_type, key.public_key
        yield verified(f"{word}, right", must, kind, public, right, fault=False)
        yield verified(f"{word}, an empty message", must, kind, public, key.sign(LABEL, b""), fault=False, message=b"")
        yield verified(f"{word}, a flipped bit in the first half", must, kind, public, flip(right, 5))
        yield verified(f"{word}, a flipped bit in the second half", must, kind, public, flip(right, 40))
        yield verified(f"{word}, another message", must, kind, public, right, message=flip(MESSAGE))
        yield verified(f"{word}, another label", f"CRY-1 {must}", kind, public, right, label="frame")
        yield verified(f"{word}, signed without a label", f"CRY-1 {must}", kind, public, key.sign_raw(MESSAGE))
        moved = {"label": LABEL[:-1], "message": LABEL[-1:].encode() + b"\0" + MESSAGE}
        yield verified(f"{word}, the label's end moved into the message", f"CRY-1 {must}", kind, public, right, **moved)
        stranger = SigningKey.from_seed(kind, Secret(drawn("a stranger"))).public_key
        yield verified(f"{word}, another key", must, kind, stranger, right)
        yield verified(f"{word}, 63 bytes", must, kind, public, right[:-1])
        yield verified(f"{word}, 65 bytes", must, kind, public, right + b"\0")
        yield verified(f"{word}, no signature", must, kind, public, b"")
        yield verified(f"{word}, under the other type", "CRY-2", other.key_type, public, right)
        yield verified(
            f"{word}, a signature of the other type", f"{must} CRY-25", kind, public, other.sign(LABEL, MESSAGE)
        )
        yield verified(f"{word}, under an unknown type", "CRY-2", 3, public, right)


def _crafted_ed25519():
    public, right = ED.public_key, ED.sign(LABEL, MESSAGE)
    r, s = right[:32], int.from_bytes(right[32:], "little")
    yield verified("Ed25519, S + L", "CRY-6", 1, public, r + little(s + L))
    # Under a key of order one anybody signs anything: R = [S]B, here R = B and S = 1.
    base = little(4 * pow(5, -1, P) % P)
    yield verified("Ed25519, a forgery under the key 1", "CRY-3 CRY-6", 1, little(1), base + little(1))
    # The holder of a real key can choose R of order one, and S = k·a then satisfies the equation.
    scalar = _clamped(drawn("ed25519 seed"))
    crafted = little(1) + little(_challenge(little(1), public) * scalar % L)
    yield verified("Ed25519, R of small order", "CRY-6", 1, public, crafted)
    # With a key of mixed order A + T, T of order two, the equation without cofactor holds only for an even challenge.
    y = int.from_bytes(public, "little") & ~SIGN
    mixed = little(P - y | (int.from_bytes(public, "little") & SIGN ^ SIGN))
    prefix = hashlib.sha512(drawn("ed25519 seed")).digest()[32:]
    for word, parity, fault in (("even", 0, False), ("odd", 1, True)):
        message = next(m for m in _messages() if _challenge(ED.sign(LABEL, m)[:32], mixed, m) % 2 == parity)
        nonce = int.from_bytes(hashlib.sha512(prefix + signed_input(LABEL, message)).digest(), "little") % L
        r = ED.sign(LABEL, message)[:32]
        crafted = r + little((nonce + _challenge(r, mixed, message) * scalar) % L)
        name = f"Ed25519, a key of mixed order and an {word} challenge: no cofactor"
        yield verified(name, "CRY-6", 1, mixed, crafted, fault, message=message)


def _crafted_es256():
    public, right = ES.public_key, ES.sign(LABEL, MESSAGE)
    r, s = int.from_bytes(right[:32], "big"), int.from_bytes(right[32:], "big")

    def big(first, second):
        return first.to_bytes(32, "big") + second.to_bytes(32, "big")

    yield verified("ES256, n - s is as good as s", "CRY-7", 2, public, big(r, N - s), fault=False)
    for name, crafted in {
        "r = 0": big(0, s),
        "s = 0": big(r, 0),
        "r = n": big(N, s),
        "s = n": big(r, N),
        "r = 2^256 - 1": big(2**256 - 1, s),
        "s = 2^256 - 1": big(r, 2**256 - 1),
        "r and s exchanged": big(s, r),
        "r and s little-endian": right[31::-1] + right[:31:-1],
        "DER": encode_dss_signature(r, s),
        "s with a zero in front, 65 bytes": right[:32] + b"\0" + right[32:],
        "zeros": bytes(64),
    }.items():
        yield verified(f"ES256, {name}", "CRY-7", 2, public, crafted)


def _clamped(seed):
    low = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little")
    return low & (1 << 254) - 8 | 1 << 254


def _challenge(r, public, message=MESSAGE):
    return int.from_bytes(hashlib.sha512(r + public + signed_input(LABEL, message)).digest(), "little") % L


def _messages():
    return (b"message %d" % number for number in range(64))
