"""Writes into the viewer what depends on its files: hashes in the page, the list in the service worker; and the words
that the phone's own pages share with it, beside the phone.

`python -m infra.viewer.build`, after any change in backend/web/viewer; a test compares. Needs no tool of JavaScript's.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from backend.web.files import FOLDER, ROOT, all_files, integrity
from sync.fhir.summary.reading_words import WORDS
from sync.terms.pack import read_pack

LATER = ("/vendor/qr.js", "/vendor/dompurify.js", "/scan.js", "/narrative.js", "/sw.js")
LATER += ("/note.js", "/note_form.js")  # fetched when they are needed
# What the first screen waits for: with style and words seven files, so that a browser's six connections go twice.
FIRST = ("/app.js", "/link.js", "/screens.js", "/words.js", "/vendor/lit-html.js")
PHONE_WORDS = Path(__file__).parents[2] / "sync" / "device" / "words"  # the same words, for pages that a phone writes
PACKS = Path(__file__).parents[2] / "sync" / "terms" / "packs"
LOW = ' fetchpriority="low"'


def written(folder: Path = FOLDER) -> dict[str, str]:
    """Name of a file → its text, with hashes and list as they must be."""
    page, worker = (folder / "index.html").read_text("utf-8"), (folder / "sw.js").read_text("utf-8")
    files = all_files(folder)
    scripts = {path: raw for path, raw in files.items() if path.endswith(".js") and not path.endswith(LATER)}
    style = files[f"{ROOT}/style.css"]
    lines = [f'<link rel="stylesheet" href="{ROOT}/style.css" integrity="{integrity(style)}" />']
    lines.append(f'<link rel="preload" as="fetch" href="{ROOT}/words/en.json" crossorigin />')
    app = integrity(scripts.pop(f"{ROOT}/app.js"))
    for first in (True, False):
        lines += [
            f'<link rel="modulepreload" href="{path}" integrity="{integrity(raw)}"{"" if first else LOW} />'
            for path, raw in scripts.items()
            if path.endswith(FIRST) == first
        ]
        if first:
            lines.append(f'<script type="module" src="{ROOT}/app.js" integrity="{app}"></script>')
    block = "".join(f"    {line}\n" for line in lines)
    page = re.sub(r"(?s)(<!-- files -->\n).*?( *<!-- /files -->)", lambda m: m[1] + block + m[2], page)
    files = files | {ROOT: page.encode()}
    kept = sorted(path for path in files if not path.endswith("/sw.js"))
    digest = hashlib.sha256()
    for path in kept:
        digest.update(path.encode() + b"\0" + hashlib.sha256(files[path]).digest())
    names = "".join(f"  '{path}',\n" for path in kept)
    version = digest.hexdigest()[:16]
    block = f"const VERSION = '{version}';\n/** @type {{string[]}} */\nconst FILES = [\n{names}];\n"
    worker = re.sub(r"(?s)(/\* files \*/\n).*?(/\* /files \*/)", lambda m: m[1] + block + m[2], worker)
    return {"index.html": page, "sw.js": worker}


def page_terms() -> dict[str, str]:
    """Name of a file → its text: of each language what codes are called, out of the packs that come with the phone."""
    made = {}
    for path in sorted(PACKS.glob("*.pack")):
        body = read_pack(path.read_bytes()).body
        terms: dict[str, dict[str, str]] = {system: {} for system in body.systems}
        for term in body.terms:
            terms[body.systems[term.system]][term.code] = term.text
        told = {"reviewed": sorted({origin.reviewed for origin in body.origins}), "terms": terms}
        made[f"{body.language}.json"] = (
            json.dumps(told, ensure_ascii=False, separators=(",", ":"), sort_keys=True) + "\n"
        )
    return made


def phone_words(folder: Path = FOLDER) -> dict[str, str]:
    """Name of a file → its text: of each language the words that the phone's own pages need."""
    made = {}
    for path in sorted((folder / "words").glob("*.json")):
        told = json.loads(path.read_text("utf-8"))
        words = {key: word["text"] for key, word in told.items() if key in WORDS}
        if not any(word.get("reviewed") == "no" for word in told.values()):
            del words["unreviewed"]  # the note has nothing to say
        made[path.name] = json.dumps(words, ensure_ascii=False, indent=0, sort_keys=True) + "\n"
    return made


if __name__ == "__main__":
    for name, text in page_terms().items():
        (FOLDER / "terms" / name).write_text(text, "utf-8")
    for name, text in written().items():
        (FOLDER / name).write_text(text, "utf-8")
    PHONE_WORDS.mkdir(exist_ok=True)
    for name, text in phone_words().items():
        (PHONE_WORDS / name).write_text(text, "utf-8")
