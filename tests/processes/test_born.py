"""A process that a nursery forks is what `python -m` makes: its files, environment, exit code and end by a signal."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from tests.processes.born import PHONE, SERVER, Born, born

PIPED = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
WAIT_SECONDS = 60


def tool(**env: str) -> Born:
    """A program that reads JSON and writes it; it waits until it has all."""
    return born("json.tool", "--compact", program=PHONE, env=os.environ | env, **PIPED)


def test_it_reads_what_is_written_to_it_and_says_how_it_ended():
    process = tool()
    assert process.poll() is None
    process.stdin.write('{"a" : [1, 2]}')
    assert process.communicate(WAIT_SECONDS) == ('{"a":[1,2]}\n', "")
    assert process.returncode == process.wait() == 0


def test_a_failure_is_its_exit_code_and_its_words():
    process = tool()
    process.stdin.write("nonsense")
    out, err = process.communicate(WAIT_SECONDS)
    assert (process.returncode, out, "Expecting value" in err) == (1, "", True)


def test_one_that_fails_outright_leaves_a_traceback_and_1():
    process = born("tests.processes.no_such_module", env=dict(os.environ), **PIPED)
    assert "Traceback" in process.communicate(WAIT_SECONDS)[1]
    assert process.returncode == 1


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_one_that_is_killed_says_by_which_signal(number: signal.Signals):
    process = tool()
    process.send_signal(number)
    assert process.wait(WAIT_SECONDS) == -number
    process.communicate(WAIT_SECONDS)


def test_waiting_for_one_that_goes_on_is_given_up():
    process = tool()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.01)
    process.kill()
    process.communicate(WAIT_SECONDS)


def test_each_has_a_number_and_an_environment_of_its_own():
    env = os.environ | {"PYTHONPATH": "", "CARNET_PORT": "4711"}
    one, other = (born(SERVER, "check-config", env=env | each, **PIPED) for each in ({}, {"CARNET_PORT": "4712"}))
    assert len({one.pid, other.pid, os.getpid()}) == 3
    assert '"port": 4711' in one.communicate(WAIT_SECONDS)[0]
    assert '"port": 4712' in other.communicate(WAIT_SECONDS)[0]


def test_a_server_is_born_without_anything_of_the_phone_in_its_memory():
    """As `python -m backend.cli` has none of it; a start of its own would not bring it in unseen."""
    process = born("tests.processes.loaded", env=dict(os.environ), **PIPED)
    loaded = process.communicate(WAIT_SECONDS)[0].split()
    assert "backend.main" in loaded
    of_the_phone = ("crypto.secret", "sync.merge", "sync.fhir", "sync.vault", "sync.device")
    assert [name for name in loaded if name.startswith(of_the_phone)] == []
