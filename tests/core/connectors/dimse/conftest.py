"""Connectors over each implementation of the upper layer: what is tested with `connect` holds on both."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import pytest

from adit.api.dicom_server import Implementation
from adit.connectors.dimse import DimseConnector
from adit.connectors.target import Target
from adit.testing.datasets import ct_study
from adit.testing.moves import MoveWorld
from adit.testing.pacs import LoopbackPacs
from adit.testing.patients import PLAIN


@pytest.fixture(params=["Native", "Pynetdicom"])
def implementation(request: pytest.FixtureRequest) -> Implementation:
    """Each of the upper layers in turn."""
    return cast("Implementation", request.param)


@pytest.fixture
def connect(
    target_of: Callable[..., Target], implementation: Implementation
) -> Iterator[Callable[..., DimseConnector]]:
    """Open a DimseConnector to a listening peer; keywords as of `target_of`."""
    with ExitStack() as stack:
        yield lambda peer, **keywords: stack.enter_context(
            DimseConnector(target_of(peer, **{"implementation": implementation, **keywords}))
        )


@pytest.fixture(name="world")
def _world(target_of: Callable[..., Target], tmp_path: Path, spool: Path) -> Iterator[MoveWorld]:
    study = ct_study(PLAIN, instances=12, rows=16)
    with LoopbackPacs(tmp_path / "a", "PACS") as source, LoopbackPacs(tmp_path / "r", "RECEIVER") as receiver:
        source.load(study.write(tmp_path / "files"))
        source.destinations["RECEIVER"] = (receiver.host, receiver.port)
        yield MoveWorld(source, receiver, study, target_of(source), spool, target_of)
