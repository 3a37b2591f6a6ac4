"""No canary leaves under `basic`, wherever it was put and however it was written."""

import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.datadict import keyword_for_tag

from adit.pseudonymization import BUILT_IN, ProjectKey
from adit.pseudonymization.pseudonymizer import Pseudonymizer
from adit.testing.canary import Canary, attributes, left, unlisted
from adit.testing.canary_places import PLACES, CanaryInstance, Place, canary_instance, places
from adit.testing.datasets import sr_study
from adit.testing.elements import DEFLATED_LITTLE, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE
from adit.testing.patients import PLAIN
from adit.transfer.instance import Instance
from adit.transfer.outcomes import Rewritten
from adit.transfer.part10 import front_of, open_part10
from adit.transfer.rewriter import Subject

SYNTAXES = (IMPLICIT_LITTLE, EXPLICIT_LITTLE, EXPLICIT_BIG, DEFLATED_LITTLE)
EVERYWHERE = [(syntax, place) for syntax in SYNTAXES for place in places(syntax)]
IDS = [f"{place.__name__}-{syntax}" for syntax, place in EVERYWHERE]
KEY = ProjectKey(bytes(range(32)))
SUBJECT = Subject(pseudonym="PSEUDO-17")


def leaving(instance: Instance) -> bytes:
    """Everything of it that leaves: the file that a folder or STOW-RS would get."""
    outcome = Pseudonymizer(BUILT_IN["basic"], KEY, frozenset()).rewrite(instance, SUBJECT)
    assert isinstance(outcome, Rewritten), outcome
    data_set = b"".join(outcome.instance.chunks())
    if outcome.instance.transfer_syntax_uid == DEFLATED_LITTLE:
        data_set = zlib.decompress(data_set, wbits=-zlib.MAX_WBITS)
    return front_of(outcome.instance) + data_set


def names_of(canaries: list[Canary]) -> list[str]:
    return [f"{one.tag:08X} {keyword_for_tag(one.tag)} {one.vr}" for one in canaries]


def both(folder: Path, place: Place, syntax: str) -> Iterator[CanaryInstance]:
    """With one value in each element, and with several where its VR has room for them."""
    yield from (canary_instance(folder, place, syntax, several=several) for several in (False, True))


@pytest.mark.parametrize(("syntax", "place"), EVERYWHERE, ids=IDS)
def test_no_canary_leaves(tmp_path: Path, syntax: str, place: Place) -> None:
    for caged in both(tmp_path, place, syntax):
        assert names_of(left(caged.canaries, leaving(caged.instance))) == []


@pytest.mark.parametrize(("syntax", "place"), EVERYWHERE, ids=IDS)
def test_every_canary_is_in_what_was_made(tmp_path: Path, syntax: str, place: Place) -> None:
    for caged in both(tmp_path, place, syntax):
        assert left(caged.canaries, caged.data_set) == list(caged.canaries)


def test_every_row_of_the_table_has_a_canary_in_each_place_that_speaks_of_it(tmp_path: Path) -> None:
    tags = {one.tag for one in attributes()}
    for place in set(PLACES) - {PLACES[-1]}:
        caged = canary_instance(tmp_path, place, EXPLICIT_LITTLE)
        assert tags <= {one.tag for one in caged.canaries}, place.__name__
    assert len(unlisted()) > 40


def test_no_canary_of_preamble_or_file_meta_information_leaves(tmp_path: Path) -> None:
    path = tmp_path / "front"
    caged = canary_instance(tmp_path, PLACES[0], EXPLICIT_LITTLE)
    meta = front_of(caged.instance, "CNRY000003").replace(b"ADIT_KUBERNETES", b"CNRY000001ABCDE")
    path.write_bytes(b"CNRY000002".ljust(128, b"x") + meta[128:] + caged.data_set)
    assert leaving(open_part10(path)).count(b"CNRY") == 0


def test_no_text_of_a_report_leaves(tmp_path: Path) -> None:
    path = sr_study(PLAIN).write(tmp_path)[0]
    family_name = PLAIN.name.partition("^")[0].encode()
    assert family_name in path.read_bytes()
    after = leaving(open_part10(path))
    assert family_name not in after
    assert b"no abnormality" not in after
