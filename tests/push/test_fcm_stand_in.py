"""The stand-in itself: it keeps what Google documents, and takes no body of another shape."""

from __future__ import annotations

import json
from typing import Any

from infra.fcm.rules import FakeFcm, Limits

ANDROID = {"collapse_key": "wake", "priority": "normal", "ttl": "86400s"}
HEADERS = {
    "apns-push-type": "background",
    "apns-priority": "5",
    "apns-collapse-id": "wake",
    "apns-expiration": "1790086400",
}
APPLE = {"headers": HEADERS, "payload": {"aps": {"content-available": 1}}}
GOOD = {"data": {"v": "1", "t": "t" * 22}, "token": "phone", "android": ANDROID}


def said(message: Any, **beside: object) -> tuple[int, str]:
    """Status and text of the answer to a message."""
    rules = FakeFcm(lambda: 0.0)
    token = json.loads(rules.give_token().body)["access_token"]
    answer = rules.take(f"Bearer {token}", json.dumps({"message": message, **beside}).encode())
    return answer.status, json.loads(answer.body).get("error", {}).get("message", "")


def test_the_one_shape_is_taken():
    """PSH-14."""
    assert said(GOOD)[0] == 200
    assert said({**{k: v for k, v in GOOD.items() if k != "android"}, "apns": APPLE})[0] == 200


def test_anything_else_is_refused():
    """PSH-14."""
    apple = {k: v for k, v in GOOD.items() if k != "android"}
    others = [
        {**GOOD, "data": {**GOOD["data"], "vault": "x"}},  # type: ignore[dict-item]
        {**GOOD, "data": {"v": "1", "t": "short"}},
        {**GOOD, "data": {"v": "2", "t": "t" * 22}},
        {**GOOD, "notification": {"title": "Alba"}},
        {**GOOD, "fid": "phone"},
        {**GOOD, "android": {**ANDROID, "priority": "high"}},
        {**GOOD, "android": {**ANDROID, "collapse_key": "vault-7"}},
        {**GOOD, "android": {**ANDROID, "notification": {"body": "x"}}},
        {**apple, "apns": {**APPLE, "payload": {"aps": {"content-available": 1}, "vault": "x"}}},
        {**apple, "apns": {**APPLE, "headers": {**HEADERS, "apns-collapse-id": "x"}}},
    ]
    assert [said(other)[0] for other in others] == [400] * len(others)
    assert said(GOOD, validate_only=True)[0] == 400


def test_an_apple_data_message_above_priority_five_is_an_invalid_argument():
    apple = {k: v for k, v in GOOD.items() if k != "android"}
    loud = {**APPLE, "headers": {**HEADERS, "apns-priority": "10"}}
    assert said({**apple, "apns": loud}) == (400, "INVALID_ARGUMENT, by send/v1-api")


def test_twenty_collapsible_messages_at_once_then_one_in_three_minutes():
    limits = Limits()
    assert [limits.admit("phone", "wake", True, 0.0) for _ in range(21)] == [True] * 20 + [False]
    assert not limits.admit("phone", "wake", True, 179.0)
    assert limits.admit("phone", "wake", True, 180.0)
    assert not limits.admit("phone", "notice", True, 181.0)
    assert limits.admit("tablet", "wake", True, 181.0)


def test_a_device_takes_240_messages_a_minute_and_5000_an_hour():
    limits = Limits()
    assert sum(limits.admit("phone", None, True, n / 10) for n in range(300)) == 240
    assert sum(limits.admit("phone", None, True, 60.0 + n) for n in range(3_540)) == 3_540
    assert sum(limits.admit("other", None, True, n / 2) for n in range(7_199)) == 5_000


def test_a_device_has_four_collapse_keys_at_most():
    limits = Limits()
    assert [limits.admit("phone", f"key-{n}", True, 0.0) for n in range(5)] == [True] * 4 + [False]


def test_a_project_takes_600_000_messages_a_minute(monkeypatch):
    monkeypatch.setattr("infra.fcm.rules.PROJECT_MINUTE_MAX", 600)
    limits = Limits()
    assert sum(limits.admit(f"phone-{n}", "wake", True, 0.0) for n in range(700)) == 600
    assert limits.admit("phone", "wake", True, 61.0)


def test_every_answer_cites_its_page():
    assert said({"data": {}})[1].endswith("by ErrorCode")
    rules = FakeFcm(lambda: 0.0)
    assert json.loads(rules.take("Bearer none", b"{}").body)["error"]["message"].endswith("by apis/design/errors")
    token = json.loads(rules.give_token().body)["access_token"]
    for _ in range(21):
        answer = rules.take(f"Bearer {token}", json.dumps({"message": GOOD}).encode())
    assert json.loads(answer.body)["error"]["message"] == "QUOTA_EXCEEDED, by throttling-and-quotas"
