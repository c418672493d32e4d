"""When a generated narrative is stale, and that a stale one is never shown as current (FHI-21)."""

from sync.fhir.exact import loads
from sync.fhir.view import narrative_is_stale, resource
from sync.merge.change import SOURCE
from tests.fhir.fhir_family import set_to
from tests.fhir.medicine import RAMIPRIL, imported, set_dose


def test_a_generated_narrative_is_written_anew_once_a_register_has_changed():
    """FHI-21."""
    family = imported()
    assert not narrative_is_stale(family.record)
    assert resource(family.record)["text"]["div"] == "<div>5 mg</div>"
    family.apply("B", set_dose("<b>10 mg & more</b>")(family.record))
    made = resource(family.record)["text"]
    assert made["status"] == "generated"
    assert "&lt;b&gt;10 mg &amp; more" in made["div"]
    assert "5 mg" not in made["div"].replace("10 mg", "")
    assert loads(family.record.siblings("text", SOURCE)[0].value)["text"]["div"] == "<div>5 mg</div>"


def test_a_narrative_is_not_stale_when_nothing_changed_in_meaning_and_current_when_a_person_wrote_it():
    """FHI-21."""
    family = imported()
    family.apply("B", set_dose("5 mg")(family.record))
    assert not narrative_is_stale(family.record)
    family.apply("B", set_dose("7 mg")(family.record))
    own = '{"status":"generated","div":"<div>7 mg</div>"}'
    family.apply("C", set_to("text", own)(family.record))
    assert not narrative_is_stale(family.record)
    family.apply("B", set_dose("8 mg")(family.record))
    assert narrative_is_stale(family.record)


def test_an_additional_narrative_stays():
    family = imported(RAMIPRIL.replace("generated", "additional"))
    family.apply("B", set_dose("10 mg")(family.record))
    assert resource(family.record)["text"]["div"] == "<div>5 mg</div>"
