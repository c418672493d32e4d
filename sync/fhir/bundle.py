"""Reading a file that somebody was given: any FHIR R4 JSON Bundle, or one resource alone.

What it is: the first look at foreign bytes. It says what the file is, takes it apart into entries and lists what it
could not read. What it is not: a validator (real files break rules; they come in all the same), an importer (nothing is
compared with a vault here) or a reader of other formats: those are refused by name, with what to do next.

Invariants: a file is refused whole only when nothing in it can be read as FHIR R4; a problem of one entry stays with
that entry. Whatever can be kept is kept: an entry that is no record goes to `kept` as written. Error texts hold no
content of the file, only places and type names. Spec: openapi/protocol/import.md, "Reading a file".
"""

from __future__ import annotations

import hashlib
import re
import zlib
from typing import Any

import msgspec

from sync.fhir import exact, old_versions
from sync.wire.limits import VALUE_BYTES_MAX

FILE_BYTES_MAX = 67_108_864  # bytes; a phone reads the file whole
ENTRIES_MAX = 100_000  # entries of one file
RESOURCE_BYTES_MAX = VALUE_BYTES_MAX  # bytes of canonical JSON of one resource
RESOURCE_DEFLATED_BYTES_MAX = 917_504  # bytes; a birth travels in one frame, which is at most 1 MiB sealed

_TYPE = re.compile(r"[A-Z][A-Za-z]{1,63}\Z")
_NAMED = re.compile(r"[A-Za-z0-9\-.]{1,64}\Z")

Json = dict[str, Any]


class ImportRefused(Exception):
    """The file does not come in. `code` is one of the words in import.md; the rest is for people."""

    def __init__(self, code: str, title: str, detail: str, next: str) -> None:
        super().__init__(f"{code}: {title}")
        self.code = code
        self.title = title
        self.detail = detail
        self.next = next


class NotUnderstood(msgspec.Struct, frozen=True):
    """One thing in a file that did not become a record, or not wholly. `where` names the place, `why` is for people."""

    where: str
    why: str


class ParsedEntry(msgspec.Struct, frozen=True):
    """One entry that holds a resource: `body` is the resource's canonical JSON, `extras` the entry without it."""

    index: int
    full_url: str | None
    resource: Json
    body: bytes
    extras: Json


class ParsedBundle(msgspec.Struct, frozen=True):
    """A file taken apart.

    `head`: the Bundle without its entries (for a lone resource a made-up one). `kept`: entries that are no records, by
    index, as canonical JSON. `lost`: indexes of entries too large to keep. `digest`: SHA-256 of the whole file's
    canonical JSON, 32 bytes. `entries_total`: -1 if the file has no list of entries.
    """

    lone: bool
    head: Json
    entries: tuple[ParsedEntry, ...]
    kept: dict[int, bytes]
    lost: tuple[int, ...]
    entries_total: int
    digest: bytes
    not_understood: tuple[NotUnderstood, ...]


def parse(data: bytes) -> ParsedBundle:
    """Take a file apart.

    Raises: ImportRefused with code empty_file, too_large, is_pdf, is_html, is_xml, not_json, old_fhir or not_fhir.
    """
    _refuse_other_formats(data)
    value = _read(data)
    if not isinstance(value, dict) or not _is_type(value.get("resourceType")):
        raise _not_fhir(value)
    entries = value.get("entry")
    if value["resourceType"] == "Bundle" and isinstance(entries, list):
        if len(entries) > ENTRIES_MAX:
            raise _too_large(f"It has more than {ENTRIES_MAX} entries.")
        found = [entry["resource"] for entry in entries if isinstance(entry, dict) and _is_resource(entry)]
    else:
        found = [value] if value["resourceType"] != "Bundle" else []
    version = old_versions.named(value, found)
    if version is not None:
        raise ImportRefused(
            "old_fhir",
            f"This file is in an older form of the health data format ({version}).",
            "Carnet reads FHIR R4, and the same words mean other things in the older form.",
            "Ask for the file again as FHIR R4 JSON; most portals offer it beside the older one.",
        )
    digest = hashlib.sha256(exact.canonical(value)).digest()
    if value["resourceType"] != "Bundle":
        return _lone(value, digest)
    return _bundle(value, digest)


def place(index: int, resource: Any, full_url: Any = None) -> str:
    """The name of an entry for people: its number from 1 and, where it has them, its type and id."""
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    words = f"entry {index + 1}"
    if _is_type(kind):
        id_ = resource.get("id")
        named = isinstance(id_, str) and _NAMED.match(id_)
        words += f" ({kind}/{id_})" if named else f" ({kind})"
    return words


def _bundle(bundle: Json, digest: bytes) -> ParsedBundle:
    raw = bundle.get("entry")
    problems: list[NotUnderstood] = []
    head = {key: value for key, value in bundle.items() if key != "entry"}
    if not isinstance(raw, list):
        if "entry" in bundle:
            problems.append(NotUnderstood("Bundle.entry", "The list of entries is not a list. It is kept as written."))
            head = bundle
        raw_list: list[Any] = []
    else:
        raw_list = raw
    if len(exact.canonical(head)) > RESOURCE_BYTES_MAX:
        raise _too_large("What stands around its entries is larger than 2 MiB.")
    entries: list[ParsedEntry] = []
    kept: dict[int, bytes] = {}
    lost: list[int] = []
    for index, entry in enumerate(raw_list):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        why = _why_no_record(entry)
        if why is None:
            assert isinstance(resource, dict)
            body = exact.canonical(resource)
            full_url = entry.get("fullUrl")
            extras = {key: value for key, value in entry.items() if key != "resource"}
            if isinstance(full_url, str):
                del extras["fullUrl"]
            if not _fits(body) or not _fits(exact.canonical(extras)):
                lost.append(index)
                problems.append(NotUnderstood(place(index, resource), TOO_LARGE))
                continue
            if resource["resourceType"] == "Bundle":
                problems.append(NotUnderstood(place(index, resource), "A bundle inside a bundle; it is kept whole."))
            entries.append(ParsedEntry(index, full_url if isinstance(full_url, str) else None, resource, body, extras))
        else:
            aside = exact.canonical(entry)
            if _fits(aside):
                kept[index] = aside
            else:
                lost.append(index)
                why = TOO_LARGE
            problems.append(NotUnderstood(place(index, resource), why))
    total = len(raw_list) if isinstance(raw, list) else -1
    return ParsedBundle(False, head, tuple(entries), kept, tuple(lost), total, digest, tuple(problems))


