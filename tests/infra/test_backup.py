"""The operator's page: its lines for a backup, run on a server that runs, and what phones do after its restore."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.cli.kit import Server, link_phone, make_phone
from tests.infra.tools import INFRA

PAGE = (INFRA / "operating.md").read_text("utf-8")


def test_phones_hand_back_what_a_restored_server_lost(tmp_path):
    server = Server(tmp_path / "server").start()
    one = make_phone(tmp_path / "one", server.url)
    two = link_phone(tmp_path / "two", one, server.url)
    one("new", "Condition", '{"code": {"text": "before"}}')
    one("sync")
    keep, restore = lines(server, tmp_path / "kept")
    (tmp_path / "kept").mkdir()
    subprocess.run(["sh", "-ec", keep], check=True)
    assert subprocess.run(["sh", "-ec", keep], capture_output=True, check=False).returncode != 0, "it writes over none"
    one("new", "Condition", '{"code": {"text": "after"}}')
    one("sync")
    server.kill()
    subprocess.run(["sh", "-ec", restore], check=True)
    server.start()
    one("sync")
    two("sync")
    assert {found["label"] for found in two("list", "Condition")} == {"before", "after"}
    server.kill()


def lines(server: Server, kept) -> list[str]:
    """The page's two blocks of lines, for this server's folder and this environment's Python."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    places = {"/opt/carnet/bin/python": sys.executable, "/var/lib/carnet": str(server.data), "/var/backups": str(kept)}
    for page, here in places.items():
        blocks = [block.replace(page, here) for block in blocks]
    return blocks


def test_every_alert_is_on_the_page_and_every_file_that_it_names_exists():
    rules = (INFRA / "compose" / "prometheus" / "rules.yaml").read_text("utf-8")
    assert [name for name in re.findall(r"alert: (\w+)", rules) if name not in PAGE] == []
    named = {target.partition("#")[0] for target in re.findall(r"\]\(([^)]+)\)", PAGE)}
    named |= {f"../{path}" for path in re.findall(r"(?<!/)\b(?:infra|tests)/[\w/.-]+\.(?:py|sh|service|yaml)\b", PAGE)}
    assert len(named) > 8
    assert [path for path in named if not (INFRA / path).exists()] == []
