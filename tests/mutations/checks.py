"""The checks by name, as arguments of `python -m`: files or single tests for pytest, or random worlds."""

PYTEST = ("pytest", "-p", "pytest_asyncio.plugin", "-x", "--no-header", "--tb=no", "-rfE", "-W", "ignore")
WORLDS = "worlds "
LOG_VECTORS = "tests/vectors/test_log_vectors.py"
MERGE_VECTORS = "tests/vectors/test_merge_vectors.py"


def worlds(kind: str, count: int, first: int = 0) -> str:
    """So many random worlds of a kind (worlds.py), from this seed on."""
    return f"{WORLDS}{kind}|{count}|{first}"


def api(name: str) -> str:
    """The tests of one file of tests/api, over SQLite."""
    return f"tests/api/test_{name}.py -k sqlite"


def arguments_of(check: str) -> list[str]:
    """What `python -m` is called with for a check."""
    if check.startswith(WORLDS):
        return ["tests.mutations.worlds", *check.removeprefix(WORLDS).split("|")]
    return [*PYTEST, *check.split(" ")]
