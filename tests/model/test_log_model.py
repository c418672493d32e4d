"""The shipped judge and fold against a second telling of the same rules, in random logs by random authors.

The rival is tests/simulation/model_rules.py: its own table, fake crypto, nothing of `sync`. Whatever is tried, both
find the same; and what the protocol promises of membership holds, looked at with none of their code.
"""

from hypothesis import given, settings
from hypothesis import strategies as st

from sync.log.reading import read_item
from sync.log.state import decode_state, encode_state
from tests.simulation import model_rules as rival
from tests.vectors.log_steps import FAMILY, UNTIL
from tests.vectors.log_story import ROLES, Story, keys_of, person

PEOPLE = ["mum", "dad", "carer", "aunt", "nurse", "sam"]
CARDS = [f"{whose} {what}" for whose in PEOPLE for what in ("1", "2", "3", "code")]
EPOCHS = [f"epoch {i}" for i in range(1, 6)]
SUBJECT = "mum"

cards, people, roles = st.sampled_from(CARDS), st.sampled_from(PEOPLE), st.sampled_from([*ROLES])


@st.composite
def adds(draw):
    card = draw(cards)
    whose = draw(st.one_of(st.just(card.split()[0]), people))
    return ["add", card, whose, draw(roles), draw(st.sampled_from([None, None, None, UNTIL]))]


edits = st.one_of(
    adds(),
    st.tuples(st.just("drop"), cards).map(list),
    st.tuples(st.just("role"), people, roles).map(list),
    st.tuples(st.just("subject"), people).map(list),
    st.tuples(st.just("purge"), st.integers(0, 8)).map(list),
    st.tuples(st.just("version"), st.integers(0, 1)).map(list),
)
epochs = st.one_of(
    st.none(),
    st.tuples(st.sampled_from([1, 2, 3, 4, 1_003, 1_004]), st.integers(0, 2), st.sampled_from(EPOCHS)).map(list),
)


@st.composite
def steps(draw):
    """An author who may well be in the vault, and mostly what an honest phone would build."""
    author = draw(st.one_of(st.sampled_from(["mum 1", "dad 1", "carer 1", "mum code"]), cards))
    if draw(st.integers(0, 3)) == 0:
        off = draw(st.sampled_from([{}, {}, {"wrong fseq": True}, {"wrong prev": True}, {"v": 2}]))
        return {"frame": {"author": author, "epoch": draw(st.sampled_from(EPOCHS[:3])), **off}}
    told = {"author": author, "edits": draw(st.lists(edits, max_size=3)), "epoch": draw(epochs)}
    return {"entry": told | draw(st.sampled_from([{}, {}, {}, {}, {"wrong prev": True}, {"v": 2}]))}


def family():
    """A log with the family in it: a fold is read back, because making one anew checks every card."""
    story = Story()
    story.state = decode_state(FAMILY_STATE)
    return story


