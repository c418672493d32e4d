"""What this phone wants to be pushed for: registered with the server, which keeps it; nothing of it lies here.

The reference phone has no push service behind it: it registers as `local`, or as what it is told to play, with an
address that leads nowhere, so that what is wished for it can be seen. Quiet hours are said in the hours of this machine
and registered in UTC. Spec: openapi/protocol/push.md.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from sync.device.access import access_token, refusal
from sync.device.moments import when
from sync.device.phone import Phone
from sync.device.reading import identity_of
from sync.device.refused import Refused
from sync.device.transport import Answered, Transport, Unreachable
from sync.wire.push import DAY_MINUTES, Platform, PushAddress, PushSettings, PushState, PushTarget, QuietHours

PATH = "/v1/devices/self/push"
TOPIC_BYTES, ADDRESS_BYTES = 11, 16
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)\Z")


class Wanted(msgspec.Struct, frozen=True):
    """What a person has typed; None leaves as it is. `quiet`: as 22:00-07:00, or an empty word for none."""

    wakes: bool | None = None
    mute: tuple[str, ...] = ()
    unmute: tuple[str, ...] = ()
    quiet: str | None = None
    platform: Platform | None = None


async def show_pushes(phone: Phone) -> dict[str, Any]:
    """What is registered, as cli.md has it. Raises: Refused."""
    return _shown(await _with_server(phone, _read), _offset(phone))


async def want_pushes(phone: Phone, wanted: Wanted) -> dict[str, Any]:
    """Registers, with what was registered before and what is changed of it. Raises: Refused."""
    offset = _offset(phone)
    quiet = None if not wanted.quiet else quiet_hours(wanted.quiet, offset)
    address = PushAddress("token", phone.draw(ADDRESS_BYTES).hex())
    topic = phone.draw(TOPIC_BYTES).hex()

    async def register(transport: Transport, token: str) -> PushState | None:
        before = await _read(transport, token)
        old = before.settings if before else PushSettings()
        muted = tuple(sorted({*old.muted, *wanted.mute} - {*wanted.unmute}))
        settings = PushSettings(
            old.wakes if wanted.wakes is None else wanted.wakes, muted, old.quiet if wanted.quiet is None else quiet
        )
        platform = wanted.platform or (before.platform if before else "local")
        target = PushTarget(platform, address, topic, settings)
        await transport.call("PUT", PATH, msgspec.json.encode(target), token)
        return await _read(transport, token)

    return _shown(await _with_server(phone, register), offset)


async def stop_pushes(phone: Phone) -> dict[str, Any]:
    """Takes the registration away. Raises: Refused."""

    async def forget(transport: Transport, token: str) -> PushState | None:
        await transport.call("DELETE", PATH, None, token)
        return None

    return _shown(await _with_server(phone, forget), _offset(phone))


def quiet_hours(text: str, offset_minutes: int) -> QuietHours:
    """Hours of this machine, as 22:00-07:00, in UTC. Raises: Refused(bad_hours)."""
    found = _HOURS.match(text)
    if found is None:
        raise Refused("bad_hours")
    one, two, three, four = (int(number) for number in found.groups())
    start, end = 60 * one + two, 60 * three + four
    if start == end:
        raise Refused("bad_hours")
    return QuietHours((start - offset_minutes) % DAY_MINUTES, (end - offset_minutes) % DAY_MINUTES)


def _offset(phone: Phone) -> int:
    """How many minutes this machine's clock is ahead of UTC today."""
    offset = datetime.fromtimestamp(phone.now_ms() / 1_000).astimezone().utcoffset() or timedelta()
    return int(offset.total_seconds()) // 60


def _shown(state: PushState | None, offset: int) -> dict[str, Any]:
    if state is None:
        return {"on": False, "platform": None, "wakes": None, "muted": None, "quiet": None, "since": None}
    quiet = state.settings.quiet
    hours = [] if quiet is None else [(minute + offset) % DAY_MINUTES for minute in (quiet.start, quiet.end)]
    return {
        "on": True,
        "platform": state.platform,
        "wakes": state.settings.wakes,
        "muted": sorted(state.settings.muted),
        "quiet": "-".join(f"{minute // 60:02}:{minute % 60:02}" for minute in hours) or None,
        "since": when(state.set_at),
    }


async def _read(transport: Transport, token: str) -> PushState | None:
    try:
        return msgspec.json.decode(await transport.call("GET", PATH, None, token), type=PushState)
    except msgspec.DecodeError as error:
        raise Unreachable("an answer that is not ours") from error
    except Answered as answer:
        if answer.code != "not_found":
            raise
        return None


async def _with_server(phone: Phone, ask: Callable[[Transport, str], Awaitable[PushState | None]]) -> PushState | None:
    async with phone.store.transaction() as rows:
        identity = await identity_of(rows)
    transport = phone.connect(identity.server)
    try:
        for attempt in range(2):
            token = await access_token(phone, transport, identity, renew=attempt > 0)
            try:
                return await ask(transport, token)
            except Answered as answer:
                if answer.code != "token_invalid" or attempt:
                    raise
        raise AssertionError("the loop above returns or raises")
    except (Answered, Unreachable) as error:
        raise refusal(error) from error
    finally:
        await transport.close()
