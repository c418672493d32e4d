"""A narrative written anew for a resource whose own one became stale.

What it is: FHIR's `text` as a plain list of what stands in the elements, generated. What it is not: the source's
words (those stay in the vault), a summary for a citizen, or a translation.

Invariants: the markup is XHTML that FHIR allows, with every value escaped; nothing is said that no element says.
Source: FHIR R4, narrative. Spec: openapi/protocol/fhir.md, section "Views".
"""

from __future__ import annotations

import html
import re
from typing import Any

from sync.fhir.exact import Number

_SILENT = frozenset(("resourceType", "id", "meta", "text", "contained", "extension", "implicitRules", "language"))
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LENGTH_MAX = 2_000  # characters of one element's line


def written_anew(resource: dict[str, Any]) -> dict[str, Any]:
    """A Narrative with status generated: one line an element, in the order of the resource."""
    lines = []
    for name, value in resource.items():
        if name not in _SILENT and not name.startswith("_"):
            words = "; ".join(part for part in (_words(item) for item in _listed(value)) if part)
            if words:
                line = f"{name}: {words}"[:_LENGTH_MAX]
                lines.append(f"<li>{escaped(line)}</li>")
    inner = "<ul>" + "".join(lines) + "</ul>" if lines else "<p>-</p>"
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{inner}</div>'}


def escaped(text: str) -> str:
    """Text as it may stand in XHTML: what no XML may hold is left out, markup is escaped."""
    return html.escape(_NOT_XML.sub("", text))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _words(value: Any) -> str:
    """A value in few words: a concept by its text, display or code, a quantity with its unit, else all its parts."""
    if isinstance(value, Number):
        return value.text
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, dict | list):
        return str(value)
    if isinstance(value, list):
        return ", ".join(part for part in map(_words, value) if part)
    if "coding" in value:
        return _words(value.get("text")) or _words(value["coding"])
    if "code" in value and "system" in value:
        return _words(value.get("display")) or (
            f"{_words(value['value'])} {_words(value.get('unit') or value['code'])}"
            if "value" in value
            else _words(value["code"])
        )
    parts = (_words(member) for name, member in value.items() if name not in ("extension", "id", "system", "url"))
    return " ".join(part for part in parts if part)
