"""One case of a vector file of chapter crypto, and bytes that are drawn from a name instead of a die."""

import hashlib


def case(name, must, op, given, output=None, outcome=None, reason=None):
    """A case as openapi/vectors/README.md describes it; bytes become hex. Without an outcome it is `ok`."""
    made = {"name": name, "must": must.split(), "input": {"op": op} | plain(given), "outcome": outcome or "ok"}
    if reason is not None:
        made["reason"] = reason
    if output is not None:
        made["output"] = plain(output)
    return made


def plain(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    if isinstance(value, list):
        return [plain(member) for member in value]
    return value


def drawn(name):
    """32 bytes that look random and are the same every time."""
    return hashlib.sha256(b"vector " + name.encode()).digest()


def flip(value, place=0, mask=1):
    place %= len(value)
    return value[:place] + bytes([value[place] ^ mask]) + value[place + 1 :]
