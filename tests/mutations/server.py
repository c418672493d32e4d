"""Ways to be wrong on the server: rulings, commits, what lies beside a log. Rules: openapi/protocol/sync.md."""

from tests.mutations.checks import api, worlds
from tests.mutations.mutation import Mutation

RULING, APPEND, BESIDE, PULL = (f"backend/vaults/{name}.py" for name in ("ruling", "append", "beside", "pull"))
RULINGS = "tests/api/test_rulings.py"


def _ruling(name: str, rule: str, before: str, after: str, check: str = RULINGS) -> Mutation:
    return Mutation(name, rule, RULING, before, after, (check,))


SERVER = [
    _ruling(
        "what is stored already is refused",
        "SYN-31",
        "        if stored is not None and stored.hash == read.hash:",
        "        if stored is not None and not stored.hash:",
    ),
    _ruling(
        "a stored entry is refused as overtaken",
        "SYN-31",
        "    if isinstance(body, Entry) and read.hash in known.entries:",
        "    if isinstance(body, Entry) and read.hash in known.frames:",
        api("sync_refusals"),
    ),
    _ruling(
        "two frames stand at one place of a chain",
        "SYN-32",
        "        if stored is not None:\n            # The stored",
        "        if stored is None and not read.hash:\n            # The stored",
    ),
    _ruling(
        "the stored frame goes to anybody",
        "SYN-32",
        "stored.item if hand.device == read.author else None",
        "stored.item",
    ),
    _ruling(
        "a bad signature is stored",
        "SYN-33",
        "    if not verified and not is_verified(state.table, read):",
        "    if not state:",
    ),
    _ruling(
        "a false seen is stored",
        "SYN-34",
        "    if not _saw_this_log(state, read, known):",
        "    if not state:",
        api("sync_refusals"),
    ),
    _ruling(
        "a void item is stored",
        "SYN-35",
        '        return Verdict("epoch_stale" if stale else ruling.reason)',
        "        return Verdict(ruling=ruling)",
        api("sync_refusals"),
    ),
    _ruling(
        "late frames are refused",
        "SYN-39",
        '        if ruling.reason == "rights" and _is_late(state, read):',
        '        if ruling.reason == "late":',
    ),
    _ruling(
        "a frame written after the loss is taken as late",
        "SYN-39",
        "        and read.seen_seq < lost_at\n",
        "",
        api("sync_bounds"),
    ),
    _ruling("grace is counted by nobody", "SYN-39", "grace.frames >= limits.GRACE_FRAMES_MAX\n        or ", ""),
    _ruling("grace has no end", "SYN-39", "        or now_ms - grace.at_ms > limits.GRACE_DAYS * DAY_MS\n", ""),
    _ruling(
        "grace has no bound of bytes",
        "SYN-39",
        "        or grace.bytes + item_bytes(read.item) > limits.GRACE_BYTES_MAX\n",
        "",
    ),
    _ruling(
        "an end date is never refused by",
        "SYN-36",
        "until is not None and hand.now_ms > until and",
        "until is not None and hand.now_ms < 0 and",
    ),
    _ruling(
        "her own replay outlasts her end date",
        "SYN-23",
        " and giver.live and giver.person != state.table.cards[read.author].person",
        " and giver.live",
    ),
    _ruling(
        "a card that is listed no more hands late items back",
        "SYN-23",
        "giver is not None and giver.live and giver",
        "giver is not None and giver",
    ),
    _ruling(
        "an epoch starts without wraps",
        "SYN-37",
        "    if isinstance(body, Entry) and not _wraps_are_there(",
        "    if body is None and not _wraps_are_there(",
        api("sync_bounds"),
    ),
    _ruling(
        "an epoch starts without a keybox",
        "SYN-37",
        "        if state.epoch is not None and (hand.keybox is None or hand.keybox.epoch != epoch):",
        "        if state.epoch is not None and state.epoch.id == epoch:",
        api("sync_bounds"),
    ),
    _ruling(
        "a card is added without a wrap",
        "SYN-37",
        "{device for device in added if device in live}",
        "set[DeviceId]()",
        api("sync_bounds"),
    ),
    _ruling(
        "no quota of a day",
        "SYN-38",
        "    if used.bytes + size > bounds.person_day_bytes_max:",
        "    if used.bytes < 0:",
    ),
    _ruling("no bound of a vault", "SYN-38", "<= bounds.vault_bytes_max", "<= 2**60"),
    _ruling(
        "a bot of entries",
        "SYN-38",
        " or used.entries < limits.ENTRIES_A_DAY_MAX",
        " or used.entries >= 0",
        "tests/api/test_sync_bounds.py -k sqlite",
    ),
    Mutation(
        "a sequence is given before the commit",
        "SYN-15",
        APPEND,
        "        vault = await store.lock_head(tx, vault_id)\n",
        '        heads = vars(store).setdefault("_heads", {})\n'
        "        vault = heads[vault_id] = heads.get(vault_id) or await store.lock_head(tx, vault_id)\n",
        (worlds("shipped", 40),),
    ),
    Mutation(
        "two servers do not take turns",
        "SYN-15",
        "backend/vaults/store.py",
        'HEAD_LOCKED = HEAD + " FOR UPDATE OF v"',
        "HEAD_LOCKED = HEAD",
        ("tests/storage/test_two_servers.py",),
    ),
    Mutation(
        "the head is written without its items",
        "SYN-10",
        APPEND,
        "        await store.write_items(tx, vault, new_items)\n",
        "        await store.write_items(tx, vault, new_items[:1])\n",
        (worlds("shipped", 40),),
    ),
    Mutation(
        "a good wrap is replaced by anybody's",
        "SYN-19",
        BESIDE,
        "    if with_entry and not taken:\n        return WITH_ENTRY",
        "    if WITH_ENTRY in taken or with_entry:\n        return WITH_ENTRY",
        (RULINGS, "tests/api/test_sync_wraps.py -k sqlite"),
    ),
    Mutation(
        "wraps for cards that are not listed are kept",
        "SYN-19",
        BESIDE,
        "if wrap.epoch == epoch and wrap.device in live}",
        "if wrap.epoch == epoch}",
        ("tests/api/test_sync_wraps.py -k sqlite",),
    ),
    Mutation(
        "a stranger fills the places beside a log",
        "SYN-19",
        APPEND,
        "and (was_live or is_live or (ask.replay and new_items)):",
        "and vault.number:",
        ("tests/api/test_sync_wraps.py -k sqlite",),
    ),
    Mutation(
        "the key comes only to who is behind",
        "SYN-17",
        PULL,
        "(ask.epoch_held < state.epoch.number or ask.key_missing)",
        "ask.epoch_held < state.epoch.number",
        (api("sync_answers"),),
    ),
    Mutation(
        "lost entries go to everybody",
        "SYN-24",
        PULL,
        "if facts.lost and role == OWNER else ()",
        "if facts.lost else ()",
        (api("sync_after_restore"),),
    ),
    Mutation(
        "lost entries are kept unsigned",
        "SYN-24",
        APPEND,
        "if checked is None or not checked.verified or not",
        "if checked is None or not",
        (api("sync_after_restore"),),
    ),
    Mutation(
        "a stranger hears that a log diverged",
        "SYN-21",
        PULL,
        '"diverged" if is_live else "removed"',
        '"diverged"',
        (api("sync_refusals"),),
    ),
    Mutation(
        "a phone ahead of the server is not told",
        "SYN-20",
        PULL,
        '        return VaultAnswer(ask.vault, "behind", (), head, log_hash, False)',
        '        return VaultAnswer(ask.vault, "diverged", (), head, log_hash, False)',
        (api("sync_refusals"),),
    ),
]
