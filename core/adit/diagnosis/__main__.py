"""python -m adit.diagnosis: what `adit doctor` does, for the operator's image, which has no command line.

    kubectl exec -n adit deploy/adit-operator -- python -m adit.diagnosis [SERVER …]

Exit code 0 where there is no problem, 1 where there is one or a named server could not be asked, 2 where the question
cannot be understood.
"""

import argparse
import asyncio
import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import aclosing

from adit.cluster.connect import connect
from adit.cluster.embedded import EmbeddedCluster
from adit.diagnosis.embedded import examine_embedded
from adit.diagnosis.finding import Finding, Reports
from adit.diagnosis.plain import lines, summary
from adit.diagnosis.server import Manner
from adit.diagnosis.wanted import Wanted, failed
from adit.errors import AditError, BadInput
from adit.log_output import log_to

WIDTH = 100
SLOT_SECONDS = 30.0


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """The command line; argparse leaves with 2 where it is wrong."""
    parser = argparse.ArgumentParser(prog="python -m adit.diagnosis", description=__doc__)
    parser.add_argument("servers", nargs="*", metavar="SERVER", help="NAME or NAMESPACE/NAME; none: all")
    parser.add_argument("-n", "--namespace", help="look into this namespace only")
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text", help="json: one object per line")
    parser.add_argument("--without-slot", action="store_true", help="ask even where no interactive slot is free")
    return parser.parse_args(words)


async def findings_of(asked: argparse.Namespace, wanted: Wanted, environ: Mapping[str, str]) -> list[Finding]:
    """Print each finding as it is made; all of them."""
    manner = Manner(environ.get("CALLING_AE_TITLE") or "ADIT", "adit doctor", SLOT_SECONDS)
    cluster, _ = connect(environ)
    found: list[Finding] = []
    async with cluster:
        reports: Reports
        if isinstance(cluster, EmbeddedCluster):
            reports = examine_embedded(cluster.data, wanted, manner, environ)
        else:
            from adit.diagnosis.cluster import examine_cluster  # noqa: PLC0415 - needs the extra `cluster`

            reports = examine_cluster(cluster, wanted, manner, environ)
        async with aclosing(reports):
            async for report in reports:
                if isinstance(report, Finding):
                    found.append(report)
                    _print(report, as_json=asked.output == "json")
    return found


def _print(finding: Finding, *, as_json: bool) -> None:
    text = json.dumps(finding.document(), ensure_ascii=False) if as_json else "\n".join(lines(finding, WIDTH))
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(words: Sequence[str]) -> int:
    """The exit code."""
    asked = arguments(words)
    wanted = Wanted(tuple(asked.servers), asked.namespace, take_slots=not asked.without_slot)
    log_to(sys.stderr, level=logging.ERROR, as_json=False)
    try:
        found = asyncio.run(findings_of(asked, wanted, os.environ))
    except AditError as error:
        sys.stderr.write(f"{error.message}\n")
        return 2 if isinstance(error, BadInput) else 1
    except KeyboardInterrupt:
        return 130
    if asked.output == "text":
        sys.stdout.write(summary(found) + "\n")
    return int(failed(found, wanted))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
