import asyncio
import re
from collections import Counter
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest

from adit.api.counts import TaskCounts
from adit.api.endpoint import endpoint_of
from adit.cluster.kinds import Ref
from adit_jobrunner.metrics import RunnerMetrics
from adit_operator.cache import Cache
from adit_operator.figures import Figures, figures_of
from adit_operator.metrics import Metrics, OfTheMoment, families
from adit_operator.reach import Reach
from adit_operator.slots import Allocation, Held
from adit_operator.testing.builders import dicom_server, seen_set, seen_transfer
from adit_receiver.layout import Folder
from adit_receiver.metrics import ReceiverMetrics
from adit_receiver.room import Limits
from adit_receiver.spool import Spool
from tests.operator.admission_world import SHUT, World

FIGURES = Figures(
    queue_depth=3,
    queue_retries=2,
    jobs={"Pending": 4},
    limits={"PACS@h:1": 2},
    allocated={"PACS@h:1": 1},
    up={"PACS@h:1": False},
    draining={"PACS@h:1": 1},
    echoes={"PACS@h:1": 0.25},
    tasks={("research", "failed"): 7},
    startable=5,
)


async def scraped(figures: Figures = FIGURES) -> str:
    registry = CollectorRegistry()
    registry.register(OfTheMoment(asyncio.get_running_loop(), lambda: figures, lambda: 0.0))
    return (await asyncio.to_thread(generate_latest, registry)).decode()


async def test_the_figures_are_told_under_the_names_of_the_operator() -> None:
    told = await scraped()
    for line in (
        "adit_operator_workqueue_depth 3.0",
        "adit_operator_workqueue_retries_total 2.0",
        'adit_operator_jobs{phase="Pending"} 4.0',
        'adit_operator_server_slots{server="PACS@h:1",state="limit"} 2.0',
        'adit_operator_server_slots{server="PACS@h:1",state="allocated"} 1.0',
        'adit_operator_server_up{server="PACS@h:1"} 0.0',
        'adit_operator_server_slots{server="PACS@h:1",state="draining"} 1.0',
        'adit_operator_server_echo_seconds{server="PACS@h:1"} 0.25',
        'adit_operator_tasks{namespace="research",state="failed"} 7.0',
        "adit_operator_startable_task_sets 5.0",
        "adit_operator_last_resync_timestamp_seconds 1",
        "adit_operator_build_info{version=",
    ):
        assert line in told


def test_every_name_has_the_prefix_of_the_operator() -> None:
    assert {family.name.startswith("adit_operator_") for family in families(FIGURES, 1.0)} == {True}


def test_reconciles_are_counted_by_result_and_timed() -> None:
    metrics = Metrics()
    metrics.reconciled("success", 0.2)
    metrics.reconciled("retry", 0.2)
    value = metrics.registry.get_sample_value
    assert value("adit_operator_reconcile_total", {"kind": "TransferJob", "result": "retry"}) == 1
    assert value("adit_operator_reconcile_duration_seconds_count", {"kind": "TransferJob"}) == 2


def test_jobs_are_counted_by_phase_and_servers_by_endpoint() -> None:
    cache, server, reach = Cache(), dicom_server(), Reach()
    cache.servers[Ref("DicomServer", "default", "pacs")] = server
    for name in ("a", "b"):
        cache.transfers[Ref("TransferJob", "default", name)] = seen_transfer(name)
    endpoint = str(endpoint_of(server.spec))
    reach.suspect(endpoint, "it is down", 0.0)

    figures = figures_of(cache, Allocation(Counter({endpoint: 1}), frozenset(), Counter()), reach, 0, 0)

    assert figures.jobs == {"Pending": 2}
    assert (figures.allocated, figures.up) == ({endpoint: 1}, {endpoint: False})


def test_who_leads_how_long_sets_waited_and_who_made_room_are_counted() -> None:
    metrics = Metrics()
    metrics.leads(1)
    metrics.turned((0.5, 400.0), {"WindowClosed": 2})
    metrics.turned((), {"Preempted": 1})
    metrics.event_lost()
    value = metrics.registry.get_sample_value
    assert value("adit_operator_leader") == 1
    assert value("adit_operator_admission_wait_seconds_sum") == 400.5
    assert value("adit_operator_evictions_total", {"reason": "WindowClosed"}) == 2
    assert value("adit_operator_evictions_total", {"reason": "Preempted"}) == 1
    assert value("adit_operator_events_lost_total") == 1


def test_tasks_are_counted_by_namespace_over_all_its_jobs() -> None:
    cache = Cache()
    for namespace, name in (("a", "one"), ("a", "two"), ("b", "one")):
        ref, counts = Ref("TransferJob", namespace, name), TaskCounts(total=3, pending=1, failed=2)
        cache.transfers[ref] = seen_transfer(name, ref=ref, tasks=counts)
    tasks = figures_of(cache, Allocation(Counter(), frozenset(), Counter()), Reach(), 0, 0).tasks
    assert (tasks["a", "pending"], tasks["a", "failed"], tasks["b", "failed"], tasks["b", "succeeded"]) == (2, 4, 2, 0)


def test_the_slots_of_who_was_told_to_stop_are_draining() -> None:
    cache, server = Cache(), dicom_server()
    cache.servers[Ref("DicomServer", "default", "pacs")] = server
    endpoint = str(endpoint_of(server.spec))
    staying, leaving = seen_set(index=0), seen_set(index=1, stop="AfterTask")
    for seen in (staying, leaving):
        cache.sets[seen.ref] = seen
    held = tuple(Held(seen.uid, "job", seen.ref, (endpoint,)) for seen in (staying, leaving))
    allocation = Allocation(Counter({endpoint: 2}), frozenset(), Counter(), held)
    figures = figures_of(cache, allocation, Reach(), 0, 0)
    assert (figures.allocated, figures.draining) == ({endpoint: 2}, {endpoint: 1})


def test_the_operations_page_lists_every_metric_and_no_other(project: Path, tmp_path: Path) -> None:
    page = (project / "docs/operations.md").read_text("utf-8").partition("\n## Metrics\n")[2].partition("\n## ")[0]
    listed = {name for row in page.splitlines() if row.startswith("| `") for name in re.findall(r"adit_\w+", row)}
    receiver = ReceiverMetrics(Spool(Folder(tmp_path), Limits(1, 1, 1.0)), lambda: 0)
    counted = (*Metrics().registry.collect(), *RunnerMetrics().registry.collect(), *receiver.registry.collect())
    known = {one.name + ("_total" if one.type == "counter" else "") for one in (*families(FIGURES, 1.0), *counted)}
    assert listed == known


def startable(world: World) -> int:
    return figures_of(world.cache, world.allocation(), Reach(), 0, 0, now=world.now).startable


def test_a_set_that_could_run_and_does_not_is_counted_whoever_else_runs() -> None:
    world = World()
    world.submit("one", "pacs", "exchange", count=1)
    assert startable(world) == 1
    world.turn()
    assert startable(world) == 0
    world.submit("two", "archive", "exchange", count=1)
    assert startable(world) == 1


def test_a_set_that_waits_for_a_slot_or_a_window_is_not_counted() -> None:
    world = World()
    world.server("pacs", limits={"maxAssociations": 2, "reservedInteractive": 1})
    world.server("archive", windows=SHUT)
    world.submit("one", "pacs", "exchange", count=1)
    world.turn()
    world.submit("two", "pacs", "exchange", count=1)
    world.submit("three", "archive", "exchange", count=1)
    assert startable(world) == 0
