"""Prometheus itself takes the files as they stand, and answers each expression from a real server's figures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.infra.promql import alerts, shown
from tests.infra.tools import INFRA, ROOT, free_port, quiet, started
from tests.infra.traffic import busy_server

FOLDER = INFRA / "compose" / "prometheus"
WAIT_SECONDS = 60


def test_the_configuration_and_the_rules_are_valid():
    quiet("promtool", "check", "config", "prometheus.yml", folder=FOLDER)
    quiet("promtool", "check", "rules", "--lint=all", "--lint-fatal", "rules.yaml", folder=FOLDER)


def test_each_alert_speaks_when_it_should_and_not_before():
    quiet("promtool", "test", "rules", "tests/infra/rules_test.yaml", folder=ROOT)
    tested = (ROOT / "tests" / "infra" / "rules_test.yaml").read_text()
    assert [name for name, _ in alerts() if f"alertname: {name}\n" not in tested] == []


@pytest.fixture
async def asking(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Prometheus with the committed file, but for where the server is and how often it is asked."""
    async with busy_server(tmp_path / "server") as server:
        config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
        config["global"] |= {"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "200ms"}
        config["rule_files"] = [str(FOLDER / "rules.yaml")]
        config["scrape_configs"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{server.port}"]
        file = tmp_path / "prometheus.yml"
        file.write_text(yaml.safe_dump(config))
        port = free_port()
        command = ["prometheus", f"--config.file={file}", f"--storage.tsdb.path={tmp_path / 'figures'}"]
        with started([*command, f"--web.listen-address=127.0.0.1:{port}"], port, tmp_path / "prometheus.log"):
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/api/v1/", timeout=30) as client:
                await _scraped(client)
                yield client


async def _scraped(client: httpx.AsyncClient) -> None:
    """Waits until there are enough samples for a rate, and the rules have been looked at."""
    for _ in range(WAIT_SECONDS * 5):
        found = await _ask(client, "count_over_time(process_cpu_seconds_total[1m])")
        if found and int(found[0]["value"][1]) >= 5:
            return
        await asyncio.sleep(0.2)
    raise AssertionError("Prometheus has no samples")


async def _ask(client: httpx.AsyncClient, expression: str) -> list[Any]:
    answer = await client.get("query", params={"query": expression})
    if answer.status_code == 503:
        return []  # it is still starting
    assert answer.json()["status"] == "success", (expression, answer.text)
    return list(answer.json()["data"]["result"])


async def test_every_expression_has_an_answer_from_what_a_server_emits(asking):
    for panel, expression in shown("1m"):
        found = await _ask(asking, expression)
        assert found, f"{panel}: no answer to {expression}"
    for _, expression in alerts():
        await _ask(asking, expression)
    groups = (await asking.get("rules")).json()["data"]["groups"]
    health = {rule["name"]: (rule["health"], rule["state"]) for group in groups for rule in group["rules"]}
    assert set(health) == {name for name, _ in alerts()}
    assert {name: state for name, state in health.items() if state[0] != "ok"} == {}
    assert health["CarnetDown"][1] == "inactive"
