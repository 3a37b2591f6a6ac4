"""Connectors over each implementation of the upper layer: what is tested with `connect` holds on both."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import cast

import pytest

from adit.api.dicom_server import Implementation
from adit.connectors.dimse import DimseConnector
from adit.connectors.target import Target


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
