"""Manifests in, objects out; what is wrong is said with file, object, field path and line."""

from pathlib import Path
from textwrap import dedent

import pytest

from adit.api.manifests import Document, ManifestErrors, read, read_all
from adit.api.resource import RESOURCES
from adit.api.transfer_job import INTO_SECRETS
from adit.cluster.kinds import Ref
from adit.errors import BadInput

SERVER = """\
apiVersion: adit.dev/v1alpha1
kind: DicomServer
metadata: {name: pacs}
spec:
  aeTitle: PACS
  dimse: {host: 127.0.0.1, port: 11112}
"""
JOB = """\
apiVersion: adit.dev/v1alpha1
kind: TransferJob
metadata: {name: night}
spec:
  source: {name: pacs}
  destination: {name: research}
  pseudonymization: {profile: adit-compatible}
  tasks:
  - {patientId: "1001", studyInstanceUid: 1.2.3, pseudonym: A}
"""


def problems(text: str) -> list[str]:
    with pytest.raises(ManifestErrors) as caught:
        read(text, "x.yaml")
    return caught.value.problems


def only(text: str) -> Document:
    (document,) = read(text, "x.yaml")
    return document


def job_with(**fields: str) -> str:
    """The job with one line of its spec replaced, added, or (empty) left out."""
    lines = JOB.splitlines()
    for name, value in fields.items():
        at = next((n for n, line in enumerate(lines) if line.startswith(f"  {name}:")), len(lines))
        end = len(lines) if name == "tasks" else at + 1
        lines[at:end] = [f"  {name}: {value}"] if value else []
    return "\n".join(lines) + "\n"


def task_with(**fields: str) -> str:
    """The job with one task of these fields, as they stand in YAML."""
    task = {"patientId": '"1001"', "studyInstanceUid": "1.2.3", "pseudonym": "A"} | fields
    return job_with(tasks=f"[{{{', '.join(f'{name}: {value}' for name, value in task.items() if value)}}}]")


def test_the_objects_of_a_text_come_in_order_with_their_lines() -> None:
    found = read(f"# ours\n{SERVER}---\n---\n# nothing\n---\n{JOB}", "x.yaml")
    assert [(one.ref, one.line, one.source) for one in found] == [
        (Ref("DicomServer", "default", "pacs"), 2, "x.yaml"),
        (Ref("TransferJob", "default", "night"), 12, "x.yaml"),
    ]


def test_an_empty_text_holds_nothing() -> None:
    assert read("# only a comment\n---\n", "x.yaml") == []


def test_the_namespace_given_fills_in_for_one_not_written() -> None:
    written = SERVER.replace("{name: pacs}", "{name: pacs, namespace: radiology}")
    found = read(f"{SERVER}---\n{written}", "x.yaml", namespace="research")
    assert [one.manifest["metadata"]["namespace"] for one in found] == ["research", "radiology"]
    assert [one.namespace for one in found] == ["research", "radiology"]


def test_what_was_not_written_is_not_added() -> None:
    assert only(SERVER).manifest["spec"] == {"aeTitle": "PACS", "dimse": {"host": "127.0.0.1", "port": 11112}}


@pytest.mark.parametrize("text", [SERVER, JOB])
def test_a_manifest_read_is_an_object_that_writes_the_same_manifest(text: str) -> None:
    document = only(text)
    resource = RESOURCES[document.kind].of(document.manifest)
    assert RESOURCES[document.kind].of(resource.manifest()) == resource


def test_a_field_without_a_value_counts_as_not_written() -> None:
    assert "shutdown" not in only(job_with(shutdown="null")).manifest["spec"]


def test_an_object_printed_by_the_cluster_can_be_applied_again() -> None:
    kept = "{name: pacs, uid: u-1, resourceVersion: '7', generation: 3, creationTimestamp: 2026-01-01T00:00:00Z}"
    document = only(SERVER.replace("{name: pacs}", kept) + "status: {allocated: 3}\n")
    assert document.manifest["metadata"] == {"name": "pacs", "namespace": "default"}
    assert "status" not in document.manifest


