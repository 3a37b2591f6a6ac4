"""A workstation's `adit` has neither the Kubernetes client nor Kopf: requirements/run.txt brings none of them."""

import subprocess
import sys

ABSENT = ("kubernetes", "aiohttp", "kopf")


def test_every_command_is_there_where_the_kubernetes_client_is_not() -> None:
    code = f"import sys; sys.modules.update(dict.fromkeys({ABSENT!r})); import adit_cli.commands"
    started = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert started.returncode == 0, started.stderr
