"""The register table: which elements of a resource change together, read from openapi/registers/*.json.

What it is: for each resource type, the register an element belongs to, and facts of FHIR R4 about its elements. What
it is not: something that merging looks at; a register is the key its writer named, whatever this table says.

Invariants: every element belongs to exactly one register; no invariant of invariants.json spans two registers; a key
once published never changes what it covers. A type that R4 does not know has the default sets and finds its choice
elements by the union of all of R4's. Spec: openapi/protocol/fhir.md, section "Register table".
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

import msgspec

ODD_KEY = "?"  # the one register of everything whose name no FHIR element can have
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}\Z")
_TYPE = re.compile(r"[A-Z][A-Za-z0-9]{0,63}\Z")


class Register(msgspec.Struct, frozen=True):
    """One register of a type.

    `key`: its first element. `elements`: FHIR names, choices as `onset[x]`. `repeating`: a set of repetitions, each
    with a register key of its own. `critical`: it names what a thing is or whether it holds, so that a source's change
    to it is asked about.
    """

    key: str
    elements: tuple[str, ...]
    repeating: bool = False
    critical: bool = False


class Invariant(msgspec.Struct, frozen=True):
    """A FHIR invariant. `elements` of the type it reads; `checked`: invariants.py knows it; `refused`: edits too."""

    key: str
    type: str  # a resource type, or `*` for those of datatypes and of every resource
    elements: tuple[str, ...]
    human: str
    checked: bool = True
    refused: bool = True


class TypeTable:
    """The registers of one resource type. `known`: R4 has the type, so that an unknown element can be told."""

    def __init__(
        self,
        *,
        type_: str,
        elements: dict[str, str] | None,
        sets: frozenset[str],
        ties: tuple[tuple[str, ...], ...],
        critical: frozenset[str],
        choices: dict[str, tuple[str, ...]],
    ) -> None:
        self.type = type_
        self.known = elements is not None
        self._datatypes = {**_files().default.common, **(elements or {})}
        self._choices = {base + ending: base + "[x]" for base, endings in choices.items() for ending in endings}
        self._sets = sets
        self._critical = critical
        tied = {element: tie for tie in ties for element in tie}
        self._by_element: dict[str, Register] = {}
        for tie in ties:
            register = Register(tie[0], tie, False, tie[0] in critical)
            self._by_element.update(dict.fromkeys(tie, register))
        for element in self._datatypes:
            if element not in tied:
                self._by_element[element] = self._single(element)
        for base in choices:
            if base + "[x]" not in self._by_element:
                self._by_element[base + "[x]"] = self._single(base + "[x]")
        self._by_name: dict[str, Register] = {}

    def register_of(self, name: str) -> Register:
        """The register of an element by any of its names: `onset[x]`, `onsetDateTime`, `_onsetDateTime`, `status`.

        A name that no FHIR element can have belongs to the register `?`.
        """
        found = self._by_name.get(name)
        if found is None:
            found = self._find(name)
            if len(self._by_name) < 1_000:  # a cache, so foreign names must not fill it without end
                self._by_name[name] = found
        return found

    def element_of(self, name: str) -> str | None:
        """The element a JSON name stands for (`onsetDateTime` and `_onsetDateTime`: `onset[x]`); None if R4 has none.

        Types that R4 does not know have every name that an element can have.
        """
        base = name.removeprefix("_")
        element = self._choices.get(base, base)
        if element in self._datatypes or element in self._by_element:
            return element
        return element if not self.known and _NAME.match(element) else None

    def datatype_of(self, element: str) -> str | None:
        """The datatype of an element without the mark of repeating; None for choices and what R4 does not know."""
        datatype = self._datatypes.get(element)
        return None if datatype is None or datatype == "choice" else datatype.rstrip("*")

    def repeats(self, element: str) -> bool | None:
        """True if R4 lets the element repeat, None if R4 does not know it."""
        datatype = self._datatypes.get(element)
        if datatype is not None:
            return datatype.endswith("*")
        return None if not self.known else False

    def names_of(self, element: str) -> tuple[str, ...]:
        """The JSON names of an element without underscore: one, or for a choice each it may have."""
        if not element.endswith("[x]"):
            return (element,)
        return tuple(name for name, choice in self._choices.items() if choice == element)

    def registers(self) -> tuple[Register, ...]:
        """Every register whose elements R4 names, in the table's order."""
        return tuple(dict.fromkeys(self._by_element.values()))

    def _single(self, element: str) -> Register:
        repeats = self._datatypes.get(element, "" if self.known else "*").endswith("*")
        return Register(element, (element,), element in self._sets and repeats, element in self._critical)

    def _find(self, name: str) -> Register:
        if name.endswith("[x]") and name in self._by_element:
            return self._by_element[name]
        base = name.removeprefix("_")
        if not _NAME.match(base):
            return Register(ODD_KEY, ())
        element = self._choices.get(base, base)
        return self._by_element.get(element) or self._single(element)


