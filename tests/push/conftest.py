"""A server for each test of this folder, on both engines."""

from __future__ import annotations

from tests.api.conftest import _quiet, server
from tests.storage.both_engines import engine_kind, pytest_generate_tests

__all__ = ["_quiet", "engine_kind", "pytest_generate_tests", "server"]
