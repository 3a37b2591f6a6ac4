"""`adit run` between two PACS: its exit codes, its words, and a file that is run again."""

from pathlib import Path

from adit.testing.faults import Faults
from adit_cli.testing import manifests
from adit_cli.testing.hospital import Hospital
from adit_cli.testing.program import Adit


def test_a_finished_job_exits_0_and_run_again_moves_nothing_more(hospital: Hospital) -> None:
    file = hospital.file()
    first = hospital.adit.run("run", file)
    assert (first.code, hospital.arrived) == (0, hospital.all_instances), first.err
    assert hospital.destination.received == 12
    again = hospital.adit.run("run", file)
    assert (again.code, again.out.splitlines()[1].split()[:6]) == (
        0,
        ["night", "source", "destination", "Success", "3/3", "0"],
    )
    assert hospital.destination.received == 12


def test_a_lost_instance_makes_it_exit_3_the_first_and_every_other_time(hospital: Hospital) -> None:
    hospital.destination.faults = Faults(drop_every_nth_stored=7)
    file = hospital.file(parallelism=1)
    first = hospital.adit.run("run", file)
    assert first.code == 3, first.err
    assert (
        "TransferJob/night: Warning: 2 succeeded, 1 with warnings of 3 tasks: 1 × NotVerified (adit describe tj night)"
        in first.err
    )
    received = hospital.destination.received
    again = hospital.adit.run("run", file)
    assert (again.code, hospital.destination.received) == (3, received)
    described = hospital.adit.run("describe", "tj", "night").out
    [lost] = hospital.all_instances - hospital.arrived
    assert f"instance {lost} of series" in described
    assert "NotVerified the destination took it but does not answer it" in described


def test_a_failure_exits_1_and_a_retry_of_the_failed_task_mends_it(hospital: Hospital) -> None:
    hospital.destination.faults = Faults(refuse_store_status=0xA700)
    file = hospital.file(parallelism=1)
    assert hospital.adit.run("run", file).code == 1
    hospital.destination.faults = Faults()
    refused = hospital.adit.run("retry", "night", "--task", "t7")
    assert (refused.code, "TransferJob/night has no task t7; adit describe tj night lists them" in refused.err) == (
        1,
        True,
    )
    assert hospital.adit.run("retry", "night", "--task", "t1").code == 0
    assert hospital.adit.run("run", file).code == 1  # two others failed
    assert hospital.adit.told()["night"].states == {"t0": "F", "t1": "S", "t2": "F"}
    outside = hospital.adit.run("retry", "night", "--task", "t0", "--task", "t1")
    assert (outside.code, "not in scope Failed: t1; nothing was repeated" in outside.err) == (1, True)
    assert hospital.adit.run("retry", "night").code == 0
    mended = hospital.adit.run("run", file)
    assert (mended.code, hospital.arrived) == (0, hospital.all_instances), mended.err


def test_a_retry_in_the_file_that_opens_no_round_is_told(hospital: Hospital) -> None:
    assert hospital.adit.run("run", hospital.file()).code == 0
    again = hospital.adit.run("run", hospital.file(retry={"token": "once-more", "scope": "Failed"}))
    assert again.code == 0
    assert "TransferJob/night: RetryRefused: no task is in scope Failed; nothing was repeated" in again.err


def test_an_unknown_field_exits_2_with_its_place_and_changes_nothing(hospital: Hospital) -> None:
    file = hospital.file(paralelism=2)
    result = hospital.adit.run("run", file)
    assert result.code == 2
    line = file.read_text().splitlines().index("  paralelism: 2") + 1
    assert f"{file}: TransferJob/night: spec.paralelism: unknown field" in result.err
    assert f"(line {line})" in result.err
    assert hospital.adit.objects("TransferJob") == []


def test_a_wrong_type_exits_2_with_its_place(hospital: Hospital) -> None:
    file = hospital.file(parallelism="many")
    result = hospital.adit.run("run", file)
    assert result.code == 2
    assert f"{file}: TransferJob/night: spec.parallelism: " in result.err
    assert "many" not in result.err  # what a file says may be a patient's


def test_a_changed_job_exits_2_and_nothing_of_the_file_is_applied(hospital: Hospital) -> None:
    assert hospital.adit.run("run", hospital.file()).code == 0
    other = manifests.job("other", hospital.studies)
    file = hospital.file(other, destination="elsewhere")
    result = hospital.adit.run("run", file)
    assert result.code == 2
    assert f"{file}: TransferJob/night: spec.destination: is immutable; make a new TransferJob (line " in result.err
    assert [one["metadata"]["name"] for one in hospital.adit.objects("TransferJob")] == ["night"]


def test_a_file_without_a_job_is_applied_and_exits_0(tmp_path: Path) -> None:
    file = manifests.write(tmp_path / "servers.yaml", [manifests.server_at("pacs", 11112)])
    result = Adit(tmp_path / "data").run("run", file)
    assert (result.code, result.out) == (0, "1 objects applied, no job among them\n")


def test_manifests_come_from_standard_input_as_well(hospital: Hospital) -> None:
    result = hospital.adit.run("run", "-", stdin=hospital.file().read_text())
    assert (result.code, hospital.destination.received) == (0, 12), result.err
