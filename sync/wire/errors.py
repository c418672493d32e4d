"""Every code that a server answers, once: a word, its HTTP status, a title, and what to do about it.

Three kinds. *Problems* are for a request as a whole (RFC 9457). *Refusals* are for one vault or item inside an answer
with status 200. *Void reasons* are what every client computes from the log. Words never change their sense. Spec:
openapi/protocol/errors.md, which a test holds to this table.
"""

from __future__ import annotations

from typing import NamedTuple


class Problem(NamedTuple):
    """A problem type: HTTP status, title for people, what to do next, and whether the same request may work later."""

    status: int
    title: str
    next: str
    retryable: bool = False


PROBLEMS: dict[str, Problem] = {
    "malformed": Problem(400, "The request is not what this route takes", "Send the body that openapi.json describes."),
    "clock": Problem(401, "The device's clock is too far off", "Sign again with the nonce of this answer."),
    "token_invalid": Problem(401, "The access token is not valid", "Ask for a new one at /v1/token."),
    "assertion_invalid": Problem(401, "The assertion is not valid", "Sign a new one with the device's key."),
    "revoked": Problem(403, "This device has been revoked", "Local records stay readable; export them or link again."),
    "registration_closed": Problem(403, "This server opens no accounts now", "Ask who runs it for an invitation."),
    "not_found": Problem(404, "There is nothing here", "Check the address."),
    "method_not_allowed": Problem(405, "The route does not take this method", "See openapi.json."),
    "not_acceptable": Problem(406, "The answer cannot be given in that form", "Leave out the Accept header."),
    "too_slow": Problem(408, "The body did not arrive in time", "Send it again, less at a time on a slow line.", True),
    "passcode_needed": Problem(401, "A passcode is needed", "Ask who shared it for the passcode."),
    "passcode_wrong": Problem(401, "That passcode is wrong", "Ask who shared it; remainingAttempts says how often."),
    "push_unavailable": Problem(409, "This server cannot push to such a phone", "Sync on a schedule of your own."),
    "share_taken": Problem(409, "There is another share of this name", "Make one with a new handle."),
    "too_many_shares": Problem(403, "The account has as many shares as it may", "Revoke one first."),
    "inbox_full": Problem(403, "The inbox takes no more notes", "Tell whoever shared it in another way."),
    "issuer_taken": Problem(409, "There is another key under this name", "Make another card."),
    "too_many_cards": Problem(403, "The account has as many health cards as it may", "Withdraw one first."),
    "link_taken": Problem(409, "This place has been used", "Show a new code."),
    "card_enrolled": Problem(409, "The card belongs to an account already", "Use that account."),
    "too_large": Problem(413, "The body is larger than this route takes", "Send less at a time."),
    "unsupported_media_type": Problem(415, "The body's type is not the one this route takes", "See openapi.json."),
    "rate_limited": Problem(429, "Too many requests", "Wait as Retry-After says.", True),
    "too_many_devices": Problem(403, "The account has as many devices as it may", "Revoke one first."),
    "internal": Problem(500, "The server failed", "Try again later; nothing was acknowledged.", True),
    "unavailable": Problem(503, "The server cannot answer now", "Try again later.", True),
    "storage_full": Problem(507, "The server has no room left", "Try again later; nothing was acknowledged.", True),
}

REFUSALS: dict[str, str] = {
    "behind": "The server stands before this cursor: it was restored from a backup.",
    "diverged": "The server's log is another one than the phone's at this cursor.",
    "removed": "This card is not in the vault (any more).",
    "shape": "An item is malformed or too large.",
    "device_forked": "Another frame with this number stands in the device's chain.",
    "signature": "An item's signature does not verify.",
    "seen": "An item claims to have seen another log than this one.",
    "version": "An item is of another version than the vault.",
    "chain": "A frame does not follow its device's last one.",
    "cas": "An entry does not follow the last entry: pull and build it again.",
    "rights": "The author may not do this.",
    "epoch_stale": "A frame is sealed under another epoch than the head's.",
    "epoch": "The epoch that the entry starts, or fails to start, is not allowed.",
    "limits": "The entry would exceed a limit of the vault.",
    "owner": "The entry would leave the vault without an owner's phone.",
    "until": "The author's end date has passed.",
    "wraps": "A wrap is missing for a card that needs one.",
    "quota": "The day's or the vault's quota is used up.",
    "grace_over": "Too long, or too many, after the author lost the right to write.",
    "vault_limit": "The account holds as many vaults as it may.",
}

VOID_REASONS = (
    "version",
    "chain",
    "cas",
    "rights",
    "epoch",
    "limits",
    "owner",
    "open",
    "decode",
    "dots",
    "preds",
)