def test_who_asked_for_a_job_is_not_for_the_file_to_say() -> None:
    document = only(JOB.replace("{name: night}", "{name: night, annotations: {adit.dev/requested-by: boss, a: b}}"))
    assert document.manifest["metadata"]["annotations"] == {"a": "b"}
    assert document.warnings == (
        (
            'x.yaml: TransferJob/night: metadata.annotations["adit.dev/requested-by"]: '
            "is stamped by ADIT; what the file says is not used (line 3)"
        ),
    )


BAD_TASKS = [
    ({"studyInstanceUid": "1.02"}, "studyInstanceUid: not a string: quote it"),
    ({"studyInstanceUid": "1.2.0x3"}, "studyInstanceUid: not a UID"),
    ({"studyInstanceUid": '""'}, "studyInstanceUid: not a UID"),
    ({"studyInstanceUid": "1." * 40 + "1"}, "studyInstanceUid: at most 64 characters"),
    ({"studyInstanceUid": "'1.2.*'"}, "studyInstanceUid: not a UID"),
    ({"patientId": "0012"}, "patientId: not a string: quote it"),
    ({"patientId": "12"}, "patientId: not a string: quote it"),
    ({"patientId": "no"}, "patientId: not a string: quote it"),
    ({"patientId": "[a]"}, "patientId: must be a string"),
    ({"patientId": ""}, "patientId: required"),
    ({"patientId": "null"}, "patientId: required"),
    ({"patientId": "a" * 65}, "patientId: at most 64 characters"),
    ({"seriesInstanceUids": "1.2.3.4"}, "seriesInstanceUids: must be a list"),
    ({"seriesInstanceUids": "[1.2.3.4, x]"}, "seriesInstanceUids[1]: not a UID"),
    ({"seriesInstanceUids": f"[{', '.join(f'1.2.{n}' for n in range(101))}]"}, "seriesInstanceUids: at most 100 items"),
    ({"id": "'a b'"}, "id: not a task id (letters, digits, -, _ and .)"),
    ({"studyInstanceUID": "1.2.3"}, 'studyInstanceUID: unknown field (did you mean "studyInstanceUid"?)'),
    ({"study_instance_uid": "1.2.3"}, 'study_instance_uid: unknown field (did you mean "studyInstanceUid"?)'),
    ({"pseudonym": ""}, "pseudonym: is required, because the job pseudonymizes"),
    ({"seriesInstanceUids": "[1.2.3.4, 1.2.3.4]"}, "seriesInstanceUids: names a series twice"),
]
WILD = ['"*"', '"12?"', r'"a\\b"', '" 12"', '"12 "', '" "', '""', r'"a\u0085b"', r'"a\tb"']
IDENTIFIER = "patientId: not an identifier (no *, ?, backslash or control character, no space at its ends)"


@pytest.mark.parametrize(
    ("fields", "sentence"), [*BAD_TASKS, *[({"patientId": wild}, IDENTIFIER) for wild in WILD]], ids=str
)
def test_a_bad_task_is_named_with_its_place(fields: dict[str, str], sentence: str) -> None:
    assert problems(task_with(**fields)) == [f"x.yaml: TransferJob/night: spec.tasks[0].{sentence} (line 8)"]


