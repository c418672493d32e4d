"""Ways to be wrong on the phone: what it sends and what it reads. Rules: openapi/protocol/phone.md, keys.md."""

from tests.mutations.checks import worlds
from tests.mutations.mutation import Mutation

REPLAY, OUTGOING = "sync/vault/replay.py", "sync/vault/outgoing.py"
OUTBOX, INTAKE, SYNCING = "sync/device/outbox.py", "sync/device/intake.py", "sync/device/syncing.py"
SHIPPED, BAD_DAYS = worlds("shipped", 40), worlds("bad-days", 80)
PHONE = "tests/conformance/test_phone_law.py"
PEOPLE = "tests/conformance/test_people_law.py"
ATTACK = "tests/hostile/test_attack_"

_UNVERIFIED = (
    '            out.findings.append(Finding("signature", seq, read.item if read else None))\n            break'
)

_TAKEN_AS_VOID = (
    "log.append(read, log.judge(read))\n"
    '            out.items.append(Stored(seq, read.item, log.log_hash, "signature"))\n'
    "            continue"
)

PHONE_SENDS = [
    Mutation(
        "what was stored is sealed again",
        "PHN-3",
        OUTBOX,
        "    flying = await rows.get_flying(number)\n    built: Built",
        "    await rows.drop_flying(number, [frame.fseq for frame in await rows.get_flying(number)])\n"
        "    flying = await rows.get_flying(number)\n    built: Built",
        (f"{ATTACK}seal_late.py", SHIPPED),
    ),
    Mutation(
        "frames are sealed while older ones are unread",
        "PHN-4",
        OUTBOX,
        "    if not flying and not state.halted:",
        "    if not state.halted:",
        (PHONE, SHIPPED),
    ),
    Mutation(
        "an acknowledgement is taken for the end of the matter",
        "PHN-7",
        INTAKE,
        "        state.acked = set()  # ack",
        "        pass  # ack",
        (f"{ATTACK}acknowledged_then_restored.py",),
    ),
    Mutation(
        "an acknowledged change leaves the outbox",
        "PHN-3",
        INTAKE,
        "    state.removed = answer.code ==",
        "    for frame in await rows.get_flying(asked.number):\n"
        "        if item_hash(frame.item.signed) in state.acked:\n"
        "            await rows.drop_pending(asked.number, frame.numbers)\n"
        "            await rows.drop_flying(asked.number, [frame.fseq])\n"
        "    state.removed = answer.code ==",
        (f"{ATTACK}acknowledged_then_restored.py", SHIPPED),
    ),
    Mutation(
        "acknowledged frames are sent again and again",
        "PHN-3",
        OUTBOX,
        "        if item_hash(frame.item.signed) in state.acked:\n            continue",
        "        if item_hash(frame.item.signed) in ():\n            continue",
        (PHONE,),
    ),
    Mutation(
        "frames are sealed off the head", "PHN-4", OUTGOING, "whole = state.at_head and not", "whole = not", (PHONE,)
    ),
    Mutation(
        "frames are sealed while a key is missing",
        "PHN-4",
        OUTGOING,
        " and not state.key_missing and",
        " and",
        (PHONE,),
    ),
    Mutation(
        "frames are sealed while a log is read anew",
        "PHN-4",
        OUTGOING,
        " and state.rebuilding is None and not held",
        " and not held",
        (PHONE,),
    ),
    Mutation("frames are sealed while halted", "PHN-4", OUTGOING, "and state.halted is None", "", (PHONE,)),
    Mutation(
        "frames are sealed while the membership is rolled back",
        "BAD-50",
        OUTGOING,
        " and not held_back(state)",
        "",
        (PHONE,),
    ),
    Mutation(
        "a refusal drops what was acknowledged too",
        "PHN-5",
        INTAKE,
        "if item_hash(f.item.signed) not in state.acked]",
        "]",
        (SHIPPED,),
    ),
    Mutation(
        "after until and quota frames are sealed again",
        "PHN-5",
        INTAKE,
        "not in CODES_OF_THE_VAULT | WAITS:",
        "not in CODES_OF_THE_VAULT:",
        (PHONE,),
    ),
    Mutation(
        "what is refused for ever holds the rest up",
        "PHN-6",
        INTAKE,
        "    if tail and sealed_at_head and state.refusal == again:",
        "    if not again:",
        (PHONE,),
    ),
    Mutation(
        "a first refusal sets changes aside",
        "PHN-6",
        INTAKE,
        "    if tail and sealed_at_head and state.refusal == again:",
        "    if tail:",
        (PHONE,),
    ),
    Mutation(
        "an own void frame's changes are dropped",
        "PHN-6",
        INTAKE,
        "            await _set_aside(rows, number, frame, verdict, state)",
        "            pass",
        (PHONE,),
    ),
    Mutation(
        "the key of an epoch is kept after it was sent",
        "KEY-9",
        OUTBOX,
        "        state.keyring.add(built.epoch_key)  # kept",
        "        pass  # kept",
        (PHONE,),
    ),
    Mutation(
        "a wrap is laid for a card that the log does not list",
        "KEY-7",
        OUTBOX,
        "[d for d in state.wanted if d in live and state",
        "[d for d in state.wanted if state",
        (f"{ATTACK}early_wrap.py",),
    ),
    Mutation(
        "a wrap is laid again and again",
        "KEY-7",
        OUTBOX,
        " and state.wrapped.get(d) != (epoch.id, today)]",
        "]",
        (f"{ATTACK}early_wrap.py",),
    ),
    Mutation(
        "a new epoch is wrapped for the cards that its entry drops",
        "KEY-5",
        "sync/vault/entries.py",
        "for device in log.table.live() if device not in dropped]",
        "for device in log.table.live()]",
        ("tests/conformance/test_keys_law.py",),
    ),
    Mutation(
        "a partial keybox is laid",
        "KEY-10",
        OUTBOX,
        "    if state.key_missing:\n        return None\n    return seal_keybox",
        "    return seal_keybox",
        ("tests/conformance/test_keys_law.py",),
    ),
]

