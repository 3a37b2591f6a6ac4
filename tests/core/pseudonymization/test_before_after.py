"""The table of the documentation is what the engine does today, for the profile that the example has."""

from pathlib import Path

import yaml

from adit.api.pseudonymization_profile import PseudonymizationProfileSpec
from adit.testing.before_after import BEGIN, END, RESEARCH, main, table


def test_the_documented_table_is_what_the_engine_makes(project: Path) -> None:
    page = (project / "docs" / "deidentification.md").read_text("utf-8")
    documented = page.partition(BEGIN)[2].partition(END)[0].strip()
    assert documented == table(), "python -m adit.testing.before_after docs/deidentification.md"


def test_writing_the_table_leaves_the_rest_of_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"above\n{BEGIN}\nold\n{END}\nbelow\n", "utf-8")
    main([str(page)])
    assert page.read_text("utf-8") == f"above\n{BEGIN}\n\n{table()}\n\n{END}\nbelow\n"


def test_the_documented_profile_is_the_example(project: Path) -> None:
    example = yaml.safe_load((project / "examples" / "profile" / "profile.yaml").read_text("utf-8"))
    assert example["metadata"]["name"] == RESEARCH.name
    assert PseudonymizationProfileSpec.of(example["spec"]) == RESEARCH.spec
