"""GitOps: whether a tool keeps an object as its repository says, and would make it again if we deleted it. Pure."""

from collections.abc import Mapping

ARGO_TRACKING = "argocd.argoproj.io/tracking-id"
ARGO_INSTANCE = "argocd.argoproj.io/instance"
FLUX_KUSTOMIZE = "kustomize.toolkit.fluxcd.io/name"
FLUX_HELM = "helm.toolkit.fluxcd.io/name"
HELM_RELEASE = "meta.helm.sh/release-name"
MANAGED_BY = "app.kubernetes.io/managed-by"

# What tools write, as label or annotation: the key, and the tool's name.
MARKS = (
    (ARGO_TRACKING, "Argo CD"),
    (ARGO_INSTANCE, "Argo CD"),
    (FLUX_KUSTOMIZE, "Flux"),
    (FLUX_HELM, "Flux"),
    # What Argo CD tracked by before version 3; others write it too, and then the job is kept for nothing.
    ("app.kubernetes.io/instance", "Argo CD or Helm"),
)


def gitops_owner(labels: Mapping[str, str], annotations: Mapping[str, str]) -> str | None:
    """The tool that owns an object with these labels and annotations: Argo CD, Flux or Helm; None where none does."""
    for key, tool in MARKS:
        if key in labels or key in annotations:
            return tool
    if annotations.get(HELM_RELEASE) or labels.get(MANAGED_BY, "").lower() == "helm":
        return "Helm"
    return None
