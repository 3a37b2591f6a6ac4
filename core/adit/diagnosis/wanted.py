"""What is to be looked at, and the servers that this names. Pure but for this program's own version."""

import platform
from dataclasses import dataclass
from importlib.metadata import version as installed_version

from adit.api.resource import DicomServer
from adit.diagnosis.finding import Finding, ok
from adit.errors import BadInput


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be looked at: servers by NAME or NAMESPACE/NAME (none: all), in one namespace or in all."""

    servers: tuple[str, ...] = ()
    namespace: str | None = None
    take_slots: bool = True


def this_program() -> Finding:
    """The versions of ADIT and Python."""
    return ok(
        "Versions",
        "this machine",
        f"ADIT {installed_version('adit-kubernetes')}, Python "
        f"{platform.python_version()}, {platform.system()} {platform.release()}",
    )


def chosen(servers: list[DicomServer], wanted: Wanted) -> list[DicomServer]:
    """The servers that were asked for, in their order. Raises BadInput for a name that there is not."""
    if not wanted.servers:
        return sorted(servers, key=lambda one: (one.metadata.namespace, one.metadata.name))
    found = []
    for name in wanted.servers:
        space, _, last = name.rpartition("/")
        same = [one for one in servers if one.metadata.name == last and space in {"", one.metadata.namespace}]
        if not same:
            raise BadInput(f"DicomServer/{name} does not exist here; adit doctor without a name looks at all of them")
        found.extend(same)
    return found
