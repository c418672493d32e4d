"""Firebase Cloud Messaging behind the port: the one file that knows firebase_admin, loaded only when it is configured.

The SDK is used where it is good (credentials, messages, errors) and kept from what it does badly, each by a line that a
test would miss:

- it repeats 500 and 503 itself and never closes those answers, until its pool of connections is used up: its
  repetitions are off, the outbox repeats;
- it refreshes credentials inside the event loop, and for a 401 twice, with three requests: they are refreshed before a
  batch, in a thread, and a batch without them is not sent; what goes into a request is a token, once;
- it sets no time for a whole send: each has one here;
- `delete_app` runs a loop of its own and fails inside one: the client is closed first, the rest in a thread.

Nothing here logs; an error's text may hold a token, so that only its kind is looked at. Spec:
openapi/protocol/push.md. Source: firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode, firebase_admin 7.7.
"""

from __future__ import annotations

import asyncio
import email.utils
import json
import warnings
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import firebase_admin  # type: ignore[import-untyped]
import httpx
import requests
from firebase_admin import credentials, exceptions, messaging
from firebase_admin._retry import HttpxRetry  # type: ignore[import-untyped]
from google.auth.exceptions import GoogleAuthError
from google.auth.transport import requests as google_requests

from backend.push.sender import BATCH_MAX, SENT, Fate, Outgoing
from backend.settings import SettingsError
from sync.wire.limits import PUSH_NOTICE_SECONDS, PUSH_WAKE_SECONDS
from sync.wire.push import NOTICE_BODY_KEY, NOTICE_TITLE_KEY, push_body

SEND_SECONDS = 10  # seconds for one push
BATCH_SECONDS = 30  # seconds for a batch, its credentials aside: what has not begun by then is for later
AT_ONCE_MAX = 64  # pushes on their way at a time; the SDK's pool has 100 connections
REFRESH_SECONDS = 10  # seconds for a step of a refresh: to connect, and to be answered
LOOPBACK = ("127.0.0.1", "localhost", "::1")

# What the service says, and what becomes of the push. Those that are not here may work later.
_DEAD = {
    messaging.UnregisteredError: Fate("dead", "unregistered"),
    messaging.SenderIdMismatchError: Fate("dead", "sender_mismatch"),
}
_INVALID_ADDRESS = Fate("dead", "invalid_address")
_BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
_FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"


class _Bearer(httpx.Auth):
    """Puts the token that was fetched beforehand into a request; refreshes and repeats nothing, whatever comes back."""

    def __init__(self, google: Any) -> None:
        self._google = google

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["authorization"] = f"Bearer {self._google.token}"
        yield request


class FirebaseSender:
    """Sends through one Firebase app. Make one with `open_firebase`."""

    def __init__(self, app: Any, endpoint: str) -> None:
        self._app = app
        self._google = app.credential.get_credential()
        self._service = messaging._get_messaging_service(app)
        self._client = self._service._async_client
        for transport in self._client._mounts.values():
            transport._retry = HttpxRetry(max_retries=0)
        self._client.async_client.auth = _Bearer(self._google)
        if endpoint:
            self._service._fcm_url = f"{endpoint}/v1/projects/{app.project_id}/messages:send"
        self._session = requests.Session()
        self._thread = ThreadPoolExecutor(1, "push-credentials")  # one: a refresh that hangs is waited for, not doubled
        self._refreshing: asyncio.Future[None] | None = None
        self._is_refused = False

    async def send(self, pushes: Sequence[Outgoing], now_ms: int) -> list[Fate]:
        """What became of each push. Raises nothing."""
        assert len(pushes) <= BATCH_MAX
        if not await self._refreshed():
            return [Fate("later", "credentials")] * len(pushes)
        until, places = asyncio.get_running_loop().time() + BATCH_SECONDS, asyncio.Semaphore(AT_ONCE_MAX)
        return list(await asyncio.gather(*(self._send_one(push, now_ms, places, until) for push in pushes)))

    async def _refreshed(self) -> bool:
        """True if there is a token for a batch; fetched in a thread if the old one ends soon or was refused."""
        if self._google.valid and not self._is_refused:
            return True
        if self._refreshing is None or self._refreshing.done():
            loop = asyncio.get_running_loop()
            self._refreshing = loop.run_in_executor(self._thread, self._refresh)
        try:
            async with asyncio.timeout(2 * REFRESH_SECONDS):
                await asyncio.shield(self._refreshing)
        except (GoogleAuthError, requests.RequestException, TimeoutError, ValueError):
            return False
        self._is_refused = False
        return True

    def _refresh(self) -> None:
        request = google_requests.Request(self._session)

        def within(*args: Any, **named: Any) -> Any:
            return request(*args, **(named | {"timeout": REFRESH_SECONDS}))

        # The library repeats a refresh that was answered with an error three times, with pauses, in this thread.
        self._google.refresh(within)

    async def _send_one(self, push: Outgoing, now_ms: int, places: asyncio.Semaphore, until: float) -> Fate:
        try:
            async with asyncio.timeout_at(until), places, asyncio.timeout(SEND_SECONDS):
                batch = await messaging.send_each_async([_message(push, now_ms)], dry_run=False, app=self._app)
        except TimeoutError:
            return Fate("later", "timeout")
        except (exceptions.FirebaseError, httpx.HTTPError, ValueError):
            return Fate("later", "network")
        answer = batch.responses[0]
        return SENT if answer.success else self._fate(answer.exception, push)

    def _fate(self, error: Any, push: Outgoing) -> Fate:
        if type(error) in _DEAD:
            return _DEAD[type(error)]
        asked = _retry_after_ms(error.http_response)
        if isinstance(error, messaging.QuotaExceededError | exceptions.ResourceExhaustedError):
            return Fate("later", "quota", asked)
        if isinstance(error, exceptions.InvalidArgumentError):
            return _INVALID_ADDRESS if _is_of_address(error.http_response, push) else Fate("refused", "invalid")
        if isinstance(error, messaging.ThirdPartyAuthError):
            return Fate("later", "third_party", asked)
        if isinstance(error, exceptions.UnauthenticatedError | exceptions.PermissionDeniedError):
            self._is_refused = True
            return Fate("later", "credentials", asked)
        if isinstance(error, exceptions.NotFoundError):
            return Fate("later", "unavailable", asked)  # of a proxy: it says nothing of a token
        if isinstance(error, exceptions.DeadlineExceededError):
            return Fate("later", "timeout", asked)
        return Fate("later", "network" if error.http_response is None else "unavailable", asked)

    async def close(self) -> None:
        await self._client.aclose()
        await asyncio.to_thread(firebase_admin.delete_app, self._app)
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._session.close()


