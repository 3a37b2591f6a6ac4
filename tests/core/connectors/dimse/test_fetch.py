"""C-GET against real peers: what arrives is byte for byte what is stored, and everything that goes wrong is told."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Timer, active_count

import pytest

from adit.connectors.dimse import DimseConnector
from adit.errors import PermanentError, RetryableError
from adit.query import Selection
from adit.testing.datasets import Study, ct_study, mr_study
from adit.testing.faults import Faults
from adit.testing.odd_files import STUDY_UID, instance_uid, odd_files
from adit.testing.orthanc import Orthanc
from adit.testing.pacs import LoopbackPacs
from adit.testing.part10 import data_set_bytes
from adit.testing.patients import PLAIN
from adit.testing.programs import Storescp
from adit.testing.pytest_plugin import skip_or_fail
from adit.transfer.instance import Instance

Connect = Callable[..., DimseConnector]
CT = ct_study(PLAIN, instances=6, report=True)


def whole(study: Study) -> Selection:
    return Selection(study.patient.patient_id, study.study_instance_uid)


def contents(instances: list[Instance]) -> dict[str, bytes]:
    return {one.sop_instance_uid: b"".join(one.chunks()) for one in instances}


@pytest.fixture
def files(loopback_pacs: LoopbackPacs, tmp_path: Path) -> list[Path]:
    paths = CT.write(tmp_path / "ct")
    loopback_pacs.load(paths)
    return paths


def fetch_until_error(
    connector: DimseConnector, selection: Selection, spool: Path
) -> tuple[list[Instance], RetryableError]:
    """What came, and the error after it."""
    got: list[Instance] = []
    try:
        for instance in connector.fetch(selection, spool):
            got.append(instance)  # noqa: PERF402 - extend() would lose what came before the error
    except RetryableError as error:
        return got, error
    pytest.fail("the fetch should have failed")


def test_a_study_arrives_byte_for_byte(
    loopback_pacs: LoopbackPacs, connect: Connect, files: list[Path], spool: Path
) -> None:
    got = contents(list(connect(loopback_pacs).fetch(whole(CT), spool)))
    assert got == {path.stem: data_set_bytes(path) for path in files}


def test_series_and_named_instances_are_fetched_alone(
    loopback_pacs: LoopbackPacs, connect: Connect, files: list[Path], spool: Path
) -> None:
    connector = connect(loopback_pacs)
    axial, report = (series.uid_in(CT) for series in CT.series)
    assert len(list(connector.fetch(replace(whole(CT), series_instance_uids=(report,)), spool))) == 1
    named = replace(whole(CT), sop_instance_uids=((axial, (files[0].stem, files[2].stem)),))
    assert {one.sop_instance_uid for one in connector.fetch(named, spool)} == {files[0].stem, files[2].stem}
    assert loopback_pacs.peak_associations == 1


@pytest.mark.usefixtures("files")
def test_a_patient_root_server_is_asked_with_the_patient(
    loopback_pacs: LoopbackPacs, connect: Connect, spool: Path
) -> None:
    assert len(list(connect(loopback_pacs, find=("PatientRoot",)).fetch(whole(CT), spool))) == 7


def test_a_study_that_is_not_there_brings_nothing_and_is_no_error(
    loopback_pacs: LoopbackPacs, connect: Connect, spool: Path
) -> None:
    assert list(connect(loopback_pacs).fetch(Selection("1", "1.2.3"), spool)) == []


def test_odd_mixed_compressed_and_private_instances_arrive_as_they_are(
    loopback_pacs: LoopbackPacs, connect: Connect, tmp_path: Path, spool: Path
) -> None:
    odd = odd_files(tmp_path / "odd")
    loopback_pacs.load(odd.values())
    got = list(connect(loopback_pacs).fetch(Selection(PLAIN.patient_id, STUDY_UID), spool))
    assert contents(got) == {instance_uid(name): data_set_bytes(path) for name, path in odd.items()}
    assert len({one.transfer_syntax_uid for one in got}) == 5


@pytest.mark.usefixtures("files")
def test_what_came_is_handed_on_before_a_partial_retrieve_is_told(
    loopback_pacs: LoopbackPacs, connect: Connect, spool: Path
) -> None:
    loopback_pacs.faults = Faults(fail_fetch_every_nth=1)
    got, error = fetch_until_error(connect(loopback_pacs), whole(CT), spool)
    assert got == []
    assert (error.reason, error.message) == (
        "PartialRetrieve",
        "pacs sent 0 of 7 instances and failed to send 7; its own log says why",
    )


@pytest.mark.usefixtures("files")
def test_a_failure_that_passes_is_made_good_by_asking_once_more(
    loopback_pacs: LoopbackPacs, connect: Connect, spool: Path
) -> None:
    loopback_pacs.faults = Faults(fail_fetch_every_nth=2)  # three of seven, then one of those three
    got, error = fetch_until_error(connect(loopback_pacs), whole(CT), spool)
    assert len({one.sop_instance_uid for one in got}) == 6
    assert "sent 6 of 7 instances and failed to send 1" in str(error)


@pytest.mark.usefixtures("files")
def test_a_peer_that_closes_mid_study_is_told_after_what_came(
    loopback_pacs: LoopbackPacs, connect: Connect, spool: Path
) -> None:
    loopback_pacs.faults = Faults(abort_fetch_after=3)
    got, error = fetch_until_error(connect(loopback_pacs), whole(CT), spool)
    assert len(got) == 3
    assert error.reason == "ConnectionLost"
    assert sorted(spool.iterdir()) == sorted(piece.path for one in got for piece in one.pieces)  # type: ignore[union-attr] # a fetched instance is a slice of a file


@pytest.mark.usefixtures("files")
def test_a_server_without_the_service_says_so(loopback_pacs: LoopbackPacs, connect: Connect, spool: Path) -> None:
    loopback_pacs.faults = Faults(no_storage_contexts=True)
    got, error = fetch_until_error(connect(loopback_pacs), whole(CT), spool)
    assert got == []
    assert error.reason == "PartialRetrieve"


@pytest.mark.usefixtures("files")
def test_a_fetch_that_is_left_early_ends_the_association_and_its_threads(
    loopback_pacs: LoopbackPacs, connect: Connect, spool: Path
) -> None:
    before = active_count()
    connector = connect(loopback_pacs)
    fetched = connector.fetch(whole(CT), spool)
    first = next(fetched)
    fetched.close()  # type: ignore[attr-defined] # a generator
    connector.echo()
    connector.close()
    assert [piece.path for piece in first.pieces] == list(spool.iterdir())  # type: ignore[union-attr] # as above
    assert active_count() <= before + 1  # the PACS may still be noticing


@pytest.mark.usefixtures("files")
def test_the_peer_is_never_more_than_one_instance_ahead(
    loopback_pacs: LoopbackPacs, connect: Connect, spool: Path
) -> None:
    fetched = connect(loopback_pacs).fetch(whole(CT), spool)
    next(fetched)
    Timer(0.2, lambda: None).run()
    assert len(list(spool.iterdir())) <= 2
    assert len(list(fetched)) == 6


@pytest.mark.usefixtures("files")
def test_abort_from_another_thread_ends_a_fetch_at_once(
    loopback_pacs: LoopbackPacs, connect: Connect, spool: Path
) -> None:
    loopback_pacs.faults = Faults(delay_per_instance=30)
    connector = connect(loopback_pacs, response_timeout_seconds=60)
    timer = Timer(0.3, connector.abort)
    timer.start()
    _, error = fetch_until_error(connector, whole(CT), spool)
    timer.join()
    assert (error.reason, error.message) == ("Aborted", "the exchange with pacs was aborted")
    with pytest.raises(RetryableError, match="aborted"):
        connector.echo()


@pytest.mark.parametrize("implementation", ["Native"])  # test_same_results.py holds the other to it
@pytest.mark.peer
@pytest.mark.parametrize("tcp_nodelay", [True, False], ids=["TCP_NODELAY=1", "as installed"])
def test_orthanc_gives_a_study_as_it_took_it(
    connect: Connect, tmp_path: Path, spool: Path, *, tcp_nodelay: bool
) -> None:
    skip_or_fail("Orthanc")
    studies = (CT, mr_study(PLAIN, instances=40))
    with Orthanc(tmp_path / "orthanc", tcp_nodelay=tcp_nodelay) as orthanc:
        connector = connect(orthanc)
        for study in studies:
            paths = study.write(tmp_path / study.label)
            orthanc.upload(paths)
            got = contents(list(connector.fetch(whole(study), spool)))
            assert got == {path.stem: data_set_bytes(path) for path in paths}


@pytest.mark.parametrize("implementation", ["Native"])  # test_same_results.py holds the other to it
@pytest.mark.peer
def test_orthanc_gives_private_classes_and_mixed_syntaxes_too(
    orthanc: Orthanc, connect: Connect, tmp_path: Path, spool: Path
) -> None:
    odd = odd_files(tmp_path / "odd")
    orthanc.upload(odd.values())
    got = list(connect(orthanc).fetch(Selection(PLAIN.patient_id, STUDY_UID), spool))
    assert {one.sop_instance_uid for one in got} == {instance_uid(name) for name in odd}


@pytest.mark.peer
def test_a_server_that_does_not_offer_c_get_says_what_to_change(
    storescp: Storescp, connect: Connect, spool: Path
) -> None:
    with pytest.raises(PermanentError, match=r"storescp accepts no StudyRoot C-GET .* spec\.retrieveOrder") as error:
        list(connect(storescp).fetch(whole(CT), spool))
    assert error.value.reason == "NoPresentationContext"


@pytest.mark.usefixtures("files")
def test_a_spool_that_cannot_be_written_is_said_and_the_association_ended(
    loopback_pacs: LoopbackPacs, connect: Connect, spool: Path
) -> None:
    connector = connect(loopback_pacs)
    got, error = fetch_until_error(connector, whole(CT), spool / "missing")
    assert got == []
    assert error.reason == "SpoolUnwritable"
    assert error.message == "cannot write what pacs sends into the spool: No such file or directory"
    assert len(list(connector.fetch(whole(CT), spool))) == 7
