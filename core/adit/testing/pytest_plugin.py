"""The one place where the shipped fakes meet pytest: a missing program skips on a person's machine and fails in CI."""

import os

import pytest

from adit.testing.orthanc import dicomweb_plugin
from adit.testing.programs import MissingProgram, require_program


def skip_or_fail(name: str) -> None:
    """Go on if the program is installed; else skip with the reason, or fail where CI=true."""
    try:
        require_program(name)
        if name == "Orthanc":
            dicomweb_plugin()
    except MissingProgram as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(missing.message)
        pytest.skip(missing.message)
