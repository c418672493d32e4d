"""What others are told once a transaction is committed: topics, each with the one device that need not hear of it.

A topic names what has changed and nothing of how: a vault by its number, an account, a device. Announcements are hints:
one that is lost costs time and loses nothing, so they are kept in memory and told after the commit, never before and
never by a transaction that is rolled back. Not here: who listens (events/hub.py), how other processes hear
(postgres_relay.py). Spec: openapi/protocol/events.md.
"""

from __future__ import annotations

from collections.abc import Callable

Announced = dict[str, bytes]  # topic -> the device that caused it, or nobody
Listener = Callable[[Announced], None]  # told right after a commit; must neither wait nor raise
NOBODY = b""
EVERYTHING = "*"  # the topic of whoever has lost count


def of_vault(number: int) -> str:
    """The log of a vault has grown, or what lies beside it."""
    return f"v{number}"


def of_account(account: bytes) -> str:
    """Something waits to be told to an account's devices."""
    return f"a{account.hex()}"


def of_device(device: bytes) -> str:
    """A device's own standing has changed: it was revoked, or let into a vault."""
    return f"d{device.hex()}"


def add(announced: Announced, topic: str, by: bytes) -> None:
    """Adds an announcement; what two devices have caused, both must hear."""
    announced[topic] = by if announced.get(topic, by) == by else NOBODY
