"""Flux' healthCheckExprs, evaluated by a real CEL on what the operator really writes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cel
import pytest
import yaml

Sample = Callable[[str], dict[str, Any]]
FOLDER = Path(__file__).resolve().parents[2] / "docs/gitops/flux"


def expressions(file: str) -> dict[str, str]:
    """The expressions of a documented Kustomization."""
    document = yaml.safe_load((FOLDER / file).read_text("utf-8"))
    (found,) = document["spec"]["healthCheckExprs"]
    return {key: found[key] for key in ("inProgress", "failed", "current")}


def verdict(file: str, manifest: dict[str, Any]) -> str:
    """Flux asks inProgress, failed, current, in this order; an expression that cannot be evaluated makes it wait."""
    for word, expression in expressions(file).items():
        try:
            if cel.evaluate(expression, manifest) is True:
                return word
        except (ValueError, RuntimeError, TypeError):
            return "inProgress"
    return "inProgress"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("new", "inProgress"),
        ("planned", "inProgress"),
        ("waiting", "inProgress"),
        ("in-progress", "inProgress"),
        ("suspending", "inProgress"),
        ("suspended", "inProgress"),
        ("resume-requested", "inProgress"),
        ("success", "current"),
        ("success-then-edited", "inProgress"),
        ("success-then-edited-and-seen", "current"),
        ("warning", "current"),
        ("failure", "failed"),
        ("retry-requested", "inProgress"),
        ("retry-opened", "inProgress"),
        ("retry-refused", "failed"),
        ("canceling", "inProgress"),
        ("canceled", "failed"),
        ("stalled-server-not-found", "failed"),
        ("stalled-access-denied", "failed"),
        ("stalled-peer-refused", "failed"),
    ],
)
def test_flux_waits_until_the_images_are_there(sample: Sample, name: str, expected: str) -> None:
    assert verdict("transfers.yaml", sample(f"transferjob-{name}")) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("new", "inProgress"),
        ("reachable", "current"),
        ("paused", "current"),
        ("changed", "inProgress"),
        ("unknown", "inProgress"),
        ("unreachable", "failed"),
    ],
)
def test_flux_waits_until_a_server_was_reached(sample: Sample, name: str, expected: str) -> None:
    assert verdict("servers.yaml", sample(f"dicomserver-{name}")) == expected


def test_no_expression_is_in_error_once_there_is_a_status(sample: Sample) -> None:
    for file, name in (("transfers.yaml", "transferjob-in-progress"), ("servers.yaml", "dicomserver-unknown")):
        for expression in expressions(file).values():
            assert cel.evaluate(expression, sample(name)) in {True, False}
