"""Names that a release or its values bring: what looks like a number stays a name, and two are never mixed up."""

import pytest

from tests.charts.helm import Helm, HelmError

pytestmark = pytest.mark.cluster


def test_the_operator_and_its_runners_never_share_an_account(helm: Helm) -> None:
    """Whoever writes through a runner's pod would have the operator's rights."""
    with pytest.raises(HelmError, match=r"serviceAccounts.*two accounts"):
        helm.render("--set", "serviceAccounts.operator.name=one,serviceAccounts.runner.name=one")
    with pytest.raises(HelmError, match=r"serviceAccounts.*two accounts"):
        helm.render("--set", "serviceAccounts.runner.name=adit-operator")
