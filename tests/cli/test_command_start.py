"""A command starts with what it needs: each is found by name, and reading the arguments loads none of the others."""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from sync.device.cli.main import parser
from tests.cli.kit import ROOT, clean_environment

_LOADED_BY = """
import sys
import sync.device.cli.main as command
command.parser().parse_args(["list"])
print("\\n".join(sys.modules))
"""


def _runs() -> list[tuple[str, Any]]:
    [choices] = [action.choices for action in parser()._actions if action.dest == "command"]
    assert choices is not None
    return sorted((name, made.get_default("run")) for name, made in choices.items())


@pytest.mark.parametrize(("name", "run"), _runs(), ids=[name for name, _ in _runs()])
def test_each_command_leads_to_a_function(name: str, run: Any) -> None:
    load, function = run.args
    assert asyncio.iscoroutinefunction(getattr(load(), function)), f"carnet {name}"


def test_reading_the_arguments_loads_no_command_and_nothing_that_prints() -> None:
    command = [sys.executable, "-c", _LOADED_BY]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=clean_environment())
    loaded = set(done.stdout.split())
    assert "sync.device.cli.context" in loaded
    commands = {f"sync.device.cli.{name}" for name in ("files", "network", "people", "questions", "records", "sharing")}
    assert not loaded & {*commands, "rich", "fpdf", "segno", "httpx", "keyring", "sync.fhir.importing"}


def test_a_module_of_commands_is_loaded_when_one_of_them_runs() -> None:
    from sync.device.cli.later import Later

    loads: list[str] = []

    async def greet(context: Any, options: argparse.Namespace) -> int:
        return 7

    def load() -> Any:
        loads.append("loaded")
        return SimpleNamespace(greet=greet)

    run = Later(load).greet
    assert loads == []
    assert asyncio.run(run(None, argparse.Namespace())) == 7  # type: ignore[arg-type]
    assert loads == ["loaded"]