BAD_SPECS = [
    ({"taks": "[]"}, 'spec.taks: unknown field (did you mean "tasks"?) (line 10)'),
    ({"frobnicate": "1"}, "spec.frobnicate: unknown field (line 10)"),
    ({"source": ""}, "spec.source: required (line 4)"),
    ({"source": "pacs"}, "spec.source: must be a mapping (line 5)"),
    ({"source": "0012"}, "spec.source: must be a mapping (line 5)"),
    ({"source": "{kind: DicomFolder, name: x}"}, "spec.source.kind: must be DicomServer (line 5)"),
    (
        {"destination": "{kind: PACS, name: x}"},
        "spec.destination.kind: must be DicomServer or DicomFolder (line 6)",
    ),
    (
        {"destination": "{name: Upper_Case}"},
        "spec.destination.name: not a name (lower-case letters, digits, - and .) (line 6)",
    ),
    (
        {"pseudonymization": ""},
        (
            "spec.pseudonymization: required: write {profile: basic} to pseudonymize, "
            "or {identified: true, reason: …} to send the data as it is (line 4)"
        ),
    ),
    ({"pseudonymization": "{}"}, "spec.pseudonymization: give either profile or identified: true (line 7)"),
    ({"pseudonymization": "{identified: false}"}, "spec.pseudonymization.identified: must be true (line 7)"),
    (
        {"pseudonymization": "{identified: true}"},
        "spec.pseudonymization: reason is required with identified: true (line 7)",
    ),
    (
        {"pseudonymization": "{identified: true, reason: ' '}"},
        "spec.pseudonymization.reason: must say something (line 7)",
    ),
    (
        {"pseudonymization": "{identified: true, reason: our own}"},
        (
            "spec.tasks[0].pseudonym: has no effect on an identified transfer: "
            "remove it, or give a profile instead (line 9)"
        ),
    ),
    ({"parallelism": "0"}, "spec.parallelism: at least 1 (line 10)"),
    ({"parallelism": "101"}, "spec.parallelism: at most 100 (line 10)"),
    ({"parallelism": "'4'"}, "spec.parallelism: must be a whole number (line 10)"),
    ({"parallelism": "1.5"}, "spec.parallelism: must be a whole number (line 10)"),
    ({"parallelism": "010"}, "spec.parallelism: must be a whole number, written plainly in decimals (line 10)"),
    ({"suspend": "yes"}, "spec.suspend: must be true or false (line 10)"),
    ({"suspend": "1"}, "spec.suspend: must be true or false (line 10)"),
    ({"shutdown": "Now"}, "spec.shutdown: must be Graceful or Immediate (line 10)"),
    ({"retry": "{token: a}"}, "spec.retry.scope: required (line 10)"),
    (
        {"retry": "{token: a, scope: All, tasks: [t9]}"},
        "spec.retry.tasks[0]: no task of this job has this id (line 10)",
    ),
    ({"tasks": "[]"}, "spec.tasks: at least 1 item (line 8)"),
    ({"tasks": "{}"}, "spec.tasks: must be a list (line 8)"),
    ({"tasks": "[x]"}, "spec.tasks[0]: must be a mapping (line 8)"),
]


@pytest.mark.parametrize(("fields", "sentence"), BAD_SPECS, ids=str)
def test_a_bad_field_of_a_job_is_named_with_its_place(fields: dict[str, str], sentence: str) -> None:
    assert problems(job_with(**fields)) == [f"x.yaml: TransferJob/night: {sentence}"]


def test_at_most_five_hundred_tasks_stand_in_a_job() -> None:
    tasks = ", ".join(f'{{patientId: "{n}", studyInstanceUid: 1.2.{n}, pseudonym: P{n}}}' for n in range(501))
    assert problems(job_with(tasks=f"[{tasks}]")) == [
        f"x.yaml: TransferJob/night: spec.tasks: at most 500 items: {INTO_SECRETS} (line 8)"
    ]


def test_at_most_two_hundred_kibibytes_of_tasks_stand_in_a_job() -> None:
    series = [f"1.2.840.113619.2.55.3.604688119.971.1387288273.{n:03}".replace(".0", ".9") for n in range(100)]
    tasks = ", ".join(
        f'{{patientId: "{n}", studyInstanceUid: 1.2.{n}, pseudonym: P{n}, seriesInstanceUids: [{", ".join(series)}]}}'
        for n in range(50)
    )
    (problem,) = problems(job_with(tasks=f"[{tasks}]"))
    assert problem == (f"x.yaml: TransferJob/night: spec.tasks: 264 KiB, at most 200 KiB: {INTO_SECRETS} (line 8)")


