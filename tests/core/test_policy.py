import pytest

from adit.api.access import Consumer, Role
from adit.api.pseudonymization_profile import PseudonymizationProfileSpec
from adit.policy import Protection, Request, Resource, Use, authorize, may_leave, needed_to_leave

PACS = Resource("DicomServer", "radiology", "pacs")


def allowed(request: Request, role: Role, *grants: object) -> bool:
    return not authorize(request, [Use(PACS, role)], {PACS: [Consumer.of(grant) for grant in grants]})


@pytest.mark.parametrize("protection", ["Identified", "Pseudonymized"])
def test_a_namespace_may_always_use_what_is_its_own(protection: Protection) -> None:
    assert allowed(Request("radiology", protection), "Source")


def test_nothing_is_granted_by_silence() -> None:
    assert not allowed(Request("research", "Pseudonymized"), "Source")


def test_same_speaks_of_the_owners_namespace_only() -> None:
    assert not allowed(Request("research", "Identified"), "Source", {})


def test_a_grant_holds_for_the_namespaces_it_names() -> None:
    grant = {"namespaces": {"from": "Names", "names": ["research"]}}
    assert allowed(Request("research", "Identified"), "Source", grant)
    assert not allowed(Request("archive", "Identified"), "Source", grant)


def test_a_grant_holds_for_its_role() -> None:
    grant = {"namespaces": {"from": "All"}, "roles": ["Destination"]}
    assert allowed(Request("research", "Identified"), "Destination", grant)
    assert not allowed(Request("research", "Identified"), "Source", grant)


@pytest.mark.parametrize(("protection", "granted"), [("Identified", False), ("Pseudonymized", True)])
def test_required_pseudonymization_needs_a_profile(protection: Protection, *, granted: bool) -> None:
    grant = {"namespaces": {"from": "All"}, "requirePseudonymization": True}
    assert allowed(Request("research", protection), "Source", grant) is granted


def test_the_most_generous_of_two_grants_holds() -> None:
    strict = {"namespaces": {"from": "All"}, "requirePseudonymization": True}
    free = {"namespaces": {"from": "Names", "names": ["research"]}}
    assert allowed(Request("research", "Identified"), "Source", strict, free)
    assert not allowed(Request("archive", "Identified"), "Source", strict, free)


def test_each_denial_names_the_resource_and_what_to_do() -> None:
    other = Resource("DicomFolder", "archive", "disk")
    denials = authorize(Request("research", "Identified"), [Use(PACS, "Source"), Use(other, "Destination")], {})
    assert [denial.use.resource for denial in denials] == [PACS, other]
    assert "DicomFolder/archive/disk does not allow namespace research" in denials[1].message
    assert "spec.allowedConsumers" in denials[1].message


EVERYTHING = {"use-destination", "transfer-identifiable", "keep-private"}
LEAVING = [
    ("Pseudonymized", False, {"use-destination"}),
    ("Pseudonymized", True, {"use-destination", "keep-private"}),
    ("Identified", False, {"use-destination", "transfer-identifiable"}),
]


@pytest.mark.parametrize(("protection", "keeps_private", "needed"), LEAVING)
def test_data_leaves_with_every_verb_that_it_needs_and_without_one_of_them_it_does_not(
    protection: Protection,
    keeps_private: bool,  # noqa: FBT001  # a column of the table
    needed: set[str],
) -> None:
    assert needed_to_leave(protection, keeps_private=keeps_private) == needed
    assert may_leave(protection, needed, keeps_private=keeps_private)
    for verb in needed:
        assert not may_leave(protection, EVERYTHING - {verb}, keeps_private=keeps_private)


@pytest.mark.parametrize("protection", ["Identified", "Pseudonymized"])
def test_without_any_verb_nothing_leaves(protection: Protection) -> None:
    assert not may_leave(protection, ())


def test_a_protection_that_nobody_knows_counts_as_none() -> None:
    unknown: Protection = "Encrypted"  # type: ignore[assignment]  # what a later version may say
    assert not may_leave(unknown, {"use-destination"})


@pytest.mark.parametrize(
    ("spec", "needs"),
    [
        ({}, False),
        ({"privateAttributes": {"policy": "Keep"}}, True),
        ({"privateAttributes": {"policy": "SafeList"}, "options": ["RetainSafePrivate"]}, False),
        ({"overrides": [{"tag": "00091001", "action": "Keep"}]}, True),
        ({"overrides": [{"tag": "00091001", "action": "Clean"}]}, True),
        ({"overrides": [{"tag": "00091001", "action": "Remove"}, {"tag": "00101000", "action": "Keep"}]}, False),
    ],
)
def test_a_profile_that_keeps_private_elements_unlisted_needs_the_verb(spec: object, *, needs: bool) -> None:
    assert PseudonymizationProfileSpec.of(spec).needs_keep_private is needs
