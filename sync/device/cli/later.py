"""The modules of the commands, each loaded when one of its commands runs: most runs need one of them.

What it is: names that stand for modules while arguments are read. What it is not: a registry; `main.py` says which
command is whose. Loading all of them takes longer than most commands do.
"""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from functools import partial
from types import ModuleType

from sync.device.cli.context import Context

Command = Callable[[Context, argparse.Namespace], Awaitable[int]]


class Later:
    """A module of commands that is not loaded yet: `Later(load).list_records` is a command that loads it."""

    def __init__(self, load: Callable[[], ModuleType]) -> None:
        self._load = load

    def __getattr__(self, name: str) -> Command:
        return partial(_run, self._load, name)


async def _run(load: Callable[[], ModuleType], name: str, context: Context, options: argparse.Namespace) -> int:
    code: int = await getattr(load(), name)(context, options)
    return code


def _files() -> ModuleType:
    from sync.device.cli import files

    return files


def _inbox() -> ModuleType:
    from sync.device.cli import inbox

    return inbox


def _leaving() -> ModuleType:
    from sync.device.cli import leaving

    return leaving


def _ledger() -> ModuleType:
    from sync.device.cli import ledger

    return ledger


def _network() -> ModuleType:
    from sync.device.cli import network

    return network


def _people() -> ModuleType:
    from sync.device.cli import people

    return people


def _pushing() -> ModuleType:
    from sync.device.cli import pushing

    return pushing


def _questions() -> ModuleType:
    from sync.device.cli import questions

    return questions


def _records() -> ModuleType:
    from sync.device.cli import records

    return records


def _recovery() -> ModuleType:
    from sync.device.cli import recovery

    return recovery


def _setup() -> ModuleType:
    from sync.device.cli import setup

    return setup


def _sharing() -> ModuleType:
    from sync.device.cli import sharing

    return sharing


def _summary() -> ModuleType:
    from sync.device.cli import summary

    return summary


def _watch() -> ModuleType:
    from sync.device.cli import watch

    return watch


def _cards() -> ModuleType:
    from sync.device.cli import cards

    return cards


def _emergency() -> ModuleType:
    from sync.device.cli import emergency

    return emergency


def _issuers() -> ModuleType:
    from sync.device.cli import issuers

    return issuers


def _terms() -> ModuleType:
    from sync.device.cli import terms

    return terms


def _trip() -> ModuleType:
    from sync.device.cli import trip

    return trip


cards = Later(_cards)
emergency = Later(_emergency)
files = Later(_files)
inbox = Later(_inbox)
issuers = Later(_issuers)
leaving = Later(_leaving)
ledger = Later(_ledger)
network = Later(_network)
people = Later(_people)
pushing = Later(_pushing)
questions = Later(_questions)
records = Later(_records)
recovery = Later(_recovery)
setup = Later(_setup)
sharing = Later(_sharing)
summary = Later(_summary)
terms = Later(_terms)
trip = Later(_trip)
watch = Later(_watch)
