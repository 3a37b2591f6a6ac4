"""The way to a server is chosen by what it supports and what is preferred; one connection is open at most."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from adit.api.dicom_server import DicomServerSpec
from adit.connectors import Target, open_connector
from adit.connectors.operator import DicomOperator, echo_way, fetch_way, find_way, store_way
from adit.errors import PermanentError, RetryableError
from adit.query import Level, Query, Selection
from adit.testing import patients
from adit.testing.datasets import ct_study
from adit.testing.orthanc import Orthanc
from adit.testing.pacs import LoopbackPacs
from adit.transfer.placement import Placement

DIMSE = {"host": "127.0.0.1", "port": 104}
WEB = {"url": "http://127.0.0.1:8042/dicom-web"}
MOVE_ONLY = {"aeTitle": "PACS", "dimse": {**DIMSE, "get": False, "move": True}}


def spec(**fields: Any) -> DicomServerSpec:
    return DicomServerSpec.of({"aeTitle": "PACS", **fields})


def target(path: Path, server: DicomServerSpec) -> Target:
    return Target("archive", server, "ADIT", path)


def test_dimse_is_preferred_where_nothing_else_is_said() -> None:
    both = spec(dimse=DIMSE, dicomweb=WEB)
    assert (echo_way(both), find_way(both), fetch_way(both), store_way(both)) == ("dimse",) * 4


def test_a_web_server_does_everything_over_the_web() -> None:
    web = spec(dicomweb=WEB)
    assert (echo_way(web), find_way(web), fetch_way(web), store_way(web)) == ("web",) * 4


def test_the_orders_decide_between_what_both_support() -> None:
    both = spec(dimse=DIMSE, dicomweb=WEB, retrieveOrder=["Wado", "CGet"], storeOrder=["Stow", "CStore"])
    assert (fetch_way(both), store_way(both)) == ("web", "web")


def test_what_is_switched_off_is_passed_over() -> None:
    mixed = spec(dimse={**DIMSE, "get": False, "store": False, "find": []}, dicomweb=WEB)
    assert (echo_way(mixed), find_way(mixed), fetch_way(mixed), store_way(mixed)) == ("dimse", "web", "web", "web")


def test_c_move_is_passed_over_while_there_is_no_receiver() -> None:
    server = spec(dimse={**DIMSE, "move": True}, retrieveOrder=["CMove", "CGet"])
    assert (fetch_way(server), fetch_way(server, receiver=True)) == ("dimse", "move")


def test_a_server_with_nothing_but_c_move_says_what_is_missing(tmp_path: Path) -> None:
    operator = open_connector(target(tmp_path, DicomServerSpec.of(MOVE_ONLY)))
    with pytest.raises(PermanentError, match="archive offers C-MOVE only, and this installation has no") as error:
        list(operator.fetch(Selection("1", "1.2"), tmp_path))
    assert error.value.reason == "RetrieveUnsupported"


def test_what_a_server_does_not_do_is_said_with_the_fields_to_switch_it_on(tmp_path: Path) -> None:
    nothing = spec(dimse={**DIMSE, "get": False, "store": False, "find": []})
    operator = open_connector(target(tmp_path, nothing))
    with pytest.raises(PermanentError, match=r"spec\.dimse\.find") as find:
        list(operator.find(Query(Level.STUDY)))
    with pytest.raises(PermanentError, match=r"spec\.dimse\.get") as fetch:
        list(operator.fetch(Selection("1", "1.2"), tmp_path))
    with pytest.raises(PermanentError, match=r"spec\.dimse\.store") as store:
        list(operator.store([], Placement("job")))
    assert [error.value.reason for error in (find, fetch, store)] == [
        "FindUnsupported",
        "RetrieveUnsupported",
        "StoreUnsupported",
    ]


def test_a_study_is_found_and_fetched_with_one_association_open_at_a_time(
    loopback_pacs: LoopbackPacs, target_of: Callable[..., Target], tmp_path: Path, spool: Path
) -> None:
    study = ct_study(patients.PLAIN, instances=3)
    loopback_pacs.load(study.write(tmp_path / "ct"))
    with open_connector(target_of(loopback_pacs)) as operator:
        operator.echo()
        [found] = operator.find(Query(Level.STUDY, patient_id=patients.PLAIN.patient_id))
        instances = list(operator.fetch(Selection(found.PatientID, found.StudyInstanceUID), spool))
        operator.echo()
    assert len(instances) == 3
    assert loopback_pacs.peak_associations == 1


def test_an_operator_is_usable_again_after_it_was_closed(
    loopback_pacs: LoopbackPacs, target_of: Callable[..., Target]
) -> None:
    operator = DicomOperator(replace(target_of(loopback_pacs), name="again"))
    operator.echo()
    operator.close()
    operator.close()
    operator.echo()
    operator.close()


def test_an_aborted_operator_does_nothing_more(loopback_pacs: LoopbackPacs, target_of: Callable[..., Target]) -> None:
    operator = open_connector(target_of(loopback_pacs))
    operator.abort()
    with pytest.raises(RetryableError, match="the exchange with pacs was aborted"):
        operator.echo()


@pytest.mark.peer
def test_one_way_is_closed_before_the_other_is_used(orthanc: Orthanc, tmp_path: Path, spool: Path) -> None:
    study = ct_study(patients.PLAIN, instances=3)
    orthanc.upload(study.write(tmp_path / "ct"))
    both = spec(
        aeTitle=orthanc.ae_title,
        dimse={"host": orthanc.host, "port": orthanc.port},
        dicomweb={"url": orthanc.dicomweb_url},
        retrieveOrder=["Wado"],
    )
    with open_connector(target(tmp_path, both)) as operator:
        for _ in range(2):
            [found] = operator.find(Query(Level.STUDY, patient_id=patients.PLAIN.patient_id))
            assert connections(orthanc.port) == 1
            selection = Selection(found.PatientID, found.StudyInstanceUID)
            assert len(list(operator.fetch(selection, spool))) == 3
            assert connections(orthanc.port) == 0


def connections(port: int) -> int:
    """Connections of ours to a local port that are established (01), as the kernel counts them."""
    lines = Path("/proc/self/net/tcp").read_text("ascii").splitlines()[1:]
    wanted = f":{port:04X}"
    return sum(fields[2].endswith(wanted) and fields[3] == "01" for fields in map(str.split, lines))
