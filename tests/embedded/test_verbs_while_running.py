"""A second terminal while `adit run` works: suspend, resume, cancel, cancel --now, delete."""

from adit.testing import patients
from adit.testing.datasets import ct_study
from adit_cli.testing.hospital import Hospital
from adit_cli.testing.program import until


def test_a_suspended_job_ends_the_run_with_1_and_goes_on_after_resume(hospital: Hospital) -> None:
    file = hospital.file(parallelism=1)
    hospital.slow(0.15)
    with hospital.adit.started("run", file) as program:
        until(lambda: hospital.destination.received >= 1)
        assert hospital.adit.run("suspend", "night").out == "TransferJob/night will stop after the studies in work\n"
        assert program.ended() == 1
        assert "TransferJob/night is suspended: " in program.text
        assert "adit resume night lets it go on" in program.text
    # the study in work was finished, no other was begun
    worked = [hospital.arrived_of(study) for study in hospital.studies]
    assert set(worked) == {0, 4}
    assert hospital.adit.run("run", file).code == 1  # suspended it stays
    hospital.slow(0)
    assert hospital.adit.run("resume", "night").code == 0
    assert hospital.adit.run("run", file).code == 0
    assert hospital.arrived == hospital.all_instances
    assert hospital.destination.received == 12


def test_cancel_finishes_the_study_in_work_and_ends_the_run_with_1(hospital: Hospital) -> None:
    file = hospital.file(parallelism=1)
    hospital.slow(0.15)
    with hospital.adit.started("run", file) as program:
        until(lambda: hospital.destination.received >= 1)
        assert hospital.adit.run("cancel", "night").out == "TransferJob/night: shutdown Graceful asked for\n"
        assert program.ended() == 1
        assert "TransferJob/night was canceled: Canceled: " in program.text
        assert "adit retry night --scope Canceled works the rest" in program.text
    assert {hospital.arrived_of(study) for study in hospital.studies} == {0, 4}
    told = hospital.adit.told()["night"]
    assert sorted(set(told.states.values())) == ["C", "S"]
    resumed = hospital.adit.run("resume", "night")
    assert (resumed.code, "adit retry night --scope Canceled" in resumed.err) == (1, True)
    hospital.slow(0)
    assert hospital.adit.run("retry", "night", "--scope", "Canceled").code == 0
    assert hospital.adit.run("run", file).code == 0
    assert hospital.arrived == hospital.all_instances
    assert hospital.destination.received == 12


def test_cancel_now_interrupts_the_study_in_work_and_what_arrived_stays(hospital: Hospital) -> None:
    long = ct_study(patients.UMLAUT, instances=60, rows=16)
    hospital.source.load(long.write(hospital.folder / "long"))
    hospital.studies = (long,)
    hospital.slow(0.1)
    with hospital.adit.started("run", hospital.file()) as program:
        until(lambda: hospital.destination.received >= 1)
        assert hospital.adit.run("cancel", "--now", "night").code == 0
        assert program.ended() == 1
    assert 1 <= len(hospital.arrived) < 60
    assert set(hospital.adit.told()["night"].states.values()) == {"C"}


def test_deleting_the_job_ends_the_run_with_1_and_its_runner(hospital: Hospital) -> None:
    hospital.slow(0.5)
    with hospital.adit.started("run", hospital.file(parallelism=1)) as program:
        until(lambda: hospital.destination.received >= 1)
        assert hospital.adit.run("delete", "tj", "night").out == "TransferJob/night deleted\n"
        assert program.ended() == 1
        assert "TransferJob/night was deleted while it was followed" in program.text
    assert hospital.adit.objects("TaskSet") == []
    assert len(hospital.arrived) < 12