PHONE_READS = [
    Mutation(
        "an unverifiable item is skipped and the cursor moves",
        "PHN-10",
        REPLAY,
        _UNVERIFIED,
        _UNVERIFIED.replace("break", _TAKEN_AS_VOID),
        (f"{ATTACK}flipped_signature.py", worlds("family/alone, lying server", 30)),
    ),
    Mutation(
        "an unverifiable item is passed over",
        "PHN-10",
        REPLAY,
        _UNVERIFIED,
        _UNVERIFIED.replace("break", "continue"),
        (f"{ATTACK}flipped_signature.py",),
    ),
    Mutation(
        "a frame whose key is not held is passed over",
        "PHN-11",
        REPLAY,
        '                out.stopped = "key_missing"\n                break',
        '                item = item._replace(void="open")',
        (PHONE,),
    ),
    Mutation(
        "a false seen is nothing to tell of",
        "PHN-12",
        REPLAY,
        "        if held is not None and held != read.seen_L:",
        "        if held is not None and not read.seen_L:",
        (f"{ATTACK}two_histories.py",),
    ),
    Mutation(
        "another log than the welcome's is taken",
        "PHN-18",
        REPLAY,
        "            if state.expected[1] != log.log_hash:",
        "            if not state.expected[1]:",
        (f"{ATTACK}two_histories.py",),
    ),
    Mutation(
        "a frame of one's own card that one does not know is taken",
        "BAD-30",
        REPLAY,
        "isinstance(read.body, Frame) and read.hash not in own_hashes:",
        "isinstance(read.body, Frame) and not read.hash:",
        (BAD_DAYS,),
    ),
    Mutation(
        "a void frame is applied",
        "FRM-10",
        REPLAY,
        "verdict, changes = ruling.reason, []",
        "verdict, changes = ruling.reason if isinstance(body, Entry) else None, []",
        ("tests/conformance/test_phone_law.py",),
    ),
    Mutation(
        "an editor hides what an owner would adopt",
        "BAD-12",
        REPLAY,
        'via.kind == "frame" and state.log.table.role(author) == OWNER:',
        'via.kind == "frame":',
        (f"{ATTACK}double_adoption.py",),
    ),
    Mutation(
        "a fork is believed without one's own signature",
        "BAD-30",
        INTAKE,
        "    if proof is not None and proves_fork(state, identity.device, proof, asked.own, head):",
        "    if proof is not None:",
        (f"{ATTACK}groundless_code.py",),
    ),
    Mutation(
        "a fork is proved by a frame that nobody signed",
        "BAD-30",
        OUTGOING,
        "read_item(proof)\n        verify_item(state.log.table, read)\n",
        "read_item(proof)\n",
        (f"{ATTACK}groundless_code.py",),
    ),
    Mutation(
        "a restored server is given everything again at every sync",
        "BAD-40",
        SYNCING,
        "            if state.replayed_day == today and not (",
        "            if state.replayed_day == -2 and not (",
        (f"{ATTACK}groundless_code.py",),
    ),
    Mutation(
        "what is handed back is not compared with the server's log",
        "BAD-40",
        OUTBOX,
        "    if head != log_hash:\n        return None",
        "    if not head:\n        return None",
        (worlds("family/alone, races", 80),),
    ),
    Mutation(
        "a card that does not begin with the code's bytes is let in",
        "PHN-17",
        "sync/vault/enrolment.py",
        "    if device[:CODE_ID_BYTES] != place.device_prefix:",
        "    if not device:",
        (f"{ATTACK}photographed_link.py",),
    ),
    Mutation(
        "a stranger's vault is entered unasked",
        "PPL-12",
        "sync/device/invitations.py",
        "            listed = listed or row.person == mine.person\n    return listed",
        "            listed = listed or row.person == mine.person\n    return True",
        (f"{ATTACK}stranger_vault.py",),
    ),
    Mutation(
        "nobody acts on an end date",
        "PPL-8",
        "sync/device/duties.py",
        "row.until <= now_ms and log",
        "row.until < 0 and log",
        (PEOPLE,),
    ),
    Mutation(
        "nobody rotates after a drop",
        "PPL-8",
        "sync/device/duties.py",
        "    if log.rotation_due and",
        "    if not log.epochs and",
        (PEOPLE,),
    ),
]
