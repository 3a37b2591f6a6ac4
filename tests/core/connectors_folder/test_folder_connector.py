"""What the folder holds after it was written to, and how it answers for it."""

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from adit.connectors.folder import FolderConnector
from adit.errors import PermanentError, RetryableError
from adit.query import Level, Query, Selection
from adit.testing.odd_files import STUDY_UID, odd_files
from adit.testing.part10 import data_set_bytes, read_meta
from adit.transfer.instance import FileSlice, Instance
from adit.transfer.outcomes import StoreOutcome
from adit.transfer.part10 import open_part10
from adit.transfer.placement import Placement

Make = Callable[..., Instance]
PLACEMENT = Placement("job", ("CT",))
STUDY = "job/P1/20240115-101530-CT"
SERIES_NUMBER, DESCRIPTION, PATIENT_ID, SERIES_UID = 0x00200011, 0x0008103E, 0x00100020, 0x0020000E


def store(folder: FolderConnector, *instances: Instance, placement: Placement = PLACEMENT) -> list[StoreOutcome]:
    return list(folder.store(instances, placement))


def files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if not path.is_dir())


def found(folder: FolderConnector, **query: Any) -> list[str]:
    return [str(answer.SOPInstanceUID) for answer in folder.find(Query(Level.IMAGE, **query))]


def test_instances_are_written_in_adits_layout(folder: FolderConnector, root: Path, make: Make) -> None:
    outcomes = store(folder, make(1), make(2))
    assert [(one.sop_instance_uid, one.stored) for one in outcomes] == [("1.2.3.1", True), ("1.2.3.2", True)]
    assert files(root) == [f"{STUDY}/2-Thorax nativ/1.2.3.1.dcm", f"{STUDY}/2-Thorax nativ/1.2.3.2.dcm"]


def test_a_file_is_part_10_with_the_data_set_untouched(folder: FolderConnector, root: Path, make: Make) -> None:
    instance = make(1)
    store(folder, instance)
    path = root / STUDY / "2-Thorax nativ" / "1.2.3.1.dcm"
    assert data_set_bytes(path) == b"".join(instance.chunks())
    meta = read_meta(path)
    assert meta.sop_class_uid == instance.sop_class_uid
    assert meta.sop_instance_uid == instance.sop_instance_uid
    assert meta.transfer_syntax_uid == instance.transfer_syntax_uid


def test_every_odd_data_set_is_written_byte_for_byte(folder: FolderConnector, root: Path, tmp_path: Path) -> None:
    originals = [open_part10(path) for path in odd_files(tmp_path / "odd").values()]
    assert all(outcome.stored for outcome in store(folder, *originals))
    written = {path.stem: data_set_bytes(path) for path in root.rglob("*.dcm")}
    assert written == {one.sop_instance_uid: b"".join(one.chunks()) for one in originals}
    assert sorted(found(folder, study_instance_uid=STUDY_UID)) == sorted(written)


@pytest.mark.parametrize(
    ("character_set", "text"),
    [
        (("ISO_IR 192", "utf-8"), "Schädel Übersicht"),
        (("ISO_IR 100", "latin-1"), "Schädel Übersicht"),
        (("ISO_IR 126", "iso8859-7"), "Θώρακας"),
        (("\\ISO 2022 IR 87", "iso2022_jp"), "胸部"),
    ],
)
def test_names_are_decoded_as_the_instance_says(
    folder: FolderConnector, root: Path, make: Make, character_set: tuple[str, str], text: str
) -> None:
    name, encoding = character_set
    store(folder, make(1, {0x00080005: name, DESCRIPTION: text}, charset=encoding))
    assert files(root) == [f"{STUDY}/2-{text}/1.2.3.1.dcm"]


@pytest.mark.parametrize("patient_id", ["..", "../../../../escape", "/etc", "."])
def test_no_patient_id_leads_out_of_the_folder(
    folder: FolderConnector, root: Path, make: Make, tmp_path: Path, patient_id: str
) -> None:
    before = {path for path in tmp_path.rglob("*.dcm") if root not in path.parents}
    [outcome] = store(folder, make(1, {PATIENT_ID: patient_id, DESCRIPTION: "../.."}), placement=Placement(".."))
    assert outcome.stored
    assert {path for path in tmp_path.rglob("*.dcm") if root not in path.parents} - before == {tmp_path / "spool-1.dcm"}
    [written] = files(root)
    assert len(Path(written).parts) == 5


