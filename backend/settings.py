"""What an operator may set: one struct, read once at the start, from a TOML file and `CARNET_*` variables.

A variable overrides the file, a command-line option both. What is a limit of the protocol is no setting
(sync.wire.limits). A new setting needs a reason why a constant will not do.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

POSTGRES_PARAMETERS = frozenset(
    {"host", "port", "user", "password", "passfile", "target_session_attrs"}
    | {"sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "sslnegotiation", "ssl_min_protocol_version"}
)


class SettingsError(Exception):
    """The settings cannot be used; the text says which and why."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The server's settings. `origin`: what devices sign, scheme://host[:port]; from host and port when empty."""

    data: str = "carnet-data"  # folder of the database
    database: str = ""  # sqlite:///PATH or postgresql://USER@HOST/NAME; empty: carnet.sqlite3 in `data`
    postgres_connections_max: int = (
        10  # connections to PostgreSQL of each process; all together below its max_connections
    )
    host: str = "127.0.0.1"  # loopback unless an operator says otherwise: TLS is the proxy's
    port: int = 8440  # 0: any free one
    origin: str = ""
    workers: int = 1
    registration: Literal["open", "closed"] = "open"
    trusted_proxies: str = ""  # addresses, with commas, whose X-Forwarded-For is believed
    devices_an_account_max: int = 32  # live devices
    vaults_an_account_max: int = 32  # vaults founded by one account
    person_day_bytes_max: int = 268_435_456  # bytes a person may append to one vault in a day
    vault_bytes_max: int = 4_294_967_296  # bytes of one vault's log
    # Requests a minute, and in one burst; counted in memory by each process. An address is an IPv4 address or an IPv6
    # /64. Behind a proxy set `trusted_proxies`, or all its callers are one address.
    address_per_minute_max: int = 600  # of one address, without a token
    address_all_per_minute_max: int = 30_000  # of one address, of every kind
    account_per_minute_max: int = 3_000  # of one account's devices
    viewer_servers: str = ""  # further origins that the viewer may ask for shares, with commas
    push_credentials: str = ""  # key of a Firebase service account, its file or its JSON; empty: nobody pushes
    push_endpoint: str = ""  # instead of Firebase's: a stand-in on this machine, for tests and demonstrations
    metrics: Literal["loopback", "everyone", "nobody"] = "loopback"  # who may read /metrics
    body_seconds_max: int = 60  # seconds for each 16 KiB of a body, for a head, and for what comes after an answer
    bodies_bytes_max: int = 268_435_456  # bytes of all bodies that a process holds at a time; one of a sync has 8 MiB
    event_streams_max: int = 5_000  # phones that listen to one process; each takes a file handle and some memory
    drain_seconds_max: int = 25  # seconds that requests have to finish when the server stops

    def postgres_url(self) -> str | None:
        """The address of the PostgreSQL database, password and all, or None for SQLite. Raises: SettingsError."""
        scheme = self.database.partition("://")[0]
        if scheme not in ("postgresql", "postgres"):
            return None
        try:
            parts = urlsplit(self.database)
            _ = parts.port
            parameters = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        except ValueError:
            raise SettingsError("database: not an address of the form postgresql://USER@HOST:PORT/NAME") from None
        if not parts.path.strip("/") or parts.fragment:
            raise SettingsError("database: postgresql://USER@HOST:PORT/NAME needs the name of a database")
        unknown = sorted(parameters.keys() - POSTGRES_PARAMETERS)
        if unknown:
            raise SettingsError(
                f"database: a parameter is not known; these are: {', '.join(sorted(POSTGRES_PARAMETERS))}"
            )
        return self.database

    def database_path(self) -> Path:
        """The file of the SQLite database. Raises: SettingsError for another kind of database."""
        if not self.database:
            return Path(self.data) / "carnet.sqlite3"
        if self.database.startswith("sqlite:///"):
            return Path(self.database.removeprefix("sqlite:///"))
        raise SettingsError("database: sqlite:///PATH or postgresql://USER@HOST:PORT/NAME")

    def shown(self) -> Settings:
        """The same, to be printed: a password in the database's address is a star, and so is a key."""
        if self.push_credentials.lstrip().startswith("{"):
            return msgspec.structs.replace(self, push_credentials="*").shown()
        if self.postgres_url() is None:
            return self
        parts = urlsplit(self.database)
        user = f"{parts.username}{':*' if parts.password else ''}@" if parts.username else ""
        netloc = user + parts.netloc.rpartition("@")[2]
        words = [(name, "*" if name == "password" else value) for name, value in parse_qsl(parts.query)]
        shown = urlunsplit(parts._replace(netloc=netloc, query=urlencode(words, safe="*/:")))
        return msgspec.structs.replace(self, database=shown)

    def public_origin(self, port: int) -> str:
        """The origin that devices sign, when the server listens on `port`."""
        if self.origin:
            return self.origin.rstrip("/")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{port}"


def read_settings(path: Path | None, environment: Mapping[str, str], overrides: Mapping[str, Any]) -> Settings:
    """The settings from a file (if any), the environment and the command line, the later ones first.

    Raises: SettingsError.
    """
    values: dict[str, Any] = {}
    if path is not None:
        try:
            values = tomllib.loads(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SettingsError(f"{path}: {error}") from error
    for field in msgspec.structs.fields(Settings):
        text = environment.get(f"CARNET_{field.name.upper()}")
        if text is not None:
            values[field.name] = text
    values |= {name: value for name, value in overrides.items() if value is not None}
    try:
        settings = msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(str(error)) from error
    if settings.postgres_url() is None:
        settings.database_path()
    low = [
        f.name
        for f in msgspec.structs.fields(Settings)
        if f.name != "port" and f.type is int and getattr(settings, f.name) < 1
    ]
    if low:
        raise SettingsError(f"{low[0]}: a number above zero is needed")
    if not 0 <= settings.port <= 65_535:
        raise SettingsError("port: 0 to 65535")
    return settings
