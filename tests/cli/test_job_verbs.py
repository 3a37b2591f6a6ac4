"""The verbs at the prompt: one field of the spec each, and refusals that say what to do instead."""

from adit.testing import patients
from adit.testing.datasets import ct_study
from adit_cli.testing import manifests
from adit_cli.testing.command_line import CommandLine

JOB = manifests.job("night", [ct_study(patients.PLAIN)])


def test_each_verb_writes_its_field(adit: CommandLine) -> None:
    adit.put(JOB)
    assert adit("suspend", "night").out == "TransferJob/night will stop after the studies in work\n"
    assert adit.get("TransferJob", "night")["spec"]["suspend"] is True
    assert adit("resume", "night").out == "TransferJob/night resumed; adit run FILE… works it\n"
    assert adit.get("TransferJob", "night")["spec"]["suspend"] is False
    assert adit("cancel", "night").out == "TransferJob/night: shutdown Graceful asked for\n"
    assert adit.get("TransferJob", "night")["spec"]["shutdown"] == "Graceful"
    assert adit("cancel", "--now", "night").out == "TransferJob/night: shutdown Immediate asked for\n"
    assert adit.get("TransferJob", "night")["spec"]["shutdown"] == "Immediate"


def test_resume_of_a_canceled_job_prints_the_retry_command(adit: CommandLine) -> None:
    adit.put(JOB)
    adit.tell("TransferJob", "night", {"phase": "Canceled"})
    result = adit("resume", "night")
    assert result.code == 1
    assert result.err == (
        "TransferJob/night was canceled, not suspended. To work its canceled tasks: adit retry night --scope Canceled\n"
    )


def test_every_retry_has_a_new_token(adit: CommandLine) -> None:
    adit.put(JOB)
    adit.tell("TransferJob", "night", {"phase": "Canceled"})
    tokens = set()
    for _ in range(2):
        result = adit("retry", "night", "--scope", "Canceled", "--task", "t0")
        assert result.out == "TransferJob/night: another round asked for (scope Canceled); adit run FILE… works it\n"
        retry = adit.get("TransferJob", "night")["spec"]["retry"]
        assert (retry["scope"], retry["tasks"]) == ("Canceled", ["t0"])
        tokens.add(retry["token"])
    assert len(tokens) == 2


def test_a_task_outside_the_scope_is_refused_by_name_and_nothing_is_written(adit: CommandLine) -> None:
    adit.put(JOB)
    adit.tell("TransferJob", "night", {"phase": "Canceled"})
    result = adit("retry", "night", "--task", "t0")
    assert (result.code, result.err) == (
        1,
        "TransferJob/night: not in scope Failed: t0; nothing was repeated\n",
    )
    assert "retry" not in adit.get("TransferJob", "night")["spec"]


def test_a_scope_that_does_not_exist_exits_2_with_those_that_do(adit: CommandLine) -> None:
    result = adit("retry", "night", "--scope", "Everything")
    assert result.code == 2
    for scope in ("Failed", "FailedAndWarned", "Canceled", "All"):
        assert scope in result.err


def test_a_job_that_does_not_exist_is_named(adit: CommandLine) -> None:
    for command in (["cancel", "absent"], ["suspend", "absent"], ["resume", "absent"], ["retry", "absent"]):
        result = adit(*command)
        assert result.code == 2
        assert result.err == "TransferJob/absent does not exist; adit get tj lists what there is\n"