class Twins:
    """A log in both tellings."""

    def __init__(self):
        self.story, self.fold = Story(), rival.Fold()
        for step in FAMILY:
            assert self.take(step) == ("ok", "ok")

    def copy(self):
        """The same log once more."""
        new = Twins.__new__(Twins)
        new.story, new.fold = family(), self.fold.copy()
        return new

    def take(self, step):
        """Both verdicts on a step, which is appended to both; or why it is no item."""
        kind, told = next(iter(step.items()))
        item = self.story.make(real(step))
        shipped = self.story.take(item)
        if shipped == "unverified":
            return shipped, shipped if told["author"] not in self.fold.table.ever else "known to the rival"
        other = self._rivals(kind, told)
        verdict = self.fold.judge(other)
        self.fold.append(other, verdict)
        return shipped, verdict or "ok"

    def _rivals(self, kind, told):
        fold, version = self.fold, told.get("v", 1)
        if kind == "frame":
            fseq, head = fold.chain.get(told["author"], (0, ""))
            fseq = 1_000 if told.get("wrong fseq") else fseq + 1
            prev = "wrong" if told.get("wrong prev") else head
            return rival.frame(version, told["author"], fseq, prev, told["epoch"], (len(fold.items), ""), ())
        changes = [self._rival_edit(edit) for edit in told["edits"]]
        if "genesis" in told:
            changes.append(("subject", told["genesis"]["person"]))
        epoch = rival.Epoch(*told["epoch"]) if told["epoch"] else None
        prev = "wrong" if told.get("wrong prev") else fold.entry_head
        return rival.entry(version, prev, (len(fold.items), ""), told["author"], tuple(changes), epoch)

    @staticmethod
    def _rival_edit(edit):
        what, *rest = edit
        if what == "add":
            card, whose, role, until = rest
            return ("add", card, int(card.endswith("code")), whose, ROLES[role], until)
        return ("role", rest[0], ROLES[rest[1]]) if what == "role" else tuple(edit)

    def differ(self):
        """What the two tellings do not agree on after the last item."""
        state, fold, ids = self.story.state, self.fold, {name: keys_of(name).id for name in CARDS}
        table, theirs = state.table, fold.table
        return [
            what
            for what, same in {
                "live cards": set(table.live()) == {ids[card] for card in theirs.cards},
                "cards ever": list(table.cards) == [ids[card] for card in theirs.ever],
                "people": {p: (r.role, r.until) for p, r in table.people.items()}
                == {person(p): row for p, row in theirs.people.items()},
                "subject": table.subject == (theirs.subject and person(theirs.subject)),
                "purged": table.purged == theirs.purged,
                "epoch": (state.epoch.number, state.epoch.suite) == fold.epoch[:2],
                "chains": {d: c.fseq for d, c in state.chain.items()}
                == {ids[c]: n for c, (n, _) in fold.chain.items()},
                "lost rights": state.lost_rights == {ids[card]: seq for card, seq in fold.lost_rights.items()},
                "rotation": state.rotation_due == fold.rotation_due,
            }.items()
            if not same
        ]


def real(step):
    """A step as the story takes it."""
    kind, told = next(iter(step.items()))
    told = dict(told)
    if told.pop("wrong prev", None):
        told["prev"] = (b"\x07" * 32).hex()
    if told.pop("wrong fseq", None):
        told["fseq"] = 1_000
    return {kind: told}


START = Twins()
FAMILY_STATE = encode_state(START.story.state)
logs = st.lists(steps(), min_size=1, max_size=14)
slice_of_runs = settings(max_examples=150, deadline=None, derandomize=True, database=None)


@slice_of_runs
@given(logs)
def test_two_tellings_of_the_rules_find_the_same(log):
    twins = START.copy()
    for step in log:
        shipped, other = twins.take(step)
        assert shipped == other, step
        assert not twins.differ(), step


@slice_of_runs
@given(logs)
def test_a_log_read_again_comes_out_the_same_and_a_stored_fold_goes_on_as_if_it_had_never_been_stored(log):
    first, again, stored = family(), family(), None
    first.play([real(step) for step in log])
    for item, verdict in zip(first.items, first.verdicts, strict=True):
        assert again.take(item) == verdict
        stored = again.state = decode_state(encode_state(again.state))
    assert stored is None or encode_state(stored) == encode_state(first.state)
    assert again.state == first.state


@slice_of_runs
@given(logs)
def test_whatever_members_try_the_promises_of_membership_hold(log):
    story = family()
    for step in log:
        before = story.state.table.copy()
        item = story.make(real(step))
        if story.take(item) == "unverified":
            continue
        after, author = story.state.table, before.cards[read_item(item).author]
        assert after.owner_phones(), "an owner's phone is left"
        assert list(after.cards)[: len(before.cards)] == list(before.cards), "the table never shrinks, places stay"
        for device, row in after.cards.items():
            old = before.cards.get(device)
            assert old is None or (old.person, old.ordinal) == (row.person, row.ordinal), "a card is one person's"
            assert old is None or old.live or not row.live, "a dropped card never returns"
            if old is None and row.person in before.people:
                assert row.person == author.person, "a person's cards come from her own"
            if old is not None and old.live and not row.live and row.person != author.person:
                assert before.people[author.person].role == 2, "only owners drop other people's cards"
                assert row.person != before.subject, "nobody drops the subject's cards"
        subject = before.subject
        if subject and after.people[subject].role < before.people[subject].role:
            assert author.person == subject, "nobody lowers the subject"
        assert after.subject == subject or not before.cards_of(subject), "the subject is not passed on"
