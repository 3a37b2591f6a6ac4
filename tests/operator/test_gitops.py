import pytest

from adit_operator.gitops import gitops_owner

ARGO, FLUX = "Argo CD", "Flux"


@pytest.mark.parametrize(
    ("labels", "annotations", "tool"),
    [
        ({}, {}, None),
        ({"app.kubernetes.io/managed-by": "adit.dev"}, {"adit.dev/requested-by": "ada"}, None),
        ({"app.kubernetes.io/instance": "night"}, {}, "Argo CD or Helm"),
        ({"app.kubernetes.io/managed-by": "kustomize"}, {}, None),
        ({}, {"argocd.argoproj.io/tracking-id": "research:adit.dev/TransferJob:default/night"}, ARGO),
        ({"argocd.argoproj.io/instance": "research"}, {}, ARGO),
        ({}, {"argocd.argoproj.io/instance": "research"}, ARGO),
        ({}, {"argocd.argoproj.io/sync-options": "Prune=confirm"}, None),
        ({"kustomize.toolkit.fluxcd.io/name": "research"}, {}, FLUX),
        ({}, {"kustomize.toolkit.fluxcd.io/name": "research"}, FLUX),
        ({"helm.toolkit.fluxcd.io/name": "research"}, {}, FLUX),
        ({}, {"helm.toolkit.fluxcd.io/name": "research"}, FLUX),
        ({"app.kubernetes.io/managed-by": "Helm"}, {"meta.helm.sh/release-name": "research"}, "Helm"),
        ({"app.kubernetes.io/managed-by": "Helm"}, {}, "Helm"),
        ({}, {"meta.helm.sh/release-name": "research"}, "Helm"),
        ({}, {"kubectl.kubernetes.io/last-applied-configuration": "{}"}, None),
    ],
)
def test_who_would_make_an_object_again(labels: dict[str, str], annotations: dict[str, str], tool: str | None) -> None:
    assert gitops_owner(labels, annotations) == tool