AE_TITLE = "aeTitle: not an AE title (1–16 characters, no backslash) (line 5)"
BAD_SERVERS = [
    (
        "aeTitle: PACS",
        "aeTitle: ABCDEFGHIJKLMNOPQ",
        "aeTitle: not an AE title (1–16 characters, no backslash) (line 5)",
    ),
    ("aeTitle: PACS", r"aeTitle: 'A\B'", AE_TITLE),
    ("aeTitle: PACS", "aeTitle: ''", AE_TITLE),
    ("aeTitle: PACS", "aeTitle: ' A'", AE_TITLE),
    ("aeTitle: PACS", "aeTitle: Ä", AE_TITLE),
    ("port: 11112", "port: 0", "dimse.port: at least 1 (line 6)"),
    ("port: 11112", "port: 65536", "dimse.port: at most 65535 (line 6)"),
    ("host: 127.0.0.1", "host: 'a b'", "dimse.host: not a host name or IP address (line 6)"),
    ("dimse:", "dimes:", 'dimes: unknown field (did you mean "dimse"?) (line 6)'),
    (
        "aeTitle: PACS",
        "aeTitle: PACS\n  dicomweb: {url: 'http://me:secret@pacs/'}",
        "dicomweb.url: not a URL (http:// or https://, without user, query or fragment) (line 6)",
    ),
    (
        "aeTitle: PACS",
        "aeTitle: PACS\n  limits: {maxAssociations: 1, reservedInteractive: 1}",
        "limits: reservedInteractive must be smaller than maxAssociations (line 6)",
    ),
    (
        "aeTitle: PACS",
        "aeTitle: PACS\n  allowedConsumers: [{namespaces: {from: Names}}]",
        "allowedConsumers[0].namespaces: names must be given exactly when from is Names (line 6)",
    ),
]


@pytest.mark.parametrize(("right", "wrong", "sentence"), BAD_SERVERS)
def test_a_bad_field_of_a_server_is_named_with_its_place(right: str, wrong: str, sentence: str) -> None:
    assert problems(SERVER.replace(right, wrong)) == [f"x.yaml: DicomServer/pacs: spec.{sentence}"]


def test_a_server_must_be_reachable_somehow() -> None:
    text = "\n".join(SERVER.splitlines()[:5])
    assert problems(text) == ["x.yaml: DicomServer/pacs: spec: one of dimse and dicomweb must be given (line 4)"]


@pytest.mark.parametrize("path", ["../up", "/abs", "a/../b", "a//b", ".hidden"])
def test_a_folder_stays_in_its_volume(path: str) -> None:
    text = f"""\
        apiVersion: adit.dev/v1alpha1
        kind: DicomFolder
        metadata: {{name: out}}
        spec: {{volume: {{claimName: data, subPath: {path}}}}}
        """
    (problem,) = problems(dedent(text))
    assert problem.startswith("x.yaml: DicomFolder/out: spec.volume.subPath: not a relative path (")


