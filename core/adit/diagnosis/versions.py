"""Kubernetes' version, and our definitions in it, against what this ADIT needs. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from adit.api.crd import definition
from adit.api.resource import RESOURCES
from adit.cluster.cluster import Manifest
from adit.cluster.kinds import KINDS
from adit.diagnosis.finding import Finding, ok, problem, warning
from adit.diagnosis.upgrade import upgraded

OLDEST, NEWEST = (1, 34), (1, 37)
_UPGRADE = f"with the chart of this version {upgraded('crds.install=true')}"


def minor_of(version: Mapping[str, Any]) -> tuple[int, int]:
    """Major and minor of what /version answers; (0, 0) where it says nothing of the kind."""
    found = re.match(r"v?(\d+)\.(\d+)", str(version.get("gitVersion", "")))
    return (int(found[1]), int(found[2])) if found else (0, 0)


def judge_kubernetes(version: Mapping[str, Any]) -> Finding:
    """Whether this Kubernetes is one that ADIT was made for."""
    told = str(version.get("gitVersion") or "of an unknown version")[:40]
    minor, supported = minor_of(version), "1.34 to 1.37"
    if minor < OLDEST:
        return problem(
            "KubernetesTooOld",
            "cluster",
            f"Kubernetes {told}: this ADIT needs {supported}",
            cause="the admission policies and field validation that it relies on are not in older versions",
            fix="upgrade the cluster; nothing of an older one is supported",
        )
    if minor > NEWEST:
        return warning(
            "KubernetesNewer",
            "cluster",
            f"Kubernetes {told} is newer than what this ADIT was tried with ({supported})",
            cause="nobody has run its tests on this version",
            fix="look for a newer ADIT; until then watch the operator's log after the upgrade",
        )
    return ok("KubernetesVersion", "cluster", f"Kubernetes {told}")


def judge_definitions(found: Mapping[str, Manifest | None]) -> list[Finding]:
    """Our CustomResourceDefinitions: there, served, and those of this ADIT. `found` by the name of the kind."""
    missing = [kind for kind in RESOURCES if found.get(kind) is None]
    if missing:
        return [
            problem(
                "DefinitionsMissing",
                "cluster",
                f"the definitions of {', '.join(missing)} are not installed",
                cause="the chart was installed with crds.install: false, or not at all, or somebody deleted them",
                fix=_UPGRADE + ", or kubectl apply --server-side -f crds/",
            )
        ]
    unserved = [kind for kind in RESOURCES if not _served(found[kind] or {}, KINDS[kind].version)]
    if unserved:
        return [
            problem(
                "VersionNotServed",
                "cluster",
                f"{', '.join(unserved)}: adit.dev/v1alpha1 is not served or not established",
                cause="the definitions are of another version of ADIT, or the API server refuses them (names taken)",
                fix=_UPGRADE + "; kubectl describe crd says why one is not established",
            )
        ]
    drifted = [kind for kind in RESOURCES if _schema(found[kind] or {}) != canonical(_own_schema(kind))]
    if drifted:
        return [
            warning(
                "DefinitionsDiffer",
                "cluster",
                f"the definitions of {', '.join(drifted)} are not those of this ADIT",
                cause="chart and program are of different versions: fields that one knows may be refused or dropped",
                fix=_UPGRADE,
            )
        ]
    return [ok("Definitions", "cluster", f"{len(RESOURCES)} definitions of adit.dev/v1alpha1, those of this ADIT")]


def _served(crd: Manifest, version: str) -> bool:
    conditions = (crd.get("status") or {}).get("conditions") or []
    established = any(one.get("type") == "Established" and one.get("status") == "True" for one in conditions)
    return established and any(one.get("name") == version and one.get("served") for one in crd["spec"]["versions"])


def _schema(crd: Manifest) -> Any:
    schemas = [one.get("schema") or {} for one in crd["spec"]["versions"] if one.get("name") == "v1alpha1"]
    return canonical(schemas[0].get("openAPIV3Schema")) if schemas else None


def _own_schema(kind: str) -> Any:
    return definition(KINDS[kind])["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def canonical(value: Any) -> Any:
    """A schema without what the API server adds or leaves out: empty values, integral floats, order."""
    if isinstance(value, Mapping):
        cleaned = {key: canonical(one) for key, one in value.items()}
        return {key: one for key, one in cleaned.items() if one not in ("", [], None) and (key == "default" or one)}
    if isinstance(value, (list, tuple)):
        return [canonical(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
