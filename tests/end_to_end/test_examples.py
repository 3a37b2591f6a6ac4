"""What a person does with the examples and the commands of the documentation, on the installed chart."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from adit.testing.example_patients import example_studies
from tests.cluster.access import KubectlError
from tests.end_to_end.conftest import resident
from tests.end_to_end.release import Release, Resident
from tests.end_to_end.tenant import until

pytestmark = pytest.mark.cluster

INSTALL = Path("docs/install.md")
SUSPEND = ("patch", "tj", "example", "--type", "merge", "-p", '{"spec":{"suspend":true}}')


@dataclass(frozen=True)
class Tried:
    """The commands under `Try it`, each with what it printed, and the tenant that they were tried in."""

    tenant: Resident
    said: dict[str, str]

    def after(self, words: str) -> str:
        [said] = [text for command, text in self.said.items() if words in command]
        return said


@pytest.fixture(scope="module")
def tried(release: Release, project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tried]:
    folder = tmp_path_factory.mktemp("tried")
    with ExitStack() as opened:
        tenant = resident(release, folder, opened)
        study = example_studies()[0]
        tenant.source.load(study.write(folder / "files"))
        # so that whoever watches sees it in progress
        tenant.source.faults = replace(tenant.source.faults, delay_per_instance=0.05)
        filled_in(tenant, project / "examples" / "cluster", folder / "examples" / "cluster")
        shell = Shell(tenant, folder)
        said = {}
        for command in commands(project / INSTALL, "## Try it"):
            said[command] = shell.until_success(command) if command.endswith("--watch") else shell.run(command)
        yield Tried(tenant, said)


def commands(page: Path, section: str) -> list[str]:
    """The lines of the shell blocks of a section."""
    text = page.read_text().split(section + "\n", 1)[1].split("\n## ", 1)[0]
    return [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]


def filled_in(tenant: Resident, examples: Path, to: Path) -> None:
    """Copy the examples, with the addresses of the tenant's two PACS in the one file that asks for them."""
    to.mkdir(parents=True)
    for path in examples.iterdir():
        text = path.read_text()
        if path.name == "servers.yaml":
            for host, peer in (("source-host", tenant.source), ("destination-host", tenant.destination)):
                place = f"host: {host}\n    port: 11112"
                assert place in text
                text = text.replace(place, f"host: {tenant.publish(peer.port)}\n    port: {peer.port}")
        (to / path.name).write_text(text)


