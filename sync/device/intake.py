"""One way in: what a server's answer about one vault does to this phone, each piece in one local transaction.

Items, merged state and cursor commit together. Nothing an answer says is believed that the log does not prove:
`removed` erases nothing, a code costs at most a round trip. Spec: openapi/protocol/sync.md.
"""

from __future__ import annotations

from collections.abc import Iterable

from sync.device.adopting import settle_quarantine
from sync.device.collector import no_collecting
from sync.device.identity import Identity
from sync.device.outbox import NEWER_VERSION, Asked
from sync.device.phone import Phone
from sync.device.store.rows import Rows
from sync.log.reading import read_item
from sync.log.state import LogState
from sync.merge.change import RecordId, number_of, ordinal_of
from sync.merge.record import Record
from sync.vault.outgoing import Flying, proves_fork
from sync.vault.replay import Finding, Opened, Outcome, Quarantined, names_needed, open_items, replay
from sync.vault.rollback import good_in_their_chain, has_spoken, lose, prevs, settle
from sync.vault.state import VaultState
from sync.wire.codec import Malformed
from sync.wire.exchange import VaultAnswer
from sync.wire.ids import DeviceId, ItemHash, LogHash
from sync.wire.item import ENTRY, Item, item_hash
from sync.wire.limits import SUITES_KNOWN

HALTING = {"cloned", NEWER_VERSION}  # nothing is sent after these until a person has acted
TWO_HISTORIES = "two_histories"  # likewise; the person decides by reading the finding
CODES_OF_THE_VAULT = {"removed", "behind", "diverged"}  # said of the vault, not of an item
# What was handed in stays as it is: after `until` frames become grace frames, after `quota` another day takes it.
WAITS = {"until", "quota"}


async def hear(rows: Rows, identity: Identity, asked: Asked, answer: VaultAnswer) -> None:
    """Takes in everything of an answer but the items: acknowledgements, code, key, wishes."""
    state = await rows.get_vault(asked.number)
    if answer.vault != state.vault or state.log.seq != asked.cursor:
        return  # another command of this phone has gone on meanwhile; the next request asks from there
    was_at_head, state.at_head = state.at_head, False  # until `finish` has met the end again
    state.acked.update(hash_ for hash_ in answer.acks if hash_ in asked.own)
    state.removed = answer.code == "removed"
    if answer.key:
        suite = state.log.epoch.suite if state.log.epoch else SUITES_KNOWN[-1]
        state.keyring.learn(answer.key, suite, state.vault, identity.device, identity.keys.kem)
    state.wanted = list(answer.wrap_wanted)
    await hear_of_lost(rows, asked.number, identity.device, state, answer.lost_entries)
    if answer.code == "device_forked" and asked.intent is None:
        await _forked(rows, identity, asked, state, answer.proof)
    elif answer.code and answer.code not in CODES_OF_THE_VAULT | WAITS:
        await _refused(rows, asked, state, answer, sealed_at_head=was_at_head and answer.next == asked.cursor)
    if answer.code == "quota" and asked.intent is None:
        state.refusal = ("quota", bytes(state.log.entry_head))  # `status` says so until the server takes items again
    if answer.code == "diverged" and state.halted is None:
        state.halted = "diverged"
        await rows.put_findings(asked.number, [Finding("diverged", state.log.seq, None)])
    await rows.put_vault(asked.number, state)


async def hear_of_lost(rows: Rows, number: int, device: DeviceId, state: VaultState, entries: Iterable[Item]) -> None:
    """Signed entries that a restore lost, as another member handed them in: an owner's phone judges each where it
    stood."""
    new = [e for e in entries if (h := item_hash(e.signed)) not in state.known_lost and h not in state.lost]
    if not new or state.rebuilding is not None or device not in state.log.table.owner_phones():
        return
    log = [(item, verdict) for _, item, verdict in await rows.get_items(number, 0)]
    good = good_in_their_chain([item for item, _ in log], new, LogState.empty(state.vault))
    if not good:
        return
    lose(state, good)
    reads = [(read_item(item), verdict) for item, verdict in log if item.kind == ENTRY]
    state.spoken = has_spoken(state, reads, prevs(state))
    await rows.put_findings(number, [Finding("rolled_back", state.log.seq, good[-1].item)])
    settle(state)


