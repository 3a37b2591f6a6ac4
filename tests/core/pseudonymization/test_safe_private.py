"""Private elements: which of them stay, told apart by their creator."""

import pytest
from pydicom.datadict import private_dictionary_VR

from adit.api.pseudonymization_profile import Override, PrivateAttributes, PseudonymizationProfileSpec, SafePrivate
from adit.pseudonymization.actions import Action
from adit.pseudonymization.ruleset import Ruleset
from adit.pseudonymization.safe_private import SAFE, SafeElement

SIEMENS, GE = "SIEMENS MR HEADER", "GEMS_PARM_01"
B_VALUE_OF_SIEMENS, B_VALUE_OF_GE = 0x0019100C, 0x00431039
NUMBERS_AND_ENUMERATIONS = {"CS", "DS", "FD", "FL", "IS", "SL", "SS", "US"}


def removing(*overrides: Override) -> Ruleset:
    return Ruleset(PseudonymizationProfileSpec(overrides=overrides))


def keeping() -> Ruleset:
    return Ruleset(PseudonymizationProfileSpec(private_attributes=PrivateAttributes(policy="Keep")))


def safe_list(*safe: SafePrivate, overrides: tuple[Override, ...] = ()) -> Ruleset:
    private = PrivateAttributes(policy="SafeList", safe=safe)
    return Ruleset(
        PseudonymizationProfileSpec(options=("RetainSafePrivate",), private_attributes=private, overrides=overrides)
    )


def kept(ruleset: Ruleset, creator: str, tag: int) -> bool:
    return ruleset.private_rule(creator, tag).action is Action.KEEP


def test_ordinarily_no_private_element_stays_and_no_creator() -> None:
    assert not kept(removing(), SIEMENS, B_VALUE_OF_SIEMENS)
    assert not kept(removing(), SIEMENS, 0x00190010)


@pytest.mark.parametrize("element", SAFE, ids=lambda element: f"{element.creator} {element.element:02X}")
def test_a_safe_element_stays_with_its_creator_in_whichever_block(element: SafeElement) -> None:
    for block in (0x10, 0xFF):
        tag = element.group << 16 | block << 8 | element.element
        assert kept(safe_list(), element.creator, tag)
        assert kept(safe_list(), element.creator, element.group << 16 | block)
        assert not kept(safe_list(), "ACME", tag)


def test_a_padded_creator_is_the_same_creator() -> None:
    assert kept(safe_list(), "SIEMENS MR HEADER ", B_VALUE_OF_SIEMENS)
    assert kept(safe_list(), "GEMS_PARM_01\0", B_VALUE_OF_GE)


def test_a_creator_is_known_in_either_case() -> None:
    assert kept(safe_list(), "PHILIPS MR IMAGING DD 001", 0x2005100E)


@pytest.mark.parametrize(
    ("creator", "tag"),
    [
        (SIEMENS, 0x0019100B),  # another element
        (SIEMENS, 0x0029100C),  # another group
        (SIEMENS, 0x0019000C),  # in no block
        (SIEMENS, 0x00190000),  # a group length
        ("", B_VALUE_OF_SIEMENS),  # a block without a creator
        ("SIEMENS CSA HEADER", 0x00291010),  # holds names
        ("SIEMENS CSA HEADER", 0x00290010),
    ],
)
def test_everything_else_goes(creator: str, tag: int) -> None:
    assert not kept(safe_list(), creator, tag)


def test_a_profile_adds_elements_of_its_own() -> None:
    ruleset = safe_list(SafePrivate(creator="ACME 1.0", group="0011", element="A0"))
    assert kept(ruleset, "ACME 1.0", 0x001112A0)
    assert kept(ruleset, "ACME 1.0", 0x00110012)
    assert not kept(ruleset, "ACME 1.0", 0x001112A1)
    assert kept(ruleset, GE, B_VALUE_OF_GE)


def test_a_profile_adds_to_the_elements_of_a_creator_that_is_known() -> None:
    ruleset = safe_list(SafePrivate(creator=SIEMENS, group="0019", element="0B"))
    assert kept(ruleset, SIEMENS, 0x0019100B)
    assert kept(ruleset, SIEMENS, B_VALUE_OF_SIEMENS)


@pytest.mark.parametrize("tag", [0x00190010, 0x0019100B, 0x00291010])
def test_where_private_elements_stay_all_of_them_do(tag: int) -> None:
    assert kept(keeping(), "ACME", tag)
    assert keeping().rule(tag, b"LO").action is Action.KEEP


def test_a_group_length_goes_even_there() -> None:
    assert not kept(keeping(), "ACME", 0x00190000)


def test_an_override_wins_over_the_list() -> None:
    ruleset = safe_list(overrides=(Override(tag="0019100C", action="Empty"),))
    assert ruleset.private_rule(SIEMENS, B_VALUE_OF_SIEMENS).action is Action.EMPTY


def test_an_element_that_an_override_keeps_is_not_left_without_its_creator() -> None:
    ruleset = removing(Override(tag="00191234", action="Keep"))
    assert kept(ruleset, "ACME", 0x00191234)
    assert kept(ruleset, "ACME", 0x00190012)
    assert not kept(ruleset, "ACME", 0x00190010)


def test_the_list_holds_numbers_and_enumerations_and_says_where_each_is_written() -> None:
    exceptions = {(0x0019, 0x9E), (0x0043, 0x27)}  # a name of a program, and a ratio
    assert {(one.group, one.element) for one in SAFE if one.vr not in NUMBERS_AND_ENUMERATIONS} == exceptions
    assert all("conformance statement" in one.source or "PS3.15" in one.source for one in SAFE)


def test_the_list_agrees_with_the_private_dictionary_where_that_knows_an_element() -> None:
    agreed = 0
    for one in SAFE:
        try:
            vr = private_dictionary_VR(one.group << 16 | 0x1000 | one.element, one.creator)
        except KeyError:
            continue
        assert one.vr == vr, one
        agreed += 1
    assert agreed > len(SAFE) // 2
