"""What an API server says it was asked to write: its own counters, read before and after."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

Writes = Mapping[tuple[str, str], int]
"""How many requests, by verb and resource (`tasksets/status`)."""

_WRITING: Final = {"POST", "PUT", "PATCH", "APPLY", "DELETE", "DELETECOLLECTION"}
_LINE: Final = re.compile(r"^apiserver_request_total\{(.*)\} ([0-9.e+]+)$")
_LABEL: Final = re.compile(r'(\w+)="([^"]*)"')
# What every cluster writes all the time, whoever works on it; our own Leases are created and patched.
_OF_THE_CLUSTER: Final = frozenset({"nodes", "nodes/status", "subjectaccessreviews", "tokenreviews"})
_LEADERS: Final = ("PUT", "leases")


def writes_in(metrics: str) -> Writes:
    """All writing requests so far, of the text of /metrics."""
    found: Counter[tuple[str, str]] = Counter()
    for verb, resource, count in _requests(metrics):
        if verb in _WRITING and resource not in _OF_THE_CLUSTER and (verb, resource) != _LEADERS:
            found[verb, resource] += count
    return found


def between(before: Writes, after: Writes) -> Counter[tuple[str, str]]:
    """What was written in between."""
    return Counter({key: count - before.get(key, 0) for key, count in after.items() if count > before.get(key, 0)})


def _requests(metrics: str) -> Iterator[tuple[str, str, int]]:
    for line in metrics.splitlines():
        if match := _LINE.match(line):
            labels = dict(_LABEL.findall(match[1]))
            part = labels["subresource"]
            yield labels["verb"], labels["resource"] + (f"/{part}" if part else ""), int(float(match[2]))
