"""The command that mends what the chart brings. Helm drops the values of before unless it is told to keep them."""

COMMAND = "helm upgrade RELEASE charts/adit -n NAMESPACE --reset-then-reuse-values"
_KEPT = "or with -f YOUR-VALUES: otherwise Helm drops what was set before"


def upgraded(setting: str = "") -> str:
    """The command as a fix, perhaps with a setting such as policies.enabled=true."""
    return f"{COMMAND}{f' --set {setting}' if setting else ''} ({_KEPT})"
