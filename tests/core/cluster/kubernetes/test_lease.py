"""Whether a runner lives, told by its renewals and our own clock."""

from dataclasses import dataclass

import pytest

from adit.cluster.kubernetes import KubernetesLease


@dataclass
class ManualClock:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


def holder(second: int = 0, pod: str = "one") -> dict[str, str]:
    return {"podName": pod, "podUid": pod, "renewTime": f"2026-01-01T00:00:{second:02}Z"}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def lease(clock: ManualClock) -> KubernetesLease:
    return KubernetesLease(clock)


def test_nobody_is_always_gone(lease: KubernetesLease) -> None:
    assert lease.expired("set", None)


def test_a_holder_seen_for_the_first_time_lives(lease: KubernetesLease) -> None:
    assert not lease.expired("set", holder())


def test_a_holder_that_stands_still_for_a_minute_is_gone(lease: KubernetesLease, clock: ManualClock) -> None:
    lease.expired("set", holder())
    clock.now += 59.9
    assert not lease.expired("set", holder())
    clock.now += 0.1
    assert lease.expired("set", holder())
    assert lease.expired("set", holder())


def test_a_renewal_starts_the_minute_anew(lease: KubernetesLease, clock: ManualClock) -> None:
    lease.expired("set", holder(0))
    clock.now += 59
    assert not lease.expired("set", holder(10))
    clock.now += 59
    assert not lease.expired("set", holder(10))


def test_a_clock_of_another_machine_does_not_count(lease: KubernetesLease, clock: ManualClock) -> None:
    lease.expired("set", {**holder(), "renewTime": "1970-01-01T00:00:00Z"})
    clock.now += 1
    assert not lease.expired("set", {**holder(), "renewTime": "1969-01-01T00:00:00Z"})


def test_another_pod_at_the_same_second_is_another_holder(lease: KubernetesLease, clock: ManualClock) -> None:
    lease.expired("set", holder(pod="one"))
    clock.now += 60
    assert not lease.expired("set", holder(pod="two"))


def test_a_holder_that_left_and_came_back_is_seen_anew(lease: KubernetesLease, clock: ManualClock) -> None:
    lease.expired("set", holder())
    clock.now += 60
    assert lease.expired("set", None)
    assert not lease.expired("set", holder())


def test_sets_are_told_apart(lease: KubernetesLease, clock: ManualClock) -> None:
    lease.expired("one", holder())
    clock.now += 60
    assert not lease.expired("two", holder())
    assert lease.expired("one", holder())


def test_who_is_never_asked_about_is_forgotten_and_then_gets_the_minute_anew(
    lease: KubernetesLease, clock: ManualClock
) -> None:
    lease.expired("old", holder())
    clock.now += 600
    for number in range(4_096):
        lease.expired(str(number), holder())
    assert not lease.expired("old", holder())


def test_the_claim_itself_is_the_lease(lease: KubernetesLease) -> None:
    with lease.hold("set") as one, lease.hold("set") as two:
        assert one
        assert two