def test_two_series_of_one_name_get_two_folders_and_keep_them(folder: FolderConnector, root: Path, make: Make) -> None:
    first, second = make(1, {SERIES_UID: "1.2.3.4"}), make(2, {SERIES_UID: "1.2.3.5"})
    store(folder, first, second)
    names = files(root)
    assert len({Path(name).parent for name in names}) == 2
    store(folder, second, first)
    assert files(root) == names


def test_one_series_stays_together_when_it_comes_in_several_rounds(
    folder: FolderConnector, root: Path, make: Make
) -> None:
    other, first, second = make(1, {SERIES_UID: "1.9"}), make(2, {SERIES_UID: "1.8"}), make(3, {SERIES_UID: "1.8"})
    store(folder, other, first)
    (root / STUDY / "2-Thorax nativ" / "1.2.3.1.dcm").unlink()
    store(folder, second)
    assert len({Path(name).parent for name in files(root)}) == 1


def test_storing_again_replaces_and_leaves_nothing_behind(folder: FolderConnector, root: Path, make: Make) -> None:
    store(folder, make(1, size=64))
    store(folder, make(1, size=512))
    [path] = root.rglob("*.dcm")
    assert data_set_bytes(path)[-512:] == bytes(512)
    assert path.stat().st_size > 700
    assert files(root) == [f"{STUDY}/2-Thorax nativ/1.2.3.1.dcm"]


def test_what_a_killed_run_left_is_removed(folder: FolderConnector, root: Path, make: Make) -> None:
    series = root / STUDY / "2-Thorax nativ"
    series.mkdir(parents=True)
    (series / ".part-0123456789abcdef").write_bytes(b"half")
    (series / "notes.txt").write_text("mine")
    store(folder, make(1))
    assert sorted(path.name for path in series.iterdir()) == ["1.2.3.1.dcm", "notes.txt"]


def test_files_and_folders_are_closed_to_others(folder: FolderConnector, root: Path, make: Make) -> None:
    mask = os.umask(0)
    try:
        store(folder, make(1))
    finally:
        os.umask(mask)
    [path] = root.rglob("*.dcm")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750


def test_an_unreadable_instance_does_not_end_the_rest(folder: FolderConnector, root: Path, make: Make) -> None:
    gone, short, fine = make(1), make(2), make(3)
    piece = gone.pieces[0]
    assert isinstance(piece, FileSlice)
    piece.path.unlink()
    cut = short.pieces[0]
    assert isinstance(cut, FileSlice)
    os.truncate(cut.path, cut.start + cut.length - 10)
    outcomes = store(folder, gone, short, fine)
    assert [(one.stored, one.reason) for one in outcomes] == [
        (False, "UnreadableFile"),
        (False, "UnreadableFile"),
        (True, ""),
    ]
    assert files(root) == [f"{STUDY}/2-Thorax nativ/1.2.3.3.dcm"]


def test_bytes_that_are_no_data_set_are_not_written(folder: FolderConnector, root: Path) -> None:
    [outcome] = store(folder, Instance("1.2", "1.2.3", "1.2.840.10008.1.2.1", (b"\x08\0\x05\0CS\xff\xffISO",)))
    assert (outcome.stored, outcome.reason) == (False, "UnreadableFile")
    assert not root.exists()


@pytest.mark.parametrize("uid", ["../../x", "", "1.2.3/4", "1" * 65])
def test_a_sop_instance_uid_that_is_none_names_no_file(folder: FolderConnector, make: Make, uid: str) -> None:
    instance = make(1)
    forged = Instance(instance.sop_class_uid, uid, instance.transfer_syntax_uid, instance.pieces)
    [outcome] = store(folder, forged)
    assert (outcome.stored, outcome.reason) == (False, "UnreadableFile")


