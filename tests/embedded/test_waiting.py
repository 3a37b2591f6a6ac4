"""A job that cannot start now: it says why, waits on, and goes on by itself."""

from adit.testing.faults import Faults
from adit.testing.pacs import LoopbackPacs
from adit.testing.programs import free_port
from adit_cli.testing import manifests
from adit_cli.testing.hospital import Hospital


def test_a_server_that_is_down_is_named_and_waited_for_until_it_comes_up(hospital: Hospital) -> None:
    port = free_port()
    hospital.servers[1] = manifests.server_at("destination", port, "DESTINATION")
    with hospital.adit.started("run", hospital.file(parallelism=1)) as program:
        program.says(f"DESTINATION@127.0.0.1:{port} does not answer")
        program.says(f"destination cannot be reached at 127.0.0.1:{port}: connection refused; check that it runs")
        assert program.process.poll() is None
        with LoopbackPacs(hospital.folder / "late", "DESTINATION", port) as late:
            assert program.ended() == 0, program.text
            assert late.received == 12
    assert "Traceback" not in program.text
    assert "SOURCE@" not in program.text  # it answers, and is not blamed for the other


def test_a_time_out_ends_the_waiting_with_1_and_prints_the_reason(hospital: Hospital) -> None:
    port = free_port()
    hospital.servers[0] = manifests.server_at("source", port, "SOURCE")
    result = hospital.adit.run("run", "--timeout", "3", hospital.file(parallelism=1))
    assert result.code == 1
    assert "not finished after 3 s: what arrived is kept, the same command goes on where it was" in result.err
    assert f"TransferJob/night is not finished: SOURCE@127.0.0.1:{port} does not answer" in result.err
    assert "night   source   destination" in result.out


def test_a_paused_server_is_named_and_the_job_goes_on_when_it_is_let_loose(hospital: Hospital) -> None:
    spec = hospital.servers[0]["spec"]
    hospital.servers[0] = {**hospital.servers[0], "spec": {**spec, "paused": True}}
    with hospital.adit.started("run", hospital.file()) as program:
        program.says("is paused: set spec.paused of its DicomServer to false to go on")
        loose = manifests.write(
            hospital.folder / "loose.yaml", [{**hospital.servers[0], "spec": {**spec, "paused": False}}]
        )
        assert hospital.adit.run("run", loose).code == 0
        assert program.ended() == 0


def test_rejected_associations_are_waited_out_and_the_rejection_is_told(hospital: Hospital) -> None:
    hospital.destination.faults = Faults(reject_associations=True, rejection=(2, 3, 2))
    with hospital.adit.started("run", hospital.file(parallelism=1)) as program:
        program.says("rejected the association of ADIT with DESTINATION for now: it has too many associations open")
        hospital.destination.faults = Faults()
        assert program.ended() == 0
    assert hospital.arrived == hospital.all_instances


def test_a_missing_server_stalls_the_job_and_creating_it_lets_it_go_on(hospital: Hospital) -> None:
    destination = hospital.servers.pop()
    file = hospital.file()
    result = hospital.adit.run("run", file)
    sentence = "there is no DicomServer destination in namespace default: create it, or correct the name"
    assert (result.code, f"TransferJob/night is stalled: {sentence}" in result.err) == (1, True)
    hospital.servers.append(destination)
    assert hospital.adit.run("run", hospital.file()).code == 0
    assert hospital.arrived == hospital.all_instances
