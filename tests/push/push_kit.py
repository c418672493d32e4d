"""Phones that can be pushed to, and a sender that keeps what it was given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from backend.push.sender import SENT, Fate, Outgoing
from sync.wire.push import PushAddress, PushSettings, PushTarget, QuietHours
from tests.api.phone_kit import JSON, Phone, noise

PATH = "/v1/devices/self/push"


class Carrier:
    """A sender: keeps what it was given, and says what it is told to say, for each push or in order."""

    def __init__(self) -> None:
        self.given: list[Outgoing] = []
        self.answers: list[Fate] = []
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    async def send(self, pushes: Sequence[Outgoing], now_ms: int) -> list[Fate]:
        self.given += pushes
        if self.meanwhile is not None:
            await self.meanwhile()
        return [self.answers.pop(0) if self.answers else SENT for _ in pushes]

    async def close(self) -> None:
        return None

    def take(self) -> list[tuple[str, str]]:
        """Address and class of what was given since it was last asked."""
        taken = [(push.address, push.class_) for push in self.given]
        self.given.clear()
        return taken


def target_of(name: str, platform: str = "android", *, quiet: tuple[int, int] | None = None, **settings: object):
    """A registration whose address and topic are made of a name."""
    hours = None if quiet is None else QuietHours(*quiet)
    wanted = PushSettings(quiet=hours, **settings)  # type: ignore[arg-type]
    return PushTarget(platform, PushAddress("token", f"{name}-address"), noise(name, length=11).hex(), wanted)  # type: ignore[arg-type]


async def register(phone: Phone, name: str, platform: str = "android", **settings: object) -> None:
    """Registers a phone for pushes."""
    answer = await put(phone, msgspec.json.encode(target_of(name, platform, **settings)))  # type: ignore[arg-type]
    assert answer.status_code == 204, answer.text


async def put(phone: Phone, body: bytes):
    return await phone.client.put(PATH, content=body, headers=phone.headers | JSON)
