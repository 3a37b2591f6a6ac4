"""What faults have in common: a job in mid-study, the pod of its runner, and an end with everything there once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from adit.testing.pacs import LoopbackPacs
from adit_cli.testing import manifests
from tests.end_to_end.release import RUNNERS, Resident
from tests.end_to_end.tenant import counts

LABELS = ("a", "b", "c")
LEASE_SECONDS = 60.0


def under_way(
    tenant: Resident,
    name: str = "night",
    *,
    delay: float = 2.0,
    instances: int = 4,
    limits: dict[str, int] | None = None,
    **spec: Any,
) -> None:
    """Start a job of three studies, one after the other and slowly, and wait until it is in the middle of one."""
    servers = tenant.servers(**({} if limits is None else {"limits": limits}))
    pace(tenant, delay)
    tenant.apply(*servers, manifests.job(name, tenant.load(*LABELS, instances=instances), **{"parallelism": 1, **spec}))
    tenant.until(name, "an instance has arrived", lambda: tenant.arrived)


def pace(tenant: Resident, seconds: float) -> None:
    """How long the destination takes for each instance."""
    tenant.destination.faults = replace(tenant.destination.faults, delay_per_instance=seconds)


def all_there_once(tenant: Resident, name: str = "night", *, seconds: float = 60.0) -> None:
    """The job goes on at full speed and succeeds; the destination has everything, the record counts it once."""
    pace(tenant, 0.0)
    tenant.wait_for_phase(name, "Success", seconds)
    assert tenant.arrived == tenant.expected
    assert tenant.status(name)["instances"] == counts(len(tenant.expected))


def runner_pods(tenant: Resident) -> list[str]:
    """The names of the pods that work for a tenant now."""
    pods = tenant.release.pods(f"{RUNNERS},adit.dev/owner-namespace={tenant.namespace}")
    return [one["metadata"]["name"] for one in pods if one["status"]["phase"] in {"Pending", "Running"}]


def process_of(pod: str, program: bytes = b"adit_jobrunner") -> int:
    """The number of the program's process in a pod of the local node, as this machine sees it."""
    for folder in Path("/proc").iterdir():
        try:
            command, told = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
        except OSError:  # it has ended, or is none
            continue
        if program in command and f"POD_NAME={pod}".encode() in told.split(b"\0"):
            return int(folder.name)
    raise AssertionError(f"no process of this machine is {program.decode()} in {pod}")


def holder(tenant: Resident, name: str = "night") -> dict[str, str]:
    """Who works a set of a job now."""
    [held] = [one["status"]["holder"] for one in tenant.task_sets(name) if one.get("status", {}).get("holder")]
    return dict(held)


def outlasted(tenant: Resident, lost: str, held: dict[str, str], name: str = "night") -> None:
    """The next runner after a lost pod came only when the lease of that pod had ended."""
    renewed, attempts = datetime.fromisoformat(held["renewTime"]), tenant.release.jobs_of(tenant.namespace)
    made = [one["metadata"] for one in attempts if not lost.startswith(one["metadata"]["name"])]
    following = min(datetime.fromisoformat(one["creationTimestamp"]) for one in made)
    assert (following - renewed).total_seconds() >= LEASE_SECONDS - 1, tenant.told(name)


def stalls(tenant: Resident, reason: str, name: str = "night") -> None:
    """Wait until a job is Stalled for this reason, and nobody works it any more."""
    tenant.wait_for_condition(name, "Stalled", reason)
    tenant.until(name, "nobody works it", lambda: not tenant.holders())


def reachable(tenant: Resident, name: str) -> bool:
    """What the server's condition says; where there is none yet, that it is."""
    found = tenant.read("dicomserver", name).get("status", {}).get("conditions", ())
    return all(one["status"] == "True" for one in found if one["type"] == "Reachable")


@contextmanager
def away(pacs: LoopbackPacs) -> Iterator[None]:
    """A PACS that is off for a while, and comes back at the same port with what it had."""
    pacs.stop()
    try:
        yield
    finally:
        pacs.start()
