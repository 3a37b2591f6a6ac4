"""The kept samples, read from their files as a GitOps tool would read the objects."""

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.gitops.samples import FOLDER


@pytest.fixture
def sample() -> Callable[[str], dict[str, Any]]:
    """An object by its file's name without the ending."""

    def read(name: str) -> dict[str, Any]:
        manifest: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))
        return manifest

    return read