BAD_ENVELOPES = [
    ("just text", "document 1: must be a mapping with apiVersion, kind, metadata and spec (line 1)"),
    ("- a\n- b", "document 1: must be a mapping with apiVersion, kind, metadata and spec (line 1)"),
    ("a: 1", "document 1: kind: required (line 1)"),
    ("kind: TaskSet\nmetadata: {name: a}", "TaskSet/a: kind: internal: made by the operator (line 1)"),
    ("kind: Job\nmetadata: {name: a}", "Job/a: kind: internal: made by the operator (line 1)"),
    (
        "metadata: {name: a}\nkind: TransferJobs",
        (
            'TransferJobs/a: kind: not a kind for manifests (did you mean "TransferJob"?): '
            "one of DicomFolder, DicomServer, PseudonymizationProfile, Secret, TransferJob (line 2)"
        ),
    ),
    (
        "kind: Pod",
        (
            "document 1: kind: not a kind for manifests: "
            "one of DicomFolder, DicomServer, PseudonymizationProfile, Secret, TransferJob (line 1)"
        ),
    ),
    (SERVER.replace("v1alpha1", "v2"), "DicomServer/pacs: apiVersion: must be adit.dev/v1alpha1 (line 1)"),
    (SERVER.replace("{name: pacs}", "{}"), "document 1: metadata.name: required (line 3)"),
    (
        SERVER.replace("{name: pacs}", "{name: PACS}"),
        "DicomServer/PACS: metadata.name: not a name (lower-case letters, digits, - and .) (line 3)",
    ),
    (
        SERVER.replace("{name: pacs}", f"{{name: {'a' * 64}}}"),
        f"DicomServer/{'a' * 60}: metadata.name: at most 63 characters (line 3)",
    ),
    (
        SERVER.replace("{name: pacs}", "{name: pacs, lables: {a: b}}"),
        'DicomServer/pacs: metadata.lables: unknown field (did you mean "labels"?) (line 3)',
    ),
    (
        SERVER.replace("{name: pacs}", "{name: pacs, labels: {a: 1}}"),
        "DicomServer/pacs: metadata.labels.a: not a string: quote it (line 3)",
    ),
    (
        SERVER.replace("{name: pacs}", "{name: pacs, labels: {a/b/c: x}}"),
        'DicomServer/pacs: metadata.labels["a/b/c"]: not a label\'s key (such as adit.dev/purpose) (line 3)',
    ),
    (SERVER + "data: {}\n", "DicomServer/pacs: data: unknown field (line 7)"),
    (SERVER + "  aeTitle: OTHER\n", "DicomServer/pacs: spec.aeTitle: given twice, first on line 5 (line 7)"),
]


@pytest.mark.parametrize(("text", "sentence"), BAD_ENVELOPES)
def test_what_is_no_object_of_ours_is_refused(text: str, sentence: str) -> None:
    assert problems(text) == [f"x.yaml: {sentence}"]


def test_all_that_is_wrong_is_said_at_once_in_the_order_of_lines() -> None:
    text = job_with(parallelism="0", source="") + "---\n" + SERVER.replace("PACS", "''") + "---\nb: [\n"
    found = problems(text)
    assert [problem.rpartition(" (")[2] for problem in found] == ["line 4)", "line 9)", "line 15)", "line 19)"]
    assert found[-1].startswith("x.yaml: document 3: not YAML: ")


def test_a_name_given_twice_is_refused_across_files() -> None:
    with pytest.raises(ManifestErrors) as caught:
        read_all([("a.yaml", SERVER), ("b.yaml", f"{JOB}---\n{SERVER}")])
    assert caught.value.problems == [
        "b.yaml: DicomServer/pacs: metadata.name: given twice, first in a.yaml, line 1 (line 11)"
    ]


def test_the_same_name_in_two_namespaces_is_two_objects() -> None:
    other = SERVER.replace("{name: pacs}", "{name: pacs, namespace: radiology}")
    assert len(read(f"{SERVER}---\n{other}", "x.yaml")) == 2


def test_the_errors_are_bad_input_and_say_all_lines() -> None:
    with pytest.raises(BadInput, match=r"(?s)source.*parallelism"):
        read(job_with(source="", parallelism="0"), "x.yaml")


def test_no_message_repeats_what_stands_in_a_task() -> None:
    said = " ".join(problems(task_with(patientId="'Mustermann*'", pseudonym="'Erika^'", id="'Secret Id'")))
    assert not any(word in said for word in ("Mustermann", "Erika", "Secret"))


def test_every_example_is_valid_and_needs_no_warning(project: Path) -> None:
    examples = sorted((project / "examples").rglob("*.yaml"))
    assert examples
    for path in examples:
        assert [one.warnings for one in read(path.read_text(encoding="utf-8"), path.name) if one.warnings] == []


def test_a_profile_of_a_built_in_name_is_refused_with_its_line() -> None:
    text = "apiVersion: adit.dev/v1alpha1\nkind: PseudonymizationProfile\nmetadata:\n  name: basic\nspec: {}\n"
    (problem,) = problems(text)
    assert problem == (
        "x.yaml: PseudonymizationProfile/basic: metadata.name: "
        "basic and adit-compatible are the names of built-in profiles: choose another (line 4)"
    )
