"""`adit check`: everything that is wrong is said at once, with its place, and nothing is changed."""

from pathlib import Path

import pytest

from adit_cli.testing import manifests
from adit_cli.testing.command_line import CommandLine

BROKEN = """\
apiVersion: adit.dev/v1alpha1
kind: TransferJob
metadata:
  name: night
spec:
  source: {name: source}
  destination: {name: destination}
  pseudonymization: {identified: true, reason: a test}
  tasks:
  - patientId: P1
    studyInstanceUid: 1.2.3
  - patientId: "P*"
    studyInstanceUid: 1.2.4
  - patientId: P1
    studyInstanceUid: not-a-uid
---
apiVersion: adit.dev/v1alpha1
kind: DicomServer
metadata:
  name: pacs
spec:
  aeTitle: AN-AE-TITLE-THAT-IS-TOO-LONG
  dimse: {host: pacs.example, port: 104}
  colour: red
"""


def test_valid_files_are_counted_and_exit_0(adit: CommandLine, tmp_path: Path) -> None:
    one = manifests.write(tmp_path / "one.yaml", [manifests.server_at("a", 104), manifests.server_at("b", 105)])
    two = manifests.write(tmp_path / "two.yaml", [manifests.folder("archive", "images")])
    result = adit("check", one, two)
    assert (result.code, result.out, result.err) == (0, "3 objects are valid\n", "")
    assert not adit.data.exists()


def test_the_examples_of_the_project_are_valid(adit: CommandLine, project: Path) -> None:
    for folder in sorted((project / "examples").iterdir()):
        result = adit("check", *sorted(folder.glob("*.yaml")))
        assert result.code == 0, result.err


def test_all_that_is_wrong_is_said_at_once_with_file_object_field_and_line(adit: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(BROKEN)
    result = adit("check", file)
    assert result.code == 2
    assert result.out == ""
    problems = result.err.splitlines()
    assert f"{file}: TransferJob/night: spec.tasks[2].studyInstanceUid: not a UID (line 15)" in problems
    assert [line.split(": ")[1:3] for line in problems] == [
        ["TransferJob/night", "spec.tasks[1].patientId"],
        ["TransferJob/night", "spec.tasks[2].studyInstanceUid"],
        ["DicomServer/pacs", "spec.aeTitle"],
        ["DicomServer/pacs", "spec.colour"],
    ]
    assert [line.rpartition("(line ")[2] for line in problems] == ["12)", "15)", "22)", "24)"]


def test_standard_input_is_read_as_a_file_and_called_a_dash(adit: CommandLine) -> None:
    assert adit("check", "-", stdin="kind: DicomServer\n").err.startswith("-: document 1: ")
    fine = "apiVersion: v1\nkind: Secret\nmetadata: {name: a, labels: {adit.dev/purpose: key}}\nstringData: {a: b}\n"
    assert adit("check", "-", stdin=fine).out == "1 objects are valid\n"


def test_an_object_named_twice_is_refused_with_its_first_place(adit: CommandLine, tmp_path: Path) -> None:
    one = manifests.write(tmp_path / "one.yaml", [manifests.server_at("a", 104)])
    two = manifests.write(tmp_path / "two.yaml", [manifests.server_at("a", 105)])
    result = adit("check", one, two)
    assert (result.code, result.err) == (
        2,
        f"{two}: DicomServer/a: metadata.name: given twice, first in {one}, line 1 (line 1)\n",
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.yaml", None, "No such file or directory"),
        ("folder", b"", "Is a directory"),
        ("latin.yaml", "kind: Müller".encode("latin-1"), "not UTF-8 text (byte 7)"),
        ("large.yaml", b"# " + b"x" * (10 << 20), "larger than 10 MiB"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    adit: CommandLine, tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    file = tmp_path / name
    if content == b"":
        file.mkdir()
    elif content is not None:
        file.write_bytes(content)
    result = adit("check", file)
    assert (result.code, result.err) == (2, f"{file}: {message}\n")


def test_a_secret_without_the_label_is_valid_with_a_warning(adit: CommandLine, tmp_path: Path) -> None:
    file = manifests.write(tmp_path / "secret.yaml", [manifests.secret("token", {"header": "sesame"})])
    result = adit("check", file)
    assert result.code == 0
    assert (
        f"warning: {file}: Secret/token: metadata.labels: without the label adit.dev/purpose ADIT will not"
        in result.err
    )
    assert "sesame" not in result.err + result.out


def test_a_large_secret_needs_kubectl_to_apply_on_the_servers_side(adit: CommandLine, tmp_path: Path) -> None:
    secret = manifests.secret("night-tasks", {"tasks.jsonl": "\n" * 210_000})
    file = manifests.write(tmp_path / "secret.yaml", [secret])
    result = adit("check", file)
    assert result.code == 0
    assert f"kubectl apply --server-side -f {file}" in result.err


def test_small_objects_need_no_note(adit: CommandLine, tmp_path: Path) -> None:
    file = manifests.write(tmp_path / "secret.yaml", [manifests.secret("night-tasks", {"tasks.jsonl": "\n" * 1000})])
    assert "kubectl apply" not in adit("check", file).err


def test_a_job_whose_list_is_not_in_the_files_is_valid_with_a_warning(adit: CommandLine, tmp_path: Path) -> None:
    job = manifests.job("night", ())
    job["spec"] = {name: value for name, value in job["spec"].items() if name != "tasks"}
    job["spec"]["tasksFrom"] = [{"secretRef": {"name": "night-tasks", "key": "tasks.jsonl.gz"}}]
    file = manifests.write(tmp_path / "job.yaml", [job])
    result = adit("check", file)
    assert result.code == 0
    assert "Secret night-tasks is not in these files" in result.err
