"""What a person is told of a Secret that does not carry the label without which nobody reads it. Pure."""

from adit.api import labels
from adit_operator.observed import SeenSecret, Waiting


def not_labelled(secret: SeenSecret, purpose: str, refused: str, field: str) -> Waiting:
    """The command that adds the label; none where another purpose stands, since somebody else reads it by that.

    `refused` is the beginning of the sentence, `field` names the Secret.
    """
    if secret.purpose is not None:
        other = f"it serves another purpose ({labels.PURPOSE}): name another Secret in {field}"
        return Waiting("SecretNotLabelled", f"{refused}: {other}, and leave this one as it is")
    label = f"kubectl label secret -n {secret.ref.namespace} {secret.ref.name} {labels.PURPOSE}={purpose}"
    return Waiting(
        "SecretNotLabelled", f"{refused}: run `{label}`, or add that label to its manifest and apply it again"
    )
