"""Presentation contexts fit into one association, and offer each instance the syntax that it is stored in."""

from hypothesis import given
from hypothesis import strategies as st
from pydicom import uid

from adit.connectors.dimse.contexts import (
    IMAGE_SYNTAXES,
    MAX_CONTEXTS,
    UNCOMPRESSED,
    for_echo_and_find,
    for_get,
    for_get_of,
    for_store,
    syntaxes_of,
)

CT, SR, PRIVATE = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.88.11", "1.2.826.0.1.3680043.8.498.1.99.1"
CLASSES = st.lists(st.integers(1, 10**6).map(lambda number: f"1.2.826.{number}"), max_size=200)


def test_a_get_has_room_for_all_its_storage_classes_beside_find_and_echo() -> None:
    proposals = for_get("StudyRoot", ("PatientRoot", "StudyRoot"))
    assert len(proposals) <= MAX_CONTEXTS
    assert set(for_echo_and_find(("PatientRoot", "StudyRoot"))) <= set(proposals)
    assert {CT, SR, "1.2.840.10008.5.1.4.1.1.6"} <= {one.abstract_syntax for one in proposals if one.reverse}


def test_an_image_is_asked_for_in_every_syntax_and_uncompressed_comes_first() -> None:
    assert syntaxes_of(CT) == syntaxes_of(PRIVATE) == IMAGE_SYNTAXES
    assert IMAGE_SYNTAXES[:2] == UNCOMPRESSED
    wanted = {uid.JPEGBaseline8Bit, uid.JPEGLSLossless, uid.JPEG2000Lossless, uid.HTJ2K, uid.RLELossless, uid.MPEG4HP41}
    assert wanted <= set(IMAGE_SYNTAXES)


def test_what_loses_is_offered_after_what_does_not() -> None:
    lossless = IMAGE_SYNTAXES.index(uid.RLELossless)
    lossy = (uid.JPEGBaseline8Bit, uid.JPEGLSNearLossless, uid.JPEG2000, uid.HTJ2K, uid.MPEG2MPML)
    assert all(lossless < IMAGE_SYNTAXES.index(syntax) for syntax in lossy)


def test_a_report_is_not_asked_for_compressed() -> None:
    assert uid.JPEGBaseline8Bit not in syntaxes_of(SR)


def test_a_known_class_is_asked_for_in_one_context_per_syntax() -> None:
    of_class = [one for one in for_get_of("StudyRoot", [CT, CT]) if one.reverse]
    assert [one.transfer_syntaxes for one in of_class] == [(syntax,) for syntax in IMAGE_SYNTAXES]


@given(CLASSES)
def test_known_classes_share_the_room_and_each_is_offered_every_syntax(classes: list[str]) -> None:
    proposals = for_get_of("StudyRoot", classes)
    assert len(proposals) <= MAX_CONTEXTS
    for one in list(dict.fromkeys(classes))[: MAX_CONTEXTS - 1]:
        groups = [proposal.transfer_syntaxes for proposal in proposals if proposal.abstract_syntax == one]
        assert [syntax for group in groups for syntax in group] == list(IMAGE_SYNTAXES)


def test_a_store_proposes_each_pair_alone_and_the_newest_where_there_are_too_many() -> None:
    pairs = [(f"1.2.{number}", UNCOMPRESSED[0]) for number in range(200)]
    proposals = for_store(pairs)
    assert len(proposals) == MAX_CONTEXTS
    assert proposals[-1].abstract_syntax == "1.2.199"
    assert all(len(one.transfer_syntaxes) == 1 and not one.reverse for one in proposals)
