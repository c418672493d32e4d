"""Import, vault, export, over generated files and every example (IMP-5, IMP-17, IMP-26, IMP-27)."""

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fhir.import_phones import all_files
from tests.property.laws_files import files, law_document


@settings(max_examples=60, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(files())
def test_a_generated_file_comes_out_as_it_came_in_on_one_phone_and_on_two(file):
    law_document(file)


@pytest.mark.parametrize("file", [pytest.param(file, id=name) for name, file in all_files().items()])
def test_an_example_comes_out_as_it_came_in_on_one_phone_and_on_two(file):
    law_document(file)
