"""Ids: what each names, how long it is, and the one way to read it from text.

Text form of every id is lower-case hex. Two ids of different kinds are different types, so that a device id cannot be
handed in where a person id belongs. Spec: openapi/protocol/log.md, "Ids".
"""

from __future__ import annotations

from typing import NewType

VaultId = NewType("VaultId", bytes)  # 32 bytes, H("genesis", genesis)
DeviceId = NewType("DeviceId", bytes)  # 32 bytes, H("card", card without its signature)
PersonId = NewType("PersonId", bytes)  # 16 random bytes, chosen by who first adds the person
AccountId = NewType("AccountId", bytes)  # 16 random bytes, chosen by the server
EpochId = NewType("EpochId", bytes)  # 32 bytes, HKDF(epoch key, "epoch id")
ItemHash = NewType("ItemHash", bytes)  # 32 bytes, H("item", signed bytes)
LogHash = NewType("LogHash", bytes)  # 32 bytes, L_s: the log up to and including seq s
LinkId = NewType("LinkId", bytes)  # 16 bytes, HKDF(link secret, "link id"): where two phones meet

HASH_BYTES = 32
PERSON_BYTES = 16
ACCOUNT_BYTES = 16
LINK_BYTES = 16


def _parse(text: str, length: int, what: str) -> bytes:
    """Bytes of a hex id of exactly this length. Raises: ValueError, which names the kind and never the text."""
    if len(text) == 2 * length and text == text.lower():
        try:
            return bytes.fromhex(text)
        except ValueError:
            pass
    raise ValueError(f"not a {what}: {length} bytes as lower-case hex are needed")


def parse_vault_id(text: str) -> VaultId:
    """A vault id from its text. Raises: ValueError."""
    return VaultId(_parse(text, HASH_BYTES, "vault id"))


def parse_device_id(text: str) -> DeviceId:
    """A device id from its text. Raises: ValueError."""
    return DeviceId(_parse(text, HASH_BYTES, "device id"))


def parse_person_id(text: str) -> PersonId:
    """A person id from its text. Raises: ValueError."""
    return PersonId(_parse(text, PERSON_BYTES, "person id"))


def parse_account_id(text: str) -> AccountId:
    """An account id from its text. Raises: ValueError."""
    return AccountId(_parse(text, ACCOUNT_BYTES, "account id"))


def parse_link_id(text: str) -> LinkId:
    """A link id from its text. Raises: ValueError."""
    return LinkId(_parse(text, LINK_BYTES, "link id"))
