"""Every command of the README's first five minutes, typed as written, against the demo that `make run` starts."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SECTION = re.compile(r"## The first five minutes\n(.*?)\n## Test", re.DOTALL)
FENCE = re.compile(r"```(console|)\n(.*?)```", re.DOTALL)
START_SECONDS = 120


def steps():
    """Commands of the README in order, each with the lines that it says appear afterwards."""
    section = SECTION.search((ROOT / "README.md").read_text()).group(1)
    found = []
    for kind, body in FENCE.findall(section):
        if kind == "console":
            found += [(line.removeprefix("$ "), []) for line in body.strip().splitlines()]
        else:
            found[-1][1].extend(line.strip() for line in body.strip().splitlines())
    return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    log = (folder / "run.log").open("w+")
    running = subprocess.Popen(
        [sys.executable, "-m", "infra.demo"],
        cwd=ROOT,
        env=os.environ | {"CARNET_DEMO_FOLDER": str(folder / "demo")},
        stdout=log,
        stderr=log,
    )
    deadline = time.monotonic() + START_SECONDS
    while "Ready." not in (folder / "run.log").read_text():
        assert running.poll() is None, (folder / "run.log").read_text()
        assert time.monotonic() < deadline, (folder / "run.log").read_text()
        time.sleep(0.1)
    yield folder
    running.send_signal(signal.SIGINT)
    assert running.wait(30) == 0
    log.close()


def test_each_command_of_the_readme_does_what_it_says(demo):
    script = ["exec 2>&1"]
    for number, (command, _) in enumerate(steps()):
        script += [f"echo '@@{number}'", command.replace("demo/env.sh", f"{demo}/demo/env.sh"), 'echo "@exit $?"']
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    outputs = done.stdout.split("@@")[1:]
    assert len(outputs) == len(steps()) >= 10
    for (command, lines), output in zip(steps(), outputs, strict=True):
        status = int(output.rsplit("@exit ", 1)[1])
        may_wait = f"{command} -".split()[1] in ("sync", "conflicts", "status", "recover")
        assert status == 0 or (status == 3 and may_wait) or "grep" in command, f"{command}\n{output}"
        flat = " ".join(output.split())
        for line in lines:
            assert " ".join(line.split()) in flat, f"{command} does not show {line!r}:\n{output}"


def test_the_demo_shows_each_push_as_the_push_service_sees_it(demo):
    """After the README: her tablet was told of the recovery, and is woken for what her caregiver writes."""
    allergy = '{"clinicalStatus": {"coding": [{"code": "active"}]}, "code": {"text": "Nuts"}}'
    script = f"source {demo}/demo/env.sh; carer new AllergyIntolerance '{allergy}' && carer sync"
    subprocess.run(["bash", "-c", script], cwd=ROOT, capture_output=True, timeout=120, check=True)
    deadline = time.monotonic() + START_SECONDS
    while not re.search("push service: a wake, .* says (.*)", (demo / "run.log").read_text()):
        assert time.monotonic() < deadline, (demo / "run.log").read_text()
        time.sleep(0.1)
    lines = re.findall("push service: a (wake|notice), .*, says (.*)", (demo / "run.log").read_text())
    assert {kind for kind, _ in lines} == {"wake", "notice"}
    assert all(re.fullmatch(r'\{"v": "1", "t": "[A-Za-z0-9_-]{22}"\}', data) for _, data in lines)


def test_what_the_demo_prints_to_type_next_is_in_the_readme(demo):
    printed = (demo / "run.log").read_text()
    commands = re.findall(r"^    ((?:phone|tablet) [a-z]+.*)$", printed, re.MULTILINE)
    assert len(commands) >= 5
    readme = (ROOT / "README.md").read_text()
    for command in commands:
        for part in command.split(" && "):
            assert part in readme, part
