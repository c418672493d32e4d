"""The viewer's files as the server gives them: VIE-1, VIE-2, VIE-4 and VIE-16 of openapi/protocol/viewer.md."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from backend.settings import SettingsError
from backend.web.files import FOLDER, ROOT, all_files, integrity
from backend.web.pages import content_policy
from infra.viewer.build import FIRST, LATER, written
from sync.wire.errors import PROBLEMS
from tests.api.server_kit import Served, code_of, served

EU = sorted(path.stem for path in (FOLDER / "words").glob("*.json"))
NOTHING = ("none_known", "not_known", "not_asked", "not_shown")
SAFETY = Path(__file__).with_name("viewer_safety_words.txt")
GZIPPED_MAX = 60_000  # bytes before the scanner, in one language
ALIKE = {  # words that a language shares with English: anything else that is equal was left untranslated
    "i_normal": "da de es fr pt ro",
    "intolerance": "cs da",
    "l_code": "de fr nl",
    "l_form": "de",
    "l_lot": "fr ro",
    "l_status": "de",
    "no": "es it",
    "remission": "de",
    "s_immunizations": "fr",
    "sex": "ro",
}


def words(lang: str) -> dict[str, dict[str, str]]:
    return json.loads((FOLDER / "words" / f"{lang}.json").read_text("utf-8"))


async def test_the_page_comes_with_its_own_policy_and_may_be_kept(server: Served):
    """VIE-1, VIE-2."""
    answer = await server.client.get(ROOT)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers.get_list("content-security-policy") == [
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; manifest-src 'self'; "
        "worker-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types lit-html dompurify carnet-worker"
    ]
    assert answer.headers.get_list("cache-control") == ["no-cache"]
    assert answer.headers["permissions-policy"].startswith("camera=(self), clipboard-write=(self), geolocation=()")
    for name, value in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
    ]:
        assert answer.headers.get_list(name) == [value]


async def test_every_listed_file_is_served_with_its_type_and_no_other(server: Served):
    """VIE-1."""
    for path, raw in all_files().items():
        answer = await server.client.get(path)
        assert (answer.status_code, answer.content) == (200, raw), path
        assert answer.headers["x-content-type-options"] == "nosniff"
    for path in (
        "/view/index.html",
        "/view/LICENSE.qr",
        "/view/words/xx.json",
        "/view/%2e%2e%2fpages.py",
    ):
        assert code_of(await server.client.get(path)) == "not_found"
    assert "not_found" in PROBLEMS


async def test_a_browser_that_has_a_file_is_told_so(server: Served):
    """VIE-1."""
    for accepts in ("gzip", "identity"):
        headers = {"accept-encoding": accepts}
        first = await server.client.get("/view/app.js", headers=headers)
        again = await server.client.get("/view/app.js", headers=headers | {"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert first.headers.get("content-encoding") == (accepts if accepts == "gzip" else None)


@pytest.mark.parametrize(
    ("accepts", "packed"),
    [("gzip;q=0", False), ("br, gzip;q=0.000", False), ("br, GZIP; q=0.5", True), ("gzip", True), ("xgzipx", False)],
)
async def test_a_file_is_packed_only_for_who_takes_that(server: Served, accepts: str, packed: bool):
    """VIE-1; RFC 9110, 12.5.3."""
    answer = await server.client.get("/view/app.js", headers={"accept-encoding": accepts})
    assert answer.headers.get("content-encoding") == ("gzip" if packed else None)


async def test_everything_else_is_still_never_kept(server: Served):
    answer = await server.client.get("/livez")
    assert answer.headers.get_list("cache-control") == ["no-store"]
    assert answer.headers.get_list("content-security-policy") == ["default-src 'none'; frame-ancestors 'none'"]


async def test_an_operator_may_let_the_viewer_ask_other_servers(tmp_path):
    """VIE-2."""
    async with served(tmp_path, viewer_servers="https://a.example, https://b.example:8443") as server:
        policy = (await server.client.get(ROOT)).headers["content-security-policy"]
    assert "connect-src 'self' https://a.example https://b.example:8443;" in policy


@pytest.mark.parametrize(
    "servers", ["*", "https://*.example", "http://a.example", "https://a.example/x", "a.example", "https://a.example;"]
)
def test_a_list_of_servers_that_would_open_the_policy_is_refused(servers):
    """VIE-2."""
    with pytest.raises(SettingsError):
        content_policy(servers)


def test_hashes_and_the_workers_list_are_those_of_the_files():
    """VIE-1, VIE-4. Run `python -m infra.viewer.build` after a change."""
    for name, text in written().items():
        assert (FOLDER / name).read_text("utf-8") == text


def test_the_page_names_every_script_that_it_starts_with_by_its_hash():
    """VIE-1."""
    page = (FOLDER / "index.html").read_text("utf-8")
    named = dict(re.findall(r'(?:href|src)="(/view/[^"]+\.(?:js|css))" integrity="([^"]+)"', page))
    files = {
        path: raw for path, raw in all_files().items() if path.endswith((".js", ".css")) and not path.endswith(LATER)
    }
    assert named == {path: integrity(raw) for path, raw in files.items()}


def test_the_first_screen_waits_for_few_scripts():
    """What the page imports at once, and what that imports; the rest comes while the reader answers."""
    waiting, found = ["/app.js"], set()
    while waiting:
        path = waiting.pop()
        found.add(path)
        text = (FOLDER / path.lstrip("/")).read_text("utf-8")
        named = re.findall(r"^(?:import|export) .*?from '\.(/[^']+)';$", text, re.MULTILINE)
        waiting += [name for name in named if name not in found]
    assert sorted(found) == sorted(FIRST)


def test_the_worker_keeps_the_listed_files_and_nothing_else():
    """VIE-4."""
    worker = (FOLDER / "sw.js").read_text("utf-8")
    assert sorted(re.findall(r"^  '(.+)',$", worker, re.MULTILINE)) == sorted(set(all_files()) - {"/view/sw.js"})
    assert "/s/" not in worker.replace("`/s/`", "")


def test_the_page_is_small_before_the_scanner():
    """VIE-16: English, and the heaviest of the other languages; the rest are fetched when they are chosen."""
    sizes = {p: len(gzip.compress(raw, 9)) for p, raw in all_files().items() if not p.endswith(LATER)}
    chosen = max(sizes[f"/view/words/{lang}.json"] for lang in EU if lang != "en")
    other = {f"/view/words/{lang}.json" for lang in EU if lang != "en"}
    packs = {path for path in sizes if path.startswith("/view/terms/")}
    other |= packs
    chosen += max(sizes[path] for path in packs)
    size = sum(each for path, each in sizes.items() if path not in other) + chosen
    print(f"\nviewer before the scanner: {size} bytes gzipped")
    assert size <= GZIPPED_MAX


def test_there_are_the_24_official_languages_of_the_union():
    """VIE-16: Regulation No 1 of 1958 as it stands."""
    assert " ".join(EU) == "bg cs da de el en es et fi fr ga hr hu it lt lv mt nl pl pt ro sk sl sv"


@pytest.mark.parametrize("lang", EU)
def test_the_words_that_safety_hangs_on_are_there_in_every_language(lang):
    """VIE-11, VIE-16."""
    held = words(lang)
    assert set(SAFETY.read_text("utf-8").split()) <= set(held)
    assert len({held[key]["text"] for key in NOTHING}) == len(NOTHING)


@pytest.mark.parametrize("lang", EU)
def test_no_word_is_missing_in_any_language(lang):
    """VIE-16: the errors too. The note on words that are only in English has nothing to count."""
    assert list(words(lang)) == list(words("en"))


@pytest.mark.parametrize("lang", sorted(set(EU) - {"en"}))
def test_no_word_was_left_in_english(lang):
    """VIE-16."""
    english = words("en")
    same = {key for key, word in words(lang).items() if word["text"].casefold() == english[key]["text"].casefold()}
    assert same == {key for key, langs in ALIKE.items() if lang in langs.split()}


@pytest.mark.parametrize("lang", EU)
def test_no_two_headings_of_the_summary_are_the_same_word(lang):
    """VIE-16: "Warnings" about the document are not the "Alerts" in it."""
    heads = [word["text"].casefold() for key, word in words(lang).items() if key.startswith("s_") or key == "warnings"]
    assert len(set(heads)) == len(heads)


@pytest.mark.parametrize("lang", EU)
def test_every_word_says_where_it_comes_from_and_fits_the_english_one(lang):
    """VIE-16."""
    english = words("en")
    for key, word in words(lang).items():
        assert set(word) in ({"text", "source"}, {"text", "reviewed"}), key
        assert word["text"].strip(), key
        gaps = [sorted(re.findall(r"\{.*?\}", text)) for text in (word["text"], english[key]["text"])]
        assert gaps[0] == gaps[1], key
        assert word["text"].count("{") == word["text"].count("}") == len(gaps[0]), key


def test_every_word_that_the_page_uses_is_there():
    """VIE-16."""
    scripts = {p: raw.decode() for p, raw in all_files().items() if p.endswith(".js") and "/vendor/" not in p}
    used = {key for text in scripts.values() for key in re.findall(r"\bt\('([a-z]\w+)'", text)}
    used |= {key for text in scripts.values() for key in re.findall(r"Trouble\('(\w+)'", text)}
    assert used - set(words("en")) == set()
