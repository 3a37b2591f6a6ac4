"""Rate: how many requests a minute one runner may make of an endpoint: its part of what all may make together. Pure."""

from collections.abc import Iterable

from adit.api.dicom_server import DicomServerSpec
from adit.api.endpoint import endpoint_of
from adit.api.resource import DicomServer
from adit_operator.slots import caps_of


def request_share(of: DicomServerSpec, servers: Iterable[DicomServer]) -> float | None:
    """The smallest requestsPerMinute of the objects of its endpoint ÷ the runner slots there; None: as it likes.

    Divided by the slots and not by the runners of the moment, so that a share holds as long as its runner lives: all
    together never exceed the limit, and fewer runners than slots do not use it up.
    """
    endpoint = endpoint_of(of)
    sharing = [server for server in servers if endpoint_of(server.spec) == endpoint]
    limits = [server.spec.limits.requests_per_minute for server in sharing]
    smallest = min((limit for limit in limits if limit is not None), default=None)
    if smallest is None:
        return None
    return smallest / max(1, caps_of(sharing, {})[str(endpoint)].slots)
