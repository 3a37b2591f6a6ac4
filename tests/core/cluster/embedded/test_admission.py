"""What the embedded cluster refuses beyond the contract, with the words that it says."""

from datetime import date
from typing import Any

import pytest

from adit.cluster.cluster import Invalid, Manifest
from adit.cluster.embedded import EmbeddedCluster
from adit.cluster.kinds import Ref
from adit.testing.cluster import config_map_manifest, job_manifest, secret_manifest, transfer_job_manifest


def changed(manifest: Manifest, path: str, value: Any) -> Manifest:
    """The manifest with one field, given as `a.b.0.c`, set; ... removes it."""
    *parents, last = [int(part) if part.isdecimal() else part for part in path.split(".")]
    node: Any = manifest
    for part in parents:
        node = node[part] if isinstance(part, int) else node.setdefault(part, {})
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return manifest


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("kind", "Pod", "kind: 'Pod' is not one of"),
        ("kind", ["x"], "is not one of"),
        ("apiVersion", "v2", "apiVersion: must be v1"),
        ("metadata", ..., "metadata.name: is required"),
        ("metadata.name", 3, "metadata.name: is required"),
        ("metadata.name", "../x", "metadata.name"),
        ("metadata.name", "x" * 254, "metadata.name"),
        ("metadata.namespace", "A", "metadata.namespace"),
        ("metadata.labels", {"two words": "x"}, "not a qualified name"),
        ("metadata.annotations", {"x": 1}, r"metadata.annotations\[x\]: must be a string"),
        ("metadata.annotations", {"x": "y" * 300_000}, "metadata.annotations: must not exceed"),
        ("metadata.ownerReferences", [{"name": "x"}], r"metadata.ownerReferences\[0\]: needs apiVersion"),
        ("metadata.finalizers", "x", "metadata.finalizers"),
        ("metadata.resourceVersion", "1", "metadata.resourceVersion"),
        ("data", {"../../etc/passwd": "x"}, "is not a key"),
        ("data", {"..": "x"}, "is not a key"),
        ("data", {"a": 1}, r"data\[a\]: must be a string"),
        ("data", {"a": date(2026, 1, 1)}, "not JSON"),
        ("data", {"a": float("nan")}, "not JSON"),
        ("data", {"a": "x" * 1_100_000}, "data: must not exceed"),
        ("extra", 1, "extra: unknown field"),
    ],
)
async def test_what_no_object_may_be(cluster: EmbeddedCluster, path: str, value: Any, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        await cluster.create(changed(config_map_manifest(), path, value))


async def test_data_of_a_secret_must_be_base64(cluster: EmbeddedCluster) -> None:
    with pytest.raises(Invalid, match=r"data\[a\]: must be base64"):
        await cluster.create(changed(secret_manifest(), "data", {"a": "not base64!"}))


async def test_a_null_was_not_given(cluster: EmbeddedCluster) -> None:
    made = await cluster.create(changed(transfer_job_manifest(), "spec.shutdown", None))
    assert "shutdown" not in made["spec"]


async def test_a_refusal_never_repeats_the_value(cluster: EmbeddedCluster) -> None:
    manifest = changed(transfer_job_manifest(), "spec.tasks.0.patientId", "Doe*Jane")
    with pytest.raises(Invalid, match=r"spec.tasks\[0\].patientId") as refusal:
        await cluster.create(manifest)
    assert "Jane" not in str(refusal.value)


@pytest.mark.parametrize("field", ["apiVersion", "kind", "metadata.name", "metadata.namespace"])
async def test_a_patch_cannot_make_another_object_of_it(cluster: EmbeddedCluster, field: str) -> None:
    await cluster.create(config_map_manifest("settings"))
    with pytest.raises(Invalid, match=f"{field}: field is immutable"):
        await cluster.patch(Ref("ConfigMap", "default", "settings"), changed({}, field, "other"))


async def test_a_patch_cannot_write_what_the_server_writes(cluster: EmbeddedCluster) -> None:
    made = await cluster.create(config_map_manifest("settings"))
    patch = {"metadata": {"creationTimestamp": "x", "managedFields": [], "generation": 7, "deletionTimestamp": "x"}}
    assert await cluster.patch(Ref("ConfigMap", "default", "settings"), patch) == made


SPEC = "spec.template.spec"
MAIN = f"{SPEC}.containers.0"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("metadata.name", "x" * 64, "63 characters for a Job"),
        ("spec", ..., "spec: is required"),
        ("spec.backoffLimit", 6, "spec.backoffLimit: must be 0"),
        ("spec.backoffLimit", ..., "spec.backoffLimit: must be 0"),
        ("spec.completions", 2, "spec.completions"),
        ("spec.parallelism", 2, "spec.parallelism"),
        ("spec.completionMode", "Indexed", "spec.completionMode"),
        ("spec.podReplacementPolicy", "TerminatingOrFailed", "spec.podReplacementPolicy"),
        ("spec.activeDeadlineSeconds", 10, "spec.activeDeadlineSeconds"),
        ("spec.podFailurePolicy", {"rules": []}, "spec.podFailurePolicy"),
        ("spec.suspend", "yes", "spec.suspend"),
        ("spec.ttlSecondsAfterFinished", -1, "spec.ttlSecondsAfterFinished"),
        (f"{SPEC}.restartPolicy", "OnFailure", "restartPolicy: must be Never"),
        (f"{SPEC}.terminationGracePeriodSeconds", "5", "terminationGracePeriodSeconds"),
        (f"{SPEC}.initContainers", [{"name": "x"}], "initContainers"),
        (f"{SPEC}.containers", [], "must be exactly one container"),
        (f"{SPEC}.volumes", [{"name": "x", "hostPath": {"path": "/"}}], r"volumes\[0\]: must be one of"),
        (f"{SPEC}.volumes", [{"emptyDir": {}}], r"volumes\[0\].name: is required"),
        (f"{SPEC}.volumes", [{"name": "x", "secret": {}}], r"volumes\[0\].secret.secretName: is required"),
        (
            f"{SPEC}.volumes",
            [{"name": "x", "secret": {"secretName": "s", "items": [{"key": "a", "path": "../a"}]}}],
            r"secret.items\[0\]",
        ),
        (f"{MAIN}.command", ..., "command: is required"),
        (f"{MAIN}.args", [1], "args: must be a list of strings"),
        (f"{MAIN}.envFrom", [], "envFrom"),
        (f"{MAIN}.env", [{"name": "A=B", "value": "x"}], r"env\[0\].name"),
        (f"{MAIN}.env", [{"name": "A", "value": 1}], r"env\[0\].value: must be a string"),
        (f"{MAIN}.env", [{"name": "A", "valueFrom": {"secretKeyRef": {}}}], r"env\[0\].valueFrom"),
        (f"{MAIN}.volumeMounts", [{"name": "x", "mountPath": "/x"}], "names no volume of the pod"),
    ],
)
async def test_jobs_that_would_not_run_as_on_kubernetes(
    cluster: EmbeddedCluster, path: str, value: Any, message: str
) -> None:
    with pytest.raises(Invalid, match=message):
        await cluster.create(changed(job_manifest(), path, value))


@pytest.mark.parametrize("mount_path", ["etc/x", "/", "/etc/../x", ""])
async def test_a_mount_stays_in_its_folder(cluster: EmbeddedCluster, mount_path: str) -> None:
    job = changed(job_manifest(), f"{SPEC}.volumes", [{"name": "x", "emptyDir": {}}])
    with pytest.raises(Invalid, match="must be an absolute path"):
        await cluster.create(changed(job, f"{MAIN}.volumeMounts", [{"name": "x", "mountPath": mount_path}]))


async def test_where_a_pod_would_be_placed_does_not_matter(cluster: EmbeddedCluster) -> None:
    job = changed(job_manifest(), f"{SPEC}.nodeSelector", {"disk": "fast"})
    job = changed(job, f"{MAIN}.resources", {"limits": {"memory": "1Gi"}})
    assert await cluster.create(job)
