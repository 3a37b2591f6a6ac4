"""What is to be looked at, and the servers that this names. Pure but for this program's own version."""

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version as installed_version

from pydantic import ValidationError

from adit.api.resource import DicomServer
from adit.cluster.cluster import Manifest
from adit.cluster.kinds import Ref
from adit.diagnosis.finding import Finding, not_asked, ok, problem
from adit.errors import BadInput

_SHOWN_FIELDS = 5


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


def failed(found: Sequence[Finding], wanted: Wanted) -> bool:
    """Whether something is wrong, or a server that was named could not be asked, so that nobody knows."""
    return any(one.verdict == "problem" for one in found) or bool(wanted.servers and not_asked(found))


def chosen(manifests: Sequence[Manifest], wanted: Wanted) -> tuple[list[DicomServer], list[Finding]]:
    """The servers that were asked for, in their order, and a finding for each that this ADIT cannot read.

    Raises BadInput for a name that there is not.
    """
    refs = sorted(Ref.of(one) for one in manifests)
    picked = refs if not wanted.servers else [ref for name in wanted.servers for ref in _named(name, refs)]
    by_ref = {Ref.of(one): one for one in manifests}
    servers, complaints = [], []
    for ref in picked:
        try:
            servers.append(DicomServer.read(by_ref[ref]))
        except ValidationError as error:
            complaints.append(_unreadable(ref, error))
    return servers, complaints


def _named(name: str, refs: Sequence[Ref]) -> list[Ref]:
    space, _, last = name.rpartition("/")
    same = [ref for ref in refs if ref.name == last and space in {"", ref.namespace}]
    if not same:
        raise BadInput(f"DicomServer/{name} does not exist here; adit doctor without a name looks at all of them")
    return same


def _unreadable(ref: Ref, error: ValidationError) -> Finding:
    told = error.errors(include_input=False, include_url=False, include_context=False)
    fields = ", ".join(sorted({".".join(map(str, one["loc"])) for one in told})[:_SHOWN_FIELDS])
    return problem(
        "ServerUnreadable",
        str(ref).partition("/")[2],
        f"this ADIT cannot read its {fields}",
        cause="the object was made with another version of the definitions, or by hand past them",
        fix="apply its manifest again; adit check tells what is wrong with it",
    )
