"""What a route says about itself for openapi.json: handlers read raw bodies, so the framework cannot know.

Every handler carries one `Doc` in its `opt`; schema.py turns them into the document, and a test refuses a route
without one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

DOC = "doc"  # the key in a handler's `opt`


class Body(NamedTuple):
    """A body: its media type, its msgspec type (None: opaque bytes), and words for what a type cannot say."""

    media_type: str
    type: Any
    words: str = ""


class Parameter(NamedTuple):
    """A text that a route takes beside path and body: its name, `query` or `header`, and what it is for."""

    name: str
    place: str
    words: str
    required: bool = True


class Doc(NamedTuple):
    """A route: its summary, good answers, the words of its problems, its body, whether it needs a token, parameters."""

    summary: str
    answers: dict[int, Body | None]
    problems: tuple[str, ...] = ()
    body: Body | None = None
    token: bool = False
    parameters: tuple[Parameter, ...] = ()
