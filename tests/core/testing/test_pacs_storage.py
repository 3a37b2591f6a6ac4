"""The loopback PACS keeps what it gets byte for byte, and finds it again after a restart."""

import subprocess
from pathlib import Path

import pytest
from pynetdicom import AE

from adit.testing import pydicom_files
from adit.testing import upper_layer as ul
from adit.testing.client import client, store
from adit.testing.datasets import ct_study, us_study
from adit.testing.elements import EXPLICIT_LITTLE, UnreadableDataSet, encode_elements
from adit.testing.negotiation import Proposal
from adit.testing.odd_files import CT, instance_uid, large_file, odd_files
from adit.testing.pacs import LoopbackPacs
from adit.testing.part10 import data_set_bytes, read_meta
from adit.testing.patients import PLAIN, UMLAUT
from adit.testing.programs import require_program
from adit.testing.pytest_plugin import skip_or_fail
from adit.testing.send import associate, release


def test_every_odd_instance_is_stored_byte_for_byte(loopback_pacs: LoopbackPacs, tmp_path: Path) -> None:
    shipped = [pydicom_files.pydicom_file(name) for name in pydicom_files.ODD.values()]
    for path in (*odd_files(tmp_path / "odd").values(), *shipped):
        assert store((loopback_pacs.host, loopback_pacs.port), "PACS", [path]) == {path: 0}
        newest = loopback_pacs.instances()[-1]
        assert data_set_bytes(newest.path) == data_set_bytes(path), path.name


@pytest.mark.parametrize("encoding", pydicom_files.BY_ENCODING)
def test_a_transfer_syntax_is_kept(encoding: str, loopback_pacs: LoopbackPacs) -> None:
    path = pydicom_files.pydicom_file(pydicom_files.BY_ENCODING[encoding])
    store((loopback_pacs.host, loopback_pacs.port), "PACS", [path])
    [instance] = loopback_pacs.instances()
    assert read_meta(instance.path).transfer_syntax_uid == read_meta(path).transfer_syntax_uid
    assert data_set_bytes(instance.path) == data_set_bytes(path)


def test_a_large_multi_frame_instance_arrives_whole(loopback_pacs: LoopbackPacs, tmp_path: Path) -> None:
    path = large_file(tmp_path, megabytes=20)
    store((loopback_pacs.host, loopback_pacs.port), "PACS", [path])
    [instance] = loopback_pacs.instances()
    assert data_set_bytes(instance.path) == data_set_bytes(path)


def test_storing_twice_keeps_one_instance_and_counts_both(loopback_pacs: LoopbackPacs, tmp_path: Path) -> None:
    paths = us_study(PLAIN, frames=1).write(tmp_path)
    store((loopback_pacs.host, loopback_pacs.port), "PACS", [*paths, *paths])
    assert len(loopback_pacs.instances()) == 1
    assert loopback_pacs.received == 2


def test_clearing_forgets_files_and_counters(loopback_pacs: LoopbackPacs, tmp_path: Path) -> None:
    store((loopback_pacs.host, loopback_pacs.port), "PACS", ct_study(PLAIN, instances=2).write(tmp_path / "ct"))
    loopback_pacs.clear()
    assert loopback_pacs.instances() == ()
    assert loopback_pacs.received == 0
    assert list((tmp_path / "pacs").iterdir()) == []


def test_a_new_pacs_serves_what_the_directory_holds(tmp_path: Path) -> None:
    paths = ct_study(PLAIN, instances=3).write(tmp_path / "pacs" / "sub")
    (tmp_path / "pacs" / "notes.txt").write_text("not DICOM")
    (tmp_path / "pacs" / ".partial-7").write_bytes(b"left behind")
    with LoopbackPacs(tmp_path / "pacs") as pacs:
        assert {instance.path for instance in pacs.instances()} == set(paths)
    assert not (tmp_path / "pacs" / ".partial-7").exists()


def test_a_record_names_the_instance(loopback_pacs: LoopbackPacs, tmp_path: Path) -> None:
    study = ct_study(UMLAUT, instances=1)
    loopback_pacs.load(study.write(tmp_path / "ct"))
    [instance] = loopback_pacs.instances()
    [dataset] = study.datasets()
    assert instance.patient_id == UMLAUT.patient_id
    assert instance.study_instance_uid == study.study_instance_uid
    assert instance.series_instance_uid == dataset.SeriesInstanceUID
    assert instance.sop_instance_uid == dataset.SOPInstanceUID
    assert instance.sop_class_uid == dataset.SOPClassUID
    assert instance.path.parent == tmp_path / "pacs"


