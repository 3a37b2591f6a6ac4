"""Windows in a manifest: what is taken, and what a person reads where something is not, here and at the API server."""

import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from adit.api.dicom_server import DicomServerSpec
from adit.api.manifests import ManifestErrors, read
from adit.api.window import DAYS, MAX_WINDOWS, Window, known_zones
from tests.cluster.access import KubectlError, Kubernetes

SERVER: dict[str, Any] = {"apiVersion": "adit.dev/v1alpha1", "kind": "DicomServer", "metadata": {"name": "pacs"}}
DIMSE = {"host": "127.0.0.1", "port": 11112}


def server(*windows: dict[str, Any]) -> str:
    return json.dumps({**SERVER, "spec": {"aeTitle": "PACS", "dimse": DIMSE, "windows": list(windows)}})


def problems(*windows: dict[str, Any]) -> list[str]:
    with pytest.raises(ManifestErrors) as caught:
        read(server(*windows), "x.json")
    return [problem.partition("spec.")[2].partition(" (line")[0] for problem in caught.value.problems]


def test_a_window_is_every_day_in_utc_and_soft_unless_said_otherwise() -> None:
    assert Window.of({"start": "22:00", "end": "06:00"}) == Window(
        days=DAYS, start="22:00", end="06:00", time_zone="UTC", hard=False
    )


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"start": "24:00"}, 'windows[0].start: not a time of day (such as "22:00")'),
        ({"start": "7:00"}, 'windows[0].start: not a time of day (such as "22:00")'),
        ({"end": "24:01"}, 'windows[0].end: not a time of day (such as "06:00", or "24:00" for midnight)'),
        ({"days": []}, "windows[0].days: at least 1 item"),
        ({"days": ["Monday"]}, "windows[0].days[0]: must be Mon or Tue or Wed or Thu or Fri or Sat or Sun"),
        (
            {"timeZone": "Europe/Entenhausen"},
            "windows[0].timeZone: must be a time zone that the IANA database knows (such as UTC or Europe/Berlin)",
        ),
        ({"timeZone": "localtime"}, "windows[0].timeZone: must be a time zone that the IANA database knows"),
        ({"timeZone": "../UTC"}, "windows[0].timeZone: not the name of a time zone (such as UTC or Europe/Berlin)"),
        ({"timeZone": "+02:00"}, "windows[0].timeZone: not the name of a time zone (such as UTC or Europe/Berlin)"),
        ({"timezone": "UTC"}, 'windows[0].timezone: unknown field (did you mean "timeZone"?)'),
    ],
)
def test_what_is_wrong_with_a_window_is_said_in_words(fields: dict[str, Any], problem: str) -> None:
    [found] = problems({"start": "22:00", "end": "06:00", **fields})
    assert found.startswith(problem)


def test_there_are_at_most_twenty_windows() -> None:
    assert problems(*[{"start": "22:00", "end": "06:00"}] * (MAX_WINDOWS + 1)) == ["windows: at most 20 items"]


def test_every_zone_that_is_known_can_be_opened() -> None:
    assert len(known_zones()) > 500
    for name in known_zones():
        assert ZoneInfo(name).key == name


def test_a_rate_is_a_whole_number() -> None:
    spec = {"aeTitle": "PACS", "dimse": DIMSE, "limits": {"requestsPerMinute": 60}}
    assert DicomServerSpec.of(spec).limits.requests_per_minute == 60
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        DicomServerSpec.of({**spec, "limits": {"requestsPerMinute": 0}})


# at the API server ----------------------------------------------------------------------------------------------------


@pytest.fixture(name="api_server")
def _api_server(kubernetes: Kubernetes, project: Path) -> Kubernetes:
    path = str(project / "crds" / "dicomservers.adit.dev.yaml")
    kubernetes.kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=adit-tests", "-f", path)
    kubernetes.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", path)
    return kubernetes


def dry_run(api_server: Kubernetes, text: str) -> None:
    api_server.kubectl("create", "--dry-run=server", "-f", "-", input=text)


@pytest.mark.cluster
@pytest.mark.parametrize("zone", ["Europe/Entenhausen", "Local", "localtime", "posixrules", "posix/UTC", "right/UTC"])
def test_the_api_server_refuses_an_unknown_zone_in_the_same_words(api_server: Kubernetes, zone: str) -> None:
    """Also a name that its machine knows and the database does not: nobody could read such a server."""
    words = r"spec\.windows\[0\]\.timeZone: .*must be a time zone that the IANA database knows"
    with pytest.raises(KubectlError, match=words):
        dry_run(api_server, server({"start": "22:00", "end": "06:00", "timeZone": zone}))


@pytest.mark.cluster
def test_the_api_server_knows_every_zone_that_we_know(api_server: Kubernetes) -> None:
    zones = sorted(known_zones())
    for first in range(0, len(zones), MAX_WINDOWS):
        some = zones[first : first + MAX_WINDOWS]
        dry_run(api_server, server(*({"start": "22:00", "end": "06:00", "timeZone": zone} for zone in some)))
