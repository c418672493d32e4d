"""The expressions of the dashboard and of the alert rules, and what each asks of the server."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import promql_parser
import yaml

from tests.infra.tools import INFRA

DASHBOARD = INFRA / "compose" / "grafana" / "dashboards" / "carnet.json"
RULES = INFRA / "compose" / "prometheus" / "rules.yaml"
SCRAPER = {"up", "job", "instance"}  # what Prometheus itself adds: a metric and two labels
SUFFIXES = ("_bucket", "_sum", "_count")


class Asked(NamedTuple):
    """A family, the labels that are asked of it, and those values of labels that are compared with a word."""

    family: str
    labels: frozenset[str]
    values: frozenset[tuple[str, str]]


def panels() -> list[dict[str, Any]]:
    """The dashboard's panels, rows left out."""
    return [panel for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"] if panel["type"] != "row"]


def shown(range_: str) -> list[tuple[str, str]]:
    """(panel, expression) of the dashboard, with Grafana's one variable as `range_`."""
    return [
        (panel["title"], target["expr"].replace("$__rate_interval", range_))
        for panel in panels()
        for target in panel["targets"]
    ]


def alerts() -> list[tuple[str, str]]:
    """(alert, expression) of the rules."""
    groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    return [(rule["alert"], rule["expr"]) for group in groups for rule in group["rules"]]


def asks(expression: str) -> list[Asked]:
    """What an expression asks of each family that it names. Raises: ValueError for text that is no PromQL."""
    return list(_walk(promql_parser.parse(expression), frozenset()))


def _walk(node: Any, grouped: frozenset[str]) -> Iterator[Asked]:
    """`grouped`: the labels by which what is inside is put together further out."""
    if isinstance(node, promql_parser.VectorSelector):
        matchers = node.matchers.matchers
        named = {matcher.name for matcher in matchers}
        values = {(m.name, m.value) for m in matchers if m.op == promql_parser.MatchOp.Equal}
        compared = frozenset((name, value) for name, value in values if name not in SCRAPER)
        yield Asked(node.name, frozenset(named | grouped) - SCRAPER, compared)
        return
    if isinstance(node, promql_parser.AggregateExpr) and node.modifier is not None:
        grouped = grouped | frozenset(node.modifier.labels)
    inner = [getattr(node, name, None) for name in ("vector_selector", "expr", "lhs", "rhs")]
    for child in [*inner, *getattr(node, "args", [])]:
        if child is not None:
            yield from _walk(child, grouped)


def families(text: str) -> dict[str, set[str]]:
    """Name -> labels that its samples have, of an answer of /metrics; a histogram's three names count as one."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            found[line.split(" ")[2]] = set()
        elif not line.startswith("#"):
            name = re.split(r"[{ ]", line, maxsplit=1)[0]
            found[family_of(name, found)] |= set(re.findall(r'([a-z_]+)="', line))
    return found


def family_of(name: str, known: Any) -> str:
    """The family that a sample's name belongs to."""
    stems = [name.removesuffix(suffix) for suffix in SUFFIXES if name.endswith(suffix)]
    return next((stem for stem in stems if stem in known), name)
