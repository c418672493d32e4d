"""Ways to be wrong in the merge engine and in what writes for it. Rules: openapi/protocol/merge.md and fhir.md."""

from tests.mutations.checks import MERGE_VECTORS, worlds
from tests.mutations.mutation import Mutation

REGISTER, RECORD, LIFE = "sync/merge/register.py", "sync/merge/record.py", "sync/merge/life.py"
SNAPSHOT, VIEW = "sync/merge/snapshot.py", "sync/merge/view.py"
REPETITIONS, EDITABLE = "sync/fhir/repetitions.py", "sync/fhir/editable.py"
WORLDS = worlds("merge", 150)
BOTH = (WORLDS, MERGE_VECTORS)
ORDERS = worlds("convergence", 150)
MUSTS = "tests/conformance/test_merge_musts.py"
BLEND = "tests/property/test_law_no_blend.py -k AllergyIntolerance"
SOURCES = "tests/fhir/test_conflicts_with_sources.py"
CONFLICTS, FHIR_VIEW = "sync/fhir/conflicts.py", "sync/fhir/view.py"
NOTHING_LEFT = "    if not kept:\n        return (new,)"

MERGE = [
    Mutation(
        "equal values collapse in the state",
        "MRG-8",
        REGISTER,
        "    kept.append(new)",
        "    kept = [old for old in kept if old.value != new.value]\n    kept.append(new)",
        BOTH,
    ),
    Mutation(
        "the last writer wins, by the clock",
        "MRG-4",
        REGISTER,
        NOTHING_LEFT,
        "    if True:\n        return (max((*kept, new), key=lambda one: (one.at, one.dot)),)",
        BOTH,
    ),
    Mutation(
        "the last writer wins, by the log", "MRG-5", REGISTER, NOTHING_LEFT, "    if True:\n        return (new,)", BOTH
    ),
    Mutation(
        "a carried change drops its carrier's own",
        "MRG-6",
        REGISTER,
        "    if carries:\n        kept = [",
        "    if standing is None:\n        kept = [",
        BOTH,
    ),
    Mutation(
        "one's own earlier word stays",
        "MRG-5",
        REGISTER,
        " and old.dot & ORDINAL_MASK != author]\n    if not kept",
        "]\n    if not kept",
        BOTH,
    ),
    Mutation(
        "preds drop nothing",
        "MRG-5",
        REGISTER,
        "    dot, seen = new.dot, new.seen",
        "    dot, seen = new.dot, ()",
        BOTH,
    ),
    Mutation("siblings stand as they came", "MRG-3", REGISTER, "    kept.sort(key=_dot_of)\n", "", BOTH),
    Mutation(
        "of seventeen siblings the highest goes",
        "MRG-9",
        REGISTER,
        "own[:-SIBLINGS_A_DEVICE_MAX]",
        "own[SIBLINGS_A_DEVICE_MAX:]",
        (MERGE_VECTORS, ORDERS),
    ),
    Mutation(
        "siblings of one device are not bounded",
        "MRG-9",
        REGISTER,
        "if len(own) > SIBLINGS_A_DEVICE_MAX:",
        "if not own:",
        (MERGE_VECTORS, "tests/hostile/test_attack_member_flood.py"),
    ),
    Mutation("an older word comes again", "MRG-2", REGISTER, "any(old.dot >= dot", "any(old.dot == dot", (MUSTS,)),
    Mutation(
        "a deletion drops registers",
        "MRG-16",
        RECORD,
        "            overlay[key] = written(standing, Sibling(dot, value, seen, via, change.at), carries)\n",
        "            overlay[key] = written(standing, Sibling(dot, value, seen, via, change.at), carries)\n"
        "            if key == LIFE:\n"
        "                for other in set(overlay) - {LIFE}:\n"
        "                    del overlay[other]\n",
        BOTH,
    ),
    Mutation(
        "a deletion holds though somebody wrote meanwhile",
        "MRG-16",
        LIFE,
        "    if deletions == len(standing) and not unseen(standing, live):",
        "    if deletions == len(standing):",
        BOTH,
    ),
    Mutation(
        "one deletion among restorations is enough",
        "MRG-17",
        LIFE,
        "    if deletions == len(standing) and not",
        "    if not",
        BOTH,
    ),
    Mutation(
        "what a deletion had seen counts for nothing",
        "MRG-16",
        LIFE,
        "seen.update(sibling.seen)",
        "seen.update(())",
        BOTH,
    ),
    Mutation(
        "an import deletes", "MRG-15", RECORD, "if key == LIFE and lane == SOURCE:", "if not key:", (MERGE_VECTORS,)
    ),
    Mutation(
        "one lane for all",
        "MRG-11",
        RECORD,
        "        overlay = self._own_overlays()[lane]\n        if len",
        "        overlay = self._own_overlays()[PERSON]\n        if len",
        BOTH,
    ),
    Mutation(
        "a second birth replaces the first",
        "MRG-13",
        RECORD,
        "for other in (*self.births, birth) if",
        "for other in (birth,) if",
        BOTH,
    ),
    Mutation(
        "a second birth passes over what was written",
        "MRG-13",
        RECORD,
        "            if key == LIFE:\n                continue\n            after",
        "            if key:\n                continue\n            after",
        BOTH,
    ),
    Mutation(
        "the usual change drops siblings it has not seen",
        "MRG-3",
        RECORD,
        "plain = len(before) == 1 and before[0].dot in seen",
        "plain = before[0].dot in seen",
        BOTH,
    ),
    Mutation(
        "laying waiting changes over a record writes them into it",
        "MRG-21",
        RECORD,
        "(dict(self._overlays[SOURCE]), dict(self._overlays[PERSON]))",
        "self._overlays",
        (WORLDS, MUSTS),
    ),
    Mutation(
        "the canonical state leaves out what was seen",
        "MRG-7",
        SNAPSHOT,
        "[_dot(pred) for pred in sibling.seen], _via",
        "[], _via",
        BOTH,
    ),
    Mutation(
        "the canonical state leaves out the via",
        "MRG-27",
        SNAPSHOT,
        "for pred in sibling.seen], _via(sibling.via)",
        "for pred in sibling.seen], None",
        BOTH,
    ),
    Mutation(
        "people's differing values are decided in silence",
        "MRG-24",
        VIEW,
        "disputed = any(sibling.value != standing[0].value for sibling in standing)",
        "disputed = False",
        (MERGE_VECTORS, MUSTS),
    ),
    Mutation(
        "the source is shown over the person",
        "MRG-23",
        VIEW,
        "standing = record.siblings(key, PERSON)\n    if standing:\n        disp",
        "standing = record.siblings(key, PERSON)\n    if standing and not record.siblings(key, SOURCE):\n        disp",
        (MERGE_VECTORS, MUSTS),
    ),
    Mutation(
        "a person's edit does not name the source",
        "MRG-18",
        VIEW,
        "        standing += record.siblings(key, SOURCE)",
        "        standing += ()",
        (MUSTS,),
    ),
    Mutation(
        "a deletion names nothing that is live",
        "MRG-19",
        VIEW,
        "sorted({*record.live_dots(), *(sib",
        "sorted({*(sib",
        (MUSTS,),
    ),
    Mutation(
        "repetitions of one import share a key",
        "MRG-20",
        REPETITIONS,
        "element, content, str(occurrence).encode())\n            if token not in used:",
        "element, content)\n            if token:",
        ("tests/fhir/test_registers_law.py", "tests/vectors/test_registers_vectors.py"),
    ),
    Mutation(
        "repetitions that two people add share a key",
        "MRG-20",
        REPETITIONS,
        '_token(b"repetition-added", element, seed)',
        '_token(b"repetition-added", element)',
        ("tests/fhir/test_editing.py",),
    ),
    Mutation(
        "an edit on a register in conflict is taken",
        "FHI-26",
        EDITABLE,
        "                raise conflict_open(place)",
        "                pass",
        ("tests/fhir/test_editing.py",),
    ),
    Mutation(
        "nobody is asked about values that differ",
        "FHI-30",
        CONFLICTS,
        "    if place.disputed:\n        kind = VALUE",
        "    if not place.key:\n        kind = VALUE",
        (BLEND,),
    ),
    Mutation(
        "the lowest of differing values is exported as if it were the only one",
        "FHI-35",
        FHIR_VIEW,
        "        disputed = differ(sibling.value for sibling in siblings)",
        "        disputed = not siblings",
        (BLEND,),
    ),
    Mutation(
        "a source's newer copy is never asked about",
        "FHI-32",
        CONFLICTS,
        "    if newest.dot in seen:\n        return None",
        "    if newest.dot:\n        return None",
        (SOURCES,),
    ),
    Mutation(
        "a copy that says refuted passes in silence",
        "FHI-32",
        CONFLICTS,
        "if not any(critical or importer(dot)",
        "if not any(importer(dot)",
        ("tests/hostile/test_attack_forged_copy.py",),
    ),
    Mutation(
        "a state root is made with a filled outbox",
        "a checkpoint made with a filled outbox",
        "sync/device/reading.py",
        "digests(vault.settled.values())",
        "digests(vault.shown.values())",
        ("tests/conformance/test_settled_root.py",),
    ),
]
