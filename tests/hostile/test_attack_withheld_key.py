"""withheld-key: an owner starts an epoch and hands one member noise instead of its key. Residual: the exit remains."""

import asyncio
from pathlib import Path

from sync.device.reading import identity_of
from sync.vault.intents import Rotate
from tests.cli.kit import REFUSED, Inside, Server, join_phone, make_phone, settle

ALLERGY = (
    '{"code": {"text": "Latex"}, "patient": {"display": "Testa"}, "clinicalStatus": {"coding": [{"system":'
    ' "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}]}}'
)


async def rotate_without(owner: Inside, victim: Inside) -> None:
    """The owner's next epoch, with the victim's wrap sealed for a key that is not the victim's."""
    async with victim.phone() as phone, phone.store.transaction() as rows:
        theirs = await identity_of(rows)
    async with owner.phone() as phone, phone.store.transaction() as rows:
        state = await rows.get_vault(1)
        state.kem_keys[theirs.device] = (await identity_of(rows)).keys.kem.public_key
        state.intents = [Rotate(state.log.epoch.number)]
        await rows.put_vault(1, state)


def test_who_is_denied_the_key_is_told_and_founds_a_vault_from_what_she_holds(tmp_path: Path) -> None:
    server = Server(tmp_path / "server").start()
    try:
        owner = make_phone(tmp_path / "owner", server.url)
        who = {"person": "Vi Testvictim", "device": "victim"}
        victim, _ = join_phone(tmp_path / "victim", owner, server.url, "--role", "editor", **who)
        record = owner("new", "AllergyIntolerance", ALLERGY)["id"]
        settle(owner, victim)
        asyncio.run(rotate_without(owner, victim))
        owner("annotate", record, "not for everybody")
        owner("sync")
        done = victim.run("sync")
        assert done.code == REFUSED
        assert done.json["vaults"][0]["code"] == "key_missing"
        assert [row["id"] for row in victim("list")] == [record]
        victim.run("vaults", "new", "My own", "--from", "records of a test")
        [mine] = [vault for vault in victim("vaults") if vault["name"] == "My own"]
        assert (mine["role"], mine["records"], mine["pending"]) == ("owner", 1, 0)
    finally:
        server.kill()
