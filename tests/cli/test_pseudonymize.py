"""adit pseudonymize: files go in under a name, come out under a pseudonym, and what is in doubt stays."""

import base64
import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook
from pydicom import dcmread

from adit.testing.datasets import ct_study, mr_study, sr_study
from adit.testing.patients import PATIENTS, PLAIN, UMLAUT, Patient
from adit_cli.testing.command_line import CommandLine
from adit_cli.testing.program import Result

KEY = bytes(range(32))
MANY = 1_500  # enough to be met in the middle
DERIVED = """\
apiVersion: adit.dev/v1alpha1
kind: PseudonymizationProfile
metadata: {name: derived}
spec: {pseudonymSource: Derived}
"""


class Desk:
    """A folder with images, a key and a list of pseudonyms, and the command."""

    def __init__(self, adit: CommandLine, place: Path) -> None:
        self.adit, self.place = adit, place
        self.source, self.target = place / "in", place / "out"
        self.source.mkdir()
        self.key = place / "key"
        self.key.write_bytes(KEY)
        self.key.chmod(0o600)
        self.list = place / "list.csv"
        self.derived = place / "derived.yaml"
        self.derived.write_text(DERIVED)

    def names(self, *pairs: tuple[Patient, str]) -> Path:
        lines = [["patientId", "pseudonym"], *([patient.patient_id, name] for patient, name in pairs)]
        with self.list.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(lines)
        return self.list

    def __call__(self, *more: object, profile: object = "basic") -> Result:
        return self.adit(
            "pseudonymize",
            self.source,
            self.target,
            "--profile",
            profile,
            "--key-file",
            self.key,
            "--workers",
            1,
            *more,
        )

    def written(self) -> dict[str, bytes]:
        return {str(path.relative_to(self.target)): path.read_bytes() for path in sorted(self.target.rglob("*.dcm"))}


@pytest.fixture(name="desk")
def _desk(adit: CommandLine, tmp_path: Path) -> Desk:
    return Desk(adit, tmp_path)


def test_files_come_out_under_the_listed_pseudonym_and_nothing_else(desk: Desk) -> None:
    ct_study(UMLAUT, instances=3, rows=8).write(desk.source / "a")
    (desk.source / "notes.txt").write_text("no image")
    result = desk("--pseudonyms", desk.names((UMLAUT, "P-1")), "--trial-id", "T")
    assert (result.code, len(desk.written())) == (0, 3), result.err
    assert "3 read, 3 written, 1 not DICOM" in result.out
    for path, raw in desk.written().items():
        assert path.startswith("P-1/2.25.")
        assert UMLAUT.patient_id.encode() not in raw
        one = dcmread(desk.target / path)
        assert (one.PatientID, one.ClinicalTrialProtocolID) == ("P-1", "T")
        assert one.file_meta.MediaStorageSOPInstanceUID == one.SOPInstanceUID == Path(path).stem
    assert [path.name for path in desk.target.iterdir()] == ["P-1"]
    assert sorted(path.name for path in desk.source.iterdir()) == ["a", "notes.txt"]


def test_a_patient_who_is_not_on_the_list_is_held_and_the_shell_is_told(desk: Desk) -> None:
    ct_study(PLAIN, instances=1, rows=8).write(desk.source / "a")
    ct_study(UMLAUT, instances=1, rows=8).write(desk.source / "b")
    result = desk("--pseudonyms", desk.names((PLAIN, "P-1")))
    assert (result.code, len(desk.written())) == (3, 1)
    assert "1 held: PseudonymMissing" in result.err


def test_an_excluded_modality_is_no_warning(desk: Desk) -> None:
    sr_study(PLAIN).write(desk.source)
    result = desk("--pseudonyms", desk.names((PLAIN, "P-1")))
    assert (result.code, desk.written()) == (0, {})
    assert "1 excluded" in result.out


