"""Asking in a person's name: the impersonation headers of the API server, and who may never be named. Pure."""

from dataclasses import dataclass

from adit.cluster.cluster import Forbidden

_MAX_GROUPS = 500
_MAX_NAME = 256
# Names that the cluster keeps for itself. A sign-in that hands us `system:masters` as a group must not become one.
_RESERVED = "system:"
_PERSONS = ("system:serviceaccount:",)
_GROUPS = ("system:authenticated", "system:serviceaccounts", "system:serviceaccounts:")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in whose name the cluster is asked."""

    name: str
    groups: tuple[str, ...] = ()

    def headers(self) -> list[tuple[str, str]]:
        """One header per group: the API server does not split a list."""
        return [("Impersonate-User", self.name), *(("Impersonate-Group", group) for group in self.groups)]


def person(name: str, groups: tuple[str, ...] = ()) -> Person:
    """A person who may be impersonated. Raises Forbidden for a name of the cluster's own, or one that is no name."""
    if not _is_name(name) or (name.startswith(_RESERVED) and not name.startswith(_PERSONS)):
        raise Forbidden("nobody can be asked for under this name: it is not printable, too long, or the cluster's own")
    if len(groups) > _MAX_GROUPS:
        raise Forbidden(f"a person can be asked for with {_MAX_GROUPS} groups, not {len(groups)}")
    for group in groups:
        if not _is_name(group) or (group.startswith(_RESERVED) and not _is_harmless(group)):
            raise Forbidden("a group of this person is not printable, too long, or the cluster's own")
    return Person(name, groups)


def _is_harmless(group: str) -> bool:
    return group in _GROUPS or group.startswith(_GROUPS[-1])


def _is_name(value: str) -> bool:
    # the server trims a header, so ` admin` would arrive as `admin`
    return 0 < len(value) <= _MAX_NAME and value.isprintable() and value == value.strip()
