"""Rules of the judge, of reading an item and of what keys show. Rules: openapi/protocol/log.md, frames.md, keys.md."""

from tests.mutations.checks import LOG_VECTORS
from tests.mutations.mutation import Mutation

STATE, READING, CONTENT = "sync/log/state.py", "sync/log/reading.py", "sync/vault/content.py"
REPLAY, KEYRING, CARD = "sync/vault/replay.py", "sync/vault/keyring.py", "sync/wire/card.py"
FRAMES = "tests/vectors/test_frames_vectors.py"
KEYS = "tests/vectors/test_frames_vectors.py"


def _judge(name: str, rule: str, before: str, after: str, check: str = LOG_VECTORS) -> Mutation:
    return Mutation(name, rule, STATE, before, after, (check,))


def _content(name: str, rule: str, before: str, after: str, check: str = FRAMES) -> Mutation:
    return Mutation(name, rule, CONTENT, before, after, (check,))


LOG = [
    _judge(
        "an item of another version is judged",
        "LOG-17",
        "if read.version != self.table.version or read.vault",
        "if read.vault",
    ),
    _judge(
        "an item of another vault is judged", "LOG-17", " or read.vault != self.vault or read.body", " or read.body"
    ),
    _judge(
        "a version nobody here knows is ruled on",
        "LOG-24",
        "            if reason is None and table.version > PROTOCOL_VERSION:",
        '            if reason == "newer":',
    ),
    _judge(
        "an entry follows anything",
        "LOG-19",
        "            if body.prev != self.entry_head:",
        "            if not body.prev:",
    ),
    _judge(
        "a frame's number does not follow",
        "LOG-18",
        "        if header.fseq != chain.fseq + 1 or header",
        "        if header",
    ),
    _judge(
        "a frame's chain does not follow", "LOG-18", "chain.fseq + 1 or header.prev != chain.head:", "chain.fseq + 1:"
    ),
    _judge(
        "a dropped card writes", "LOG-20", "if row is None or not row.live or row.kind", "if row is None or row.kind"
    ),
    _judge("a recovery card writes", "LOG-20", "or row.kind == RECOVERY or self.table", "or self.table"),
    _judge("a viewer writes", "LOG-20", " or self.table.people[row.person].role < EDITOR:", ":"),
    _judge(
        "a frame under an old epoch",
        "LOG-21",
        "if self.epoch is None or header.epoch != self.epoch.id:",
        "if self.epoch is None:",
    ),
    _judge("a frame void by its version counts in its chain", "LOG-22", ' and ruling.reason != "version":', ":"),
    _judge(
        "a void frame does not count in its chain",
        "LOG-22",
        'ruling.reason != "version":',
        "ruling.reason is None:",
    ),
    _judge(
        "a void item does not count in L",
        "LOG-11",
        "        self.log_hash = next_log_hash(",
        "        self.log_hash = self.log_hash if ruling.reason else next_log_hash(",
    ),
    _judge(
        "a drop by who is no owner makes no rotation due",
        "MEM-16",
        "                self.rotation_due = True",
        "                self.rotation_due = False",
        "tests/conformance/test_people_law.py",
    ),
    _judge(
        "who lost the right to write has no grace",
        "MEM-17",
        "                    self.lost_rights[device] = self.seq",
        "                    self.lost_rights.pop(device, None)",
        "tests/conformance/test_membership_law.py",
    ),
    Mutation(
        "an item's signature is not looked at",
        "LOG-14",
        READING,
        "        verify(row.key_type, row.signing_key, label, read.item.signed, read.item.signature)\n",
        "",
        ("tests/conformance/test_log_law.py",),
    ),
    Mutation(
        "a signature is checked with any label",
        "LOG-7",
        READING,
        "label = ENTRY_LABEL if read.item.kind == ENTRY else FRAME_LABEL",
        "label = ENTRY_LABEL",
        (LOG_VECTORS,),
    ),
    Mutation(
        "a card's own signature is not looked at",
        "LOG-5",
        CARD,
        "        verify(card.key_type, card.signing_key, CARD_LABEL, signed.card, signed.signature)\n",
        "",
        (LOG_VECTORS,),
    ),
    _content("a dot comes twice or falls", "FRM-7", "        if n <= last:", "        if n < 0:"),
    _content("a pred names what nobody wrote yet", "FRM-9", "vector.get(device, 0) if device", "1 << 40 if device"),
    _content("a change names itself or its own future", "FRM-9", "held[0] = n - 1", "held[0] = 1 << 40"),
    _content(
        "a change to @vault needs no right", "FRM-8", '            raise ContentVoid("rights")', "            pass"
    ),
    _content(
        "a frame has as many changes as it likes",
        "FRM-6",
        "if large or len(rows) > limits.CHANGES_A_FRAME_MAX:",
        "if large:",
        "tests/conformance/test_frames_law.py",
    ),
    _content("a value is as long as it likes", "FRM-6", 'or len(value or b"") > limits.VALUE_BYTES_MAX', "or not key"),
    _content(
        "a register is set twice by a change",
        "MRG-22",
        "    if len(pairs) > 1 and len({key for key, _ in pairs}) != len(pairs):",
        "    if len(pairs) < 0:",
    ),
    _content(
        "what is large is judged like the rest",
        "FRM-6",
        "        content.named()\n    return",
        "        pass\n    return",
    ),
    _content(
        "what does not fit together has the reason that is met first",
        "FRM-5",
        "        content.named()  # what",
        "        pass  # what",
    ),
    _content("the author stands in the table too", "FRM-5", "if author in inside.devices:", "if not author:"),
    Mutation(
        "an editor renames people",
        "FRM-8",
        REPLAY,
        "return role == EDITOR and bool(keys) and all(key in mine for key in keys)",
        "return role == EDITOR",
        ("tests/hostile/test_attack_renamed_member.py",),
    ),
    Mutation(
        "an editor declines for the owners",
        "FRM-8",
        REPLAY,
        " and bool(keys) and all(",
        " and all(",
        ("tests/conformance/test_frames_law.py",),
    ),
    Mutation(
        "a wrap is believed without the epoch's id",
        "KEY-1",
        KEYRING,
        "if len(key) == KEY_BYTES and epoch_id(key) == answer.epoch:",
        "if len(key) == KEY_BYTES:",
        (KEYS,),
    ),
    Mutation(
        "only the first wrap is tried",
        "KEY-4",
        KEYRING,
        "                except CryptoError:\n                    continue",
        "                except CryptoError:\n                    break",
        ("tests/hostile/test_attack_spoiled_wrap.py",),
    ),
    Mutation(
        "only the first keybox is tried",
        "KEY-4",
        KEYRING,
        "        for box in answer.keyboxes:",
        "        for box in answer.keyboxes[:1]:",
        ("tests/conformance/test_keys_law.py",),
    ),
    Mutation(
        "a wrap is bound to no vault, epoch or card",
        "KEY-2",
        KEYRING,
        'return signed_input("wrap", place)',
        'return signed_input("wrap", b"")',
        ("tests/vectors/test_frames_vectors.py",),
    ),
]
