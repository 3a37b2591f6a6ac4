"""`adit run` interrupted by Ctrl-C and kill -9, and run again: nothing is lost, no finished task is repeated."""

import json
import os
import signal

from adit_cli.testing.hospital import Hospital
from adit_cli.testing.program import Running, alive, until


def finished_tasks(hospital: Hospital) -> int:
    """How many tasks the runners have written down as finished, by the cluster."""
    return sum(letter == "S" for told in hospital.adit.told().values() for letter in told.states.values())


def runner_of(program: Running) -> int:
    until(lambda: bool(program.children()))
    [runner] = program.children()
    return runner


def test_ctrl_c_exits_130_ends_the_runners_and_run_again_goes_on(hospital: Hospital) -> None:
    file = hospital.file(parallelism=1)
    hospital.slow(0.1)
    with hospital.adit.started("run", file) as program:
        until(lambda: hospital.destination.received >= 5)
        runner = runner_of(program)
        program.interrupt()
        assert program.ended() == 130
        assert "interrupted: what arrived is kept, the same command goes on where it was" in program.text
        assert "Traceback" not in program.text
    assert not alive(runner)
    kept = hospital.destination.received
    assert kept < 12
    told = hospital.adit.told()["night"]
    assert list(told.states.values()) == ["S", "P", "P"]
    hospital.slow(0)
    assert hospital.adit.run("run", file).code == 0
    assert hospital.arrived == hospital.all_instances
    # the first study is not sent again, the second one from its beginning
    assert hospital.destination.received == kept + 8


def test_a_service_manager_ends_it_as_ctrl_c_does(hospital: Hospital) -> None:
    file = hospital.file(parallelism=1)
    hospital.slow(0.1)
    with hospital.adit.started("run", file) as program:
        until(lambda: hospital.destination.received >= 1)
        runner = runner_of(program)
        program.terminate()
        assert program.ended() == 130
        assert "interrupted: what arrived is kept" in program.text
    assert not alive(runner)


def test_kill_9_in_the_middle_of_a_job_ends_the_runners_and_run_again_repeats_no_finished_task(
    hospital: Hospital,
) -> None:
    file = hospital.file(parallelism=1)
    hospital.slow(0.1)
    with hospital.adit.started("run", file) as program:
        until(lambda: hospital.destination.received >= 5)
        runner = runner_of(program)
        program.kill()
        until(lambda: not alive(runner), 5)
    moved = hospital.destination.received
    assert finished_tasks(hospital) == 1
    hospital.slow(0)
    again = hospital.adit.run("run", file)
    assert again.code == 0, again.err
    assert hospital.arrived == hospital.all_instances
    # two studies of four, and at most the one that was on the wire; the finished task again would make twelve
    assert 8 <= hospital.destination.received - moved <= 9
    # no image is left behind in the data folder
    assert not list(hospital.adit.data.rglob("*.dcm"))
    assert not list((hospital.adit.data / "pods").iterdir())


def test_kill_9_of_a_runner_alone_costs_another_attempt_and_nothing_else(hospital: Hospital) -> None:
    file = hospital.file(parallelism=1)
    hospital.slow(0.1)
    with hospital.adit.started("run", file) as program:
        until(lambda: hospital.destination.received >= 5)
        runner = runner_of(program)
        os.kill(runner, signal.SIGKILL)
        moved = hospital.destination.received
        hospital.slow(0)
        assert program.ended() == 0, program.text
    assert hospital.arrived == hospital.all_instances
    assert 8 <= hospital.destination.received - moved <= 9
    attempts = [one["metadata"]["name"].rpartition("-")[2] for one in hospital.adit.objects("Job")]
    assert sorted(attempts) == ["a0", "a0", "a0", "a1"]


def test_two_at_once_on_one_database_give_the_same_result_and_send_each_instance_once(hospital: Hospital) -> None:
    file = hospital.file()
    hospital.slow(0.02)
    with (
        hospital.adit.started("run", file, log="one.out") as one,
        hospital.adit.started("run", file, log="two.out") as two,
    ):
        assert (one.ended(), two.ended()) == (0, 0), one.text + two.text
        for program in (one, two):
            assert "Success" in program.text
    assert hospital.destination.received == 12
    assert hospital.arrived == hospital.all_instances


def test_the_second_takes_over_when_the_first_is_killed(hospital: Hospital) -> None:
    file = hospital.file(parallelism=1)
    hospital.slow(0.15)
    with hospital.adit.started("run", file, log="one.out") as one:
        until(lambda: hospital.destination.received >= 1)
        with hospital.adit.started("run", file, log="two.out") as two:
            two.says("InProgress")
            assert two.children() == []  # the first works, the second follows
            until(lambda: hospital.destination.received >= 5)
            one.kill()
            moved = hospital.destination.received
            hospital.slow(0)
            assert two.ended() == 0, two.text
    assert hospital.arrived == hospital.all_instances
    assert 8 <= hospital.destination.received - moved <= 9
    assert json.loads(hospital.adit.run("get", "tj", "night", "-o", "json").out)["status"]["phase"] == "Success"
