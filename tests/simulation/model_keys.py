"""The keys of the model's phone: what it learns, lays beside the log, and grants. A mixin of ModelPhone.

Spec: openapi/protocol/keys.md.
"""

from tests.simulation.model_rules import epoch_id_of


class Keys:
    """The part of a phone that handles keys; its fields are ModelPhone's."""

    def _learn(self, key):
        """Tries every wrap, then every keybox that a key opens."""
        _, _, wraps, boxes = key
        self.keys.update((epoch_id_of(k), k) for k in wraps)
        for sealed_under, older in boxes:
            if sealed_under in self.keys:
                self.keys.update((epoch_id_of(k), k) for k in older)

    def box(self, epoch_id):
        """All older keys of this log, under the key of this epoch."""
        older = [e for e in self.fold.epochs if e != epoch_id and e in self.keys]
        whole = self.rules.hold("the keybox holds every older key")
        return epoch_id, tuple(self.keys[e] for e in older) if whole else ()

    def _full_box(self):
        """The head's keybox, or None from a phone that lacks a key: hers would replace the full one of her person."""
        full = not self.key_missing or not self.rules.hold("a keybox is laid only by who holds every key")
        return self.box(self.fold.epoch.id) if full else None

    def wraps_for(self, epoch_id, cards):
        """The key of an epoch, for each of these cards."""
        return tuple((epoch_id, card, self.keys[epoch_id]) for card in cards)

    def _granted(self):
        """Wraps for cards that could not open the head's key: the head's of my own log, for cards which that lists."""
        (wanted, self.wanted), head = (self.wanted, ()), self.fold.epoch.id
        if not self.rules.hold("wraps only by one's own applied log"):
            return tuple(wrap for epoch_id in self.keys for wrap in self.wraps_for(epoch_id, wanted))
        if not self.at_head or head not in self.keys:
            return ()
        return self.wraps_for(head, [card for card in wanted if card in self.fold.table.cards])
