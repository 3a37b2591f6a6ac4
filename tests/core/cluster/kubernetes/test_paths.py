"""Paths of the API: where kinds live, and that no name leads elsewhere."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from adit.cluster.cluster import Invalid
from adit.cluster.kinds import KINDS, Ref
from adit.cluster.kubernetes.paths import collection_path, kind_of, object_path, selector


@pytest.mark.parametrize(
    ("ref", "path"),
    [
        (Ref("ConfigMap", "a", "b"), "/api/v1/namespaces/a/configmaps/b"),
        (Ref("Job", "a", "b"), "/apis/batch/v1/namespaces/a/jobs/b"),
        (Ref("TransferJob", "a", "b"), "/apis/adit.dev/v1alpha1/namespaces/a/transferjobs/b"),
        (Ref("Lease", "a", "b"), "/apis/coordination.k8s.io/v1/namespaces/a/leases/b"),
    ],
)
def test_an_object_has_its_path(ref: Ref, path: str) -> None:
    assert object_path(ref) == path
    assert object_path(ref, "status") == f"{path}/status"


def test_without_a_namespace_all_are_meant() -> None:
    assert collection_path(KINDS["Secret"], None) == "/api/v1/secrets"


def test_a_kind_that_we_do_not_know_is_refused() -> None:
    with pytest.raises(Invalid, match="kind"):
        kind_of("Pod")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a%2fb", "x" * 254])
def test_a_name_that_would_lead_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(Invalid, match=r"metadata\.name"):
        object_path(Ref("Secret", "default", name))
    with pytest.raises(Invalid, match=r"metadata\.namespace"):
        object_path(Ref("Secret", name, "token"))


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_name_is_one_segment_of_its_path_or_refused(namespace: str, name: str) -> None:
    try:
        path = object_path(Ref("Secret", namespace, name))
    except Invalid:
        return
    # as the client sends it
    assert len(URL(f"http://127.0.0.1{path}").raw_parts) == 7
    assert URL(f"http://127.0.0.1{path}").parts[-3:] == (namespace, "secrets", name)


def test_labels_select_all_together() -> None:
    assert selector({"b": "2", "adit.dev/a": ""}) == "adit.dev/a=,b=2"


@pytest.mark.parametrize("labels", [{"a": "b,c!=d"}, {"a": "b c"}, {"a,b": "c"}, {"!a": ""}, {"a": "x" * 64}])
def test_labels_that_would_select_something_else_are_refused(labels: dict[str, str]) -> None:
    with pytest.raises(Invalid, match="labels"):
        selector(labels)