def test_a_data_set_can_be_stored_without_a_network(loopback_pacs: LoopbackPacs) -> None:
    for dataset in ct_study(PLAIN, instances=2).datasets():
        loopback_pacs.store(dataset)
    assert len(loopback_pacs.instances()) == 2
    assert loopback_pacs.received == 0


def test_a_file_that_is_no_instance_is_refused(loopback_pacs: LoopbackPacs, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not DICOM")
    with pytest.raises(UnreadableDataSet, match=r"\.partial-0 is not a DICOM Part-10 file"):
        loopback_pacs.load([text])


def test_an_instance_that_cannot_be_indexed_is_answered_cannot_understand(loopback_pacs: LoopbackPacs) -> None:
    without_study = encode_elements([(0x00080016, "UI", CT.encode()), (0x00080018, "UI", b"1.2.3")], EXPLICIT_LITTLE)
    assert _stored_as("1.2.3", without_study, loopback_pacs) == 0xC000
    assert loopback_pacs.instances() == ()


def test_a_uid_that_is_none_never_becomes_a_file_name(loopback_pacs: LoopbackPacs, tmp_path: Path) -> None:
    assert _stored_as("../../escaped", b"", loopback_pacs) == 0x0117
    inside = encode_elements(
        [
            (0x00080016, "UI", CT.encode()),
            (0x00080018, "UI", b"../../escaped"),
            (0x0020000D, "UI", b"1.2"),
            (0x0020000E, "UI", b"1.3"),
        ],
        EXPLICIT_LITTLE,
    )
    assert _stored_as("1.2.3", inside, loopback_pacs) == 0xC000
    assert list((tmp_path / "pacs").iterdir()) == []


def test_pynetdicom_stores_a_study(loopback_pacs: LoopbackPacs) -> None:
    entity = AE()
    entity.add_requested_context(CT, EXPLICIT_LITTLE)
    association = entity.associate(loopback_pacs.host, loopback_pacs.port, ae_title="PACS")
    datasets = list(ct_study(PLAIN, instances=3).datasets())
    statuses = [association.send_c_store(dataset).Status for dataset in datasets]
    association.release()
    assert statuses == [0, 0, 0]
    assert {i.sop_instance_uid for i in loopback_pacs.instances()} == {d.SOPInstanceUID for d in datasets}


@pytest.mark.peer
def test_dcmtk_stores_a_study(loopback_pacs: LoopbackPacs, tmp_path: Path) -> None:
    skip_or_fail("storescu")
    study = ct_study(PLAIN, instances=5, report=True)
    study.write(tmp_path / "ct")
    address = (loopback_pacs.host, str(loopback_pacs.port))
    command = [str(require_program("storescu")), "-aec", "PACS", "+sd", *address, str(tmp_path / "ct")]
    subprocess.run(command, check=True, timeout=20)
    assert {i.sop_instance_uid for i in loopback_pacs.instances()} == {d.SOPInstanceUID for d in study.datasets()}


def test_the_peak_counts_associations_open_at_once(loopback_pacs: LoopbackPacs) -> None:
    address = (loopback_pacs.host, loopback_pacs.port)
    with client(address, "PACS") as one, client(address, "PACS") as two:
        assert one.echo() == two.echo() == 0
    with client(address, "PACS") as three:
        three.echo()
    assert loopback_pacs.peak_associations == 2


def test_the_odd_files_have_distinct_instances(tmp_path: Path) -> None:
    files = odd_files(tmp_path)
    assert len({instance_uid(name) for name in files}) == len(files)


def _stored_as(sop_instance_uid: str, data_set: bytes, pacs: LoopbackPacs) -> int:
    """The status of one C-STORE whose command and data set are given."""
    connection, _ = associate((pacs.host, pacs.port), "PACS", "CLIENT", [Proposal(CT, (EXPLICIT_LITTLE,))])
    command: dict[int, int | str] = {
        ul.AFFECTED_SOP_CLASS: CT,
        ul.COMMAND_FIELD: 1,
        ul.MESSAGE_ID: 1,
        ul.AFFECTED_SOP_INSTANCE: sop_instance_uid,
    }
    connection.send_message(1, command, data_set)
    try:
        return connection.read_message().number(ul.STATUS)
    finally:
        release(connection)


def test_a_pacs_that_is_started_again_is_at_the_same_port_with_what_it_had(tmp_path: Path) -> None:
    pacs = LoopbackPacs(tmp_path / "pacs")
    with pacs:
        port = pacs.port
        pacs.load(ct_study(PLAIN, instances=1, rows=8).write(tmp_path / "files"))
    with pacs:
        assert (pacs.port, len(pacs.instances())) == (port, 1)
