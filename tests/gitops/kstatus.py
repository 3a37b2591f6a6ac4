"""What Flux, kpt and `kubectl apply --prune` tools read of any object: kstatus' rules for kinds that it does not know.

Its README's "generic" rules, in their order: deletion, generations, Reconciling and Stalled, then Ready.
"""

from typing import Any, Literal

Status = Literal["Terminating", "InProgress", "Failed", "Current"]


def kstatus(manifest: dict[str, Any]) -> Status:
    """The status that waiting goes by: Current ends it well, Failed ends it badly."""
    metadata, status = manifest["metadata"], manifest.get("status") or {}
    if metadata.get("deletionTimestamp"):
        return "Terminating"
    observed = status.get("observedGeneration")
    if observed is not None and observed != metadata.get("generation"):
        return "InProgress"
    told = {one["type"]: one["status"] for one in status.get("conditions") or []}
    if told.get("Reconciling") == "True":
        return "InProgress"
    if told.get("Stalled") == "True":
        return "Failed"
    return "InProgress" if told.get("Ready", "True") != "True" else "Current"
