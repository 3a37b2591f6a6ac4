"""What a manifest must be before it becomes an object: shape, names, limits, the schema of its kind, immutability.

Pure; the same refusals as the API server's, each naming its field.
"""

import base64
import binascii
import json
import re
from typing import Any

from adit.api.immutability import violations
from adit.api.labels import REQUESTED_BY
from adit.api.resource import RESOURCES
from adit.api.sentences import dotted, problems_of
from adit.cluster.cluster import Forbidden, Invalid, Manifest
from adit.cluster.embedded.job_schema import job_problems
from adit.cluster.embedded.merge import without_nulls
from adit.cluster.kinds import JOB, KINDS, SECRET, TRANSFER_JOB, Kind

# etcd's limit of one request, and the API server's of a Secret's data and of all annotations.
MAX_OBJECT_BYTES = 1_572_864
MAX_SECRET_BYTES = 1_048_576
MAX_ANNOTATION_BYTES = 262_144
MAX_JOB_NAME = 63

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_LABEL_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_OWNER_FIELDS = ("apiVersion", "kind", "name", "uid")


def has_status(kind: Kind) -> bool:
    """Whether the kind has a status subresource, which only patch_status writes."""
    model = RESOURCES.get(kind.name)
    return kind == JOB or (model is not None and "status" in model.model_fields)


def kind_of(name: Any) -> Kind:
    """The kind of this name. Raises Invalid where the cluster does not hold it."""
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise Invalid(f"kind: {name!r} is not one of {', '.join(sorted(KINDS))}")
    return kind


def read_manifest(manifest: Manifest) -> Manifest:
    """The manifest as plain JSON of our own, without nulls, with a namespace and Secret data encoded.

    Raises Invalid for what no kind may be.
    """
    try:
        wanted = without_nulls(json.loads(json.dumps(manifest, allow_nan=False)))
    except (TypeError, ValueError) as error:
        raise Invalid(f"the manifest is not JSON: {error}") from error
    kind = kind_of(wanted.get("kind"))
    if wanted.get("apiVersion") != kind.api_version:
        raise Invalid(f"{kind.name}: apiVersion: must be {kind.api_version}, not {wanted.get('apiVersion')!r}")
    metadata = wanted.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        raise Invalid(f"{kind.name}: metadata.name: is required")
    metadata.setdefault("namespace", "default")
    return with_encoded_data(wanted) if kind == SECRET else wanted


def with_encoded_data(secret: Manifest) -> Manifest:
    """A Secret whose stringData went into data, base64; it is never stored otherwise."""
    plain = secret.get("stringData")
    if plain is None:
        return secret
    if not isinstance(plain, dict) or not all(isinstance(value, str) for value in plain.values()):
        raise _refusal(secret, "stringData", "must be an object of strings")
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in plain.items()}
    rest = {key: value for key, value in secret.items() if key != "stringData"}
    return {**rest, "data": {**(rest.get("data") or {}), **encoded}}


def require_valid(manifest: Manifest) -> None:
    """Raise Invalid where the object breaks what the API server would check, or its model."""
    kind = KINDS[manifest["kind"]]
    for path, message in (*_metadata_problems(manifest, kind), *_body_problems(manifest, kind)):
        raise _refusal(manifest, path, message)
    if len(json.dumps(manifest)) > MAX_OBJECT_BYTES:
        raise _refusal(manifest, "", f"the object is larger than {MAX_OBJECT_BYTES} bytes")


def require_unchanged(old: Manifest, new: Manifest) -> None:
    """Raise Invalid or Forbidden where something changed that never may."""
    sealed = old["kind"] == SECRET.name and old.get("immutable")
    if sealed and (new.get("data", {}) != old.get("data", {}) or not new.get("immutable")):
        raise _refusal(old, "data", "field is immutable when `immutable` is set")
    if old["kind"] == SECRET.name and new.get("type") != old.get("type"):
        raise _refusal(old, "type", "field is immutable")
    if old["kind"] == JOB.name:
        for field in ("template", "completions", "podReplacementPolicy"):
            if old["spec"].get(field) != new["spec"].get(field):
                raise _refusal(old, f"spec.{field}", "field is immutable")
    problems = violations(old["kind"], old.get("spec", {}), new.get("spec", {}))
    if problems:
        raise Invalid(f"{_named(old)}: {'; '.join(problems)}")
    if old["kind"] == TRANSFER_JOB.name and _requester(old) != _requester(new):
        raise Forbidden(f"{_named(old)}: metadata.annotations[{REQUESTED_BY}]: may never change")