def test_any_number_of_workers_writes_the_same(desk: Desk) -> None:
    for number, patient in enumerate(PATIENTS[:4]):
        ct_study(patient, instances=12, rows=8).write(desk.source / str(number))
        mr_study(patient, series=1, instances=10, rows=8).write(desk.source / f"m{number}")
    alone = desk(profile=desk.derived)
    first = desk.written()
    desk.target = desk.place / "again"
    together = desk("--workers", 2, profile=desk.derived)
    assert (alone.code, together.code, len(first)) == (0, 0, 88)
    assert desk.written() == first


def test_the_report_tells_what_was_done_and_of_nobody(desk: Desk) -> None:
    for path in ct_study(UMLAUT, instances=2, rows=8).write(desk.source / "Müller"):
        path.rename(path.with_name(f"{UMLAUT.patient_id}-{path.name}"))
    report = desk.place / "report.xlsx"
    assert desk("--report", report, profile=desk.derived).code == 0
    book = load_workbook(report)
    assert book.sheetnames == ["Summary", "Attributes", "Instances"]
    rows = {row[1]: row for row in book["Attributes"].iter_rows(values_only=True)}
    assert rows["StudyDate"] == ("(0008,0020)", "StudyDate", "Empty", 2)
    text = repr([list(sheet.iter_rows(values_only=True)) for sheet in book])
    assert "Müller" not in text
    assert UMLAUT.patient_id not in text
    assert report.stat().st_mode & 0o777 == 0o600


def test_a_list_may_be_a_workbook(desk: Desk) -> None:
    ct_study(PLAIN, instances=1, rows=8).write(desk.source)
    book = Workbook()
    for row in (("Pseudonym", "PatientId"), ("P-1", PLAIN.patient_id)):
        book.active.append(row)  # type: ignore[union-attr]  # a new workbook has a sheet
    book.save(desk.place / "list.xlsx")
    assert desk("--pseudonyms", desk.place / "list.xlsx").code == 0
    assert next(iter(desk.written())).startswith("P-1/")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("patient;name\n", "must name the columns patientId and pseudonym"),
        ("patientId,pseudonym\n1,A\n2,A\n", "line 3: another patient has this pseudonym"),
        ("patientId,pseudonym\n1,A\n1,B\n", "line 3: this patient has another pseudonym"),
        ("patientId,pseudonym\n1,A^B\n", "line 2: not a pseudonym"),
        ("patientId,pseudonym\n,A\n", "line 2: patientId is empty"),
        ("", "is empty"),
    ],
)
def test_a_wrong_list_is_refused_before_anything_is_written(desk: Desk, lines: str, words: str) -> None:
    ct_study(PLAIN, instances=1, rows=8).write(desk.source)
    desk.list.write_text(lines)
    result = desk("--pseudonyms", desk.list)
    assert (result.code, desk.target.exists()) == (2, False)
    assert words in result.err


def test_a_profile_that_takes_pseudonyms_needs_a_list(desk: Desk) -> None:
    ct_study(PLAIN, instances=1, rows=8).write(desk.source)
    result = desk()
    assert result.code == 2
    assert "--pseudonyms list.csv" in result.err
    assert "pseudonymSource: Derived" in result.err


@pytest.mark.parametrize("form", ["raw", "hex", "base64"])
def test_a_key_may_be_written_in_three_ways(desk: Desk, form: str) -> None:
    ct_study(PLAIN, instances=1, rows=8).write(desk.source)
    desk.key.write_bytes({"raw": KEY, "hex": KEY.hex().encode() + b"\n", "base64": base64.b64encode(KEY)}[form])
    assert desk("--dry-run", profile=desk.derived).code == 0
    assert not desk.target.exists()


def test_a_new_key_is_made_once_and_only_for_its_owner(desk: Desk) -> None:
    ct_study(PLAIN, instances=1, rows=8).write(desk.source)
    new = desk.place / "new"
    words = ("pseudonymize", desk.source, desk.target, "--profile", desk.derived, "--workers", 1, "--new-key-file", new)
    assert desk.adit(*words).code == 0
    assert new.stat().st_mode & 0o777 == 0o600
    assert "a key is never replaced" in desk.adit(*words, "--force").err


