"""Binds the pipeline to one TaskSet: its peers, rewriter, policy, spool and audit."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from adit.api.labels import JOB_CREATED_AT, REQUESTED_BY
from adit.api.resource import TaskSet
from adit.api.tasks import TransferTask
from adit.pseudonymization.gate import drops_modalities
from adit.transfer.audit import Occasion, audit
from adit.transfer.policy import Policy, policy_for
from adit.transfer.rewriter import Rewriter
from adit.transfer.stream import Progress
from adit.transfer.transfer import TaskOutcome, Timing, transfer_task
from adit_jobrunner.config import Config
from adit_jobrunner.connections import Peers
from adit_jobrunner.control import Control
from adit_jobrunner.rewriting import job_folder, rewriter_for, subject_of


@dataclass(frozen=True, slots=True)
class Order:
    """What is the same for every task of a set."""

    task_set: TaskSet
    config: Config
    rewriter: Rewriter
    policy: Policy
    spool: Path


def order_of(task_set: TaskSet, config: Config, spool: Path) -> Order:
    """Choose rewriter and policy for a set. Raises BadInput where the profile cannot be served."""
    return Order(
        task_set=task_set,
        config=config,
        rewriter=rewriter_for(config, task_set.spec),
        policy=_policy(config),
        spool=spool,
    )


def _policy(config: Config) -> Policy:
    """What is not even fetched: the modalities of which nothing could pass the profile's gates."""
    profile = config.profile
    if profile is None:
        return policy_for(pseudonymized=False, exclude_modalities=())
    dropped = drops_modalities(profile.spec, config.settings.exclude_modalities)
    return policy_for(pseudonymized=True, exclude_modalities=dropped)


def mover(order: Order, peers: Peers, control: Control) -> Callable[[TransferTask, Progress], TaskOutcome]:
    """A function that moves one task between the opened peers."""
    metadata = order.task_set.metadata
    folder = job_folder(
        order.task_set.spec.owner.name,
        metadata.annotations.get(JOB_CREATED_AT, ""),
        metadata.annotations.get(REQUESTED_BY, ""),
    )

    def move(task: TransferTask, progress: Progress) -> TaskOutcome:
        return transfer_task(
            task,
            source=peers.source,
            destination=peers.destination,
            rewriter=order.rewriter,
            subject=subject_of(task, order.task_set.spec),
            policy=order.policy,
            verification=peers.verification,
            job_folder=folder,
            spool=order.spool,
            timing=Timing(time.monotonic, control.sleep, control.stop_now),
            progress=progress,
        )

    return move


def auditor(order: Order) -> Callable[[TaskOutcome, str], None]:
    """A function that writes the audit line of a study that left."""
    spec, metadata = order.task_set.spec, order.task_set.metadata
    occasion = Occasion(
        requested_by=metadata.annotations.get(REQUESTED_BY, ""),
        job_uid=spec.owner.uid,
        job=spec.owner.name,
        namespace=metadata.namespace,
        task_set=metadata.name,
        source=spec.source.name,
        destination=spec.destination.name,
        profile=spec.profile.name if spec.profile else None,
        profile_hash=spec.profile.hash if spec.profile else None,
    )
    logger = structlog.get_logger("adit.audit")
    return lambda outcome, word: audit(logger, occasion, outcome.line, word)
