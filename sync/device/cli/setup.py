"""Commands that begin a phone: init and link."""

from __future__ import annotations

import argparse

from crypto.public.keys import ED25519, ES256
from sync.device.cli.codes import show_and_wait, show_recovery_code
from sync.device.cli.context import DONE, Context
from sync.device.founding import found
from sync.device.linking import show_code
from sync.device.refused import Refused
from sync.device.syncing import sync

# What `--signing` says of a new phone's key.
SIGNING = {"ed25519": ED25519, "es256": ES256}


def origin(url: str) -> str:
    """A server's address as it is signed: scheme, host and port, nothing behind; without TLS on this machine alone.

    Raises: Refused (bad_value, not_secure)."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url if "//" in url else f"https://{url}")
        port = parts.port
    except ValueError as error:
        raise Refused("bad_value", "a server is https://host or http://127.0.0.1:port") from error
    behind = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in ("http", "https") or not parts.hostname or behind:
        raise Refused("bad_value", "a server is https://host or http://127.0.0.1:port")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise Refused("not_secure", parts.hostname)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" if port in (None, usual) else f"{parts.scheme}://{host}:{port}"


def _is_loopback(host: str) -> bool:
    """True for a name of this very machine (RFC 6761 §6.3) and for loopback addresses."""
    from ipaddress import ip_address

    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


async def init(context: Context, options: argparse.Namespace) -> int:
    """A new person, phone, account and vault. The code is shown before anything else can go wrong."""
    vault_name = options.vault or f"{options.name}’s records"
    names = options.name, options.device, vault_name
    async with context.phone(create=True) as phone:
        subject, key_type = options.subject == "self", SIGNING[options.signing or "ed25519"]
        made = await found(phone, origin(options.server), *names, subject=subject, key_type=key_type)
        context.result(
            {
                "account": made.account.hex(),
                "device": made.device.hex(),
                "person": made.person.hex(),
                "vault": made.vault.hex(),
                "recovery_code": made.recovery_code,
            }
        )
        if not context.json:
            context.say(f"This phone is ready, and so is the vault “{vault_name}”.")
        show_recovery_code(context, made.recovery_code)
        try:
            await sync(phone)
        except Refused:
            context.hint("The server has not heard of the vault yet; the next sync brings it there.")
    return DONE


async def link(context: Context, options: argparse.Namespace) -> int:
    """A new phone of a person who has one."""
    async with context.phone(create=True) as phone:
        key_type = SIGNING[options.signing or "ed25519"]
        code = await show_code(phone, origin(options.server), options.device, key_type=key_type)
        context.line({"code": code})
        return await show_and_wait(context, phone, code, "On the phone that is in already", f"carnet approve {code}")
