"""Rate: how many requests a minute one runner may make of an endpoint: its part of what all may make together. Pure."""

import math
from collections.abc import Iterable

from adit.api.dicom_server import DicomServerSpec
from adit.api.endpoint import endpoint_of
from adit.api.resource import DicomServer
from adit_operator.slots import caps_of


def request_share(of: DicomServerSpec, servers: Iterable[DicomServer]) -> float | None:
    """The smallest requestsPerMinute of the objects of its endpoint ÷ the runner slots there; None: as it likes.

    Divided by the slots and not by the runners of the moment, so that a share holds as long as its runner lives. It is
    rounded down to a whole number, so that all together never exceed the limit in any minute. A limit that is smaller
    than the number of slots leaves each less than one: they keep it on average, and at worst meet in one minute.
    """
    endpoint = endpoint_of(of)
    sharing = [server for server in servers if endpoint_of(server.spec) == endpoint]
    limits = [server.spec.limits.requests_per_minute for server in sharing]
    smallest = min((limit for limit in limits if limit is not None), default=None)
    if smallest is None:
        return None
    share = smallest / max(1, caps_of(sharing, {})[str(endpoint)].slots)
    return float(math.floor(share)) if share >= 1 else share
