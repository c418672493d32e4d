"""Style that matters is a test: sizes, empty package files, no hidden imports, nothing unused, no machine's paths."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("backend", "sync", "crypto")
LINES_MAX = 400
ENTRY_POINTS = {"backend.cli", "sync.device.cli.main", "backend.http.schema", "infra.demo"}
SQL = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE|PRAGMA)\b")


def sources():
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def module_of(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def tracked():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


@pytest.mark.parametrize("path", [*sources(), *sorted((ROOT / "tests").rglob("*.py"))], ids=module_of)
def test_no_file_is_longer_than_a_person_can_hold_in_the_head(path):
    assert len(path.read_text().splitlines()) <= LINES_MAX


def test_package_files_are_empty():
    assert [module_of(p) for p in sources() if p.name == "__init__.py" and p.read_text().strip()] == []


def test_every_module_says_what_it_is():
    missing = [
        module_of(p) for p in sources() if p.name != "__init__.py" and not ast.get_docstring(ast.parse(p.read_text()))
    ]
    assert missing == []


def test_nothing_is_imported_behind_the_linters_back():
    guilty = [module_of(p) for p in sources() if re.search(r"import_module|__import__", p.read_text())]
    assert guilty == []


def test_every_file_is_imported_by_somebody():
    imported = set()
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module)
                imported.update(f"{node.module}.{alias.name}" for alias in node.names)
    modules = {module_of(p) for p in sources() if p.name != "__init__.py"}
    assert modules - imported - ENTRY_POINTS - JUDGED_AND_VECTORED == set()


# Codecs that travel later; vectors hold them already, because they are costly to change.
JUDGED_AND_VECTORED = {"sync.wire.checkpoint"}


def test_sql_stands_only_in_the_storage_port_and_the_store_files():
    allowed = re.compile(r"backend/storage/|/store\.py$|sync/device/store/")
    guilty = []
    for path in sources():
        if allowed.search(str(path.relative_to(ROOT))):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.search(node.value):
                guilty.append(f"{module_of(path)}:{node.lineno}")
    assert guilty == []


def test_database_drivers_are_imported_only_behind_the_storage_ports():
    guilty = [
        module_of(p)
        for p in sources()
        if re.search(r"^\s*(import|from) (aiosqlite|asyncpg|sqlite3)\b", p.read_text(), re.MULTILINE)
        and not re.search(r"backend/storage/|sync/device/store/", str(p.relative_to(ROOT)))
    ]
    assert guilty == []


def test_only_crypto_imports_cryptography():
    guilty = [
        module_of(p)
        for p in sources()
        if re.search(r"^\s*(import|from) cryptography\b", p.read_text(), re.MULTILINE)
        and not module_of(p).startswith("crypto.")
    ]
    assert guilty == []


def test_pure_rooms_know_no_clock_no_chance_and_no_network():
    """sync (device/ aside) and crypto take time, randomness and the network as arguments."""
    banned = r"^\s*(import|from) (asyncio|socket|ssl|time|datetime|random|secrets|uuid|litestar|httpx|threading)\b"
    guilty = [
        module_of(p)
        for p in sources()
        if module_of(p).startswith(("sync.", "crypto."))
        and not module_of(p).startswith("sync.device.")
        and re.search(banned, p.read_text(), re.MULTILINE)
    ]
    assert guilty == []


def test_tracked_files_carry_no_machine_path_and_no_index_address():
    machine = re.compile(r"(?<![\w.])/(?:work|farm|root|tmp|home/[a-z]+)/[\w.-]+")
    index = re.compile(r"https?://[^\s'\"]*(?:pypi|pythonhosted|npmjs|simple/)[^\s'\"]*|--(?:extra-)?index-url")
    guilty = []
    for path in tracked():
        if path == Path(__file__):
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        guilty += [f"{path.relative_to(ROOT)}: {m.group()}" for m in [machine.search(text), index.search(text)] if m]
    assert guilty == []


def test_every_chapter_that_is_cited_exists():
    chapters = {path.name for path in (ROOT / "openapi" / "protocol").glob("*.md")}
    cited = {name for path in sources() for name in re.findall(r"openapi/protocol/([\w-]+\.md)", path.read_text())}
    assert cited - chapters == set()
    assert len(cited) > 10
