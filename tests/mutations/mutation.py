"""One way to be wrong: a piece of shipped source text, what stands there instead, and the check that has to notice.

What it is not: a fault of a model (tests/simulation takes rules out of its own) or a patched function: the text of the
shipped code is changed, so that whatever runs it runs the wrong code. A text that is not there exactly once, or does
not parse afterwards, makes the table stale and is an error.
"""

import ast
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]


class Stale(Exception):
    """The table names text that the source does not have, has more than once, or cannot have afterwards."""


class Mutation(NamedTuple):
    """`rule`: what is no longer kept. `path`: of the source file. `before`, `after`: its text. `caught_by`: checks, of
    which each has to notice by itself."""

    name: str
    rule: str
    path: str
    before: str
    after: str
    caught_by: tuple[str, ...]


@lru_cache(maxsize=32)
def _dumped(source: str) -> str:
    return ast.dump(ast.parse(source))


def mutated(mutation: Mutation, source: str) -> str:
    """The file's text with the piece replaced. Raises: Stale."""
    if source.count(mutation.before) != 1:
        raise Stale(f"{mutation.name}: {source.count(mutation.before)} places in {mutation.path}, not one")
    text = source.replace(mutation.before, mutation.after)
    try:
        changed = ast.dump(ast.parse(text)) != _dumped(source)
    except SyntaxError as error:
        raise Stale(f"{mutation.name}: {mutation.path} is no Python any more: {error}") from error
    if not changed:
        raise Stale(f"{mutation.name}: the code of {mutation.path} is the same afterwards")
    return text