def _lone(resource: Json, digest: bytes) -> ParsedBundle:
    body = exact.canonical(resource)
    if not _fits(body):
        raise _too_large("It is one record of more than 2 MiB.")
    head = {"resourceType": "Bundle", "type": "collection"}
    return ParsedBundle(True, head, (ParsedEntry(0, None, resource, body, {}),), {}, (), 1, digest, ())


TOO_LARGE = "Larger than 2 MiB, so it was left out. The rest of the file came in; keep the file itself."


def _why_no_record(entry: Any) -> str | None:
    if not isinstance(entry, dict):
        return "Not an entry. It is kept as written."
    resource = entry.get("resource")
    if resource is None:
        return "An entry without a record. It is kept as written."
    if not isinstance(resource, dict) or not _is_type(resource.get("resourceType")):
        return "It does not say what kind of record it is. It is kept as written."
    if resource["resourceType"] == "OperationOutcome":
        return "A message of the system that made the file, not a record. It is kept as written."
    return None


def _fits(body: bytes) -> bool:
    if len(body) > RESOURCE_BYTES_MAX:
        return False
    return len(body) <= RESOURCE_DEFLATED_BYTES_MAX or len(zlib.compress(body)) <= RESOURCE_DEFLATED_BYTES_MAX


def _is_resource(entry: Json) -> bool:
    resource = entry.get("resource")
    return isinstance(resource, dict) and _is_type(resource.get("resourceType"))


def _is_type(kind: Any) -> bool:
    return isinstance(kind, str) and _TYPE.match(kind) is not None


def _read(data: bytes) -> Any:
    try:
        return exact.loads(data)
    except exact.ExactJsonError as error:
        broken, code = error.where, error.code
    end = data.rstrip()[-1:]
    if code == "not_utf8":
        detail = "It is not text in UTF-8. It may be in another encoding, or not be a health file at all."
    elif code == "trailing":
        detail = (
            f"Something follows after its end ({broken}). Files with one record a line (NDJSON) do not come in yet."
        )
    elif code == "not_json" and data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[") and end not in (b"}", b"]"):
        detail = f"It ends in the middle ({broken}): the download or the copy was cut off."
    elif code == "duplicate_key":
        detail = "It says one thing twice, and which of them counts cannot be known."
    else:
        detail = f"It cannot be read as JSON: {code.replace('_', ' ')}, {broken}."
    raise ImportRefused(
        "not_json", "This file is damaged or not a health file.", detail, "Download it again, or ask for it anew."
    )


def _refuse_other_formats(data: bytes) -> None:
    if len(data) > FILE_BYTES_MAX:
        raise _too_large(f"It has {len(data):,} bytes; at most {FILE_BYTES_MAX:,} can be read.")
    start = data[:4_096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not start and not data.strip(b"\xef\xbb\xbf \t\r\n"):
        raise ImportRefused("empty_file", "This file is empty.", "There is nothing in it.", "Download it again.")
    low = start.lower()
    if start.startswith(b"%PDF"):
        raise ImportRefused(
            "is_pdf",
            "This is a PDF, made for reading on paper.",
            "Its content cannot be taken apart into records.",
            "Ask for the same report as FHIR JSON.",
        )
    if low.startswith((b"<!doctype html", b"<html")):
        raise ImportRefused(
            "is_html",
            "This is a web page, not a health file.",
            "Often it is the sign-in page of a portal, saved in place of the download.",
            "Sign in to the portal again and download the file itself.",
        )
    if start.startswith(b"<"):
        if b"http://hl7.org/fhir" in start:
            what, next_ = "This is a health file in XML.", "Save it as JSON: most portals offer both."
        elif b"urn:hl7-org:v3" in start or b"ClinicalDocument" in start:
            what, next_ = "This is a CDA document.", "Ask for the same report as FHIR JSON."
        else:
            what, next_ = "This is an XML file.", "Ask for the file as FHIR JSON."
        raise ImportRefused("is_xml", what, "Carnet reads FHIR R4 in JSON.", next_)


def _not_fhir(value: Any) -> ImportRefused:
    if isinstance(value, dict) and "verifiableCredential" in value:
        detail = "It is a SMART Health Card."
    elif isinstance(value, list):
        detail = "It is a bare list; records come as one Bundle or one resource."
    else:
        detail = "It does not say which kind of record it is (resourceType)."
    return ImportRefused("not_fhir", "This is no FHIR file.", detail, "Ask for the file as a FHIR R4 Bundle in JSON.")


def _too_large(detail: str) -> ImportRefused:
    return ImportRefused("too_large", "This file is too large.", detail, "Ask for it in parts.")
