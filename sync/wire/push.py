"""Pushes as they travel: what a device registers, and the one body that ever goes to it through Google or Apple.

The body is a version and a topic that the device has chosen at random: no vault, no count, no reason. Two classes can
be told apart by whoever carries them, and nothing else. Spec: openapi/protocol/push.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sync.wire.limits import PUSH_ADDRESS_CHARS_MAX, PUSH_MUTED_MAX, PUSH_TOPIC_CHARS

Platform = Literal["android", "apple", "local"]
Class = Literal["wake", "notice"]
DAY_MINUTES = 1_440
BODY_VERSION = "1"
NOTICE_TITLE_KEY, NOTICE_BODY_KEY = "carnet_notice_title", "carnet_notice_body"  # texts that the app brings along
_Minute = Annotated[int, Meta(ge=0, lt=DAY_MINUTES)]
_Word = Annotated[str, Meta(pattern="^[a-z_]{1,32}$")]


class PushAddress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a push service knows a device by: a registration token, or a Firebase installation id. A secret."""

    kind: Literal["token", "fid"]
    value: Annotated[str, Meta(pattern=f"^[A-Za-z0-9_.:=%-]{{1,{PUSH_ADDRESS_CHARS_MAX}}}$")]

    def __repr__(self) -> str:
        return f"PushAddress({self.kind!r}, …)"


class QuietHours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From one minute of the UTC day until before another; over midnight when it starts later than it ends."""

    start: _Minute
    end: _Minute


class PushSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a device wants: to be woken or not, kinds of notices that it is not pushed for, when nothing may sound."""

    wakes: bool = True
    muted: Annotated[tuple[_Word, ...], Meta(max_length=PUSH_MUTED_MAX)] = ()
    quiet: QuietHours | None = None


class PushTarget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """PUT /v1/devices/self/push. `topic`: 128 random bits in base64url, new with each registration."""

    platform: Platform
    address: PushAddress
    topic: Annotated[str, Meta(pattern=f"^[A-Za-z0-9_-]{{{PUSH_TOPIC_CHARS}}}$")]
    settings: PushSettings = PushSettings()


class PushState(msgspec.Struct, frozen=True):
    """GET /v1/devices/self/push: what stands, without the address."""

    platform: Platform
    settings: PushSettings
    set_at: int  # milliseconds since 1970 UTC


def push_body(topic: str) -> dict[str, str]:
    """All that a push says."""
    return {"v": BODY_VERSION, "t": topic}


class NotForUs(Exception):
    """A push that an app ignores; says no more."""


def read_push(data: Mapping[str, object], class_: Class, topic: str) -> tuple[str, ...]:
    """What an app does at a push: `sync`, and `show` for a notice. `topic`: what it has registered last (PSH-20).

    Raises: NotForUs.
    """
    if data != push_body(topic):
        raise NotForUs
    return ("sync", "show") if class_ == "notice" else ("sync",)
