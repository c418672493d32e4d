"""The dashboard and the alert rules ask for nothing that the server does not emit."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from sync.wire.errors import PROBLEMS, REFUSALS
from tests.infra.promql import DASHBOARD, SCRAPER, alerts, asks, families, family_of, panels, shown
from tests.infra.tools import INFRA
from tests.infra.traffic import busy_server, figures

ROOT = Path(__file__).parents[2]
EXPRESSIONS = [*shown("5m"), *alerts()]


@pytest.fixture(scope="module")
def emitted() -> dict[str, set[str]]:
    return {}


@pytest.fixture
async def told(emitted, tmp_path) -> dict[str, set[str]]:
    """What a server emits after traffic, asked for once."""
    if not emitted:
        async with busy_server(tmp_path) as server:
            emitted.update(families(await figures(server)))
    return emitted


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS, ids=lambda text: text[:60])
async def test_every_name_and_label_is_one_that_a_server_emits(told, where, expression):
    asked = [ask for ask in asks(expression) if ask.family not in SCRAPER]
    for ask in asked:
        family = family_of(ask.family, told)
        assert family in told, f"{where}: no {ask.family} is emitted"
        assert ask.labels <= told[family], f"{where}: {ask.family} has no {sorted(ask.labels - told[family])}"


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS, ids=lambda text: text[:60])
def test_every_word_that_is_compared_with_is_a_word_of_the_protocol(where, expression):
    for ask in asks(expression):
        for label, value in ask.values:
            assert label in ("code", "route"), where
            assert value in ({*PROBLEMS, *REFUSALS} if label == "code" else {"/v1/sync"}), where


def test_each_question_of_the_dashboard_has_an_answer_and_each_panel_says_what_it_means():
    assert {panel["datasource"]["uid"] for panel in panels()} == {"prometheus"}
    assert all(panel["description"] and panel["targets"] for panel in panels())
    assert len({panel["id"] for panel in panels()}) == len(panels()) > 12


def test_no_panel_covers_another():
    taken: dict[tuple[int, int], str] = {}
    for panel in panels():
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        for cell in [(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])]:
            assert taken.setdefault(cell, panel["title"]) == panel["title"]


def test_grafana_is_given_the_source_that_the_dashboard_asks():
    folder = INFRA / "compose" / "grafana" / "provisioning"
    [source] = yaml.safe_load((folder / "datasources" / "prometheus.yaml").read_text())["datasources"]
    [provider] = yaml.safe_load((folder / "dashboards" / "carnet.yaml").read_text())["providers"]
    compose = yaml.safe_load((INFRA / "compose" / "compose.yaml").read_text())
    mounted = dict(volume.split(":")[:2][::-1] for volume in compose["services"]["grafana"]["volumes"])
    assert source["uid"] == "prometheus"
    assert (INFRA / "compose" / mounted[provider["options"]["path"]] / DASHBOARD.name).resolve() == DASHBOARD
