"""What a vault says of a share when several words stand, or one that this phone cannot read (shares.md)."""

from __future__ import annotations

import msgspec

from sync.device.share_register import ShareWord, share_edit, share_words
from sync.merge.change import PERSON, VAULT_RECORD, Change, Edit, make_dot
from sync.merge.record import Record
from sync.wire.share import ShareId

SHARE = ShareId(b"h" * 16)
WORD = ShareWord(b"s" * 32, "token", b"a" * 32, "https://carnet.example", 1_700_000_000_000, label="A")


def written(*edits: Edit) -> Record:
    """`@vault` after these edits, each by another phone that had not seen the others."""
    changes = [Change(make_dot(place, 1), *edit, at=0) for place, edit in enumerate(edits)]
    return Record(VAULT_RECORD).overlaid(changes)


def said(word: ShareWord) -> Edit:
    return share_edit(None, SHARE, word)


def test_of_two_words_about_a_share_the_one_that_revokes_it_wins() -> None:
    """SHR-5."""
    revoked = msgspec.structs.replace(WORD, revoked=True)
    for edits in ((said(WORD), said(revoked)), (said(revoked), said(WORD))):
        assert share_words(written(*edits)) == {SHARE: revoked}


def test_of_words_that_revoke_nothing_the_one_that_pauses_wins_and_then_the_newest() -> None:
    """SHR-5: a share that somebody closed is not open because somebody else gave it another end meanwhile."""
    paused = msgspec.structs.replace(WORD, paused=True, changed_at=1)
    later = msgspec.structs.replace(WORD, expires_at=9, changed_at=3)
    earlier = msgspec.structs.replace(WORD, opens_max=5, changed_at=2)
    assert share_words(written(said(later), said(paused), said(earlier))) == {SHARE: paused}
    assert share_words(written(said(earlier), said(later))) == {SHARE: later}
    assert share_words(written(said(later), said(earlier))) == {SHARE: later}


def test_a_word_comes_back_as_it_was_written() -> None:
    """SHR-5."""
    every = msgspec.structs.replace(
        WORD,
        flags="LP",
        expires_at=1,
        opens_max=2,
        passcode="Grüße",
        sections=("allergies",),
        records=("ab" * 32,),
        without=("cd" * 32,),
        eu=True,
        viewer="",
        paused=True,
        changed_at=3,
    )
    for word in (WORD, every):
        assert share_words(written(said(word))) == {SHARE: word}
    assert repr(every) == "<ShareWord>"


def test_what_a_foreign_app_wrote_and_nobody_can_read_is_passed_over() -> None:
    """SHR-5."""
    keys = {"share/zz": b"{}", "share/" + "ab" * 16: b'{"secret":1}', "share/" + "cd" * 15: b"{}", "name": b'"x"'}
    edit = Edit(VAULT_RECORD, False, PERSON, None, (), tuple(keys.items()))
    assert share_words(written(edit, said(WORD))) == {SHARE: WORD}
    assert share_words(None) == {}
