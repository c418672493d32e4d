"""Cases of chapter membership about roles, subject, purge, version, recovery, epochs and limits. Expected by hand."""

from tests.vectors.log_steps import CHILD, DROPPED, FAMILY, FOUND, add, case, drop, entry, new_epoch


def role_cases():
    e2 = new_epoch(2)
    yield case(
        "an owner lowers an editor: no epoch, grace from here",
        "MEM-7 MEM-17",
        [*FAMILY, entry("dad 1", ("role", "carer", "viewer"))],
    )
    yield case("an owner raises a viewer", "MEM-7", [*FAMILY, entry("mum 1", ("role", "aunt", "editor"))])
    yield case(
        "who becomes owner has no end date any more", "MEM-7", [*FAMILY, entry("mum 1", ("role", "nurse", "owner"))]
    )
    yield case(
        "who stays below owner keeps her end date", "MEM-7", [*FAMILY, entry("mum 1", ("role", "nurse", "viewer"))]
    )
    yield case("an editor raises herself", "MEM-7", [*FAMILY, entry("carer 1", ("role", "carer", "owner"))], "rights")
    yield case("a co-owner lowers the subject", "MEM-7", [*FAMILY, entry("dad 1", ("role", "mum", "viewer"))], "rights")
    yield case("the subject lowers herself", "MEM-7", [*FAMILY, entry("mum 1", ("role", "mum", "viewer"))])
    yield case("an owner lowers another owner", "MEM-7", [*FAMILY, entry("mum 1", ("role", "dad", "viewer"))])
    yield case("of a person without a card", "MEM-7", [*DROPPED, entry("mum 1", ("role", "carer", "viewer"))], "rights")
    yield case("of a person nobody named", "MEM-7", [*FAMILY, entry("mum 1", ("role", "sam", "viewer"))], "rights")
    yield case(
        "an author who lowers herself goes on as an owner in that entry",
        "MEM-15",
        [*FAMILY, entry("dad 1", ("role", "dad", "viewer"), add("sam 1", "viewer"))],
    )
    yield case(
        "the table that an edit meets is the one that the edits before it left",
        "MEM-15",
        [*FAMILY, entry("dad 1", ("role", "dad", "viewer"), add("dad 2", "owner"))],
        "rights",
    )

    yield case("an owner names the subject, who becomes owner", "MEM-8", [*CHILD, entry("mum 1", ("subject", "sam"))])
    yield case("there is a subject with a card", "MEM-8", [*FAMILY, entry("dad 1", ("subject", "dad"))], "rights")
    yield case("the subject does not pass it on", "MEM-8", [*FAMILY, entry("mum 1", ("subject", "dad"))], "rights")
    yield case(
        "the subject has no card left",
        "MEM-8",
        [*FAMILY, entry("mum 1", drop("mum 1"), drop("mum code"), epoch=e2), entry("dad 1", ("subject", "dad"))],
    )
    yield case(
        "the subject's recovery card is a card",
        "MEM-8",
        [*FAMILY, entry("mum 1", drop("mum 1"), epoch=e2), entry("dad 1", ("subject", "dad"))],
        "rights",
    )
    yield case("somebody without a card", "MEM-8", [*CHILD, entry("mum 1", ("subject", "zoe"))], "rights")
    yield case("a viewer names herself", "MEM-8", [*CHILD, entry("sam 1", ("subject", "sam"))], "rights")

    yield case("the subject purges", "MEM-9", [*FAMILY, entry("mum 1", ("purge", 1))])
    yield case("a co-owner purges a vault with a subject", "MEM-9", [*FAMILY, entry("dad 1", ("purge", 1))], "rights")
    yield case("an owner purges a vault without a subject", "MEM-9", [*CHILD, entry("dad 1", ("purge", 1))])
    yield case("a viewer purges", "MEM-9", [*CHILD, entry("sam 1", ("purge", 1))], "rights")
    yield case(
        "a subject who is no owner purges",
        "MEM-9",
        [*FAMILY, entry("mum 1", ("role", "mum", "editor")), entry("mum 1", ("purge", 1))],
        "rights",
    )
    yield case("up to the entry itself", "MEM-9", [*FAMILY, entry("mum 1", ("purge", 3))], "rights")
    yield case("up to the item before it", "MEM-9", [*FAMILY, entry("mum 1", ("purge", 2))])
    yield case(
        "no further than an earlier purge",
        "MEM-9",
        [*FAMILY, entry("mum 1", ("purge", 2)), entry("mum 1", ("purge", 2))],
        "rights",
    )
    yield case("up to nothing", "MEM-9", [*FAMILY, entry("mum 1", ("purge", 0))], "rights")

    yield case("the version as it is", "MEM-10", [*FAMILY, entry("mum 1", ("version", 1))], "rights")
    yield case("a lower version", "MEM-10", [*FAMILY, entry("mum 1", ("version", 0))], "rights")
    yield case(
        "unknown-version: an editor raises the version", "MEM-10", [*FAMILY, entry("carer 1", ("version", 2))], "rights"
    )
    yield case(
        "an owner raises it to a version that this one does not know",
        "MEM-10",
        [*FAMILY, entry("mum 1", ("version", 9_000))],
        "needs_newer",
    )


