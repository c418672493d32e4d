"""Ways to be wrong about events: who is hinted, when a stream begins and ends, what others hear. Rules: events.md."""

from tests.mutations.mutation import Mutation

HUB, ANSWER = "backend/events/hub.py", "backend/events/answer.py"
RELAY = "backend/storage/postgres_relay.py"
HINTS = "tests/live/test_hints.py -k sqlite"
STREAMS = "tests/live/test_streams.py -k sqlite"
ACROSS = "tests/live/test_two_processes.py -k many_announcements"

EVENTS = [
    Mutation("nobody follows a vault", "EVT-1", ANSWER, "self._hub.follow(stream, topics)", "return True", (HINTS,)),
    Mutation(
        "who was dropped goes on hearing",
        "EVT-1",
        HUB,
        "self._leave(stream, stream.topics - topics)",
        "self._leave(stream, ())",
        (HINTS,),
    ),
    Mutation("a notice is no hint", "EVT-2", HUB, "what = NOTICES if", "what = 0 if", (HINTS,)),
    Mutation(
        "a phone is hinted of what it did",
        "EVT-3",
        HUB,
        "if stream.device != by:",
        "if stream.device:",
        (HINTS,),
    ),
    Mutation(
        "what two devices did is hinted to one",
        "EVT-3",
        "backend/storage/announcing.py",
        "by if announced.get(topic, by) == by else NOBODY",
        "by",
        (HINTS,),
    ),
    Mutation(
        "who comes back is hinted of nothing new",
        "EVT-5",
        ANSWER,
        "self._standing.id != self._asked.last_id",
        'self._standing.id != ""',
        (STREAMS,),
    ),
    Mutation(
        "an id stands for the vaults alone that it begins with",
        "EVT-5",
        "backend/events/store.py",
        "repr((notice or 0, heads))",
        "repr((notice or 0, len(heads)))",
        (STREAMS,),
    ),
    Mutation("a device has several streams", "EVT-6", HUB, "older.end(REPLACED)", "older.hint(0)", (STREAMS,)),
    Mutation(
        "there is room for any number",
        "EVT-6",
        HUB,
        "elif len(self._by_device) >= self._streams_max:",
        "elif len(self._by_device) > self._streams_max:",
        (STREAMS,),
    ),
    Mutation(
        "who is revoked goes on hearing", "EVT-7", ANSWER, "if not self._admits(row) or row", "if row", (STREAMS,)
    ),
    Mutation(
        "what one tells comes back", "EVT-9", RELAY, "if told.origin != self._origin:", "if told.origin:", (ACROSS,)
    ),
    Mutation("a long announcement is cut", "EVT-9", RELAY, "while part := dict(", "if part := dict(", (ACROSS,)),
    Mutation(
        "listening counts as a slow request",
        "LIM-11",
        "backend/http/logs.py",
        'if LASTING in message["headers"]:',
        'if LASTING == message["headers"]:',
        (STREAMS,),
    ),
]
