"""A tiny vault for import tests: records by id, and edits that become changes of a phone with an ordinal."""

import json
import os
from pathlib import Path

from sync.fhir import bundle, importing
from sync.merge.change import Change, make_dot
from sync.merge.record import Record

EXAMPLES = Path(os.environ["CARNET_EXAMPLES"]) / "ips" if "CARNET_EXAMPLES" in os.environ else None


class Phone:
    """One phone's vault. What it writes is applied at once and waits in `sent` for others to take."""

    def __init__(self, ordinal=0):
        self.ordinal = ordinal
        self.by_id = {}
        self.sent = []
        self.n = 0

    def record(self, id_):
        return self.by_id.get(id_)

    def records(self):
        return self.by_id.values()

    def write(self, edits):
        for edit in edits:
            self.n += 1
            dot = make_dot(self.ordinal, self.n)
            change = Change(dot, edit.record, edit.birth, edit.lane, edit.via, edit.preds, edit.sets, 1_000 * self.n)
            self.sent.append(change)
            self.take([change])

    def take(self, changes):
        for change in changes:
            self.by_id.setdefault(change.record, Record(change.record)).apply(change)

    def imports(self, data, **options):
        """Import a file (bytes, or a value) and write what the plan says; answers the plan."""
        plan = importing.plan(bundle.parse(as_bytes(data)), self, **options)
        self.write(plan.edits)
        return plan


def merged(*phones):
    """Two phones that met: each has what the others wrote; the first is answered."""
    sent = [list(phone.sent) for phone in phones]
    for phone in phones:
        for other, changes in zip(phones, sent, strict=True):
            if other is not phone:
                phone.take(changes)
    return phones[0]


def as_bytes(value):
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def example_files():
    return sorted(EXAMPLES.glob("*.json")) if EXAMPLES is not None else []
