"""No rollback of membership: what a phone does when the server's log lacks entries that its own log held.

It reads, and writes nothing, (a) until an owner of both logs has appended an entry after the last one common to both,
and (b) while a card that it ever saw dropped is listed again. An owner's phone repeats removals and lowered roles at
once; each lost entry is judged in the chain it stood in, for a signed wish is no order. Pure. Spec:
openapi/protocol/bad-days.md, "No rollback of membership".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from crypto.public.errors import CryptoError
from sync.log.membership import judge_entry
from sync.log.reading import ReadItem, read_item, verify_item
from sync.log.state import LogState, decode_state, encode_state
from sync.vault.intents import AddCard, Intent
from sync.vault.state import VaultState
from sync.wire.card import device_id as id_of_card
from sync.wire.codec import Malformed
from sync.wire.ids import DeviceId, EpochId, ItemHash
from sync.wire.item import OWNER, Add, Drop, Entry, EntryEdit, Epoch, Item, SetRole

_ANY_EPOCH = EpochId(bytes(32))  # of an entry that is only asked about


def owners_in_both(state: VaultState) -> set[DeviceId]:
    """Owners' cards of this log that were owners' in the log that was left, too."""
    table = state.log.table
    now = {device for device in table.live() if table.role(device) == OWNER}
    return now if state.owners_before is None else now & state.owners_before


def undone(state: VaultState) -> list[EntryEdit]:
    """Removals that this phone saw and lowered roles of lost entries, where they do not hold and somebody may repeat
    them: a card of the subject only she drops again."""
    table = state.log.table
    back = [device for device in table.live() if device in state.dropped_ever]
    hers = any(table.cards[d].person == table.subject for d in owners_in_both(state) if d not in back)
    edits: list[EntryEdit] = [Drop(d) for d in back if hers or table.cards[d].person != table.subject]
    for edit in _edits(state):
        person = table.people.get(edit.person) if isinstance(edit, SetRole) else None
        if isinstance(edit, SetRole) and person and person.role > edit.role and table.cards_of(edit.person):
            edits += [edit] if edit.person != table.subject and edit not in edits else []
    return edits


def held_back(state: VaultState) -> bool:
    """True while this phone writes nothing."""
    return bool(undone(state)) or bool(state.lost and not state.spoken)


def to_repeat(state: VaultState, device: DeviceId) -> tuple[EntryEdit, ...] | None:
    """What an owner's phone says in the one entry that ends this, which starts an epoch; None: nothing, or not hers."""
    log = state.log
    if device not in owners_in_both(state) or device not in log.table.owner_phones() or log.epoch is None:
        return None
    due = undone(state)
    rest = [e for e in _edits(state) if _is_to_hold(state, e)] if due or not state.spoken else []
    epoch = Epoch(log.epoch.number + 1, log.epoch.suite, _ANY_EPOCH)
    said: list[EntryEdit] = []
    for edit in [*due, *rest]:
        tried = (*said, edit)
        entry = Entry(log.table.version, log.vault, log.entry_head, log.seq, log.log_hash, device, tried, epoch, None)
        number = (log.epoch.number, log.epoch.suite)
        if judge_entry(log.table, entry, False, number, set(log.epochs), log.seq + 1)[0] is None:
            said.append(edit)
    needed = any(edit in due for edit in said) or bool(state.lost and not state.spoken)
    return tuple(said) if needed else None


def settle(state: VaultState) -> None:
    """Ends the halt once an owner of both logs has spoken and nothing is undone; own cards that were lost are wished in
    again by their person's phone."""
    if not state.lost or not state.spoken or undone(state):
        return
    adds = [e for e in _edits(state) if isinstance(e, Add) and e.person == state.person and _is_to_hold(state, e)]
    known = state.log.table.cards
    wishes: list[Intent] = [
        AddCard(add.card, add.person, add.role, add.until) for add in adds if id_of_card(add.card.card) not in known
    ]
    state.intents = [*state.intents, *(wish for wish in wishes if wish not in state.intents)]
    state.known_lost |= set(state.lost)
    state.lost, state.owners_before = {}, None


def accept(state: VaultState) -> bool:
    """The phone's own person takes the log as it is, where no owner of both logs is left to speak; True if so."""
    if owners_in_both(state) or not held_back(state):
        return False
    state.dropped_ever -= set(state.log.table.live())
    state.known_lost |= set(state.lost)
    state.lost, state.owners_before = {}, None
    return True


def has_spoken(state: VaultState, entries: Iterable[tuple[ReadItem, str | None]], lost_prevs: set[bytes]) -> bool:
    """True if an owner of both has appended an entry after the last one common to both logs. `entries`: this log's, in
    order, with verdicts; `lost_prevs`: what the lost ones followed."""
    owners, found, after = owners_in_both(state), False, False
    for read, verdict in entries:
        if verdict is None and after and read.author in owners:
            found = True
        if read.hash in lost_prevs or bytes(state.vault) in lost_prevs:
            after = True
    return found


def good_in_their_chain(log: Iterable[Item], lost: Iterable[Item], vault: LogState) -> list[ReadItem]:
    """Those of the lost entries that were good where they stood: each is judged after the last entry of one's own log
    before it, and after those of them that it follows. `log`: one's own items in order; `vault`: its empty fold."""
    reads = {}
    for item in lost:
        try:
            read = read_item(item)
        except Malformed:
            continue
        if isinstance(read.body, Entry):
            reads[read.hash] = read
    wanted = {bytes(read.body.prev) for read in reads.values() if isinstance(read.body, Entry)}
    branches: dict[bytes, LogState] = {}
    for item in log:
        read = read_item(item)
        reads.pop(read.hash, None)
        vault.append(read, vault.judge(read))
        if bytes(vault.entry_head) in wanted and bytes(vault.entry_head) not in branches:
            branches[bytes(vault.entry_head)] = decode_state(encode_state(vault))
    good: list[ReadItem] = []
    while ready := [r for r in reads.values() if isinstance(r.body, Entry) and bytes(r.body.prev) in branches]:
        for read in ready:
            del reads[read.hash]
            assert isinstance(read.body, Entry), "only entries were taken"
            branch = decode_state(encode_state(branches[bytes(read.body.prev)]))
            try:
                verify_item(branch.table, read)
            except (CryptoError, Malformed):
                continue
            ruling = branch.judge(read)
            if ruling.reason is None:
                branch.append(read, ruling)
                branches[bytes(read.hash)] = branch
                good.append(read)
    return good


def lose(state: VaultState, reads: Iterable[ReadItem]) -> None:
    """Takes lost entries in: they are shown to the server, and their removals hold here."""
    for read in reads:
        if read.hash in state.known_lost or not isinstance(read.body, Entry):
            continue
        state.lost[ItemHash(read.hash)] = read.item
        state.dropped_ever |= {edit.device for edit in read.body.edits if isinstance(edit, Drop)}


def prevs(state: VaultState) -> set[bytes]:
    """What the lost entries followed."""
    return {bytes(body.prev) for item in state.lost.values() if isinstance(body := read_item(item).body, Entry)}


def _is_to_hold(state: VaultState, edit: EntryEdit) -> bool:
    """True for what may be said anew beside removals and lowered roles: to let in a card that was dropped since would
    hand it the new key."""
    if isinstance(edit, Add):
        return id_of_card(edit.card.card) not in state.dropped_ever
    return not isinstance(edit, Drop | SetRole)


def _edits(state: VaultState) -> Iterator[EntryEdit]:
    for item in state.lost.values():
        body = read_item(item).body
        if isinstance(body, Entry):
            yield from body.edits