def test_what_is_no_key_and_a_key_for_everybody_are_told(desk: Desk) -> None:
    ct_study(PLAIN, instances=1, rows=8).write(desk.source)
    desk.key.chmod(0o644)
    assert "chmod 600" in desk("--dry-run", profile=desk.derived).err
    desk.key.write_bytes(b"short")
    result = desk(profile=desk.derived)
    assert (result.code, "holds no key" in result.err) == (2, True)


def test_nothing_is_written_over_unasked(desk: Desk) -> None:
    ct_study(PLAIN, instances=1, rows=8).write(desk.source)
    assert desk(profile=desk.derived).code == 0
    again = desk(profile=desk.derived)
    assert (again.code, "is not empty" in again.err) == (2, True)
    assert desk("--force", profile=desk.derived).code == 0


def test_output_and_input_do_not_lie_in_each_other(desk: Desk) -> None:
    desk.target = desk.source / "out"
    assert "may not lie in each other" in desk(profile=desk.derived).err
    desk.target = desk.place
    assert "may not lie in each other" in desk("--force", profile=desk.derived).err


def test_two_files_of_one_instance_are_one_or_a_question(desk: Desk) -> None:
    (path,) = ct_study(PLAIN, instances=1, rows=8).write(desk.source)
    (desk.source / "copy.dcm").write_bytes(path.read_bytes())
    other = dcmread(path)
    other.WindowCenter = "77"
    other.save_as(desk.source / "zz.dcm")
    result = desk(profile=desk.derived)
    assert (result.code, len(desk.written())) == (3, 1)
    assert "1 duplicates" in result.out
    assert "1 held: OtherContent" in result.err


def conflicting(desk: Desk) -> None:
    """The first file and the last are of one instance, and differ; forty others lie between them."""
    first, *_ = ct_study(PLAIN, instances=40, rows=8).write(desk.source / "m")
    other = dcmread(first)
    other.WindowCenter = "77"
    (desk.source / "z").mkdir()
    other.save_as(desk.source / "z" / "last.dcm")
    (desk.source / "a").mkdir()
    (desk.source / "a" / "first.dcm").write_bytes(first.read_bytes())


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_of_two_files_of_one_instance_the_first_is_kept_by_any_number_of_workers(desk: Desk, force: list[str]) -> None:
    conflicting(desk)
    alone = desk(*force, profile=desk.derived)
    first = desk.written()
    desk.target = desk.place / "again"
    together = desk("--workers", 3, *force, profile=desk.derived)
    assert (alone.code, together.code, len(first)) == (3, 3, 40)
    assert desk.written() == first
    assert all("1 duplicates, 1 held" in result.out for result in (alone, together))


def test_a_dry_run_tells_what_the_run_will_tell(desk: Desk) -> None:
    conflicting(desk)
    dry = desk("--dry-run", profile=desk.derived)
    assert (dry.code, "40 would be written, 1 duplicates, 1 held" in dry.out) == (3, True), dry.out
    assert not desk.target.exists()


def test_a_dry_run_makes_no_key(desk: Desk) -> None:
    ct_study(PLAIN, instances=1, rows=8).write(desk.source)
    new = desk.place / "new"
    words = ("pseudonymize", desk.source, desk.target, "--profile", desk.derived, "--new-key-file", new, "--dry-run")
    assert desk.adit(*words).code == 0
    assert not new.exists()


def test_an_issuer_that_only_some_files_name_splits_no_listed_patient(desk: Desk) -> None:
    for number, path in enumerate(ct_study(PLAIN, instances=2, rows=8).write(desk.source)):
        one = dcmread(path)
        one.IssuerOfPatientID = "HOSPITAL" if number else ""
        one.save_as(path)
    result = desk("--pseudonyms", desk.names((PLAIN, "P-1")))
    assert (result.code, len(desk.written())) == (0, 2)


