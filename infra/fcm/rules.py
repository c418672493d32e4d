"""What a stand-in for Firebase Cloud Messaging answers: no sockets, no clock of its own.

It takes a body of the one shape that push.md allows, knows every error that Google documents, and keeps Google's and
Apple's documented limits. Each answer names the page that it is taken from. Not here: how bytes travel (server.py).

Pages, below firebase.google.com/docs unless they say otherwise:
  ERRORS   reference/fcm/rest/v1/ErrorCode
  LIMITS   cloud-messaging/throttling-and-quotas
  APPLE    cloud-messaging/send/v1-api; developer.apple.com "Sending notification requests to APNs"
  AUTH     cloud.google.com/apis/design/errors
"""

from __future__ import annotations

import json
import re
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any, NamedTuple

ERRORS, LIMITS, APPLE, AUTH = "ErrorCode", "throttling-and-quotas", "send/v1-api", "apis/design/errors"
BURST, REFILL_SECONDS = 20, 180  # LIMITS: collapsible messages of one device
COLLAPSE_KEYS_MAX = 4  # LIMITS: of one device at a time
MINUTE_MAX, HOUR_MAX = 240, 5_000  # LIMITS: messages to one Android device
PROJECT_MINUTE_MAX = 600_000  # LIMITS: messages of one project

# ERRORS: the word, the HTTP status, the status word of the answer.
SAID = {
    "UNSPECIFIED_ERROR": (500, "UNKNOWN"),
    "INVALID_ARGUMENT": (400, "INVALID_ARGUMENT"),
    "UNREGISTERED": (404, "NOT_FOUND"),
    "SENDER_ID_MISMATCH": (403, "PERMISSION_DENIED"),
    "QUOTA_EXCEEDED": (429, "RESOURCE_EXHAUSTED"),
    "UNAVAILABLE": (503, "UNAVAILABLE"),
    "INTERNAL": (500, "INTERNAL"),
    "THIRD_PARTY_AUTH_ERROR": (401, "UNAUTHENTICATED"),
}
# The same word when a field is to blame: what it is answered with names the field. ERRORS.
FIELDS = {"INVALID_FIELD token": "message.token", "INVALID_FIELD ttl": "message.android.ttl"}
TRANSPORT = ("hang", "cut", "slow", "garbage", "expired")  # what else a service does
_TOPIC = re.compile(r"[A-Za-z0-9_-]{22}\Z")
_ADDRESSED = ("token", "fid")
_WORDS = {"title-loc-key": "carnet_notice_title", "loc-key": "carnet_notice_body"}
_TTLS = {"wake": "86400s", "notice": "259200s"}


