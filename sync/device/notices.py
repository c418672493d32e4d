"""Notices: what a person is told about her account on every one of her phones (a new phone, a code used, a phone
revoked).

They come with a sync, are kept in the phone's own store, and are acknowledged to the server only by the first sync
after they were shown: a phone that is killed in between shows them again. They name no vault and no record. A number
counts only while answers name it: one that a server made up silences nothing later. Spec:
openapi/protocol/accounts.md, "Notices".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from sync.device.moments import when
from sync.device.store.rows import Rows
from sync.wire.exchange import Notice

_NOTICES = 4  # number of the store's singleton
KEPT_MAX = 128  # notices, more than wait at a server for one phone; the oldest go

WORDS = {
    "new_device": "A new phone was let into your account. If that was not you: `carnet members`, and remove it.",
    "new_recovery": "A new recovery code is in force. If that was not you, ask an owner of each vault for help now.",
    "device_revoked": "A phone was shut out of your account.",
    "recovery_used": "Your recovery code was used or rehearsed. If that was not you, its paper is not safe any more.",
    "note_received": "Somebody who had a link of yours sent you a note: `carnet inbox`.",
    "emergency_opened": "Somebody opened your emergency information, or that of somebody you look after:"
    " `carnet share log Emergency` says who, and why.",
    "removed": "A phone of yours was removed from a vault: `carnet members`.",
    "share_opened": "A summary that you have shared was opened: `carnet share list`, then `carnet share log`.",
    "push_lost": "Pushes to this phone have ended; it still hears of changes when it syncs. Again: `carnet push on`.",
}


class Kept(msgspec.Struct):
    """Notices on this phone in the order they came; the last `unseen` of them have not been before a person's eyes.

    `told`: the highest number that the last answer named, 0 if it named none. `shown`: what is acknowledged.
    """

    notices: tuple[Notice, ...] = ()
    shown: int = 0
    told: int = 0
    unseen: int = 0


_decoder = msgspec.msgpack.Decoder(Kept)
_encoder = msgspec.msgpack.Encoder()


async def kept_notices(rows: Rows) -> Kept:
    """What is kept on this phone."""
    body = await rows.get_single(_NOTICES)
    return _decoder.decode(body) if body is not None else Kept()


async def keep_notices(rows: Rows, told: Iterable[Notice]) -> None:
    """Keeps what a sync brought; one that is there already is not kept twice."""
    kept, told = await kept_notices(rows), tuple(told)
    before = (kept.shown, kept.told)
    known = set(kept.notices)
    new = [notice for notice in told if notice not in known]
    kept.told = max((notice.number for notice in told), default=0)
    kept.shown = kept.shown if told else 0
    if new or before != (kept.shown, kept.told):
        kept.notices = (*kept.notices, *new)[-KEPT_MAX:]
        kept.unseen = min(kept.unseen + len(new), KEPT_MAX)
        await rows.put_single(_NOTICES, _encoder.encode(kept))


async def shown_notices(rows: Rows) -> list[dict[str, Any]]:
    """All kept notices as cli.md has them, newest first; from now on they count as shown."""
    kept = await kept_notices(rows)
    seen = len(kept.notices) - kept.unseen
    out = [
        {
            "kind": notice.kind,
            "words": WORDS.get(notice.kind, "Something changed in your account."),
            "at": when(notice.at),
            "new": place >= seen,
        }
        for place, notice in enumerate(kept.notices)
    ]
    if kept.unseen or kept.shown != kept.told:
        kept.shown, kept.unseen = kept.told, 0
        await rows.put_single(_NOTICES, _encoder.encode(kept))
    return out[::-1]


async def count_new(rows: Rows) -> int:
    """How many notices nobody has looked at yet."""
    return (await kept_notices(rows)).unseen