async def _forked(rows: Rows, identity: Identity, asked: Asked, state: VaultState, proof: Item | None) -> None:
    """The server says that another frame stands where mine should. Only my own signature on that is believed.

    Frames stay as they are: sealed again, they would make an honest phone look forked.
    """
    if proof is not None and item_hash(proof.signed) in state.left_frames:
        # A log that this phone left comes back: what it sealed meanwhile is sealed again after that.
        flying = await rows.get_flying(asked.number)
        state.left_frames = state.left_frames | {item_hash(frame.item.signed) for frame in flying}
        await rows.drop_flying(asked.number, [frame.fseq for frame in flying])
        return
    seen = _seen_by(proof)
    head = (await rows.get_heads(asked.number, [seen])).get(seen)
    if proof is not None and proves_fork(state, identity.device, proof, asked.own, head):
        state.halted = "device_forked"
        await rows.put_findings(asked.number, [Finding("device_forked", state.log.seq, proof)])
    else:
        await rows.put_findings(asked.number, [Finding("groundless", state.log.seq, proof)])


def _seen_by(proof: Item | None) -> int:
    """The seq up to which the author of a frame had read; 0 for what is none."""
    try:
        return read_item(proof).seen_seq if proof is not None else 0
    except Malformed:
        return 0


async def _refused(rows: Rows, asked: Asked, state: VaultState, answer: VaultAnswer, *, sealed_at_head: bool) -> None:
    """Drops exactly the unacknowledged tail, to be sealed again after pulling to the head.

    The same refusal under the same entry head, with no newer item: those changes are set aside, and the rest goes on.
    """
    assert answer.code is not None
    if asked.intent is not None:
        if answer.code != "cas" and asked.intent in state.intents[:1]:
            state.intents = state.intents[1:]  # the table does not allow it; asking again changes nothing
        return
    tail = [f for f in await rows.get_flying(asked.number) if item_hash(f.item.signed) not in state.acked]
    again = (answer.code, bytes(state.log.entry_head))
    if tail and sealed_at_head and state.refusal == again:
        await _set_aside(rows, asked.number, tail[0], answer.code, state)
    state.refusal = again
    await rows.drop_flying(asked.number, [f.fseq for f in tail])


async def _set_aside(rows: Rows, number: int, frame: Flying, why: str, state: VaultState) -> None:
    """Moves a frame's changes out of the way, where a person sees them; nothing is lost."""
    numbers = set(frame.numbers)
    changes = tuple(c for c in await rows.get_pending(number) if number_of(c.dot) in numbers)
    me = state.devices[ordinal_of(changes[0].dot)] if changes else state.devices[0]
    await rows.put_quarantined(number, [Quarantined(0, me, why, len(changes), changes)])
    await rows.drop_pending(number, numbers)


async def take(
    phone: Phone, rows: Rows, identity: Identity, asked: Asked, items: Iterable[Item | bytes], state: VaultState
) -> str | None:
    """Takes the items that follow `state` in, and stores it; gives why it stopped among them, if it did."""
    flying = await rows.get_flying(asked.number)
    own = {item_hash(f.item.signed): f for f in flying}
    whole = []
    for item in items:
        if isinstance(item, bytes):
            known = asked.own.get(ItemHash(item))
            if known is None:
                return "malformed"
            item = known
        whole.append(item)
    with no_collecting():
        opened = open_items(whole, state)
        outcome = await _replay(rows, asked, state, identity, opened, set(own) | set(asked.own) | state.left_frames)
    await _settle_own(rows, asked.number, own, outcome, state)
    await _drop_brought(rows, asked.number, outcome)
    now = phone.now_ms()
    state.heard.update({o.read.author: now for o in opened[: len(outcome.items)] if o.read})
    if outcome.stopped in HALTING:
        state.halted = outcome.stopped
    elif any(finding.kind == TWO_HISTORIES for finding in outcome.findings):
        state.halted = TWO_HISTORIES  # it was let into another log than this: here it says nothing unasked
    await rows.put_quarantined(asked.number, [q for q in outcome.quarantined if q.frame not in state.adopted])
    await settle_quarantine(rows, asked.number, state, outcome)
    await rows.put_findings(asked.number, outcome.findings)
    settle(state)
    await rows.put_vault(asked.number, state)
    return outcome.stopped or (state.halted if state.halted == TWO_HISTORIES else None)


