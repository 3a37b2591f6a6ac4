import socket
from pathlib import Path
from typing import Any

import pytest

from adit.api.resource import DicomServer
from adit.diagnosis.receiver import embedded_receiver, judge_deployment, judge_need, judge_port, only_moves
from adit.testing.cluster import server_manifest


def server(name: str = "pacs", **dimse: Any) -> DicomServer:
    manifest = server_manifest(name)
    manifest["spec"]["dimse"] |= dimse
    return DicomServer.of({**manifest, "metadata": {**manifest["metadata"], "uid": f"uid-{name}"}})


MOVER = server("mover", get=False, move=True)


@pytest.mark.parametrize(
    ("dimse", "only"),
    [({}, False), ({"move": True}, False), ({"get": False, "move": True}, True), ({"get": False}, False)],
)
def test_what_gives_images_away_by_c_move_only_needs_a_receiver(dimse: dict[str, Any], *, only: bool) -> None:
    assert only_moves(server(**dimse).spec) is only


def test_a_receiver_that_is_missed_is_told_with_who_needs_it() -> None:
    [finding] = judge_need([server(), MOVER], there=False)
    assert (finding.code, finding.verdict) == ("ReceiverMissing", "warning")
    assert "mover" in finding.what
    assert judge_need([server()], there=False) == judge_need([MOVER], there=True) == []


@pytest.mark.parametrize(
    ("listening", "hosted", "code"),
    [
        (True, False, "PortTaken"),
        (True, True, "ReceiverListens"),
        (False, True, "ReceiverNotListening"),
        (False, False, "ReceiverPortFree"),
    ],
)
def test_the_port_of_an_embedded_receiver_is_had_or_free_or_taken(*, listening: bool, hosted: bool, code: str) -> None:
    assert judge_port(11112, listening, hosted=hosted).code == code


def test_a_port_that_somebody_else_has_is_seen(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        [finding] = embedded_receiver(tmp_path, [MOVER], {"ADIT_RECEIVER_PORT": port})
    assert finding.code == "PortTaken"
    [wrong] = embedded_receiver(tmp_path, [], {"ADIT_RECEIVER_PORT": "many"})
    assert wrong.verdict == "problem"


@pytest.mark.parametrize(
    ("deployments", "code"),
    [
        (None, "ReceiverUnseen"),
        ([], "ReceiverDown"),
        ([{"status": {}}], "ReceiverDown"),
        ([{"status": {"availableReplicas": 1}}], "ReceiverReady"),
    ],
)
def test_the_receiver_of_a_cluster_is_as_its_pods_are(deployments: Any, code: str) -> None:
    assert judge_deployment(deployments, "adit", "TAKER").code == code
