"""Which batch/v1 Jobs one machine can run as Kubernetes would; anything else is refused, never ignored in silence.

Placement, resources, size limits, security context and service account say where and as whom a pod runs: one machine
has one answer and leaves them alone.
"""

import re
from collections.abc import Iterator
from typing import Any

Manifest = dict[str, Any]

_POD_FIELDS = {"metadata.name", "metadata.namespace", "metadata.uid"}
CLAIM = "persistentVolumeClaim"
_VOLUME_TYPES = {"secret", "emptyDir", CLAIM}
_ENV_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]{0,252}")
_REQUIRED: dict[str, Any] = {"backoffLimit": 0}
_ALLOWED: dict[str, Any] = {
    "completions": 1,
    "parallelism": 1,
    "podReplacementPolicy": "Failed",
    "completionMode": "NonIndexed",
}
_UNSUPPORTED = ("activeDeadlineSeconds", "podFailurePolicy", "successPolicy", "backoffLimitPerIndex", "managedBy")


def job_problems(job: Manifest) -> list[tuple[str, str]]:
    """Field path and sentence of everything that keeps a Job from running here."""
    spec = job.get("spec")
    if not isinstance(spec, dict):
        return [("spec", "is required")]
    return [*_policy_problems(spec), *_pod_problems(spec.get("template"))]


def container_of(job: Manifest) -> Manifest:
    """The one container of a valid Job."""
    container: Manifest = job["spec"]["template"]["spec"]["containers"][0]
    return container


def _policy_problems(spec: Manifest) -> Iterator[tuple[str, str]]:
    for field, only in _REQUIRED.items():
        if spec.get(field) != only:
            yield f"spec.{field}", f"must be {only}: the embedded cluster runs each Job's pod once"
    for field, only in _ALLOWED.items():
        if spec.get(field, only) != only:
            yield f"spec.{field}", f"the embedded cluster supports {only} only"
    for field in _UNSUPPORTED:
        if field in spec:
            yield f"spec.{field}", "the embedded cluster does not support this"
    if not isinstance(spec.get("suspend", False), bool):
        yield "spec.suspend", "must be true or false"
    time_to_live = spec.get("ttlSecondsAfterFinished", 0)
    if not _is_count(time_to_live):
        yield "spec.ttlSecondsAfterFinished", "must be a number of seconds, not negative"


def _pod_problems(template: Any) -> Iterator[tuple[str, str]]:
    at = "spec.template.spec"
    pod = template.get("spec") if isinstance(template, dict) else None
    if not isinstance(pod, dict):
        yield at, "is required"
        return
    if pod.get("restartPolicy") != "Never":
        yield f"{at}.restartPolicy", "must be Never"
    if not _is_count(pod.get("terminationGracePeriodSeconds", 30)):
        yield f"{at}.terminationGracePeriodSeconds", "must be a number of seconds, not negative"
    if pod.get("initContainers"):
        yield f"{at}.initContainers", "the embedded cluster does not support this"
    containers, volumes = pod.get("containers"), pod.get("volumes", [])
    if not isinstance(containers, list) or len(containers) != 1 or not isinstance(containers[0], dict):
        yield f"{at}.containers", "must be exactly one container"
        return
    if not isinstance(volumes, list) or not all(isinstance(volume, dict) for volume in volumes):
        yield f"{at}.volumes", "must be a list of objects"
        return
    yield from _volume_problems(volumes, f"{at}.volumes")
    yield from _container_problems(containers[0], f"{at}.containers[0]")
    yield from _mount_problems(containers[0], volumes, f"{at}.containers[0].volumeMounts")


def _volume_problems(volumes: list[Manifest], at: str) -> Iterator[tuple[str, str]]:
    for position, volume in enumerate(volumes):
        if not isinstance(volume.get("name"), str) or not volume["name"]:
            yield f"{at}[{position}].name", "is required"
        if len(volume.keys() - {"name"}) != 1 or not volume.keys() & _VOLUME_TYPES:
            yield f"{at}[{position}]", f"must be one of {', '.join(sorted(_VOLUME_TYPES))}"
        secret = volume.get("secret")
        if secret is not None:
            yield from _secret_volume_problems(secret, f"{at}[{position}].secret")


def _secret_volume_problems(secret: Any, at: str) -> Iterator[tuple[str, str]]:
    if not isinstance(secret, dict) or not isinstance(secret.get("secretName"), str):
        yield f"{at}.secretName", "is required"
        return
    for position, item in enumerate(secret.get("items", [])):
        if not isinstance(item, dict) or not isinstance(item.get("key"), str) or not _is_inside(item.get("path")):
            yield f"{at}.items[{position}]", "needs a key, and a relative path without `..`"


def _container_problems(container: Manifest, at: str) -> Iterator[tuple[str, str]]:
    for field in ("command", "args"):
        words = container.get(field, [])
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            yield f"{at}.{field}", "must be a list of strings"
    if not container.get("command"):
        yield f"{at}.command", "is required: there is no image whose entry point could be meant"
    if "envFrom" in container:
        yield f"{at}.envFrom", "the embedded cluster does not support this"
    for position, variable in enumerate(container.get("env", [])):
        yield from _variable_problems(variable, f"{at}.env[{position}]")


def _mount_problems(container: Manifest, volumes: list[Manifest], at: str) -> Iterator[tuple[str, str]]:
    claims = {volume.get("name"): CLAIM in volume for volume in volumes}
    for position, mount in enumerate(container.get("volumeMounts", [])):
        where = f"{at}[{position}]"
        if not isinstance(mount, dict) or mount.get("name") not in claims:
            yield f"{where}.name", "names no volume of the pod"
        elif not _is_mount_path(mount.get("mountPath")):
            yield f"{where}.mountPath", "must be an absolute path without `..`"
        elif {"subPath", "subPathExpr"} & mount.keys() and not claims[mount["name"]]:
            yield f"{where}.subPath", "the embedded cluster supports this for claims only"


def _variable_problems(variable: Any, at: str) -> Iterator[tuple[str, str]]:
    if not isinstance(variable, dict) or not _ENV_NAME.fullmatch(str(variable.get("name", ""))):
        yield f"{at}.name", "must be the name of a variable"
    elif "valueFrom" in variable:
        field = variable["valueFrom"].get("fieldRef") if isinstance(variable["valueFrom"], dict) else None
        if not isinstance(field, dict) or field.get("fieldPath") not in _POD_FIELDS:
            yield f"{at}.valueFrom", f"must be a fieldRef to one of {', '.join(sorted(_POD_FIELDS))}"
    elif not isinstance(variable.get("value", ""), str) or "\0" in variable.get("value", ""):
        yield f"{at}.value", "must be a string"


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_mount_path(path: Any) -> bool:
    return isinstance(path, str) and path.startswith("/") and len(path) > 1 and _is_inside(path[1:])


def _is_inside(path: Any) -> bool:
    return (
        isinstance(path, str)
        and 0 < len(path) <= 1024  # noqa: PLR2004  # a path's usual limit
        and not path.startswith("/")
        and ".." not in path.split("/")
        and "\0" not in path
    )
