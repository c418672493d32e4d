"""The cases of recovery_code.json and link_code.json."""

from crypto.secret import link_code, recovery_code
from crypto.secret.kdf import derive
from crypto.secret.secret import Secret
from crypto.secret.spelling import ALPHABET
from tests.vectors.vector_case import case, drawn

ENTROPY = drawn("recovery")[:20]
SECRET, ID_PREFIX = drawn("link secret")[:16], drawn("device id")[:16]


def swapped(text, i, j, width=1):
    i, j = sorted((i, j))
    assert text[i : i + width] != text[j : j + width]
    return text[:i] + text[j : j + width] + text[i + width : j] + text[i : i + width] + text[j + width :]


def next_letter(text, place, step=1):
    letter = ALPHABET[(ALPHABET.index(text[place]) + step) % 32]
    return text[:place] + letter + text[place + 1 :]


def slips(text):
    """What hands do to a code, and what must be said: name, text, reason."""
    last = len(text) - 1
    yield "one character mistyped", next_letter(text, 0), "mistyped"
    yield "one character of the checksum mistyped", next_letter(text, last), "mistyped"
    yield "two characters mistyped", next_letter(next_letter(text, 3), last - 7, 5), "mistyped"
    yield "a group mistyped", next_letter(next_letter(next_letter(text, 5), 6, 3), 8, 9), "mistyped"
    yield "two neighbours swapped", swapped(text, 5, 6), "swapped"
    yield "two neighbours swapped across a dash", swapped(text, 8, 10), "swapped"
    yield "two distant characters swapped", swapped(text, 1, 27), "swapped"
    yield "a character swapped with one of the checksum", swapped(text, 2, last), "swapped"
    yield "two groups swapped", swapped(text, 0, 5, 4), "swapped"
    yield "two distant groups swapped", swapped(text, 5, 30, 4), "swapped"
    yield "a group swapped with the checksum", swapped(text, 10, last - 3, 4), "swapped"
    yield "a character is missing", text[:-1], "length"
    yield "a group is missing", text[5:], "length"
    yield "a character too many", text + "0", "length"
    yield "empty", "", "length"
    yield "dashes only", "--- ---", "length"
    yield "more than 256 characters", text + " " * 256, "length"
    yield "U is no character of it", "U" + text[1:], "alphabet"
    yield "an asterisk", text[:-1] + "*", "alphabet"
    yield "a dotless i is no 1", "\u0131" + text[1:], "alphabet"
    yield "a full-width digit", "\uff11" + text[1:], "alphabet"
    yield "a sharp s", "\u00df" + text[1:], "alphabet"
    yield "an underscore is no dash", text.replace("-", "_"), "alphabet"


def tolerated(text):
    yield "as it is spelled", text
    yield "lower case", text.lower()
    yield "without dashes", text.replace("-", "")
    yield "spaces for dashes", f" {text.replace('-', '  ')} "
    yield "lines and tabs", text.replace("-", "\r\n\t")
    for dash in ("\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u2212", "\u00a0"):
        yield f"U+{ord(dash):04X} for dashes", text.replace("-", dash)
    yield "groups of another size", "-".join(text.replace("-", "")[i : i + 3] for i in range(0, 99, 3)).rstrip("-")
    yield "O for 0 and I for 1", text.replace("0", "O").replace("1", "I")
    yield "o for 0 and l for 1", text.replace("0", "o").replace("1", "l")
    yield "i and L for 1", text.replace("1", "i", 1).replace("1", "L")


def recovery_codes():
    text = recovery_code.encode(ENTROPY)
    assert {"0", "1"} < set(text)
    for name, entropy in {
        "random": ENTROPY,
        "zeros": bytes(20),
        "ones": b"\xff" * 20,
        "counting": bytes(range(20)),
    }.items():
        yield case(
            f"{name}, spelled", "CRY-18 CRY-19", "encode", {"entropy": entropy}, {"text": recovery_code.encode(entropy)}
        )
    for name, typed in tolerated(text):
        yield case(name, "CRY-18", "parse", {"text": typed}, {"entropy": ENTROPY})
    for name, typed, reason in slips(text):
        yield case(name, "CRY-18", "parse", {"text": typed}, None, "bad_code", reason)
    yield case(
        "all zeros, checksum too", "CRY-18", "parse", {"text": "0000-" * 8 + "0000"}, None, "bad_code", "mistyped"
    )
    yield case(
        "a link code", "CRY-18", "parse", {"text": link_code.encode(SECRET, ID_PREFIX)}, None, "bad_code", "length"
    )
    code = Secret(ENTROPY)
    signing, kem = recovery_code.keys(code)
    made = {
        "signing_seed": derive(code, "recovery signing"),
        "signing_key": signing.public_key,
        "kem_seed": derive(code, "recovery kem"),
        "kem_key": kem.public_key,
    }
    yield case("the keys of a code", "CRY-19", "keys", {"entropy": ENTROPY}, made)


def link_codes():
    text = link_code.encode(SECRET, ID_PREFIX)
    assert {"0", "1"} < set(text)
    both = {"secret": SECRET, "id_prefix": ID_PREFIX}
    yield case("spelled", "CRY-18 CRY-20", "encode", both, {"text": text})
    for name, typed in tolerated(text):
        yield case(name, "CRY-18", "parse", {"text": typed}, both)
    for name, typed, reason in slips(text):
        yield case(name, "CRY-18", "parse", {"text": typed}, None, "bad_code", reason)
    recovery = recovery_code.encode(ENTROPY)
    yield case("a recovery code", "CRY-18", "parse", {"text": recovery}, None, "bad_code", "length")
    yield case("fill bits that are not zero", "CRY-18", "parse", {"text": filled(text)}, None, "bad_code", "mistyped")
    place, key = link_code.rendezvous(Secret(SECRET))
    yield case("the rendezvous", "CRY-20", "rendezvous", {"secret": SECRET}, {"id": place, "key": key.reveal()})


def filled(text):
    """The text with its lowest fill bit set and the checksum mended: one bit more adds x^20 mod f = x^3 + 1."""
    place = len(text) - len("-0000") - 1
    symbol = ALPHABET[ALPHABET.index(text[place]) ^ 1]
    check = ALPHABET[ALPHABET.index(text[-1]) ^ 0b01001]
    return text[:place] + symbol + text[place + 1 : -1] + check