def recovery_cases():
    carers = [*FAMILY, entry("carer 1", add("carer code", "editor"))]
    e2 = new_epoch(2)
    fresh = [add("mum new", "owner"), add("mum new code", "owner"), drop("mum code")]
    yield case(
        "an owner's recovery: new phone, new code, the old code and the lost phone out, a new epoch",
        "MEM-11",
        [*FAMILY, entry("mum code", *fresh, drop("mum 1"), epoch=e2)],
    )
    yield case("the lost phone stays in", "MEM-11", [*FAMILY, entry("mum code", *fresh, epoch=e2)])
    yield case("an owner's recovery without an epoch", "MEM-12", [*FAMILY, entry("mum code", *fresh)], "epoch")
    edits = [add("carer new", "editor"), add("carer new code", "editor"), drop("carer code"), drop("carer 1")]
    yield case("an editor's recovery: an owner has to rotate", "MEM-11 MEM-16", [*carers, entry("carer code", *edits)])
    yield case(
        "an editor's recovery starts an epoch", "MEM-12", [*carers, entry("carer code", *edits, epoch=e2)], "epoch"
    )
    yield case(
        "silent: it adds a phone and stays", "MEM-11", [*FAMILY, entry("mum code", add("mum new", "owner"))], "rights"
    )
    yield case("it starts an epoch and nothing else", "MEM-11", [*FAMILY, entry("mum code", epoch=e2)], "rights")
    yield case(
        "it changes a role besides",
        "MEM-11",
        [*FAMILY, entry("mum code", *fresh, ("role", "dad", "viewer"), epoch=e2)],
        "rights",
    )
    yield case(
        "it adds another person besides",
        "MEM-11",
        [*FAMILY, entry("mum code", *fresh, add("sam 1", "viewer"), epoch=e2)],
        "rights",
    )
    yield case(
        "it drops another person besides",
        "MEM-11",
        [*FAMILY, entry("mum code", *fresh, drop("dad 1"), epoch=e2)],
        "rights",
    )
    yield case("it drops only itself", "MEM-11", [*FAMILY, entry("mum code", drop("mum code"), epoch=e2)])
    yield case(
        "a code that has been used",
        "MEM-11 MEM-3",
        [*FAMILY, entry("mum code", *fresh, epoch=e2), entry("mum code", drop("mum code"), epoch=new_epoch(3))],
        "rights",
    )


