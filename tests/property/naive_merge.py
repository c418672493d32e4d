"""The naive rival of the merge engine: what stands, as a function of the *set* of changes, in no order at all
(but for the limit of sixteen siblings of a device, which is said to follow the log's).

It shares nothing with the engine: not its types (it reads the fields of a change by name), not its dots, not its
encoder. It is slow, and simple enough to be read beside openapi/protocol/merge.md sentence by sentence.
"""

NOBODY_NAMED = None  # stands for every register that no change ever named


def device(dot):
    return dot % 1024


def number(dot):
    return dot // 1024


def wire(dot):
    return [device(dot), number(dot)]


def carries(change):
    return change.via is not None and change.via[0] in ("frame", "dot", "vault")


def writes(change, key, lane):
    """Does this change set that register of that lane?"""
    if change.lane != lane:
        return False
    if key == "@life":
        return lane == 1 and not change.birth and key in dict(change.sets)
    return change.birth or key in dict(change.sets)


def drops(later, earlier):
    """Does `later` drop what `earlier` wrote, on a register that both of them set?"""
    if earlier.dot in later.preds:
        return True
    same = device(later.dot) == device(earlier.dot)
    return same and number(later.dot) > number(earlier.dot) and not carries(later)


def left_by_others(writers):
    return [c for c in writers if not any(drops(other, c) for other in writers if other.dot != c.dot)]


def pushed_out(writers):
    """The dots that left because their device had more than sixteen standing: the one thing that follows the order."""
    out = set()
    for count, change in enumerate(writers, 1):
        own = [c.dot for c in left_by_others(writers[:count]) if device(c.dot) == device(change.dot)]
        out.update(sorted(set(own) - out)[:-16])
    return out


def standing(changes, key, lane):
    """[(dot, value, seen, via, at)] by dot: what was written to the register and dropped by no one who wrote there."""
    writers = [change for change in changes if writes(change, key, lane)]
    out = pushed_out(writers) if len(writers) > 16 else ()
    left = sorted((c for c in left_by_others(writers) if c.dot not in out), key=lambda c: c.dot)
    return [(c.dot, dict(c.sets).get(key), tuple(c.preds), c.via, c.at) for c in left]


def named(changes):
    return {key for change in changes for key, _ in change.sets}


def live(changes):
    keys = named(changes) - {"@life"} | {NOBODY_NAMED}
    return sorted({sibling[0] for key in keys for lane in (0, 1) for sibling in standing(changes, key, lane)})


def unseen(changes):
    gone = [sibling for sibling in standing(changes, "@life", 1) if sibling[1] == b'"gone"']
    seen = {dot for sibling in gone for dot in (sibling[0], *sibling[2])}
    return [dot for dot in live(changes) if dot not in seen] if gone else []


def life(changes):
    words = [sibling[1] for sibling in standing(changes, "@life", 1)]
    if b'"gone"' not in words:
        return "here"
    return "gone" if set(words) == {b'"gone"'} and not unseen(changes) else "gone_while_edited"


def shown(changes, key):
    """[lane, value, disputed] of one register as it is shown, or None where nothing stands."""
    person, source = standing(changes, key, 1), standing(changes, key, 0)
    if person:
        return [1, person[0][1], len({sibling[1] for sibling in person}) > 1]
    return [0, source[-1][1], False] if source else None


def canonical(record_id, changes):
    """The canonical bytes of the record, by the chapter's words and a packer of our own."""
    of = {change.dot: change for change in changes}
    births, registers = [], []
    for lane in (0, 1):
        everywhere = [sibling[0] for sibling in standing(changes, NOBODY_NAMED, lane)]
        births += everywhere
        for key in sorted(named(changes), key=str.encode):
            here = standing(changes, key, lane)
            if [sibling[0] for sibling in here] != ([] if key == "@life" else everywhere):
                rows = [
                    [wire(d), value, [wire(p) for p in seen], via and list(via), at] for d, value, seen, via, at in here
                ]
                registers.append([lane, key, rows])
    rows = []
    for dot in sorted(births):
        birth = of[dot]
        body = {key: value for key, value in birth.sets if value is not None and key != "@life"}
        body = [[key, body[key]] for key in sorted(body, key=str.encode)]
        seen = [wire(pred) for pred in birth.preds]
        rows.append([wire(dot), birth.lane, birth.via and list(birth.via), birth.at, seen, body])
    return pack([record_id, rows, registers])


def sibling_row(dot, value, seen, via, at):
    return [wire(dot), value, [wire(pred) for pred in seen], via and list(via), at]


def pack(value):
    """MessagePack, the shortest form of nil, integers, strings, bytes and arrays."""
    if value is None:
        return b"\xc0"
    if isinstance(value, int):
        return _pack_integer(value)
    if isinstance(value, bytes):
        return _head(len(value), None, b"\xc4", b"\xc5", b"\xc6") + value
    if isinstance(value, str):
        text = value.encode()
        return _head(len(text), (0xA0, 32), b"\xd9", b"\xda", b"\xdb") + text
    return _head(len(value), (0x90, 16), None, b"\xdc", b"\xdd") + b"".join(pack(part) for part in value)


def _head(length, fix, one, two, four):
    if fix and length < fix[1]:
        return bytes([fix[0] | length])
    if one and length < 1 << 8:
        return one + length.to_bytes(1, "big")
    if length < 1 << 16:
        return two + length.to_bytes(2, "big")
    return four + length.to_bytes(4, "big")


def _pack_integer(value):
    if 0 <= value < 128:
        return bytes([value])
    if -32 <= value < 0:
        return bytes([256 + value])
    for size, unsigned, signed in ((1, 0xCC, 0xD0), (2, 0xCD, 0xD1), (4, 0xCE, 0xD2), (8, 0xCF, 0xD3)):
        if value >= 0 and value < 1 << 8 * size:
            return bytes([unsigned]) + value.to_bytes(size, "big")
        if value < 0 and value >= -(1 << 8 * size - 1):
            return bytes([signed]) + value.to_bytes(size, "big", signed=True)
    raise ValueError("more than 64 bits")
