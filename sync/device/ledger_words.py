"""The ledger's plain words: what each kind of entry says, and what each finding means and does not mean."""

from __future__ import annotations

WORDS = {
    "share_made": "A share was made",
    "share_changed": "A share's end, number of opens or passcode was changed",
    "share_paused": "A share was paused",
    "share_resumed": "A share was opened again after a pause",
    "share_revoked": "A share was ended for good",
    "share_opened": "A share was opened",
    "passcode_wrong": "A wrong passcode was tried",
    "device_added": "A phone was let into your account",
    "recovery_added": "A recovery code was put in force",
    "device_revoked": "A phone was shut out of your account",
    "recovery_used": "A recovery code was used or rehearsed",
    "note_received": "A note came back from somebody who had a link",
    "membership": "Who is in a vault was changed",
}
_NOT = " It does not touch your records: they are checked on their own."
FINDINGS = {
    "altered": "An entry of the list was changed after it was written, or the list was damaged on the server. What"
    " stands before it still holds; do not rely on what follows." + _NOT,
    "cut": "Entries are missing that were there before: somebody took them out, or the server was restored from an"
    " older backup. Ask who runs the server which it was." + _NOT,
    "rebuilt": "The list is not the one that this phone read before: its past was written anew. Do not rely on any of"
    " it, and ask who runs the server." + _NOT,
    "forked": "Another phone of yours was shown another list, or more of it: the server tells your phones different"
    " things, or was restored from an older backup. Compare `carnet ledger` on both, and ask who runs the server."
    + _NOT,
}
NO_PROOF = (
    "Checked: nothing that this phone has read before was changed, and nothing that your other phones have said here."
    " That the server wrote everything down cannot be proved."
)
