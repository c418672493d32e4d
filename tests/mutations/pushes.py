"""Ways to be wrong about pushes: what is wished, claimed, settled; the SDK's faults. Rules: push.md, decision 0149."""

from tests.mutations.mutation import Mutation

STORE, PLAN, WORKER, FIREBASE = (f"backend/push/{name}.py" for name in ("store", "plan", "worker", "firebase"))
WORKS = "tests/push/test_push_worker.py -k sqlite"
WISHES = "tests/push/test_outbox_wishes.py -k sqlite"
WHOLE = "tests/push/test_pushes_end_to_end.py -k sqlite"
SENDER = "tests/push/test_firebase_sender.py"


def _sdk(name: str, before: str, after: str) -> Mutation:
    return Mutation(name, "PSH SDK", FIREBASE, before, after, (SENDER,))


PUSHES = [
    Mutation("an author is woken", "PSH-4", STORE, "p.wakes AND m.device <> $2", "p.wakes AND $2 = $2", (WISHES,)),
    Mutation("a muted kind is pushed", "PSH-5", STORE, "AND u.kind = $3)", "AND u.kind = $3 || 'x')", (WISHES,)),
    Mutation(
        "each edit starts the delay anew",
        "PSH-6",
        STORE,
        "ELSE outbox.due_at END,",
        "ELSE excluded.due_at END,",
        (WISHES,),
    ),
    Mutation(
        "what is wished while it is sent is lost",
        "PSH-6",
        STORE,
        'SENT = "DELETE FROM outbox WHERE device = $1 AND class = $2 AND wishes = $3',
        'SENT = "DELETE FROM outbox WHERE device = $1 AND class = $2 AND wishes >= $3',
        (WORKS,),
    ),
    Mutation(
        "a wish that came back is taken for the one that was sent",
        "PSH-6",
        STORE,
        'AND wishes = $3 AND since = $4"',
        'AND wishes = $3 AND $4 = $4"',
        (WORKS,),
    ),
    Mutation(
        "a hint drops a wake",
        "PSH-7",
        STORE,
        '"UPDATE outbox SET due_at = since + $2 WHERE device = $1 AND class = 0 AND due_at < since + $2"',
        '"DELETE FROM outbox WHERE device = $1 AND class = 0 AND due_at < since + $2"',
        (WISHES,),
    ),
    Mutation(
        "each hint puts a wake off anew",
        "PSH-7",
        STORE,
        "SET due_at = since + $2 WHERE device = $1 AND class = 0 AND due_at < since + $2",
        "SET due_at = wished_at + $2 WHERE device = $1 AND class = 0 AND due_at < wished_at + $2",
        (WISHES,),
    ),
    Mutation(
        "a sync meets a wake that came after it",
        "PSH-7",
        STORE,
        "wishes = $2 AND since",
        "wishes >= $2 AND since",
        (WISHES,),
    ),
    Mutation(
        "a sync of some vaults meets the wake for another",
        "PSH-7",
        "backend/vaults/desk.py",
        "if wake is not None and not invitations:",
        "if wake is not None:",
        ("tests/live/test_settling.py -k sqlite",),
    ),
    Mutation(
        "wishes are written in any order",
        "PSH-4",
        STORE,
        "in sorted(wished.items())]",
        "in wished.items()]",
        ("tests/push/test_wishes_in_order.py",),
    ),
    Mutation(
        "two send to one device", "PSH-8", STORE, " AND p.claimed_until <= $1", " AND p.claimed_until <> -$1", (WORKS,)
    ),
    Mutation(
        "a wake is sent beside a notice",
        "PSH-8",
        PLAN,
        'if due.class_ == WAKE and any(other.act == "send" for other in planned):',
        'if due.class_ == WAKE and any(other.act == "none" for other in planned):',
        (WORKS,),
    ),
    Mutation(
        "a notice is repeated for ever",
        "PSH-9",
        WORKER,
        "due.class_ == NOTICE and not due.is_repetition",
        "due.class_ == NOTICE",
        (WORKS,),
    ),
    Mutation(
        "what was seen is pushed",
        "PSH-9",
        PLAN,
        "if due.class_ == NOTICE and not due.unseen:",
        "if due.class_ == 9:",
        (WORKS,),
    ),
    Mutation(
        "quiet hours hold what is urgent",
        "PSH-10",
        PLAN,
        "due.class_ == NOTICE and not due.urgent",
        "due.class_ == NOTICE",
        (WORKS,),
    ),
    Mutation(
        "Retry-After is not kept", "PSH-11", PLAN, "least = max(asked_ms, ", "least = max(asked_ms // 100, ", (WORKS,)
    ),
    Mutation(
        "another address dies with the old one",
        "PSH-12",
        STORE,
        "WHERE device = $1 AND address = $2 RETURNING",
        "WHERE device = $1 AND $2 = $2 RETURNING",
        (WORKS,),
    ),
    Mutation(
        "wakes are not paced", "PSH-13", PLAN, "    if may_at > now_ms:", "    if may_at > now_ms + 10**12:", (WHOLE,)
    ),
    _sdk("the SDK repeats by itself", "transport._retry = HttpxRetry(max_retries=0)", "assert transport._retry"),
    _sdk("a 401 is repeated and refreshed", "self._client.async_client.auth = _Bearer(self._google)", "assert _Bearer"),
    _sdk(
        "credentials are refreshed in the loop",
        "self._refreshing = loop.run_in_executor(self._thread, self._refresh)",
        "self._refreshing = loop.create_future()\n            self._refreshing.set_result(self._refresh())",
    ),
    _sdk(
        "a token that was refused is used again",
        "            self._is_refused = True\n",
        "            self._is_refused = False\n",
    ),
    _sdk("an address that is none is asked for ever", "if fields else named", "if fields else False"),
    _sdk(
        "a fault of ours forgets a phone", 'return set(fields) == {f"message.{push.address_kind}"} if', "return True if"
    ),
    _sdk("a push may take for ever", "places, asyncio.timeout(SEND_SECONDS):", "places, asyncio.timeout(None):"),
    _sdk("a push is only checked", "dry_run=False", "dry_run=True"),
    _sdk(
        "an app is deleted inside the loop",
        "await asyncio.to_thread(firebase_admin.delete_app, self._app)",
        "firebase_admin.delete_app(self._app)",
    ),
]
