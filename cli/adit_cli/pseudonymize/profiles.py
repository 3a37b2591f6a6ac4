"""The profile that a command line names: a built-in one, or the one in a manifest file."""

from pathlib import Path

from pydantic import ValidationError

from adit.api.manifests import read_all
from adit.api.resource import PseudonymizationProfile
from adit.errors import BadInput
from adit.pseudonymization.profile import BUILT_IN, Profile

MAX_BYTES = 1 << 20


def profile_named(name: str) -> Profile:
    """Raises BadInput naming what exists."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    path = Path(name)
    if not path.exists():
        known = ", ".join(sorted(BUILT_IN))
        raise BadInput(f"--profile {name}: neither a built-in profile ({known}) nor a file")
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadInput(f"--profile {name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"--profile {name} is no YAML file in UTF-8") from error
    if len(text) > MAX_BYTES:
        raise BadInput(f"--profile {name} is larger than {MAX_BYTES >> 20} MiB")
    found = [one for one in read_all([(name, text)], namespace="default") if one.kind == "PseudonymizationProfile"]
    if len(found) != 1:
        raise BadInput(f"--profile {name} holds {len(found)} PseudonymizationProfiles; it must hold one")
    try:
        profile = PseudonymizationProfile.read(found[0].manifest)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise BadInput(f"--profile {name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    return Profile(profile.metadata.name, profile.spec)
