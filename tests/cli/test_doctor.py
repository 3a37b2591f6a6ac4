"""`adit doctor` on one machine: what it prints, for people and for programs, and its exit code."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from adit.diagnosis.__main__ import arguments
from adit.testing.http_peer import HttpPeer, Response
from adit.testing.pacs import LoopbackPacs
from adit.testing.programs import free_port
from adit_cli.testing import manifests
from adit_cli.testing.command_line import CommandLine

# Words that stand in the code and are no finding's.
NO_CODES = {"ApiServer", "SelfSubjectReview", "SelfSubjectAccessReview", "WebAnswered"}


def test_a_machine_where_nothing_has_been_started_has_no_problem(adit: CommandLine) -> None:
    result = adit("doctor")
    assert result.code == 0, result.err
    assert "ADIT " in result.out
    assert "does not exist yet  [FolderMissing]" in result.out
    assert result.out.endswith("nothing is wrong\n")
    assert not adit.data.exists()


def test_a_pacs_that_is_well_is_told_step_by_step(adit: CommandLine, pacs: LoopbackPacs) -> None:
    adit.put(manifests.server("pacs", pacs))
    result = adit("doctor", "pacs")
    assert result.code == 0, result.out + result.err
    told = [line for line in result.out.splitlines() if " pacs: " in line]
    assert [line.split()[0] for line in told] == ["ok"] * 6
    assert "answers C-ECHO" in told[4]


def test_a_problem_exits_1_and_says_cause_and_fix(adit: CommandLine) -> None:
    adit.put(manifests.server_at("down", free_port()))
    result = adit("doctor")
    assert result.code == 1
    assert re.search(r"^problem   down: .* refuses the connection  \[PortClosed\]$", result.out, re.MULTILINE)
    assert re.search(r"^          cause  \w", result.out, re.MULTILINE)
    assert re.search(
        r"^          fix    start the service there, or correct spec.dimse.host and port$", result.out, re.MULTILINE
    )
    assert result.out.splitlines()[-1].startswith("1 problem, 0 warnings; docs/troubleshooting.md explains")


def test_only_the_named_servers_are_asked(adit: CommandLine, pacs: LoopbackPacs) -> None:
    adit.put(manifests.server("pacs", pacs), manifests.server_at("down", free_port()))
    assert adit("doctor", "pacs").code == 0
    assert adit("doctor", "default/pacs").code == 0


def test_a_server_that_is_not_there_exits_2(adit: CommandLine, pacs: LoopbackPacs) -> None:
    adit.put(manifests.server("pacs", pacs))
    result = adit("doctor", "absent")
    assert (result.code, result.err) == (
        2,
        "DicomServer/absent does not exist here; adit doctor without a name looks at all of them\n",
    )


def test_the_calling_ae_title_is_that_of_the_environment(adit: CommandLine, tmp_path: Path) -> None:
    with LoopbackPacs(tmp_path / "strict", allowed_calling=["HOUSE"]) as strict:
        adit.put(manifests.server("strict", strict))
        assert "CallingTitleRefused" in adit("doctor").out
        assert adit("doctor", CALLING_AE_TITLE="HOUSE").code == 0


def test_json_is_one_object_per_line(adit: CommandLine) -> None:
    with HttpPeer([Response("GET", "/", 401)]) as peer:
        adit.put(manifests.web_server("web", peer.url))
        result = adit("doctor", "-o", "json")
    found = [json.loads(line) for line in result.out.splitlines()]
    assert result.code == 1
    (problem,) = [one for one in found if one["verdict"] == "problem"]
    assert (problem["code"], problem["about"]) == ("CredentialRefused", "web")
    assert problem["cause"]
    assert problem["fix"]


def test_a_folder_that_others_may_enter_stops_the_examination(adit: CommandLine, pacs: LoopbackPacs) -> None:
    adit.put(manifests.server("pacs", pacs))
    adit.data.chmod(0o755)
    result = adit("doctor")
    assert result.code == 1
    assert f"chmod 700 {adit.data}" in result.out
    assert "answers C-ECHO" not in result.out


def test_a_kubeconfig_in_the_environment_is_pointed_at_and_not_used(adit: CommandLine) -> None:
    result = adit("doctor", KUBECONFIG="/nowhere")
    assert result.code == 0
    assert "[OnlyTheDataFolder]" in result.out


def test_a_kubeconfig_that_is_not_there_exits_2(adit: CommandLine, tmp_path: Path) -> None:
    result = adit("doctor", "--kubeconfig", tmp_path / "absent")
    assert result.code == 2
    assert f"no file {tmp_path / 'absent'}" in result.err


def test_a_cluster_that_does_not_answer_is_a_problem(adit: CommandLine, tmp_path: Path) -> None:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
        "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{free_port()}"}}],
        "users": [{"name": "me", "user": {}}],
    }
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    result = adit("doctor", "--cluster", KUBECONFIG=str(path))
    assert result.code == 1
    assert "[ClusterUnreachable]" in result.out


def test_the_image_without_a_command_line_does_the_same(adit: CommandLine, pacs: LoopbackPacs) -> None:
    adit.put(manifests.server("pacs", pacs), manifests.server_at("down", free_port()))

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "adit.diagnosis", *words],
            env={"ADIT_DATA": str(adit.data), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )

    ill, unknown = run("-o", "json"), run("absent")
    assert (ill.returncode, unknown.returncode) == (1, 2)
    found = {(one["about"], one["code"]) for one in map(json.loads, ill.stdout.splitlines())}
    assert {("pacs", "Echoed"), ("down", "PortClosed")} <= found
    assert unknown.stderr.startswith("DicomServer/absent does not exist here")


def test_the_image_refuses_what_it_does_not_understand(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        arguments(["--loud"])
    assert left.value.code == 2
    assert "--loud" in capsys.readouterr().err


def test_every_word_in_brackets_is_explained(project: Path) -> None:
    page = set(re.findall(r"\w+", (project / "docs/troubleshooting.md").read_text("utf-8")))
    assert sorted(codes(project) - page - NO_CODES) == []


def test_a_word_in_brackets_that_is_not_explained_is_found(project: Path) -> None:
    assert {"CallingTitleRefused", "CertificateExpired", "OperatorLags"} <= codes(project)


def codes(project: Path) -> set[str]:
    """What findings that are no `ok` are called: the first argument, or the first of a row of a table."""
    found: set[str] = set()
    for path in [*(project / "core/adit/diagnosis").glob("*.py"), project / "cli/adit_cli/doctor.py"]:
        tree = ast.parse(path.read_text("utf-8"))
        well = {
            id(one)
            for call in ast.walk(tree)
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "ok"
            for one in ast.walk(call)
        }
        found |= {
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and id(node) not in well
            and isinstance(node.value, str)
            and re.fullmatch(r"[A-Z][a-z]+(?:[A-Z][a-z]*)+", node.value)
        }
    return found


@pytest.mark.parametrize("columns", [80, 120])
def test_no_line_is_wider_than_the_terminal(adit: CommandLine, columns: int) -> None:
    adit.put(manifests.server_at("down", free_port()))
    result = adit("doctor", "down", COLUMNS=str(columns))
    # a path cannot be broken
    assert [line for line in result.out.splitlines()[:-1] if len(line) > columns and str(adit.data) not in line] == []
