"""The viewer's files as they are served: a closed list from this package's folder, with types, hashes and a short form.

Read once when the server starts; nothing that a caller says becomes a path on disk. Not here: routes and headers
(pages.py), what writes the hashes into the page (infra/viewer/build.py). Spec: openapi/protocol/viewer.md, VIE-1.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).with_name("viewer")
ROOT = "/view"
TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
FOLDERS = ("", "vendor", "words", "terms")


class Page(NamedTuple):
    """A file as it goes out. `etag`: of its plain bytes, without quotes."""

    media_type: str
    plain: bytes
    gzipped: bytes
    etag: str


def all_files(folder: Path = FOLDER) -> dict[str, bytes]:
    """Path on the server → bytes, of every file with a type that is served; the page itself is `/view`."""
    found = {}
    for name in FOLDERS:
        for path in sorted((folder / name).iterdir()):
            if path.suffix in TYPES:
                at = f"{ROOT}/{name}/{path.name}".replace("//", "/")
                found[ROOT if path.name == "index.html" else at] = path.read_bytes()
    return found


def integrity(raw: bytes) -> str:
    """What a page says of a script that it loads (Subresource Integrity)."""
    return "sha384-" + base64.b64encode(hashlib.sha384(raw).digest()).decode()


def pages() -> dict[str, Page]:
    """Path on the server → page."""
    made = {}
    for path, raw in all_files().items():
        suffix = ".html" if path == ROOT else Path(path).suffix
        made[path] = Page(TYPES[suffix], raw, gzip.compress(raw, 9, mtime=0), hashlib.sha256(raw).hexdigest()[:32])
    return made
