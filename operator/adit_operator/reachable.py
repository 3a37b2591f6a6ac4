"""Reachable: what a DicomServer says of itself after it was asked, as a condition; and what one says already. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from adit.api.conditions import Condition, ConditionStatus, condition_of, with_condition
from adit.api.endpoint import endpoint_of
from adit.api.resource import DicomServer
from adit.cluster.cluster import Manifest
from adit.errors import AditError
from adit_operator.observed import SeenSecret

REACHABLE = "Reachable"
MAX_MESSAGE = 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What a probe found out: the condition's status, a code, and a sentence for people."""

    status: ConditionStatus
    reason: str
    message: str = ""


ANSWERED = Answer("True", "ProbeSucceeded")


def refused(sentence: str) -> Answer:
    """It answers, and does not do what we ask: that is no outage, and the next runner tells what it means."""
    return Answer("True", "ProbeRefused", f"it answers, but: {sentence}")


def unasked(error: AditError) -> Answer:
    """What we were told to ask cannot be asked; that says nothing of the peer."""
    return Answer("Unknown", error.reason, error.message)


def status_after(server: DicomServer, answer: Answer, now: str) -> Manifest:
    """The patch of the server's status; the transition time moves only where the status does."""
    generation = server.metadata.generation
    condition = Condition(
        type=REACHABLE,
        status=answer.status,
        reason=answer.reason,
        message=answer.message[:MAX_MESSAGE],
        observed_generation=generation,
        last_transition_time=now,
    )
    conditions = with_condition(server.status.conditions, condition)
    told = [one.manifest() for one in conditions]
    return {"observedGeneration": generation, "conditions": told, "lastProbeTime": now}


def is_settled(server: DicomServer) -> bool:
    """Whether it says that it answered, as it is now."""
    condition = condition_of(server.status.conditions, REACHABLE)
    if condition is None or condition.status != "True":
        return False
    return condition.observed_generation == server.metadata.generation


def sharing(servers: Iterable[DicomServer]) -> Mapping[str, tuple[DicomServer, ...]]:
    """The objects that name each endpoint, in order; the first one's words and credential are used to ask."""
    found: dict[str, list[DicomServer]] = {}
    for server in servers:
        found.setdefault(str(endpoint_of(server.spec)), []).append(server)
    return {
        endpoint: tuple(sorted(same, key=lambda one: (one.metadata.namespace, one.metadata.name)))
        for endpoint, same in found.items()
    }


def mark_of(servers: Collection[DicomServer], secrets: Collection[SeenSecret | None]) -> object:
    """What is compared to see whether an endpoint must be asked anew: its objects, and what they sign in with."""
    objects = tuple((server.metadata.uid, server.spec) for server in servers)
    return objects, tuple(tuple(sorted(secret.data.items())) if secret else None for secret in secrets)
