"""CRY-18: the checksum of codes finds what it says it finds, tried out in full on one code of each kind."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.public.errors import BadCode
from crypto.secret import link_code, recovery_code
from crypto.secret.spelling import ALPHABET, GROUP_CHARS, read, remainder, spell

START = 0x2C0DE
CODES = [recovery_code.encode(bytes(range(7, 27))), spell(bytes(range(100, 132)), START)]


def values(text):
    return [ALPHABET.index(letter) for letter in text.replace("-", "")]


@pytest.mark.parametrize("text", CODES)
def test_the_right_code_has_no_remainder(text):
    assert remainder(values(text), START) == 0


@pytest.mark.parametrize("text", CODES)
def test_every_single_mistyped_character_is_found(text):
    for place, right in enumerate(values(text)):
        for wrong in set(range(32)) - {right}:
            typed = values(text)
            typed[place] = wrong
            assert remainder(typed, START) != 0


@pytest.mark.parametrize("text", CODES)
@pytest.mark.parametrize("width", [1, GROUP_CHARS])
def test_every_swap_of_two_characters_or_groups_is_found(text, width):
    """Holds for every code, not this one: the remainder is linear and all weights differ (see the next test)."""
    right = values(text)
    for i, j in combinations(range(0, len(right), width), 2):
        typed = right.copy()
        typed[i : i + width], typed[j : j + width] = right[j : j + width], right[i : i + width]
        assert typed == right or remainder(typed, START) != 0


def test_the_polynomial_is_primitive_so_all_weights_of_a_code_differ():
    """The order of x is 2^20 - 1: x to that power is 1, and to no part of it by one of its primes 3, 5, 11, 31, 41."""

    def power(exponent):
        square, result = 2, 1
        while exponent:
            if exponent & 1:
                result = times(result, square)
            square, exponent = times(square, square), exponent >> 1
        return result

    def times(a, b):
        product = 0
        for bit in range(20):
            product ^= (a << bit) * (b >> bit & 1)
        for bit in range(38, 19, -1):
            product ^= ((1 << 20 | 1 << 3 | 1) << bit - 20) * (product >> bit & 1)
        return product

    whole = 2**20 - 1
    assert power(whole) == 1
    assert all(power(whole // prime) != 1 for prime in (3, 5, 11, 31, 41))


@given(st.binary(min_size=20, max_size=20), st.integers(0, 32), st.lists(st.integers(0, 31), min_size=4, max_size=4))
@settings(max_examples=200, deadline=None)
def test_any_change_within_four_neighbours_is_found(entropy, place, wrong):
    typed = values(recovery_code.encode(entropy))
    changed = typed[:place] + wrong + typed[place + 4 :]
    assert changed == typed or remainder(changed, START) != 0


@given(st.binary(min_size=20, max_size=20))
@settings(max_examples=100, deadline=None)
def test_a_recovery_code_is_read_as_it_was_spelled(entropy):
    assert recovery_code.parse(recovery_code.encode(entropy)).reveal() == entropy


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
@settings(max_examples=100, deadline=None)
def test_a_link_code_is_read_as_it_was_spelled_and_fits_an_alphanumeric_qr(secret, prefix):
    text = link_code.encode(secret, prefix)
    assert len(text) == 69
    assert set(text) <= set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")
    parsed, id_prefix = link_code.parse(text)
    assert (parsed.reveal(), id_prefix) == (secret, prefix)


def test_the_two_kinds_differ_in_more_than_length():
    spelled = spell(bytes(20), 0x11A2B)
    with pytest.raises(BadCode):
        read(spelled, 20, 0x2C0DE)


@given(st.text(max_size=80))
@settings(max_examples=200, deadline=None)
def test_no_text_does_more_than_be_refused(text):
    for parse in (recovery_code.parse, link_code.parse):
        with pytest.raises(BadCode):
            parse(text)


@pytest.mark.parametrize("wrong", [b"", bytes(19), bytes(21)])
def test_entropy_of_another_length_is_our_own_mistake(wrong):
    """CRY-19."""
    with pytest.raises(ValueError, match="20 bytes"):
        recovery_code.encode(wrong)
