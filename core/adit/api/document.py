"""One YAML document examined: the manifest that the cluster may be given, or all that is wrong with it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from adit.api.labels import JOB_CREATED_AT, PURPOSE, PURPOSES, REQUESTED_BY
from adit.api.pseudonymization_profile import PseudonymSource
from adit.api.sentences import dotted, problems_of, similar
from adit.api.tasks import MAX_INLINE_TASKS
from adit.api.transfer_job import INTO_SECRETS, TransferJobSpec, retry_problems, validate_transfer_job
from adit.api.written import WRITTEN, WrittenSecret
from adit.api.yaml_text import Path, YamlDocument, line_of
from adit.cluster.kinds import Ref

# What the cluster keeps in an object: an object printed, edited and applied again may carry it, and it is left out.
KEPT_BY_CLUSTER = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink")
# What only ADIT stamps; who applies the manifest is asked, not the file.
STAMPED = (REQUESTED_BY, JOB_CREATED_AT)
_LONGEST_NAME = 60
TASKS: Path = ("spec", "tasks")
TOO_MANY = f"at most {MAX_INLINE_TASKS} items"


@dataclass(frozen=True, slots=True)
class Problem:
    """What a person must mend, and where."""

    path: str
    message: str
    line: int


@dataclass(frozen=True, slots=True)
class Found:
    """A valid object."""

    title: str
    manifest: dict[str, Any]
    warnings: tuple[Problem, ...]


def examine(
    document: YamlDocument, position: int, namespace: str, profiles: Mapping[Ref, PseudonymSource]
) -> Found | tuple[str, list[Problem]]:
    """The object of a document, or what to call it (`TransferJob/night`) and its problems in the order of lines.

    `profiles` are those that are known, with the source of their pseudonyms.
    """
    title = _title(document.value, position)
    problems = [Problem(dotted(fault.path), fault.message, fault.line) for fault in document.faults]
    kind_problem = _kind_problem(document.value)
    if kind_problem is not None:
        path, message = kind_problem
        return title, [*problems, Problem(dotted(path), message, line_of(document.value, path, document.line))]
    value = without_nulls(document.value)
    warnings = tuple(_taken_out(value, document))
    kind = value["kind"]
    for path, message in problems_of(WRITTEN[kind], value):
        said = f"{message}: {INTO_SECRETS}" if path == TASKS and message == TOO_MANY else message
        problems.append(Problem(dotted(path), said, line_of(document.value, path, document.line)))
    if not problems:
        problems.extend(_beyond_the_schema(kind, value, document, _source_of(value, namespace, profiles)))
    if problems:
        return title, sorted(dict.fromkeys(problems), key=lambda problem: problem.line)
    value["metadata"].setdefault("namespace", namespace)
    if kind == "Secret":
        warnings += tuple(_unlabelled(value, document))
        value = _as_kept(value)
    return Found(title, value, warnings)


def without_nulls(value: Any) -> Any:
    """Plain dicts and lists; a field without a value counts as not written, as for kubectl."""
    if isinstance(value, dict):
        return {key: without_nulls(field) for key, field in value.items() if field is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def _title(value: Any, position: int) -> str:
    kind = value.get("kind") if isinstance(value, dict) else None
    metadata = value.get("metadata") if isinstance(value, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if isinstance(kind, str) and isinstance(name, str) and kind.isalnum() and name.isprintable():
        return f"{kind[:_LONGEST_NAME]}/{name[:_LONGEST_NAME]}"
    return f"document {position}"


def _kind_problem(value: Any) -> tuple[Path, str] | None:
    if not isinstance(value, dict):
        return (), "must be a mapping with apiVersion, kind, metadata and spec"
    kind = value.get("kind")
    if isinstance(kind, str) and kind in WRITTEN:
        return None
    if kind is None:
        message = "required"
    elif not isinstance(kind, str):
        message = "must be a string"
    elif kind in ("TaskSet", "Job"):
        message = "internal: made by the operator"
    else:
        message = f"not a kind for manifests{similar(kind, WRITTEN)}: one of {', '.join(sorted(WRITTEN))}"
    return ("kind",), message


def _taken_out(value: dict[str, Any], document: YamlDocument) -> Iterator[Problem]:
    """Remove what the cluster or ADIT itself writes, with a word where a person might have meant it."""
    if value["kind"] != "Secret":
        value.pop("status", None)
    metadata = value.get("metadata")
    if not isinstance(metadata, dict):
        return
    for name in KEPT_BY_CLUSTER:
        metadata.pop(name, None)
    annotations = metadata.get("annotations")
    for name in STAMPED:
        if isinstance(annotations, dict) and annotations.pop(name, None) is not None:
            path = ("metadata", "annotations", name)
            line = line_of(document.value, path, document.line)
            yield Problem(dotted(path), "is stamped by ADIT; what the file says is not used", line)


def _source_of(
    value: dict[str, Any], namespace: str, profiles: Mapping[Ref, PseudonymSource]
) -> PseudonymSource | None:
    """Where the pseudonyms of a valid job come from, if its profile is known."""
    if value["kind"] != "TransferJob":
        return None
    name = value["spec"]["pseudonymization"].get("profile", "")
    return profiles.get(Ref("PseudonymizationProfile", value["metadata"].get("namespace", namespace), name))


def _beyond_the_schema(
    kind: str, value: dict[str, Any], document: YamlDocument, source: PseudonymSource | None
) -> Iterator[Problem]:
    """What holds between fields: across the tasks of a job, and what a label may say."""
    if kind == "TransferJob":
        spec = TransferJobSpec.of(value["spec"])
        for sentence in (*validate_transfer_job(spec, source), *retry_problems(spec)):
            path, _, message = sentence.partition(": ")
            yield Problem(path, message, line_of(document.value, parsed(path), document.line))
    purpose = value["metadata"].get("labels", {}).get(PURPOSE)
    if kind == "Secret" and purpose is not None and purpose not in PURPOSES:
        label = ("metadata", "labels", PURPOSE)
        message = f"must be {' or '.join(PURPOSES)}"
        yield Problem(dotted(label), message, line_of(document.value, label, document.line))


def parsed(path: str) -> Path:
    """The steps of a dotted path: spec.tasks[3].id."""
    parts = path.replace("[", ".[").split(".")
    return tuple(int(part[1:-1]) if part.startswith("[") else part for part in parts)


def _unlabelled(value: dict[str, Any], document: YamlDocument) -> Iterator[Problem]:
    metadata = value["metadata"]
    if PURPOSE in metadata.get("labels", {}):
        return
    message = (
        f'without the label {PURPOSE} ADIT will not read this Secret: add "{PURPOSE}: credential" '
        f"({', '.join(PURPOSES)}), or run: kubectl label secret -n {metadata['namespace']} {metadata['name']} "
        f"{PURPOSE}=credential"
    )
    path: Path = ("metadata", "labels")
    yield Problem(dotted(path), message, line_of(document.value, path, document.line))


def _as_kept(value: dict[str, Any]) -> dict[str, Any]:
    """A Secret as the API server keeps it: every value under `data`, as base64."""
    data = WrittenSecret.of(value).encoded()
    kept = {name: field for name, field in value.items() if name not in ("data", "stringData")}
    return {**kept, "data": data}
