"""From YAML text to objects that the cluster may be given: the door for `adit run`, `adit check` and the demo.

All that is wrong is said at once, each with file, object, field path and line:
`examples/x.yaml: TransferJob/night: spec.tasks[3].studyInstanceUid: not a UID (line 17)`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from adit.api.document import Found, Problem, examine
from adit.api.pseudonymization_profile import PseudonymizationProfileSpec, PseudonymSource
from adit.api.written_list import check_list
from adit.api.yaml_text import YamlDocument, YamlError, documents
from adit.cluster.kinds import Ref
from adit.errors import BadInput


class ManifestErrors(BadInput):
    """Manifests that cannot be taken; `problems` has one line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems), reason="InvalidManifest")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Document:
    """One valid object: its name, its manifest with the namespace filled in, and where it was written."""

    ref: Ref
    manifest: dict[str, Any]
    source: str
    line: int
    warnings: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The kind's name."""
        return self.ref.kind

    @property
    def name(self) -> str:
        """The object's name."""
        return self.ref.name

    @property
    def namespace(self) -> str:
        """The object's namespace."""
        return self.ref.namespace


def read(text: str, source: str, *, namespace: str = "default") -> list[Document]:
    """The objects of one text; `source` is what messages call it. Raises ManifestErrors with all that is wrong."""
    return read_all([(source, text)], namespace=namespace)


def read_all(texts: Iterable[tuple[str, str]], *, namespace: str = "default") -> list[Document]:
    """The objects of several texts, given as (source, text); no name may stand twice. Raises ManifestErrors."""
    found: list[Document] = []
    problems: list[str] = []
    parsed = [_parsed(source, text) for source, text in texts]
    profiles = dict(_profiles_in((one for text in parsed for one in text.documents), namespace))
    for text in parsed:
        for outcome in _examined(text, namespace, profiles):
            if isinstance(outcome, str):
                problems.append(outcome)
            else:
                problems.extend(_named_before(outcome, found))
                found.append(outcome)
    lists = [_with_its_list(document, found, profiles) for document in found]
    problems.extend(one for one in lists if isinstance(one, str))
    if problems:
        raise ManifestErrors(problems)
    return [one for one in lists if isinstance(one, Document)]


def _with_its_list(
    document: Document, found: Sequence[Document], profiles: Mapping[Ref, PseudonymSource]
) -> Document | str:
    """A job whose tasks are in Secrets of the same texts is checked with them; one that is not there is said."""
    if document.kind != "TransferJob":
        return document
    title, secrets = (
        f"{document.kind}/{document.name}",
        {one.ref: one.manifest for one in found if one.kind == "Secret"},
    )
    profile = document.manifest["spec"]["pseudonymization"].get("profile", "")
    try:
        source = profiles.get(Ref("PseudonymizationProfile", document.namespace, profile))
        missing = check_list(document.manifest, secrets, source)
    except BadInput as error:
        return _line(document.source, title, Problem("spec.tasksFrom", error.message, document.line))
    warnings = tuple(_line(document.source, title, Problem(path, said, document.line)) for path, said in missing)
    return replace(document, warnings=(*document.warnings, *warnings))


@dataclass(frozen=True, slots=True)
class _Parsed:
    """One text as YAML: its documents, and what is wrong behind the last of them."""

    source: str
    documents: tuple[YamlDocument, ...]
    error: YamlError | None


def _parsed(source: str, text: str) -> _Parsed:
    read: list[YamlDocument] = []
    try:
        read.extend(documents(text))
    except YamlError as error:
        return _Parsed(source, tuple(read), error)
    return _Parsed(source, tuple(read), None)


def _profiles_in(documents: Iterable[YamlDocument], namespace: str) -> Iterator[tuple[Ref, PseudonymSource]]:
    """The profiles that can be read among the documents, wherever they stand, with the source of their pseudonyms."""
    for document in documents:
        if not isinstance(document.value, dict) or document.value.get("kind") != "PseudonymizationProfile":
            continue
        outcome = examine(document, 0, namespace, {})
        if isinstance(outcome, Found):
            spec = PseudonymizationProfileSpec.of(outcome.manifest["spec"])
            yield Ref.of(outcome.manifest), spec.pseudonym_source


def _examined(text: _Parsed, namespace: str, profiles: Mapping[Ref, PseudonymSource]) -> Iterator[Document | str]:
    for position, document in enumerate(text.documents, start=1):
        yield from _one(text.source, position, document, namespace, profiles)
    if text.error is not None:
        where = f"document {len(text.documents) + 1}: " if text.documents else ""
        yield f"{text.source}: {where}{text.error.message} (line {text.error.line})"


def _one(
    source: str, position: int, document: YamlDocument, namespace: str, profiles: Mapping[Ref, PseudonymSource]
) -> Iterator[Document | str]:
    if document.value is None and not document.faults:
        return
    outcome = examine(document, position, namespace, profiles)
    if isinstance(outcome, Found):
        warnings = tuple(_line(source, outcome.title, warning) for warning in outcome.warnings)
        yield Document(Ref.of(outcome.manifest), outcome.manifest, source, document.line, warnings)
    else:
        title, problems = outcome
        yield from (_line(source, title, problem) for problem in problems)


def _line(source: str, title: str, problem: Problem) -> str:
    path = f"{problem.path}: " if problem.path else ""
    return f"{source}: {title}: {path}{problem.message} (line {problem.line})"


def _named_before(document: Document, found: list[Document]) -> Iterator[str]:
    earlier = next((one for one in found if one.ref == document.ref), None)
    if earlier is not None:
        title = f"{document.kind}/{document.name}"
        problem = Problem(
            "metadata.name", f"given twice, first in {earlier.source}, line {earlier.line}", document.line
        )
        yield _line(document.source, title, problem)