class Shell:
    """A person's shell: kubectl on the path, and a context whose namespace is the tenant's."""

    def __init__(self, tenant: Resident, folder: Path) -> None:
        config = yaml.safe_load(tenant.kubernetes.kubeconfig.read_text())
        config["contexts"][0]["context"]["namespace"] = tenant.namespace
        (folder / "kubeconfig").write_text(yaml.safe_dump(config))
        path = f"{tenant.kubernetes.kubectl_path.parent}{os.pathsep}{os.environ['PATH']}"
        self.folder, self.environment = folder, {**os.environ, "KUBECONFIG": str(folder / "kubeconfig"), "PATH": path}

    def run(self, command: str) -> str:
        """What a command prints, which must succeed."""
        answer = subprocess.run(
            ["sh", "-c", command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert answer.returncode == 0, f"{command}: {answer.stderr}"
        return answer.stdout

    def until_success(self, command: str) -> str:
        """What a command that never ends has printed by the time that it tells of Success."""
        out = self.folder / "watched"
        with out.open("w") as file:
            watching = subprocess.Popen(command.split(), cwd=self.folder, env=self.environment, stdout=file)
        try:
            until(f"{command} tells of Success", lambda: "Success" in out.read_text())
        finally:
            watching.kill()
            watching.wait()
        return out.read_text()


def test_the_examples_are_applied_as_they_are_but_for_the_addresses(tried: Tried) -> None:
    created = set(tried.after("apply -f examples/cluster/").splitlines())
    assert created == {
        "transferjob.adit.dev/example created",
        "dicomserver.adit.dev/source created",
        "dicomserver.adit.dev/destination created",
    }


def test_the_example_moves_its_study(tried: Tried) -> None:
    assert tried.tenant.arrived == tried.tenant.expected
    assert tried.tenant.destination.received == len(tried.tenant.expected) == 41


def test_a_watched_table_tells_of_the_phases_and_counts(tried: Tried) -> None:
    head, *rows = tried.after("--watch").splitlines()
    assert head.split()[:8] == ["NAME", "SOURCE", "DESTINATION", "PHASE", "DONE", "WARNED", "FAILED", "TOTAL"]
    assert rows[-1].split()[:8] == ["example", "source", "destination", "Success", "1", "0", "0", "1"]
    assert "InProgress" in {row.split()[3] for row in rows if len(row.split()) > 8}


def test_a_wait_for_the_condition_complete_ends(tried: Tried) -> None:
    """Also after another verb was written, which makes a new generation."""
    assert tried.after("kubectl wait") == "transferjob.adit.dev/example condition met\n"
    tried.tenant.kubectl("patch", "tj", "example", "--type=merge", "-p", '{"spec":{"priority":101}}')
    assert tried.tenant.kubectl("wait", "--for=condition=Complete", "tj/example", "--timeout=20s")


def test_a_description_tells_the_conditions_in_words(tried: Tried) -> None:
    told = tried.after("kubectl describe")
    for words in (r"Reason: +Succeeded", r"Type: +Complete", r"Phase: +Success", r"Verified: +41", r"Succeeded: +1"):
        assert re.search(words, told), (words, told)


def test_a_description_tells_the_events_from_plan_to_end(tried: Tried) -> None:
    def events() -> list[str]:
        told = tried.tenant.kubectl("describe", "tj", "example").partition("\nEvents:")[2]
        return re.findall(r"(?m)^  Normal +(\w+) .*adit\.dev/operator", told)

    tried.tenant.until("example", "its end is told", lambda: "Complete" in events())
    assert {"Planned", "Admitted", "Complete"} <= set(events())


def test_every_field_of_a_job_is_explained(tried: Tried) -> None:
    told = tried.tenant.kubectl("explain", "transferjob.spec")
    fields = re.findall(r"(?m)^  (\w+)\t", told)
    properties = yaml.safe_load((Path("crds") / "transferjobs.adit.dev.yaml").read_text())
    [version] = properties["spec"]["versions"]
    assert fields == sorted(version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"])
    assert "How patients' identities are protected." in told
    assert "How many runners may work at once" in told


def test_a_finished_job_may_be_suspended_and_stays_finished(tried: Tried) -> None:
    assert "patched" in tried.after("kubectl patch")
    assert tried.tenant.kubectl(*SUSPEND) == "transferjob.adit.dev/example patched (no change)\n"
    tried.tenant.wait_for_phase("example", "Success")
    assert tried.tenant.read("tj", "example")["spec"]["suspend"] is True


def test_the_documented_roles_let_a_group_ask_for_transfers_and_nobody_else(
    tenant: Resident, project: Path, tmp_path: Path
) -> None:
    """With the names of this release and of this namespace in the commands."""
    shell = Shell(tenant, tmp_path)
    names = {"research ": f"{tenant.namespace} ", "=adit-tenant": f"={tenant.release.cluster_name}-tenant"}
    for command in commands(project / INSTALL, "## Let people in"):
        shell.run(re.sub("|".join(names), lambda found: names[found[0]], command))
    tenant.apply(*tenant.servers())
    job = project / "examples" / "cluster" / "job.yaml"

    with pytest.raises(KubectlError, match=r"tina.* cannot create resource"):
        tenant.kubectl("--as", "tina", "create", "-f", str(job))

    researcher = ("--as", "tina", "--as-group", "researchers", "--as-group", "system:authenticated")
    until("the roles are in force", lambda: "yes" in answered(tenant, *researcher, "auth", "can-i", "create", "tj"))
    tenant.source.load(example_studies()[0].write(tmp_path / "files"))
    tenant.kubectl(*researcher, "create", "-f", str(job))
    tenant.wait_for_phase("example", "Success")
    annotations = tenant.read("tj", "example")["metadata"]["annotations"]
    assert annotations["adit.dev/requested-by"] == "tina"


def answered(tenant: Resident, *words: str) -> str:
    """What kubectl says, also where it fails with it."""
    try:
        return tenant.kubectl(*words)
    except KubectlError as error:
        return str(error)
