"""What the phone says when it will not or cannot do something: a word code, a title, what to do next.

The store is unchanged whenever this is raised. With `--json` it is printed as the problem document of cli.md. Codes are
words and never change their sense; texts may. No health data, key or token ever stands in one.
"""

from __future__ import annotations

_TEXTS: dict[str, tuple[str, str]] = {
    "store_exists": (
        "There is a phone in this store already",
        "Use another folder with --store, or go on with this one.",
    ),
    "no_store": ("There is no phone in this store yet", "Start with `carnet init` or `carnet link`."),
    "bad_card": ("That is no health card that can be read", "Take the picture again, or ask for the file."),
    "card_parts": ("That card has several codes, and some are missing", "Give the pictures of all of them together."),
    "card_altered": (
        "That card was altered, or is not from whom it names: its signature does not hold",
        "Do not rely on it; nothing was taken. Ask whoever made it for another.",
    ),
    "card_no_key": (
        "The issuer that the card names publishes no key for it (any more)",
        "It may have been withdrawn; nothing was taken. Ask whoever made it.",
    ),
    "card_revoked": (
        "That card was revoked by its issuer",
        "It counts no more, and nothing was taken. Ask its issuer for another.",
    ),
    "bad_issuers": ("That is no list of issuers, or nothing to make one of", "See `carnet issuers --help`."),
    "unknown_issuers": (
        "Nobody on this phone has let in who signed that list",
        "If you know whose key it is: the same command with --trust NAME.",
    ),
    "no_such_issuers": ("There is no such list of issuers", "See `carnet issuers list`."),
    "no_emergency": ("Emergency access is off already", "`carnet emergency on` makes a link."),
    "no_such_card": ("There is no such card of this phone", "See `carnet card list`."),
    "no_picture": ("There is no code in that picture that can be read", "Take it closer, straight and with light."),
    "no_picture_reader": (
        "Pictures cannot be read on this machine",
        "Install carnet[pictures], or give the code's text.",
    ),
    "no_such_language": ("There are no words for that language", "Languages are two letters, as el or it."),
    "bad_terms": ("That is no term pack, or nothing to make one of", "See `carnet terms --help`."),
    "unknown_signer": (
        "Nobody on this phone has let in who signed that pack",
        "If you know whose key it is: the same command with --trust NAME.",
    ),
    "no_such_terms": ("There is no such installed pack", "See `carnet terms list`; what came with the phone stays."),
    "no_code": ("No code is known for that", "`carnet codes TEXT` searches; without --code your words alone are kept."),
    "which_code": ("Several codes fit", "Write it whole, as `carnet codes TEXT` shows it."),
    "store_newer": ("This store was written by a newer version", "Update carnet; nothing has been changed."),
    "store_damaged": (
        "This store cannot be read",
        "Keep the folder as it is and link a new phone; the records are in the vault.",
    ),
    "bad_store": ("That folder cannot be used as a store", "Name one that you may write to with --store."),
    "store_busy": ("Another command is using this store", "Try again in a moment."),
    "disk_full": ("The disk has no room left", "Free some space and try again; nothing was changed."),
    "passphrase_needed": ("The store is locked", "Give --passphrase-file, set CARNET_PASSPHRASE, or use a terminal."),
    "passphrase_wrong": ("The passphrase does not open this store", "Try again; nothing has been changed."),
    "passphrases_differ": ("The two passphrases differ", "Try again; nothing has been made."),
    "no_keyring": ("There is no usable keyring on this machine", "Use --no-keyring and a passphrase."),
    "not_secure": (
        "A server elsewhere is reached by https alone",
        "Write https:// before its name; http:// is for a server on this machine.",
    ),
    "bad_certificates": (
        "SSL_CERT_FILE or SSL_CERT_DIR names no certificates that can be read",
        "Name a PEM file, or a folder of them made by `openssl rehash`; or leave both away.",
    ),
    "watched_elsewhere": (
        "This phone is watched by another command",
        "Watch from one place at a time: the newest one goes on.",
    ),
    "unreachable": ("The server cannot be reached", "Everything is kept here; try again when there is network."),
    "revoked": (
        "This phone has been taken out of its account",
        "Your records stay here, can be edited, and `carnet export` writes them out; link this phone anew if that was"
        " not meant.",
    ),
    "account_gone": (
        "The server does not know this phone any more",
        "Your records stay here, can be edited, and `carnet export` writes them out; link this phone anew.",
    ),
    "forbidden": (
        "The server does not let this phone in",
        "Your records stay here, can be edited, and `carnet export` writes them out; ask who runs the server.",
    ),
    "server_error": ("The server did not answer as it should", "Everything is kept here; try again later."),
    "removed": (
        "This phone is not in the vault any more",
        "The records stay here, can be edited, and `carnet export` writes them out; ask an owner if this was meant.",
    ),
    "not_owner": ("Only an owner of the vault may do that", "Ask an owner: `carnet members` shows who."),
    "subject_hides": (
        "Only the person whom the vault is about hides something from its summary",
        "`carnet members` shows whom the vault is about; `carnet restrict` alone shows what is hidden.",
    ),
    "not_in_summary": ("That stands in no summary, so there is nothing to hide", "See `carnet summary`."),
    "clock_wrong": ("This phone's clock shows an impossible time", "Set it and try again; nothing was changed."),
    "subject_stays": (
        "The vault is about this person: only she takes her phones or her role from herself",
        "`carnet members` shows whom the vault is about.",
    ),
    "has_subject": ("The vault is about somebody already", "That is not passed on; `carnet members` shows it."),
    "not_hers": ("A person's further phones are let in by a phone of hers", "Use `carnet approve` on a phone of hers."),
    "last_owner": (
        "A vault keeps at least one owner's phone",
        "Make somebody else owner first: `carnet members role`.",
    ),
    "owner_until": ("An owner has no end date", "Leave --until away, or give another role."),
    "too_many_phones": ("The vault, or this person, has as many phones as there may be", "Remove one that is unused."),
    "unknown_member": ("There is no such person or phone in the vault", "See `carnet members`."),
    "there_already": ("That person is, or was, in this vault", "See `carnet members`."),
    "wish_refused": ("The members have changed meanwhile, and that is no longer possible", "See `carnet members`."),
    "bad_date": ("That is no date to come", "Write it as 2030-12-31; it ends at midnight UTC."),
    "no_invitation": ("There is no such invitation", "See `carnet vaults`."),
    "not_member": ("This phone may not do that", "Ask an owner of the vault."),
    "read_only": ("This person may only read in this vault", "Ask an owner for another role."),
    "no_vault": ("There is no vault on this phone", "Link it first, or start one with `carnet init`."),
    "unknown_vault": ("There is no such vault on this phone", "See `carnet vaults`."),
    "which_vault": ("This phone has several vaults", "Name one with --vault."),
    "no_such_record": ("There is no such record", "See `carnet list`."),
    "ambiguous": ("That fits more than one", "Give more of the id."),
    "no_such_conflict": ("That question is not open (any more)", "See `carnet conflicts`."),
    "bad_choice": ("That answer is not one of those offered", "See `carnet conflicts`."),
    "bad_value": ("That value cannot be taken", "Check the JSON."),
    "bad_code": ("That code is not right", "Check it letter by letter and type it again."),
    "code_mistyped": ("A character of that code is wrong", "Check it letter by letter and type it again."),
    "code_swapped": ("Two characters of that code are swapped", "Check it letter by letter and type it again."),
    "link_not_found": ("Nobody is waiting under that code", "Show a new code on the new phone; one lives ten minutes."),
    "link_other_card": ("Another phone answered than the one whose code was typed", "Do not go on; show a new code."),
    "link_unreadable": ("What the other phone sent cannot be read", "Show a new code on the new phone."),
    "link_answered": (
        "That code has been answered already, by this phone or by somebody else",
        "Look at the new phone: if it is not linked, remove it with `carnet members remove` and show a new code.",
    ),
    "link_expired": ("The code was not used in time", "Run the command again for a new code."),
    "role_refused": ("A phone of your own takes your own role", "Leave --role away."),
    "role_required": ("Another person's phone needs a role", "Give --role viewer, editor or owner."),
    "not_now": ("That cannot be done yet", "Sync first."),
    "unsent": ("Something has not been sent yet", "Sync first."),
    "too_large": ("That is larger than a record may be", "Leave large attachments out; the rest can be taken."),
    "no_such_file": ("The file cannot be read", "Check the name."),
    "code_dead": (
        "No vault knows that recovery code",
        "It was used or replaced, or it belongs to another server. Look for a newer one.",
    ),
    "code_revoked": (
        "The account no longer lets that code in",
        "It would still open the vaults through another account. See `carnet status` for who revoked it.",
    ),
    "recovery_waits": (
        "The vault's key does not lie there for this code",
        "Another phone of the vault has to sync first; then run the same command again.",
    ),
    "no_such_device": ("There is no such phone of yours", "Give more of the name or id, or `all`."),
    "no_recovery": ("There is no recovery code that waits to be confirmed", "Nothing to do."),
    "no_code_kept": (
        "This phone keeps no recovery code",
        "One is kept only until it is confirmed. `carnet recovery new` makes another; the old one is dead then.",
    ),
    "no_such_finding": ("There is no such finding", "See `carnet findings`."),
    "no_such_quarantine": ("There is nothing kept under that number", "See `carnet quarantine`."),
    "not_adoptable": (
        "What is kept there cannot be taken over",
        "It stays where it is; `carnet quarantine decline` puts it away.",
    ),
    "no_such_document": ("There is no such document", "See `carnet sources`."),
    "document_incomplete": ("Not all of that document is on this phone", "Sync, and try again."),
    "no_such_share": ("There is no such share", "See `carnet share list`."),
    "share_revoked": ("That share was revoked, for good", "Make another: `carnet share create`."),
    "too_many_shares": ("There are as many shares as there may be", "Revoke one first: `carnet share list`."),
    "share_elsewhere": (
        "That share was made with another account or on another server",
        "A phone of whoever made it can change it; an owner may still revoke it there.",
    ),
    "share_not_laid": ("That share is not on the server yet", "Sync first: `carnet sync`."),
    "share_too_large": (
        "That summary is larger than a share may be",
        "Leave something out with --sections, --records or --without.",
    ),
    "share_address": ("The server's address is too long for a link", "Ask who runs the server for a shorter one."),
    "bad_hours": ("Those are no quiet hours", "Write from and to, as 22:00-07:00."),
    "bad_expiry": ("That is no end of a share", "Write 2h, 7d, or a day to come as 2030-12-31."),
    "no_such_note": ("There is no such note", "`carnet inbox` shows all, with their numbers."),
    "note_unreadable": ("That note cannot be read", "Decline it; ask whoever sent it to send it again."),
    "note_declined": ("That note was declined, and is gone", "Ask whoever sent it to send it again."),
    "note_accepted": ("That note stands in your records already", "`carnet delete ID` takes it out of them."),
    "no_inbox": ("That share was made without an inbox", "Make a new one: its files carry the key for notes."),
    "bad_since": ("That is no beginning", "Write 48h, 30d, or a day as 2030-12-31."),
    "bad_passcode": ("That passcode cannot be used", "Take 4 to 64 characters."),
    "link_form": (
        "That is no SMART Health Link",
        "It begins with shlink:/ or has shlink:/ in it; copy the whole of it.",
    ),
    "link_newer": ("That link was made by a newer version of the standard", "Update carnet."),
    "link_ended": ("That link has ended", "Ask whoever gave it to you for a new one."),
    "link_gone": (
        "That link opens nothing (any more)",
        "It was closed by its owner, has ended, or was opened too often: ask for a new one.",
    ),
    "link_passcode": ("That link asks for a passcode", "Ask whoever gave it to you; it is told apart from the link."),
    "link_passcode_wrong": ("That passcode is wrong", "Ask whoever gave you the link before you try again."),
    "link_busy": ("That server asks to wait", "Try again later."),
    "link_unreachable": ("The server of that link does not answer as it should", "Try again; nothing was taken."),
    "link_signed_not_sealed": (
        "That link leads to a signed file where a sealed one belongs",
        "It was made wrongly: whoever made it has to encrypt the file. Nothing was taken.",
    ),
    "link_no_key": ("The link's key does not open what it leads to", "Copy the whole link again; nothing was taken."),
    "link_file": ("What that link leads to is no file that a link may lead to", "Tell whoever made it."),
    "link_too_large": ("What that link leads to is larger than carnet takes", "Ask for a file instead."),
    "link_nothing": ("There is nothing in that link that carnet can take", "Ask for a FHIR file."),
    "not_written": ("The file cannot be written", "Name another; what stood there is as it was."),
}


class Refused(Exception):
    """The phone does not do it. `code` names why; `detail` adds what is specific, without health data."""

    def __init__(self, code: str, detail: str = "", *, title: str = "", next: str = "") -> None:
        super().__init__(code)
        known_title, known_next = _TEXTS.get(code, ("That cannot be done", "See `carnet --help`."))
        self.code, self.detail = code, detail
        self.title, self.next = title or known_title, next or known_next

    def document(self) -> dict[str, str]:
        """The problem document that `--json` prints."""
        return {"code": self.code, "title": self.title, "detail": self.detail, "next": self.next}