class Answer(NamedTuple):
    """What goes back. `manner`: empty, or how the connection behaves besides."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    manner: str = ""


class Taken(NamedTuple):
    """A push that was taken: whom it is for, its class, its topic, when, its whole body."""

    address: str
    class_: str
    topic: str
    at: float
    body: bytes


class Limits:
    """LIMITS, all of them; what is refused by one counts for none."""

    def __init__(self) -> None:
        self._bursts: dict[str, tuple[float, float]] = {}
        self._keys: dict[str, set[str]] = defaultdict(set)
        self._sent: dict[str, deque[float]] = defaultdict(deque)  # times, by device and, under "", of the project

    def admit(self, address: str, key: str | None, is_android: bool, now: float) -> bool:
        """True if a message may go to this device now. `key`: what it collapses under, if it does."""
        project, device = self._sent[""], self._sent[address]
        while project and project[0] <= now - 60:
            project.popleft()
        while device and device[0] <= now - 3_600:
            device.popleft()
        if len(project) >= PROJECT_MINUTE_MAX:
            return False
        if is_android:
            in_minute = len(device) >= MINUTE_MAX and device[-MINUTE_MAX] > now - 60
            left, then = self._bursts.get(address, (float(BURST), now))
            left = min(BURST, left + (now - then) / REFILL_SECONDS)
            keys = self._keys[address] | ({key} if key else set())
            collapses = key is not None
            if in_minute or len(device) >= HOUR_MAX or (collapses and left < 1 - 1e-9) or len(keys) > COLLAPSE_KEYS_MAX:
                return False
            self._keys[address] = keys
            self._bursts[address] = (left - collapses, now)
        project.append(now)
        device.append(now)
        return True


class FakeFcm:
    """The state of a project. `now`: seconds. `say`: the next answers to an address; `always`: those to everybody."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.taken: list[Taken] = []
        self.told: Callable[[Taken], None] | None = None  # told of each push that is taken
        self.asked = 0  # requests that carried a message, whatever became of them
        self.refreshes = 0  # tokens that were asked for
        self.wrong: list[str] = []  # what a body was refused for
        self.dead: set[str] = set()
        self.always = ""
        self.token_manner = ""  # hang, refuse, or empty
        self.retry_after = ""
        self._scripts: dict[str, deque[str]] = defaultdict(deque)
        self._tokens: set[str] = set()
        self._limits = Limits()

    def say(self, address: str, *words: str) -> None:
        """The next answers to this address."""
        self._scripts[address].extend(words)

    def forget_tokens(self) -> None:
        """Every access token given so far is refused from now on."""
        self._tokens.clear()

    def give_token(self) -> Answer:
        """What the token endpoint answers."""
        self.refreshes += 1
        if self.token_manner == "refuse":
            return Answer(400, json.dumps({"error": "invalid_grant"}).encode())
        token = f"stand-in-{self.refreshes}"
        self._tokens.add(token)
        body = {"access_token": token, "expires_in": 3_600, "token_type": "Bearer"}
        return Answer(200, json.dumps(body).encode(), manner=self.token_manner)

    def take(self, authorization: str, body: bytes) -> Answer:
        """What a message is answered."""
        self.asked += 1
        if authorization.removeprefix("Bearer ") not in self._tokens:
            return self._error("UNAUTHENTICATED", 401, "UNAUTHENTICATED", AUTH)
        why, found = _read(body)
        if found is None:
            self.wrong.append(why)
            return self._error(
                "INVALID_ARGUMENT", *SAID["INVALID_ARGUMENT"], APPLE if "priority" in why else ERRORS, "message"
            )
        address, class_, topic, is_android = found
        word = self.always or (self._scripts[address].popleft() if self._scripts[address] else "")
        if word in SAID:
            return self._error(word, *SAID[word], ERRORS)
        if word in FIELDS:
            return self._error("INVALID_ARGUMENT", *SAID["INVALID_ARGUMENT"], ERRORS, FIELDS[word])
        if word == "expired":
            return self._error("UNAUTHENTICATED", 401, "UNAUTHENTICATED", AUTH)
        if word == "garbage":
            return Answer(200, b"<html>")
        if address in self.dead:
            return self._error("UNREGISTERED", *SAID["UNREGISTERED"], ERRORS)
        if not self._limits.admit(address, class_, is_android, self._now()):
            return self._error("QUOTA_EXCEEDED", *SAID["QUOTA_EXCEEDED"], LIMITS)
        if word != "cut":
            self.taken.append(Taken(address, class_, topic, self._now(), body))
            if self.told is not None:
                self.told(self.taken[-1])
        name = f"projects/stand-in/messages/{len(self.taken)}"
        return Answer(200, json.dumps({"name": name}).encode(), manner=word)

    def _error(self, code: str, status: int, word: str, page: str, field: str = "") -> Answer:
        """`field`: which one is to blame; an address that is none is said without (cloud-messaging/error-codes)."""
        kind = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
        details: list[Any] = [{"@type": kind, "errorCode": code}] if code in SAID else []
        if field:
            kind = "type.googleapis.com/google.rpc.BadRequest"
            details.append({"@type": kind, "fieldViolations": [{"field": field, "description": "not as it must be"}]})
        error = {"code": status, "message": f"{code}, by {page}", "status": word, "details": details}
        wait = (("retry-after", self.retry_after),) if self.retry_after and status in (429, 503) else ()
        return Answer(status, json.dumps({"error": error}).encode(), wait)


def _read(body: bytes) -> tuple[str, tuple[str, str, str, bool] | None]:
    """Address, class, topic and whether it is for Android, of a body of the one shape; else what is wrong with it."""
    try:
        message = json.loads(body)
    except ValueError:
        return "no JSON", None
    if set(message) != {"message"}:  # validate_only among them: nothing would be sent
        return "more than a message", None
    message = message["message"]
    how = [kind for kind in _ADDRESSED if kind in message]
    platform = "android" if "android" in message else "apns"
    if len(how) != 1 or set(message) != {"data", how[0], platform}:
        return "other fields", None
    data = message["data"]
    if list(data) != ["v", "t"] or data["v"] != "1" or not _TOPIC.match(data["t"]):
        return "other data", None
    class_ = _android(message["android"]) if platform == "android" else _apple(message["apns"])
    if class_ not in _TTLS:
        return class_, None
    return "", (message[how[0]], class_, data["t"], platform == "android")


def _android(fields: dict[str, Any]) -> str:
    """The class that these fields are of, or what is wrong."""
    key = str(fields.get("collapse_key"))
    priority = {"wake": "normal", "notice": "high"}.get(key)
    return (
        key if fields == {"collapse_key": key, "priority": priority, "ttl": _TTLS.get(key)} else "other Android fields"
    )


def _apple(fields: dict[str, Any]) -> str:
    """The same for Apple. APPLE: a message without anything to show is of priority 5."""
    headers, aps = dict(fields.get("headers", {})), fields.get("payload", {}).get("aps", {})
    if "alert" not in aps and headers.get("apns-priority") != "5":
        return "a data message above priority 5"
    if not re.fullmatch(r"\d{10}", headers.pop("apns-expiration", "")):
        return "no end"
    wake = (
        {"apns-push-type": "background", "apns-priority": "5", "apns-collapse-id": "wake"},
        {"content-available": 1},
    )
    notice = (
        {"apns-push-type": "alert", "apns-priority": "10", "apns-collapse-id": "notice"},
        {"alert": _WORDS, "mutable-content": 1},
    )
    if set(fields) != {"headers", "payload"} or set(fields["payload"]) != {"aps"}:
        return "other Apple fields"
    return {True: "wake"}.get((headers, aps) == wake, "notice" if (headers, aps) == notice else "other Apple fields")
