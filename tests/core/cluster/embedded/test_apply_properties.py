"""Properties of the merge patch and of server-side apply."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from adit.cluster.embedded.apply import applied, created, updated
from adit.cluster.embedded.fields import FieldManager, owned_paths, read_ownership, value_at, write_ownership
from adit.cluster.embedded.merge import merged, without_nulls

Manifest = dict[str, Any]

keys = st.sampled_from(["a", "b", "c", "f:a", ".", "with.dot/and slash"])
scalars = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "x"])
values = st.recursive(
    scalars | st.lists(st.integers(0, 2), max_size=2),
    lambda inner: st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(keys, values, max_size=3)
fields = objects.map(without_nulls)


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    metadata = {"name": "x", "labels": draw(st.dictionaries(keys, st.sampled_from(["1", "2"]), max_size=3))}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": draw(fields)}


def content(manifest: Manifest) -> Manifest:
    """Without the record of who owns what."""
    metadata = {key: value for key, value in manifest["metadata"].items() if key != "managedFields"}
    return {**manifest, "metadata": metadata}


@given(values, values)
def test_a_merge_patch_twice_is_a_merge_patch_once(target: Any, patch: Any) -> None:
    once = merged(target, patch)
    assert merged(once, patch) == once


@given(objects, objects)
def test_a_merge_patch_leaves_what_it_does_not_name(target: Manifest, patch: Manifest) -> None:
    result = merged(target, patch)
    assert {key: result[key] for key in target.keys() - patch.keys()} == {
        key: target[key] for key in target.keys() - patch.keys()
    }


@given(objects, objects)
def test_a_merge_patch_changes_neither_of_its_arguments(target: Manifest, patch: Manifest) -> None:
    before = repr((target, patch))
    merged(target, patch)
    assert repr((target, patch)) == before


def test_the_example_of_rfc_7386_comes_out_as_printed_there() -> None:
    target = {
        "title": "Goodbye!",
        "author": {"givenName": "John", "familyName": "Doe"},
        "tags": ["example", "sample"],
        "content": "This will be unchanged",
    }
    patch = {"title": "Hello!", "phoneNumber": "+01-123-456-7890", "author": {"familyName": None}, "tags": ["example"]}
    assert merged(target, patch) == {
        "title": "Hello!",
        "author": {"givenName": "John"},
        "tags": ["example"],
        "content": "This will be unchanged",
        "phoneNumber": "+01-123-456-7890",
    }


@given(manifests(), manifests())
def test_an_apply_twice_is_an_apply_once(live: Manifest, wanted: Manifest) -> None:
    once = applied(created(live, FieldManager("first", "Apply")), wanted, manager="second", force=True)
    assert applied(once, wanted, manager="second", force=True) == once


@given(manifests(), manifests())
def test_an_apply_brings_every_scalar_that_it_names(live: Manifest, wanted: Manifest) -> None:
    result = applied(created(live, FieldManager("first", "Apply")), wanted, manager="second", force=True)
    for path in owned_paths(wanted):
        exists, value = value_at(result, path)
        assert exists
        assert value == value_at(wanted, path)[1] or value_at(wanted, path)[1] == {}


@given(manifests(), manifests())
def test_the_only_manager_gets_exactly_what_it_applied_last(first: Manifest, second: Manifest) -> None:
    live = created(first, FieldManager("one", "Apply"))
    result = applied(live, second, manager="one", force=True)
    leftovers = owned_paths(result) - owned_paths(second)
    assert all(value_at(result, path)[1] == {} for path in leftovers)
    assert all(value_at(result, path) == value_at(second, path) for path in owned_paths(second))


@given(manifests(), manifests(), manifests())
def test_fields_of_another_manager_survive_where_nobody_names_them(
    live: Manifest, first: Manifest, second: Manifest
) -> None:
    start = created(live, FieldManager("other", "Apply"))
    once = applied(start, first, manager="one", force=True)
    kept = read_ownership(once).get(FieldManager("other", "Apply"), frozenset())
    twice = applied(once, second, manager="one", force=True)
    still = read_ownership(twice).get(FieldManager("other", "Apply"), frozenset())
    for path in kept & still:
        if path not in owned_paths(second):
            assert value_at(twice, path)[0]
    # it loses a field only to a manifest that names it, or something above or below it
    for lost in kept - still:
        assert any(lost[: len(path)] == path or path[: len(lost)] == lost for path in owned_paths(second))


@given(manifests(), manifests())
def test_a_patched_field_has_one_owner(live: Manifest, patch: Manifest) -> None:
    start = created(live, FieldManager("one", "Apply"))
    after = updated(start, merged(start, {"data": patch["data"]}))
    for path in owned_paths(after):
        if value_at(start, path) != value_at(after, path):
            owners = [manager for manager, paths in read_ownership(after).items() if path in paths]
            assert owners == [FieldManager("adit", "Update")]


@given(manifests(), manifests())
def test_ownership_can_be_written_and_read_again(one: Manifest, two: Manifest) -> None:
    ownership = {
        manager: paths
        for manager, paths in {
            FieldManager("one", "Apply"): owned_paths(one),
            FieldManager("two", "Update"): owned_paths(two),
        }.items()
        if paths
    }
    entries = write_ownership(ownership, "v1")
    assert read_ownership({"metadata": {"managedFields": entries}}) == ownership


@given(manifests(), manifests())
def test_an_apply_changes_neither_of_its_arguments(live: Manifest, wanted: Manifest) -> None:
    start = created(live, FieldManager("one", "Apply"))
    before = repr((start, wanted))
    applied(start, wanted, manager="one", force=True)
    assert repr((start, wanted)) == before