def open_firebase(key: str, endpoint: str = "") -> FirebaseSender:
    """A sender with a service account's key: the path of its file, or its JSON. `endpoint`: a stand-in on this machine.

    Raises: SettingsError, which says what is wrong with the key and nothing that stands in it.
    """
    if endpoint and urlsplit(endpoint).hostname not in LOOPBACK:
        raise SettingsError("push_endpoint: only this machine may stand in for Firebase")
    try:
        found = json.loads(key if key.lstrip().startswith("{") else Path(key).read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"push_credentials: the file cannot be read ({error.strerror})") from None
    except ValueError:
        raise SettingsError("push_credentials: that is no JSON") from None
    if not isinstance(found, dict) or found.get("type") != "service_account":
        raise SettingsError("push_credentials: the key of a service account is needed, from Firebase's settings")
    missing = [name for name in ("project_id", "client_email", "private_key", "token_uri") if not found.get(name)]
    if missing:
        raise SettingsError(f"push_credentials: {missing[0]} is missing")
    try:
        certificate = credentials.Certificate(found)
    except ValueError:
        raise SettingsError("push_credentials: the private key cannot be used") from None
    app = firebase_admin.initialize_app(certificate, {"httpTimeout": SEND_SECONDS}, name=f"carnet-{id(found)}")
    return FirebaseSender(app, endpoint.rstrip("/"))


def _message(push: Outgoing, now_ms: int) -> Any:
    """A push as Firebase takes it: the constant body, and what each class needs of Google and Apple."""
    is_notice = push.class_ == "notice"
    seconds = PUSH_NOTICE_SECONDS if is_notice else PUSH_WAKE_SECONDS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # tokens give way to installation ids; both are in use
        address = {push.address_kind: push.address}
        if push.platform == "android":
            priority = "high" if is_notice else "normal"
            android = messaging.AndroidConfig(collapse_key=push.class_, priority=priority, ttl=seconds)
            return messaging.Message(data=push_body(push.topic), android=android, **address)
        headers = {
            "apns-push-type": "alert" if is_notice else "background",
            "apns-priority": "10" if is_notice else "5",
            "apns-collapse-id": push.class_,
            "apns-expiration": str(now_ms // 1_000 + seconds),
        }
        alert = messaging.ApsAlert(title_loc_key=NOTICE_TITLE_KEY, loc_key=NOTICE_BODY_KEY)
        aps = messaging.Aps(alert=alert, mutable_content=True) if is_notice else messaging.Aps(content_available=True)
        apns = messaging.APNSConfig(headers=headers, payload=messaging.APNSPayload(aps=aps))
        return messaging.Message(data=push_body(push.topic), apns=apns, **address)


def _is_of_address(response: Any, push: Outgoing) -> bool:
    """True if what is wrong with a request is the address: then it will be wrong for ever, and nothing else was.

    A request whose form is wrong has a detail that names the field; an address that is none has, by Google's example,
    the word of FCM alone. Source: firebase.google.com/docs/cloud-messaging/error-codes.
    """
    try:
        details = [detail for detail in response.json()["error"]["details"] if isinstance(detail, dict)]
        fields = [
            violation["field"]
            for detail in details
            if detail["@type"] == _BAD_REQUEST
            for violation in detail["fieldViolations"]
        ]
        named = any(detail["@type"] == _FCM_ERROR for detail in details)
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
    return set(fields) == {f"message.{push.address_kind}"} if fields else named


def _retry_after_ms(response: Any) -> int:
    """What the answer's Retry-After asks for, 0 if nothing: seconds, or a date."""
    text = "" if response is None else response.headers.get("retry-after", "")
    if text.strip().isdecimal():
        return min(int(text), 86_400) * 1_000
    try:
        at = email.utils.parsedate_to_datetime(text)
        sent = email.utils.parsedate_to_datetime(response.headers["date"])
        return min(max(int((at - sent).total_seconds()), 0), 86_400) * 1_000
    except (ValueError, TypeError, KeyError, AttributeError):
        return 0
