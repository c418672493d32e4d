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
    "store_newer": ("This store was written by a newer version", "Update carnet; nothing has been changed."),
    "store_damaged": (
        "This store cannot be read",
        "Keep the folder as it is and link a new phone; the records are in the vault.",
    ),
    "store_busy": ("Another command is using this store", "Try again in a moment."),
    "disk_full": ("The disk has no room left", "Free some space and try again; nothing was changed."),
    "passphrase_needed": ("The store is locked", "Give --passphrase-file, set CARNET_PASSPHRASE, or use a terminal."),
    "passphrase_wrong": ("The passphrase does not open this store", "Try again; nothing has been changed."),
    "no_keyring": ("There is no usable keyring on this machine", "Use --no-keyring and a passphrase."),
    "unreachable": ("The server cannot be reached", "Everything is kept here; try again when there is network."),
    "server_error": ("The server did not answer as it should", "Everything is kept here; try again later."),
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
    "link_expired": ("The code was not used in time", "Run the command again for a new code."),
    "role_refused": ("A phone of your own takes your own role", "Leave --role away."),
    "role_required": ("Another person's phone needs a role", "Give --role viewer, editor or owner."),
    "not_now": ("That cannot be done yet", "Sync first."),
    "unsent": ("Something has not been sent yet", "Sync first."),
    "too_large": ("That is larger than a record may be", "Leave large attachments out; the rest can be taken."),
    "no_such_file": ("The file cannot be read", "Check the name."),
    "nothing_to_undo": ("There is nothing to undo", "See `carnet show`."),
    "no_recovery": ("There is no recovery code that waits to be confirmed", "Nothing to do."),
    "no_such_finding": ("There is no such finding", "See `carnet findings`."),
    "no_such_document": ("There is no such document", "See `carnet sources`."),
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
