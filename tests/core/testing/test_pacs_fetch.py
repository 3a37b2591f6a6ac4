"""C-GET and C-MOVE of the loopback PACS send what lies on disk, to dcmtk and pynetdicom as well as to ourselves."""

import subprocess
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, build_role, evt

from adit.testing import patients, pydicom_files
from adit.testing import upper_layer as ul
from adit.testing.client import client, proposals
from adit.testing.datasets import ct_study, mr_study
from adit.testing.negotiation import Proposal
from adit.testing.odd_files import STUDY_UID, instance_uid, odd_files
from adit.testing.pacs import LoopbackPacs
from adit.testing.part10 import data_set_bytes
from adit.testing.programs import Storescp, require_program
from adit.testing.pytest_plugin import skip_or_fail

CT = ct_study(patients.PLAIN, instances=4, report=True)
CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"


@pytest.fixture
def odd(loopback_pacs: LoopbackPacs, tmp_path: Path) -> dict[str, Path]:
    files = odd_files(tmp_path / "odd")
    loopback_pacs.load(files.values())
    return files


def test_c_get_sends_every_odd_instance_as_stored(loopback_pacs: LoopbackPacs, odd: dict[str, Path]) -> None:
    with client((loopback_pacs.host, loopback_pacs.port), "PACS", storage=proposals(list(odd.values()))) as one:
        answers = one.get("STUDY", {"StudyInstanceUID": STUDY_UID})
    assert answers.status == 0
    assert answers.counts == {ul.COMPLETED: len(odd), ul.FAILED: 0, ul.WARNING: 0}
    assert answers.received == {instance_uid(name): data_set_bytes(path) for name, path in odd.items()}


def test_c_get_works_at_series_and_image_level(loopback_pacs: LoopbackPacs, tmp_path: Path) -> None:
    paths = CT.write(tmp_path / "ct")
    loopback_pacs.load(paths)
    first, second, *_ = CT.datasets()
    with client((loopback_pacs.host, loopback_pacs.port), "PACS", storage=proposals(paths)) as one:
        above = {"StudyInstanceUID": CT.study_instance_uid, "SeriesInstanceUID": first.SeriesInstanceUID}
        series = one.get("SERIES", {**above})
        images = one.get("IMAGE", {**above, "SOPInstanceUID": f"{first.SOPInstanceUID}\\{second.SOPInstanceUID}"})
    assert len(series.received) == 4
    assert set(images.received) == {first.SOPInstanceUID, second.SOPInstanceUID}


def test_c_get_of_an_unknown_study_succeeds_with_nothing(loopback_pacs: LoopbackPacs) -> None:
    with client((loopback_pacs.host, loopback_pacs.port), "PACS") as one:
        answers = one.get("STUDY", {"StudyInstanceUID": "1.2.3"})
    assert (answers.status, answers.received) == (0, {})


def test_c_get_without_its_unique_key_is_refused(loopback_pacs: LoopbackPacs) -> None:
    with client((loopback_pacs.host, loopback_pacs.port), "PACS") as one:
        assert one.get("STUDY", {"PatientID": "SYN-0001"}).status == 0xA900


def test_an_instance_without_a_context_is_named_as_failed(loopback_pacs: LoopbackPacs, tmp_path: Path) -> None:
    loopback_pacs.load(CT.write(tmp_path / "ct"))
    images_only = [Proposal(CT_CLASS, ("1.2.840.10008.1.2.1",))]
    with client((loopback_pacs.host, loopback_pacs.port), "PACS", storage=images_only) as one:
        answers = one.get("STUDY", {"StudyInstanceUID": CT.study_instance_uid})
    *_, report = CT.datasets()
    assert answers.status == 0xB000
    assert answers.failed == (report.SOPInstanceUID,)


def test_warnings_of_the_receiver_are_counted(loopback_pacs: LoopbackPacs, tmp_path: Path) -> None:
    paths = CT.write(tmp_path / "ct")
    loopback_pacs.load(paths)
    with client((loopback_pacs.host, loopback_pacs.port), "PACS", storage=proposals(paths)) as one:
        answers = one.get("STUDY", {"StudyInstanceUID": CT.study_instance_uid}, store_status=0xB000)
    assert answers.status == 0xB000
    assert answers.counts[ul.WARNING] == 5


