"""`adit get`, `describe` and `delete` on a cluster that was filled before."""

import json

import pytest
import yaml

from adit.cluster.embedded.locks import try_operator_lock
from adit.testing import patients
from adit.testing.datasets import ct_study
from adit_cli.testing import manifests
from adit_cli.testing.command_line import CommandLine

JOB = manifests.job("night", [ct_study(patients.PLAIN)])
SERVER = manifests.server_at("pacs", 104)
SECRET = manifests.secret("token", {"header": "Bearer sesame"}, purpose="credential")


def test_get_lists_a_kind_by_name(adit: CommandLine) -> None:
    adit.put(manifests.server_at("b", 105), manifests.server_at("a", 104))
    lines = adit("get", "dcmsrv").out.splitlines()
    assert [line.split()[0] for line in lines] == ["NAME", "a", "b"]


def test_get_of_nothing_says_so_and_is_no_error(adit: CommandLine) -> None:
    result = adit("get", "tj")
    assert (result.code, result.out, result.err) == (0, "", "no transferjobs in default\n")
    assert adit("get", "tj", "-A").err == "no transferjobs in any namespace\n"


def test_namespaces_are_apart_and_can_be_seen_together(adit: CommandLine) -> None:
    adit.put(SERVER, {**SERVER, "metadata": {"name": "other", "namespace": "tenant"}})
    assert "other" not in adit("get", "dcmsrv").out
    assert "pacs" not in adit("-n", "tenant", "get", "dcmsrv").out
    lines = adit("get", "dcmsrv", "--all-namespaces").out.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["default", "pacs"], ["tenant", "other"]]


def test_get_prints_one_object_in_every_form(adit: CommandLine) -> None:
    adit.put(JOB)
    assert yaml.safe_load(adit("get", "tj", "night", "-o", "yaml").out)["spec"]["source"] == {"name": "source"}
    assert json.loads(adit("get", "tj", "night", "-o", "json").out)["metadata"]["name"] == "night"
    assert "MESSAGE" in adit("get", "tj", "night", "-o", "wide").out
    assert "MESSAGE" not in adit("get", "tj", "night").out


def test_what_get_prints_as_yaml_can_be_applied_again(adit: CommandLine) -> None:
    adit.put(JOB)
    printed = adit("get", "tj", "night", "-o", "yaml").out
    assert adit("check", "-", stdin=printed).code == 0


def test_a_text_that_looks_like_a_number_is_printed_as_a_text(adit: CommandLine) -> None:
    overrides = [{"tag": tag, "action": "Keep"} for tag in ("00081030", "00081E30", "00291010")]
    adit.put(manifests.resource("PseudonymizationProfile", "study-7", {"overrides": overrides}))
    printed = adit("get", "psp", "study-7", "-o", "yaml").out
    assert "tag: '00081030'" in printed
    assert adit("check", "-", stdin=printed).code == 0


@pytest.mark.parametrize("form", [["-o", "yaml"], ["-o", "json"], ["-o", "wide"], []])
def test_no_form_prints_the_value_of_a_secret(adit: CommandLine, form: list[str]) -> None:
    adit.put(SECRET)
    result = adit("get", "secrets", *form)
    assert "token" in result.out
    assert "sesame" not in result.out
    assert "QmVhcmVy" not in result.out
    assert "QmVhcmVy" not in adit("describe", "secret", "token").out


@pytest.mark.parametrize("command", [["get", "tj", "absent"], ["describe", "tj", "absent"], ["delete", "tj", "absent"]])
def test_an_object_that_does_not_exist_exits_2_and_is_named(adit: CommandLine, command: list[str]) -> None:
    result = adit(*command)
    assert (result.code, result.err) == (
        2,
        "TransferJob/absent does not exist; adit get tj lists what there is\n",
    )


@pytest.mark.parametrize("command", [["get", "pods"], ["describe", "pods", "a"], ["delete", "pods", "a"]])
def test_an_unknown_kind_exits_2_with_those_that_are_known(adit: CommandLine, command: list[str]) -> None:
    result = adit(*command)
    assert result.code == 2
    assert result.err == "there is no kind pods; known are: configmaps, dcmfld, dcmsrv, jobs, psp, secrets, tj, ts\n"


def test_describe_tells_a_job_in_words(adit: CommandLine) -> None:
    adit.put(JOB)
    out = adit("describe", "tj", "night").out
    assert "From:          DicomServer/source" in out
    assert "Phase:         not seen by the operator yet" in out


def test_describe_says_when_nobody_works_an_unfinished_job(adit: CommandLine) -> None:
    adit.put(JOB)
    sentence = "nobody works this job now: adit run FILE… goes on\n"
    assert adit("describe", "tj", "night").err == sentence
    with try_operator_lock(adit.data):
        assert adit("describe", "tj", "night").err == ""
    adit.tell("TransferJob", "night", {"phase": "Success"})
    assert adit("describe", "tj", "night").err == ""


def test_describe_shows_any_other_kind_as_yaml(adit: CommandLine) -> None:
    adit.put(SERVER)
    assert yaml.safe_load(adit("describe", "dcmsrv", "pacs").out)["spec"]["aeTitle"] == "PACS"


def test_delete_removes_what_is_named_and_says_so(adit: CommandLine) -> None:
    adit.put(SERVER, manifests.server_at("other", 105), manifests.server_at("third", 106))
    result = adit("delete", "dcmsrv", "pacs", "other")
    assert (result.code, result.out) == (0, "DicomServer/pacs deleted\nDicomServer/other deleted\n")
    assert [line.split()[0] for line in adit("get", "dcmsrv").out.splitlines()] == ["NAME", "third"]
