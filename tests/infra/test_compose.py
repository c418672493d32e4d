"""The compose file: valid, and closed as the operator's page says. Not run: that needs a container engine."""

from __future__ import annotations

import re
import subprocess

import pytest
import yaml

from backend.settings import Settings, read_settings
from tests.infra.image_kit import recipe
from tests.infra.tools import INFRA, packaged, quiet

FOLDER = INFRA / "compose"
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text("utf-8"))
SERVICES = COMPOSE["services"]
SERVER = SERVICES["server"]
POSTGRES_CONNECTIONS = 100  # what PostgreSQL takes unless it is told otherwise


def test_both_files_are_what_the_specification_allows():
    files = [str(FOLDER / name) for name in ("compose.yaml", "firebase.yaml")]
    quiet(packaged("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", *files)


def test_the_proxy_alone_is_reached_from_outside():
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert ports.pop("proxy") == ["80:80", "443:443", "443:443/udp"]
    assert all(port.startswith("127.0.0.1:") for open_ in ports.values() for port in open_)
    open_networks = {name for name, network in COMPOSE["networks"].items() if not network.get("internal")}
    reached = {name for name, service in SERVICES.items() if open_networks & set(service["networks"])}
    assert reached == {"proxy", "grafana"}


def test_the_database_is_reached_by_the_server_alone():
    assert SERVICES["postgres"]["networks"] == ["data"]
    assert [name for name, service in SERVICES.items() if "data" in service["networks"]] == ["server", "postgres"]


@pytest.mark.parametrize("name", SERVICES)
def test_each_container_is_closed_pinned_and_looked_at(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "proxy" else [])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert name == "server" or re.search(r":v?\d+\.\d+(\.\d+)?(-\w+)?$", service["image"])
    assert "healthcheck" in service or (name == "server" and recipe().health())


def test_passwords_are_in_files_and_in_no_variable():
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            assert "PASSWORD" not in name or value.startswith("/run/secrets/"), name
            assert not re.search(r"://[^/@]+:[^/@]+@", value), name
    assert all(secret["file"].startswith("./secrets/") for secret in COMPOSE["secrets"].values())
    assert "/infra/compose/secrets/" in (INFRA.parent / ".gitignore").read_text().splitlines()


def test_the_servers_variables_are_settings_and_can_be_read():
    given = {
        name: value.replace("${CARNET_HOST:?the name that phones use}", "carnet.example")
        for name, value in (recipe().environment() | SERVER["environment"]).items()
    }
    names = {name.removeprefix("CARNET_").lower() for name in given if name.startswith("CARNET_")}
    assert names <= set(Settings.__struct_fields__)
    settings = read_settings(None, given, {})
    assert settings.postgres_url()
    assert settings.origin == "https://carnet.example"
    assert settings.metrics == "everyone"
    assert settings.workers == 2
    assert (
        settings.workers * (settings.postgres_connections_max + 1) < POSTGRES_CONNECTIONS // 2
    )  # two during a restart
    assert settings.trusted_proxies == SERVICES["proxy"]["networks"]["front"]["ipv4_address"]
    seconds = int(re.fullmatch(r"(\d+)s", SERVER["stop_grace_period"])[1])
    assert seconds > settings.drain_seconds_max + 10
    assert SERVICES["prometheus"]["networks"] == ["watch"]
    assert "watch" in SERVER["networks"]


def test_passwords_are_drawn_once_and_lie_where_they_are_looked_for(tmp_path):
    folder = tmp_path / "secrets"
    times = []
    for _ in range(2):
        subprocess.run(["sh", str(FOLDER / "secrets.sh"), str(folder)], capture_output=True, check=True)
        times.append({path.name: path.read_text() for path in folder.iterdir()})
    made, again = times
    assert made == again
    assert {f"./secrets/{name}" for name in made} == {secret["file"] for secret in COMPOSE["secrets"].values()}
    assert made["server-pgpass"] == "*:*:carnet:carnet:" + made["postgres-password"]
    assert re.fullmatch(r"[0-9a-f]{48}\n", made["postgres-password"])
    assert made["grafana-password"] != made["postgres-password"]
    assert all(path.stat().st_mode & 0o777 == 0o400 for path in folder.iterdir())