def epoch_cases():
    yield case(
        "an owner starts an epoch and does nothing else", "MEM-12", [*FAMILY, entry("dad 1", epoch=new_epoch(2))]
    )
    yield case("garbage-epoch: a viewer starts one", "MEM-12", [*FAMILY, entry("aunt 1", epoch=new_epoch(2))], "epoch")
    yield case(
        "an editor's drop starts one",
        "MEM-12",
        [*FAMILY, entry("carer 1", add("carer 2", "editor")), entry("carer 1", drop("carer 2"), epoch=new_epoch(2))],
        "epoch",
    )
    yield case("1,000 up", "MEM-12", [*FAMILY, entry("mum 1", epoch=new_epoch(1_001))])
    yield case("garbage-epoch: 1,001 up", "MEM-12", [*FAMILY, entry("mum 1", epoch=new_epoch(1_002))], "epoch")
    yield case("the number as it is", "MEM-12", [*FAMILY, entry("mum 1", epoch=new_epoch(1, "epoch 2"))], "epoch")
    yield case(
        "garbage-epoch: an unknown suite", "MEM-12", [*FAMILY, entry("mum 1", epoch=new_epoch(2, suite=2))], "epoch"
    )
    yield case("suite 0", "MEM-12", [*FAMILY, entry("mum 1", epoch=new_epoch(2, suite=0))], "epoch")
    yield case(
        "the id of the epoch in force", "MEM-12", [*FAMILY, entry("mum 1", epoch=new_epoch(2, "epoch 1"))], "epoch"
    )
    yield case(
        "the id of an older epoch",
        "MEM-12",
        [*FAMILY, entry("mum 1", epoch=new_epoch(2)), entry("mum 1", epoch=new_epoch(3, "epoch 1"))],
        "epoch",
    )
    yield case("an entry that changes nothing", "MEM-3", [*FAMILY, entry("aunt 1")])
    yield case(
        "rights come before epoch", "MEM-15", [*FAMILY, entry("carer 1", drop("aunt 1"), epoch=new_epoch(2))], "rights"
    )
    yield case("epoch comes before owner", "MEM-15", [FOUND, entry("mum 1", drop("mum 1"))], "epoch")


def limit_cases():
    thirty = [add(f"p{i} 1", "viewer") for i in range(30)]
    eight = [add(f"mum {i}", "owner") for i in range(2, 8)]
    e2 = new_epoch(2)
    yield case("32 cards", "MEM-13", [FOUND, entry("mum 1", *thirty)])
    yield case("33 cards", "MEM-13", [FOUND, entry("mum 1", *thirty), entry("mum 1", add("mum 2", "owner"))], "limits")
    yield case(
        "counted after the whole entry: one in, one out",
        "MEM-13",
        [FOUND, entry("mum 1", *thirty), entry("mum 1", add("mum 2", "owner"), drop("p0 1"), epoch=e2)],
    )
    yield case("8 cards of a person", "MEM-13", [FOUND, entry("mum 1", *eight)])
    yield case(
        "9 cards of a person",
        "MEM-13",
        [FOUND, entry("mum 1", *eight), entry("mum 1", add("mum 8", "owner"))],
        "limits",
    )
    fresh = [add("mum new", "owner"), add("mum new code", "owner"), drop("mum code")]
    yield case(
        "who has 8 cards can recover",
        "MEM-13 MEM-11",
        [FOUND, entry("mum 1", *eight), entry("mum code", *fresh, drop("mum 1"), epoch=e2)],
    )
    yield case(
        "who has 8 cards and drops no lost phone cannot",
        "MEM-13 MEM-11",
        [FOUND, entry("mum 1", *eight), entry("mum code", *fresh, epoch=e2)],
        "limits",
    )

    def in_and_out(numbers):
        return [edit for i in numbers for edit in (add(f"carer {i}", "editor"), drop(f"carer {i}"))]

    burnt = [*FAMILY, entry("carer 1", *in_and_out(range(2, 33))), entry("carer 1", *in_and_out(range(33, 64)))]
    yield case(
        "64 cards of a person in the life of a log", "MEM-13", [*burnt, entry("carer 1", add("carer 64", "editor"))]
    )
    yield case(
        "65 cards of a person in the life of a log",
        "MEM-13",
        [
            *burnt,
            entry("carer 1", add("carer 64", "editor")),
            entry("carer 1", drop("carer 64"), add("carer 65", "editor")),
        ],
        "limits",
    )
    yield case(
        "limits come before owner",
        "MEM-15",
        [FOUND, entry("mum 1", *eight), entry("mum 1", add("mum 8", "owner"), ("role", "mum", "editor"))],
        "limits",
    )
