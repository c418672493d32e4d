"""Bytes as letters and digits that a person can read out, type and print; and the way back, forgiving of habit.

Not a code itself (recovery_code, link_code). The text is base32 with Crockford's 32 characters (no I, L, O, U), then
four characters of checksum, in groups of four. The checksum is the remainder of the whole bit string, as a polynomial
over GF(2), by the primitive x^20 + x^3 + 1. Every character has its own weight in the field, and every group too, so
these are always found: any change within four neighbouring characters, one mistyped character among them, any two
characters swapped, any two groups swapped. Other changes pass once in a million. A start value keeps the two kinds of
code apart. Spec: openapi/protocol/crypto.md, CRY-18.
"""

from __future__ import annotations

from itertools import combinations

from crypto.public.errors import BadCode

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
GROUP_CHARS = 4
CHECK_CHARS = 4
TEXT_CHARS_MAX = 256  # characters, separators included; bounds the work on pasted text

_CHECK_BITS = 5 * CHECK_CHARS
_POLYNOMIAL = 1 << 20 | 1 << 3 | 1
_SEPARATORS = frozenset(" \t\r\n-\u00a0\u2010\u2011\u2012\u2013\u2014\u2212")
# Characters one by one, never str.upper: that turns a dotless i into an I, and ß into two letters.
_VALUES = {letter: value for value, upper in enumerate(ALPHABET) for letter in (upper, upper.lower())}
_VALUES |= dict.fromkeys("Oo", 0) | dict.fromkeys("IiLl", 1)


def spell(data: bytes, start: int) -> str:
    """`data` in groups of four characters joined by dashes; its bits are filled up with zeros to whole characters."""
    count = -(-len(data) * 8 // 5)
    number = int.from_bytes(data, "big") << count * 5 - len(data) * 8
    symbols = [number >> 5 * place & 31 for place in reversed(range(count))]
    check = remainder([*symbols, 0, 0, 0, 0], start)
    symbols += [check >> 5 * place & 31 for place in reversed(range(CHECK_CHARS))]
    text = "".join(ALPHABET[symbol] for symbol in symbols)
    return "-".join(text[i : i + GROUP_CHARS] for i in range(0, len(text), GROUP_CHARS))


def read(text: str, size: int, start: int) -> bytes:
    """The `size` bytes that were spelled, from text in either case, with any spaces and dashes, O for 0, I or L for 1.

    Raises: BadCode with the reason `alphabet`, `length`, `swapped` (two characters or two groups exchanged would make
    it right) or `mistyped`.
    """
    if len(text) > TEXT_CHARS_MAX:
        raise BadCode("length")
    letters = [letter for letter in text if letter not in _SEPARATORS]
    if any(letter not in _VALUES for letter in letters):
        raise BadCode("alphabet")
    symbols = [_VALUES[letter] for letter in letters]
    count = -(-size * 8 // 5)
    if len(symbols) != count + CHECK_CHARS:
        raise BadCode("length")
    if remainder(symbols, start) != 0:
        raise BadCode("swapped" if _one_swap_mends(symbols, start) else "mistyped")
    number = 0
    for symbol in symbols[:count]:
        number = number << 5 | symbol
    fill_bits = count * 5 - size * 8
    if number & (1 << fill_bits) - 1:
        raise BadCode("mistyped")
    return (number >> fill_bits).to_bytes(size, "big")


def remainder(symbols: list[int], start: int) -> int:
    """20 bits: the values of the characters as one polynomial over GF(2), `start` at its top, modulo x^20 + x^3 + 1.

    Zero exactly for a text whose last four characters are the checksum of the rest.
    """
    register = start
    for symbol in symbols:
        register = register << 5 | symbol
        for bit in range(_CHECK_BITS + 4, _CHECK_BITS - 1, -1):
            if register >> bit & 1:
                register ^= _POLYNOMIAL << bit - _CHECK_BITS
    return register


def _one_swap_mends(symbols: list[int], start: int) -> bool:
    """Whether exchanging two characters, or two groups, would make the checksum right: a hint for the person."""
    for width in (1, GROUP_CHARS):
        for i, j in combinations(range(0, len(symbols), width), 2):
            other = symbols.copy()
            other[i : i + width], other[j : j + width] = symbols[j : j + width], symbols[i : i + width]
            if remainder(other, start) == 0:
                return True
    return False