async def _replay(
    rows: Rows, asked: Asked, state: VaultState, identity: Identity, opened: list[Opened], own: set[ItemHash]
) -> Outcome:
    ids, dots = names_needed(opened, state)
    births, records = await rows.get_births(asked.number, dots)
    records.update(await rows.get_records(asked.number, ids - set(records)))
    before: set[RecordId] = set(records)
    seen = {o.read.seen_seq for o in opened if o.read and 0 < o.read.seen_seq <= state.log.seq}
    heads: dict[int, LogHash] = await rows.get_heads(asked.number, seen)
    heads[state.log.seq] = state.log.log_hash
    heads.setdefault(0, state.log.empty(state.vault).log_hash)
    outcome = replay(state, identity.device, opened, records, births, own, heads.get)
    touched: list[Record] = [records[id_] for id_ in outcome.touched]
    born = set(outcome.births.values()) | (outcome.touched - before)
    await rows.put_items(asked.number, outcome.items)
    await rows.put_records(asked.number, touched, born)
    await rows.put_births(asked.number, outcome.births)
    return outcome


async def _settle_own(
    rows: Rows, number: int, own: dict[ItemHash, Flying], outcome: Outcome, state: VaultState
) -> None:
    """Own frames that the log has brought back leave the outbox; a void one's changes are set aside."""
    for hash_, verdict in outcome.own_read:
        state.acked.discard(hash_)
        frame = own.get(hash_)
        if frame is None:
            continue
        if verdict is not None:
            await _set_aside(rows, number, frame, verdict, state)
        await rows.drop_pending(number, frame.numbers)
        await rows.drop_flying(number, [frame.fseq])


async def _drop_brought(rows: Rows, number: int, outcome: Outcome) -> None:
    """What waits as carried over, and the log has got since: from a copy of this phone, or as it once was."""
    if not outcome.brought:
        return
    sealed = {n for frame in await rows.get_flying(number) for n in frame.numbers}
    done = [
        number_of(change.dot)
        for change in await rows.get_pending(number)
        if change.via is not None
        and change.via.kind == "dot"
        and outcome.brought.get((DeviceId(change.via.ref), change.via.n)) == (change.record, change.sets)
    ]
    await rows.drop_pending(number, [n for n in done if n not in sealed])


async def finish(rows: Rows, asked: Asked, answer: VaultAnswer) -> None:
    """After the last item of an answer: the phone stands at the head of the log if the server says that there is no
    more."""
    state = await rows.get_vault(asked.number)
    if state.log.seq != answer.next or answer.code in CODES_OF_THE_VAULT:
        return
    if state.log.log_hash != answer.log_hash:
        await rows.put_findings(asked.number, [Finding("two_histories", answer.next, None)])
        return
    state.at_head = not answer.more
    flying = await rows.get_flying(asked.number)
    if state.at_head and flying and not answer.code and all(item_hash(f.item.signed) in state.acked for f in flying):
        state.acked = set()  # acknowledged and yet not in the log: a restored server lost them, so they are sent again
    if state.at_head and not answer.code:
        state.refusal = None if not flying else state.refusal
    await rows.put_vault(asked.number, state)