def test_a_random_pseudonym_is_another_in_each_run(desk: Desk) -> None:
    ct_study(PLAIN, instances=1, rows=8).write(desk.source)
    desk.derived.write_text(DERIVED.replace("Derived", "Random"))
    assert desk(profile=desk.derived).code == 0
    first = desk.written()
    desk.target = desk.place / "again"
    assert desk(profile=desk.derived).code == 0
    assert next(iter(first)).split("/")[0] != next(iter(desk.written())).split("/")[0]


def test_of_meta_and_data_set_the_data_set_is_believed(desk: Desk) -> None:
    (path,) = ct_study(PLAIN, instances=1, rows=8).write(desk.source)
    before = dcmread(path)
    uid = before.SOPInstanceUID.encode()
    path.write_bytes(path.read_bytes().replace(uid, b"9" * len(uid), 1))
    assert dcmread(path).file_meta.MediaStorageSOPInstanceUID != before.SOPInstanceUID
    assert desk(profile=desk.derived).code == 0
    ((name, _),) = desk.written().items()
    after = dcmread(desk.target / name)
    assert after.file_meta.MediaStorageSOPInstanceUID == after.SOPInstanceUID


def test_a_report_in_csv_has_no_formula(desk: Desk) -> None:
    ct_study(PLAIN, instances=1, rows=8).write(desk.source)
    report = desk.place / "report.csv"
    assert desk("--report", report, "--pseudonyms", desk.names((PLAIN, "-1+1"))).code == 0
    rows = list(csv.reader(report.read_text("utf-8-sig").splitlines()))
    assert ["Instances", "1", "written", "'-1+1"] in [row[:4] for row in rows]
    assert {row[0] for row in rows} == {"Summary", "Attributes", "Instances"}


@pytest.fixture(name="many", scope="module")
def _many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    ct_study(PLAIN, instances=MANY, rows=8).write(folder)
    return folder


def running(desk: Desk, many: Path) -> "subprocess.Popen[str]":
    """A run over many files that has written some of them."""
    desk.source = many
    words = ["pseudonymize", desk.source, desk.target, "--profile", desk.derived, "--key-file", desk.key]
    process = subprocess.Popen(
        [sys.executable, "-m", "adit_cli", *map(str, words), "--workers", "2"],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_until(lambda: desk.target.exists() and bool(desk.written()))
    assert process.poll() is None
    return process


def wait_until(true: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 30
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.02)  # looks again; the loop has an end


def children_of(process_id: int) -> list[int]:
    return [int(number) for number in Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()]


def gone(process_id: int) -> bool:
    try:
        return "State:\tZ" in Path(f"/proc/{process_id}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_worker_that_is_killed_ends_the_run_with_a_word_and_whole_files(desk: Desk, many: Path) -> None:
    process = running(desk, many)
    workers = [one for one in children_of(process.pid) if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()]
    os.kill(workers[0], signal.SIGKILL)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, "WorkerDied" in said) == (1, True), said
    require_whole_files_and_nothing_else(desk)


def test_a_run_that_is_killed_leaves_no_workers_and_the_next_one_tidies_up(desk: Desk, many: Path) -> None:
    process = running(desk, many)
    workers = children_of(process.pid)
    process.kill()
    process.communicate(timeout=30)
    wait_until(lambda: all(map(gone, workers)))
    assert [path for path in desk.target.iterdir() if path.name.startswith(".")]
    assert desk("--force", profile=desk.derived).code == 0
    require_whole_files_and_nothing_else(desk)
    assert len(desk.written()) == MANY


def require_whole_files_and_nothing_else(desk: Desk) -> None:
    assert [path.name for path in desk.target.iterdir() if path.name.startswith(".")] == []
    for path in desk.target.rglob("*.dcm"):
        dcmread(path)


def test_an_unknown_profile_names_those_that_there_are(desk: Desk) -> None:
    ct_study(PLAIN, instances=1, rows=8).write(desk.source)
    assert "(adit-compatible, basic)" in desk(profile="bsic").err


def test_an_interruption_leaves_whole_files_and_nothing_else(desk: Desk, many: Path) -> None:
    process = running(desk, many)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, "interrupted" in said) == (130, True), said
    require_whole_files_and_nothing_else(desk)