def registers_of(resource_type: object) -> TypeTable:
    """The table of a resource type; what is no type name at all has the default one."""
    if not isinstance(resource_type, str) or not _TYPE.match(resource_type):
        return _table("")
    return _table(resource_type if resource_type in _files().default.types else "")


def is_type_name(resource_type: object) -> bool:
    """True if FHIR could name a resource type so, now or in a later version."""
    return isinstance(resource_type, str) and _TYPE.match(resource_type) is not None


def types() -> tuple[str, ...]:
    """Every resource type of R4, sorted."""
    return tuple(sorted(_files().default.types))


def detailed_types() -> tuple[str, ...]:
    """The types with a file of their own, sorted."""
    return tuple(sorted(_files().details))


def invariants() -> tuple[Invariant, ...]:
    """Every invariant of the table."""
    return _files().invariants.invariants


class _Default(msgspec.Struct, frozen=True):
    common: dict[str, str]
    sets: tuple[str, ...]
    ties: dict[str, tuple[tuple[str, ...], ...]]
    types: dict[str, dict[str, str]]


class _Choices(msgspec.Struct, frozen=True):
    types: dict[str, dict[str, tuple[str, ...]]]


class _Detail(msgspec.Struct, frozen=True):
    type: str
    sets: tuple[str, ...]
    ties: tuple[tuple[str, ...], ...] = ()
    critical: tuple[str, ...] = ()


class _Invariants(msgspec.Struct, frozen=True):
    invariants: tuple[Invariant, ...]


class _Files(msgspec.Struct, frozen=True):
    default: _Default
    choices: _Choices
    invariants: _Invariants
    details: dict[str, _Detail]


def table_folder() -> Path:
    """Where the table's files are."""
    here = Path(__file__).resolve()
    installed = here.parent / "registers"
    return installed if installed.is_dir() else here.parents[2] / "openapi" / "registers"


@functools.cache
def _files() -> _Files:
    folder = table_folder()
    details = {}
    for path in sorted(folder.glob("[A-Z]*.json")):
        detail = msgspec.json.decode(path.read_bytes(), type=_Detail)
        details[detail.type] = detail
    return _Files(
        msgspec.json.decode((folder / "default.json").read_bytes(), type=_Default),
        msgspec.json.decode((folder / "choices.json").read_bytes(), type=_Choices),
        msgspec.json.decode((folder / "invariants.json").read_bytes(), type=_Invariants),
        details,
    )


@functools.cache
def _table(resource_type: str) -> TypeTable:
    files = _files()
    default = files.default
    if not resource_type:
        union: dict[str, tuple[str, ...]] = {}
        for of_type in files.choices.types.values():
            for base, endings in of_type.items():
                union[base] = tuple(sorted({*union.get(base, ()), *endings}))
        return TypeTable(
            type_="", elements=None, sets=frozenset(default.sets), ties=(), critical=frozenset(), choices=union
        )
    elements = default.types[resource_type]
    choices = files.choices.types.get(resource_type, {})
    detail = files.details.get(resource_type)
    return TypeTable(
        type_=resource_type,
        elements=elements,
        sets=frozenset(default.sets if detail is None else detail.sets),
        ties=default.ties.get(resource_type, ()) if detail is None else detail.ties,
        critical=frozenset(() if detail is None else detail.critical),
        choices=choices,
    )
