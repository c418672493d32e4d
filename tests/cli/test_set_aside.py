"""What somebody wrote before her phone heard that she may only read: told by the export, and given up by name."""

from __future__ import annotations

import json
from pathlib import Path

from sync.fhir.exporting import UNSENT_URL
from tests.cli.kit import DONE, REFUSED, Server, join_phone, make_phone, settle

CARER = "Cara Testcarer"
STATUS = (
    '{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}]}'
)
ALLERGY = '{"code": {"text": "synthetic pollen"}, "criticality": "low", "clinicalStatus": ' + STATUS + "}"


def test_what_a_demoted_person_wrote_is_in_her_export_beside_what_stands(server: Server, tmp_path: Path) -> None:
    """PHN-19, PHN-24."""
    mum = make_phone(tmp_path / "mum", server.url)
    record = mum("new", "AllergyIntolerance", ALLERGY)["id"]
    cara, _ = join_phone(tmp_path / "cara", mum, server.url, "--role", "editor", person=CARER, device="cara's phone")
    settle(mum, cara)
    cara("set", record, "criticality", '"high"')
    cara("annotate", record, "written as an editor")
    new = cara("new", "AllergyIntolerance", ALLERGY.replace("pollen", "dust"))["id"]
    gone = cara("new", "AllergyIntolerance", ALLERGY.replace("pollen", "fur"))["id"]
    cara("delete", gone)
    mum("members", "role", CARER, "viewer")
    settle(mum, cara)
    assert [row["id"] for row in cara("list")] == [record], "nothing of it is shown as if it stood"
    told = cara("export", str(tmp_path / "out.json"))
    assert {row["id"]: row["deleted"] for row in told["unsent"]} == {record: False, new: False, gone: True}
    text = (tmp_path / "out.json").read_text()
    assert all(words in text for words in ("written as an editor", "synthetic dust", '{\\"criticality\\":\\"high\\"}'))
    assert "synthetic fur" not in text
    entries = [e for e in json.loads(text)["entry"] if e["resource"].get("code") == {"text": "synthetic pollen"}]
    assert entries[0]["resource"]["criticality"] == "low", "what stands is not replaced"
    assert entries[0]["extension"][0]["url"] == UNSENT_URL
    refused = cara.run("logout", stdin="cara's phone\n")
    assert (refused.code, refused.json["code"]) == (REFUSED, "unsent")
    for row in cara("quarantine"):
        cara("quarantine", "decline", row["id"])
    assert cara("export", str(tmp_path / "out.json"))["unsent"] == []
    assert cara.run("logout", stdin="cara's phone\n").code == DONE
