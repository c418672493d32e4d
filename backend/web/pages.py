"""The viewer's pages: static files with their own headers, strict where they run and cached where they hold no secret.

The files are the same for everybody and say nothing of anyone, so they alone may be kept by browsers (ETag) and by the
page's own service worker. What they may load and ask is their Content-Security-Policy. Not here: any share (the page
asks the data plane like every reader). Spec: openapi/protocol/viewer.md, VIE-1 to VIE-3.
"""

from __future__ import annotations

import re
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler

from backend.http.docs import DOC, Body, Doc
from backend.http.limits import header
from backend.http.problems import ProblemError
from backend.settings import SettingsError
from backend.web.files import ROOT, Page, pages

POLICIES = "lit-html dompurify carnet-worker"  # names of Trusted Types policies; each makes one fixed kind of text
_ORIGIN = re.compile(r"https://[a-z0-9.-]+(:\d{1,5})?")
PERMISSIONS = "camera=(self), clipboard-write=(self), geolocation=(), microphone=(), payment=(), usb=(), midi=()"


def content_policy(servers: str) -> str:
    """The viewer's Content-Security-Policy. `servers`: further origins that it may ask, with commas or spaces.

    Raises: SettingsError for anything but scheme://host[:port].
    """
    origins = servers.replace(",", " ").split()
    if not all(_ORIGIN.fullmatch(origin) for origin in origins):
        raise SettingsError("viewer_servers: origins such as https://host.example, with commas")
    connect = " ".join(["'self'", *origins])
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; manifest-src 'self'; "
        f"worker-src 'self'; connect-src {connect}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        f"require-trusted-types-for 'script'; trusted-types {POLICIES}"
    )


def routes(servers: str) -> list[HTTPRouteHandler]:
    """The routes of the viewer's page and its files. Raises: SettingsError."""
    table = pages()
    fixed = {
        "Cache-Control": "no-cache",  # kept, and asked for again: a new page comes with its own scripts
        "Content-Security-Policy": content_policy(servers),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": PERMISSIONS,
        "Service-Worker-Allowed": ROOT,
        "Vary": "Accept-Encoding",
    }

    def answer(request: Request[Any, Any, Any], path: str) -> Response[Any]:
        page = table.get(path)
        if page is None:
            raise ProblemError("not_found")
        return _answer(request, page, fixed)

    words = "Files of the viewer, the same for everybody."
    doc = Doc("The viewer: shows what a share holds", {200: Body("text/html", str, words)})

    @get(ROOT, opt={DOC: doc})
    async def page(request: Request[Any, Any, Any]) -> Response[Any]:
        return answer(request, ROOT)

    doc = Doc("A file of the viewer", {200: Body("text/javascript", str, words)}, ("not_found",))

    @get(ROOT + "/{file:str}", opt={DOC: doc})
    async def file(request: Request[Any, Any, Any]) -> Response[Any]:
        return answer(request, f"{ROOT}/{request.path_params['file']}")

    @get(ROOT + "/{folder:str}/{file:str}", opt={DOC: doc})
    async def folder(request: Request[Any, Any, Any]) -> Response[Any]:
        named = request.path_params
        return answer(request, f"{ROOT}/{named['folder']}/{named['file']}")

    return [page, file, folder]


def _takes_gzip(accepts: str) -> bool:
    """True if an Accept-Encoding names gzip and not as what is refused, `q=0` (RFC 9110 §12.5.3)."""
    for part in accepts.lower().split(","):
        coding, _, weight = part.replace(" ", "").partition(";q=")
        if coding == "gzip":
            return weight.strip("0.") != "" or not weight
    return False


def _answer(request: Request[Any, Any, Any], page: Page, fixed: dict[str, str]) -> Response[Any]:
    short = _takes_gzip(header(request, b"accept-encoding"))
    etag = f'"{page.etag}-gz"' if short else f'"{page.etag}"'
    headers = fixed | {"ETag": etag}
    if header(request, b"if-none-match") == etag:
        return Response(None, status_code=304, headers=headers)
    if short:
        headers["Content-Encoding"] = "gzip"
    return Response(page.gzipped if short else page.plain, media_type=page.media_type, headers=headers)
