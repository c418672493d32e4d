"""Every test of this folder that awaits runs on both engines, but those that say which one they are about."""

from tests.storage.both_engines import engine_kind, pytest_generate_tests

__all__ = ["engine_kind", "pytest_generate_tests"]