def test_a_symbolic_link_is_not_followed(folder: FolderConnector, root: Path, make: Make, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / "job").mkdir(parents=True)
    (root / "job" / "P1").symlink_to(outside)
    with pytest.raises(PermanentError, match="symbolic links are not followed") as caught:
        store(folder, make(1))
    assert caught.value.reason == "FolderObstructed"
    assert "P1" not in caught.value.message
    assert list(outside.iterdir()) == []


def test_a_link_in_place_of_a_file_is_replaced_and_its_target_left(
    folder: FolderConnector, root: Path, make: Make, tmp_path: Path
) -> None:
    store(folder, make(1))
    [path] = root.rglob("*.dcm")
    path.unlink()
    (tmp_path / "precious").write_text("precious")
    path.symlink_to(tmp_path / "precious")
    assert found(folder) == []
    store(folder, make(1))
    assert not path.is_symlink()
    assert (tmp_path / "precious").read_text() == "precious"


def test_the_folder_answers_at_every_level(folder: FolderConnector, make: Make) -> None:
    store(folder, make(1), make(2), make(3, {SERIES_UID: "1.2.3.9", SERIES_NUMBER: "3"}))
    assert found(folder, study_instance_uid="1.2.3", series_instance_uid="1.2.3.4") == ["1.2.3.1", "1.2.3.2"]
    series = {
        str(one.SeriesInstanceUID): one.NumberOfSeriesRelatedInstances for one in folder.find(Query(Level.SERIES))
    }
    assert series == {"1.2.3.4": 2, "1.2.3.9": 1}
    [study] = folder.find(Query(Level.STUDY, patient_id="P1", modalities=("CT",)))
    assert (study.StudyInstanceUID, study.NumberOfStudyRelatedInstances, study.NumberOfStudyRelatedSeries) == (
        "1.2.3",
        3,
        2,
    )
    [patient] = folder.find(Query(Level.PATIENT, patient_name="sample*"))
    assert patient.PatientID == "P1"
    assert list(folder.find(Query(Level.STUDY, patient_id="P2"))) == []


def test_another_connector_finds_what_this_one_wrote(
    folder: FolderConnector, another: FolderConnector, make: Make
) -> None:
    store(folder, make(1))
    assert found(another, study_instance_uid="1.2.3") == ["1.2.3.1"]


def test_a_file_that_lost_bytes_or_is_gone_is_no_proof(folder: FolderConnector, root: Path, make: Make) -> None:
    store(folder, make(1), make(2), make(3))
    paths = sorted(root.rglob("*.dcm"))
    os.truncate(paths[0], paths[0].stat().st_size - 2)
    paths[1].unlink()
    assert found(folder, study_instance_uid="1.2.3") == ["1.2.3.3"]
    [series] = folder.find(Query(Level.SERIES, study_instance_uid="1.2.3"))
    assert series.NumberOfSeriesRelatedInstances == 1


def test_an_empty_folder_answers_nothing(folder: FolderConnector) -> None:
    assert list(folder.find(Query(Level.IMAGE, study_instance_uid="1.2.3"))) == []


def test_the_limit_ends_the_search(folder: FolderConnector, make: Make) -> None:
    store(folder, make(1), make(2))
    assert len(list(folder.find(Query(Level.IMAGE, limit=1)))) == 1


def test_nothing_is_fetched_from_a_folder(folder: FolderConnector, tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="can only be a destination"):
        list(folder.fetch(Selection("P1", "1.2.3"), tmp_path))


def test_abort_ends_a_write_and_leaves_no_half_file(folder: FolderConnector, root: Path, make: Make) -> None:
    def instances() -> Iterator[Instance]:
        yield make(1)
        folder.abort()
        yield make(2)

    with pytest.raises(RetryableError, match="aborted"):
        _drain(folder.store(instances(), PLACEMENT))
    assert files(root) == [f"{STUDY}/2-Thorax nativ/1.2.3.1.dcm"]


def test_echo_makes_the_folder_and_leaves_it_empty(folder: FolderConnector, root: Path) -> None:
    folder.echo()
    assert list(root.iterdir()) == []


def _drain(outcomes: Iterable[StoreOutcome]) -> None:
    for _ in outcomes:
        pass
