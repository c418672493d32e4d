"""What the driver of a random world asks of its actors: the model's, or the shipped ones.

A port says what a person and a network can do to a phone and what can be looked at afterwards; it names no class of
either. All methods are async, so that real stores can stand behind them.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol


class Look(NamedTuple):
    """What is on one phone. Values are those that `edit` was given; `verdicts` has one entry an item of the log.

    `card`: its id; `role`: 0 viewer, 1 editor, 2 owner, None outside. `values`: of good frames read; `standing`: of
    them those that nothing has replaced. `waiting`: values not yet read in the log. `aside`: (value, why) of own
    words set aside. `shown`: values of void frames. `dots`: dot and value of every change that it knows. `halted`:
    why it sends nothing until a person acts. `open`: what it still waits for, in words. `offered`: values that it can
    take over from a frame of somebody else. `live`, `dropped`: cards that its log lists, and that it has dropped; of
    the latter none of the subject's.
    """

    card: str
    person: str
    role: int | None
    removed: bool
    log_length: int
    state_root: str
    verdicts: tuple[str | None, ...]
    values: frozenset[object]
    standing: frozenset[object]
    waiting: frozenset[object]
    aside: frozenset[tuple[object, str]]
    shown: frozenset[object]
    dots: tuple[tuple[object, object], ...]
    halted: str | None
    open: tuple[str, ...]
    findings: tuple[str, ...]
    offered: frozenset[object] = frozenset()
    live: frozenset[str] = frozenset()
    dropped: frozenset[str] = frozenset()


class PhonePort(Protocol):
    """One phone and its person."""

    async def edit(self, record: str, key: str, value: object) -> frozenset[object]:
        """Sets one register without network; gives the values of it that were on the screen."""

    async def sync(self, lost_answer: bool = False) -> None:
        """One or more round trips; the answer to the last may be lost."""

    async def rotate(self) -> None:
        """Wishes for a new epoch."""

    async def let_in(self, phone: "PhonePort", person: str, role: int, until: int | None = None) -> None:
        """Wishes to let a phone in: of her own person, or the first of a new one, with an end date."""

    async def drop(self, card: str) -> None:
        """Wishes a card out of the vault."""

    async def set_role(self, person: str, role: int) -> None:
        """Wishes another role for a person."""

    async def drop_person(self, person: str) -> None:
        """Wishes a person out of the vault, with every card she has by then."""

    async def adopt(self, decline: bool = False) -> tuple[object, ...]:
        """Takes over, or declines, what is offered first; gives its values, none where nothing is offered."""

    async def accept(self) -> None:
        """Its person takes the log as it is, where nobody is left who could repeat what it lost."""

    async def look(self) -> Look:
        """What is on the phone."""


class ServerPort(Protocol):
    """The server as its operator sees it."""

    async def length(self) -> int:
        """How many items the log holds."""

    async def backup(self) -> object:
        """All that is stored."""

    async def restore(self, backup: object) -> None:
        """Back to a backup."""


class Family(Protocol):
    """The actors of one world."""

    server: ServerPort

    async def found(self, person: str) -> PhonePort:
        """The first phone; it founds the vault about its person."""

    async def new_phone(self, person: str) -> PhonePort:
        """A phone that is in no vault yet."""

    async def clone(self, phone: PhonePort) -> PhonePort:
        """A copy of the phone's store, in use as well from now on."""

    async def has_code(self, person: str) -> bool:
        """True while the vault lists the recovery card that the person has the code of."""

    async def recover(self, person: str, lost: tuple[str, ...]) -> PhonePort:
        """A new phone of a person, from her recovery code; these cards of hers are lost."""

    async def date(self, days: int) -> int:
        """An end date so many days from now."""

    async def later(self) -> None:
        """A day goes by."""

    async def trouble(self, phones: Mapping[str, PhonePort]) -> None:
        """One hostile step of this world's adversaries, if it has any; `phones` by card."""

    async def honest_again(self) -> None:
        """The world comes to its end: a server that lied about items tells the truth."""

    async def audit(self, phones: Mapping[str, PhonePort]) -> list[str]:
        """What these actors alone can check at the end; each a sentence of what went wrong."""