def test_one_context_with_many_syntaxes_gets_the_one_that_is_stored(loopback_pacs: LoopbackPacs) -> None:
    path = pydicom_files.pydicom_file(pydicom_files.BY_ENCODING["JPEG 2000 lossless"])
    loopback_pacs.load([path])
    [instance] = loopback_pacs.instances()
    many = [
        Proposal(instance.sop_class_uid, ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2", instance.transfer_syntax_uid))
    ]
    with client((loopback_pacs.host, loopback_pacs.port), "PACS", storage=many) as one:
        answers = one.get("STUDY", {"StudyInstanceUID": instance.study_instance_uid})
    assert answers.received == {instance.sop_instance_uid: data_set_bytes(path)}


def test_a_canceled_fetch_ends_early_and_counts_what_is_left(loopback_pacs: LoopbackPacs, tmp_path: Path) -> None:
    paths = CT.write(tmp_path / "ct")
    loopback_pacs.load(paths)
    with client((loopback_pacs.host, loopback_pacs.port), "PACS", storage=proposals(paths)) as one:
        answers = one.get("STUDY", {"StudyInstanceUID": CT.study_instance_uid}, cancel_after=2)
    assert answers.status == 0xFE00
    assert answers.counts == {ul.REMAINING: 3, ul.COMPLETED: 2, ul.FAILED: 0, ul.WARNING: 0}


def test_c_move_sends_to_a_known_destination(loopback_pacs: LoopbackPacs, odd: dict[str, Path], tmp_path: Path) -> None:
    with LoopbackPacs(tmp_path / "destination", "DEST") as destination:
        loopback_pacs.destinations["DEST"] = (destination.host, destination.port)
        with client((loopback_pacs.host, loopback_pacs.port), "PACS") as one:
            answers = one.move("STUDY", "DEST", {"StudyInstanceUID": STUDY_UID})
        kept = {i.sop_instance_uid: data_set_bytes(i.path) for i in destination.instances()}
    assert answers.counts == {ul.COMPLETED: len(odd), ul.FAILED: 0, ul.WARNING: 0}
    assert kept == {instance_uid(name): data_set_bytes(path) for name, path in odd.items()}


def test_c_move_to_an_unknown_destination_is_refused(loopback_pacs: LoopbackPacs) -> None:
    with client((loopback_pacs.host, loopback_pacs.port), "PACS") as one:
        assert one.move("STUDY", "NOBODY", {"StudyInstanceUID": STUDY_UID}).status == 0xA801


def test_c_move_to_a_dead_destination_fails_every_instance(loopback_pacs: LoopbackPacs, odd: dict[str, Path]) -> None:
    loopback_pacs.destinations["DEAD"] = ("127.0.0.1", 9)
    with client((loopback_pacs.host, loopback_pacs.port), "PACS") as one:
        answers = one.move("STUDY", "DEAD", {"StudyInstanceUID": STUDY_UID})
    assert answers.status == 0xA702
    assert len(answers.failed) == len(odd)


@pytest.mark.peer
def test_storescp_receives_every_odd_instance_bit_by_bit(
    loopback_pacs: LoopbackPacs, odd: dict[str, Path], storescp: Storescp
) -> None:
    loopback_pacs.destinations["STORESCP"] = (storescp.host, storescp.port)
    with client((loopback_pacs.host, loopback_pacs.port), "PACS") as one:
        answers = one.move("STUDY", "STORESCP", {"StudyInstanceUID": STUDY_UID})
    assert answers.status == 0
    assert {data_set_bytes(path) for path in storescp.files()} == {data_set_bytes(path) for path in odd.values()}


@pytest.mark.peer
@pytest.mark.parametrize("tool", ["getscu", "movescu"])
def test_dcmtk_fetches_a_study(tool: str, loopback_pacs: LoopbackPacs, tmp_path: Path) -> None:
    skip_or_fail(tool)
    loopback_pacs.load(CT.write(tmp_path / "ct"))
    expected = {data_set_bytes(path) for path in (tmp_path / "ct").iterdir()}
    with LoopbackPacs(tmp_path / "destination", "DEST") as destination:
        loopback_pacs.destinations["DEST"] = (destination.host, destination.port)
        where = ("-od", str(tmp_path / "destination"), "+B") if tool == "getscu" else ("-aem", "DEST")
        keys = ("-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={CT.study_instance_uid}")
        command = [str(require_program(tool)), "-S", "-aec", "PACS", *where, *keys]
        subprocess.run([*command, loopback_pacs.host, str(loopback_pacs.port)], check=True, timeout=20)
    assert {data_set_bytes(path) for path in (tmp_path / "destination").iterdir()} == expected


def test_pynetdicom_fetches_a_study(loopback_pacs: LoopbackPacs, tmp_path: Path) -> None:
    study = mr_study(patients.UTF8, instances=3)
    loopback_pacs.load(study.write(tmp_path / "mr"))
    model, mr_class = "1.2.840.10008.5.1.4.1.2.2.3", "1.2.840.10008.5.1.4.1.1.4"
    received: list[bytes] = []

    def keep(event: evt.Event) -> int:
        received.append(event.encoded_dataset(include_meta=False))
        return 0

    entity = AE()
    entity.add_requested_context(model)
    entity.add_requested_context(mr_class, "1.2.840.10008.1.2.1")
    association = entity.associate(
        loopback_pacs.host,
        loopback_pacs.port,
        ae_title="PACS",
        ext_neg=[build_role(mr_class, scp_role=True)],
        evt_handlers=[(evt.EVT_C_STORE, keep)],
    )
    query = Dataset()
    query.QueryRetrieveLevel, query.StudyInstanceUID = "STUDY", study.study_instance_uid
    final = [status.Status for status, _ in association.send_c_get(query, model)][-1]
    association.release()
    assert final == 0
    assert set(received) == {data_set_bytes(path) for path in (tmp_path / "mr").iterdir()}
