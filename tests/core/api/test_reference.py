"""The reference pages: current, and about every field."""

from pathlib import Path

import pytest

from adit.api.immutability import spec_schema
from adit.api.reference import main, pages
from adit.api.resource import RESOURCES


def test_the_pages_in_docs_are_current(project: Path) -> None:
    on_disk = {path.name: path.read_text(encoding="utf-8") for path in (project / "docs" / "reference").glob("*.md")}
    assert {name: on_disk.get(name) for name in pages()} == pages(), "run `make crds` and commit the result"


@pytest.mark.parametrize("kind", sorted(RESOURCES))
def test_a_page_names_every_field_of_the_spec(kind: str) -> None:
    text = pages()[f"{kind.lower()}.md"]
    assert [name for name in spec_schema(kind)["properties"] if f"| `{name}` |" not in text] == []


@pytest.mark.parametrize("kind", ["DicomServer", "DicomFolder", "TransferJob", "PseudonymizationProfile"])
def test_every_field_that_people_write_has_a_meaning(kind: str) -> None:
    spec = pages()[f"{kind.lower()}.md"].partition("## spec")[2].partition("## ")[0]
    assert [row for row in spec.splitlines() if row.endswith("|  |")] == []


def test_the_command_writes_the_pages(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 0
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == pages()