def stamped(manifest: Manifest, person: str | None) -> Manifest:
    """A new object with the person who asked for it; a TransferJob only. Raises Forbidden for another's name."""
    if person is None or manifest["kind"] != TRANSFER_JOB.name:
        return manifest
    claimed = _requester(manifest)
    if claimed not in {None, person}:
        raise Forbidden(
            f"{_named(manifest)}: metadata.annotations[{REQUESTED_BY}]: you are {person!r}; leave the annotation out"
        )
    metadata = manifest["metadata"]
    annotations = {**metadata.get("annotations", {}), REQUESTED_BY: person}
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def _requester(manifest: Manifest) -> Any:
    return manifest["metadata"].get("annotations", {}).get(REQUESTED_BY)


def _metadata_problems(manifest: Manifest, kind: Kind) -> list[tuple[str, str]]:
    metadata = manifest["metadata"]
    problems = []
    name, namespace = metadata["name"], metadata["namespace"]
    if len(name) > (MAX_JOB_NAME if kind == JOB else 253) or not _NAME.fullmatch(name):
        problems.append(("metadata.name", "must be a lower-case RFC 1123 name, of 63 characters for a Job, else 253"))
    if not isinstance(namespace, str) or not _NAMESPACE.fullmatch(namespace):
        problems.append(("metadata.namespace", "must be a lower-case RFC 1123 label of at most 63 characters"))
    for field, value_form in (("labels", _LABEL_VALUE), ("annotations", None)):
        problems.extend(_string_map_problems(metadata.get(field, {}), f"metadata.{field}", value_form))
    if len(json.dumps(metadata.get("annotations", {}))) > MAX_ANNOTATION_BYTES:
        problems.append(("metadata.annotations", f"must not exceed {MAX_ANNOTATION_BYTES} bytes"))
    finalizers = metadata.get("finalizers", [])
    if not isinstance(finalizers, list) or not all(isinstance(item, str) for item in finalizers):
        problems.append(("metadata.finalizers", "must be a list of strings"))
    owners = metadata.get("ownerReferences", [])
    if not isinstance(owners, list):
        return [*problems, ("metadata.ownerReferences", "must be a list")]
    for position, owner in enumerate(owners):
        if not isinstance(owner, dict) or not all(isinstance(owner.get(field), str) for field in _OWNER_FIELDS):
            problems.append((f"metadata.ownerReferences[{position}]", f"needs {', '.join(_OWNER_FIELDS)}"))
    return problems


def _string_map_problems(value: Any, path: str, value_form: re.Pattern[str] | None) -> list[tuple[str, str]]:
    if not isinstance(value, dict):
        return [(path, "must be an object of strings")]
    problems = []
    for key, member in value.items():
        if not _LABEL_KEY.fullmatch(key):
            problems.append((path, f"{key!r} is not a qualified name"))
        if not isinstance(member, str):
            problems.append((f"{path}[{key}]", "must be a string"))
        elif value_form is not None and not value_form.fullmatch(member):
            problems.append((f"{path}[{key}]", "must be a label value: at most 63 of A-Z a-z 0-9 - _ ."))
    return problems


def _body_problems(manifest: Manifest, kind: Kind) -> list[tuple[str, str]]:
    if kind == JOB:
        return job_problems(manifest)
    model = RESOURCES.get(kind.name)
    if model is None:
        return _data_problems(manifest, encoded=kind == SECRET)
    # the sentences of `adit run`; they never repeat the value, which may be a patient's
    return [(dotted(path), sentence) for path, sentence in problems_of(model, manifest)]


def _data_problems(manifest: Manifest, *, encoded: bool) -> list[tuple[str, str]]:
    data = manifest.get("data", {})
    if not isinstance(data, dict):
        return [("data", "must be an object of strings")]
    problems = [("data", f"{key!r} is not a key: -._a-zA-Z0-9") for key in data if not _is_data_key(key)]
    for key, value in data.items():
        if not isinstance(value, str) or (encoded and not _is_base64(value)):
            problems.append((f"data[{key}]", "must be base64" if encoded else "must be a string"))
    unknown = manifest.keys() - {"apiVersion", "kind", "metadata", "data", "binaryData", "immutable", "type"}
    problems.extend((field, "unknown field") for field in sorted(unknown))
    if not isinstance(manifest.get("immutable", False), bool):
        problems.append(("immutable", "must be true or false"))
    if not problems and sum(map(len, data.values())) * (3 / 4 if encoded else 1) > MAX_SECRET_BYTES:
        problems.append(("data", f"must not exceed {MAX_SECRET_BYTES} bytes"))
    return problems


def _is_data_key(key: str) -> bool:
    return _DATA_KEY.fullmatch(key) is not None and key not in {".", ".."}


def _is_base64(value: str) -> bool:
    try:
        base64.b64decode(value, validate=True)
    except binascii.Error:
        return False
    return True


def _named(manifest: Manifest) -> str:
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def _refusal(manifest: Manifest, path: str, message: str) -> Invalid:
    return Invalid(": ".join(part for part in (_named(manifest), path, message) if part))
