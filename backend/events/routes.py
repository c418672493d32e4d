"""GET /v1/events: a phone in the foreground is told that there is something to sync for. Spec:
openapi/protocol/events.md."""

from __future__ import annotations

from typing import Any

from litestar import Request, get
from litestar.handlers import HTTPRouteHandler

from backend.access.guard import admitted, token_hash
from backend.access.store import token_row
from backend.events.answer import Asked, Count, Hinted, Listening
from backend.events.hub import Hub, HubFull
from backend.http.docs import DOC, Body, Doc, Parameter
from backend.http.headers import Asgi
from backend.http.limits import EVENT_STREAM, header
from backend.http.problems import ProblemError
from backend.http.straight import Handler
from backend.ports import Ports
from sync.wire.events import Sent

EVENTS = "/v1/events"
FULL_SECONDS = 60  # after which a phone that found no room may ask again; until then it syncs by itself
_FULL = "As many phones listen as this server takes; sync from time to time meanwhile."
_WORDS = "Events `sync`, `notices` and `end`, and comments as beats: events.md."


def routes() -> list[HTTPRouteHandler]:
    """The route as the document and other methods know it; what answers it is `events_handler`."""
    doc = Doc(
        "Be told, while the connection lasts, that there is something to sync for",
        {200: Body(EVENT_STREAM, Sent, _WORDS)},
        ("token_invalid", "revoked"),
        token=True,
        parameters=(
            Parameter(
                "Last-Event-ID", "header", "The id of the last event; nothing is said if nothing came since.", False
            ),
        ),
    )

    @get(EVENTS, opt={DOC: doc})
    async def events() -> None:
        raise AssertionError("answered before it comes to the router")

    return [events]


def events_handler(ports: Ports, hub: Hub, count: Count, hinted: Hinted) -> Handler:
    """What answers it. `count`: told the name of a counter and a word. `hinted`: told to whom a hint went."""

    async def events(request: Request[Any, Any, Any]) -> Asgi:
        hashed = token_hash(request)
        row = await token_row(ports.engine.reading(), hashed)
        me = admitted(row, ports.now_ms())
        assert row is not None, "or it would not have been admitted"
        ports.accounts.take(me.account, ports.now_ms())
        try:
            stream = hub.open(me.device, me.account)
        except HubFull:
            raise ProblemError("unavailable", _FULL, retry_after=FULL_SECONDS) from None
        asked = Asked(hashed, row, header(request, b"last-event-id"))
        return Listening(ports, hub, stream, asked, count, hinted)

    return events
