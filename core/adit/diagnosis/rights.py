"""What an account may do, against what it needs: a user's verbs, or the operator's own list. Pure."""

from collections.abc import Iterable, Mapping

from adit.diagnosis.api_server import Right
from adit.diagnosis.finding import Finding, note, ok, problem, warning
from adit.diagnosis.upgrade import upgraded

ADIT = "adit.dev"
MAX_SERVERS = 50
# verb → what a user cannot do without it, in a namespace
_JOBS = {
    "list": "see the jobs",
    "create": "ask for transfers",
    "patch": "suspend, cancel and retry",
    "delete": "delete jobs",
}
# on a DicomServer; the last two are given to few
_SERVERS = ("use-source", "use-destination", "transfer-identifiable", "set-urgent")
_SEEING = ("list", "create")

# docs/operator-rights.md and the chart hold the same; a test compares.
OPERATOR_RULES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (ADIT, "transferjobs", ("get", "list", "watch", "delete")),
    (ADIT, "transferjobs/status", ("patch",)),
    (ADIT, "transferjobs/finalizers", ("update",)),
    (ADIT, "tasksets", ("get", "list", "watch", "create", "patch", "delete")),
    (ADIT, "tasksets/status", ("patch",)),
    (ADIT, "dicomservers", ("list", "watch")),
    (ADIT, "dicomservers/status", ("patch",)),
    (ADIT, "dicomfolders", ("list", "watch")),
    (ADIT, "pseudonymizationprofiles", ("list", "watch")),
    ("", "secrets", ("get", "list", "watch", "create")),
    ("", "configmaps", ("get", "create")),
    ("events.k8s.io", "events", ("create",)),
    ("batch", "jobs", ("list", "watch")),
)
RUNNER_NAMESPACE_RULES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (ADIT, "transferjobs", ("list", "watch")),
    (ADIT, "tasksets", ("list", "watch")),
    (ADIT, "dicomservers", ("list", "watch")),
    (ADIT, "dicomfolders", ("list", "watch")),
    (ADIT, "pseudonymizationprofiles", ("list", "watch")),
    ("batch", "jobs", ("get", "list", "watch", "create", "delete")),
    ("", "secrets", ("get", "list", "watch", "create", "delete")),
    ("coordination.k8s.io", "leases", ("list", "create", "patch")),
)


Places = Iterable[tuple[str, str]]


def of_a_user(namespace: str, servers: Places, folders: Places = ()) -> tuple[Right, ...]:
    """What a user may want in a namespace; `servers` and `folders` are namespaces and names of the objects."""
    return (
        *(Right(verb, ADIT, "transferjobs", namespace) for verb in _JOBS),
        Right("list", ADIT, "dicomservers", namespace),
        *(
            Right(verb, ADIT, "dicomservers", where, name)
            for where, name in list(servers)[:MAX_SERVERS]
            for verb in _SERVERS
        ),
        *(Right("use-destination", ADIT, "dicomfolders", where, name) for where, name in list(folders)[:MAX_SERVERS]),
    )


def of_the_operator(watched: Iterable[str], runners: str) -> tuple[Right, ...]:
    """What the operator needs in the namespaces that it watches (none: all of them), and in the runners' one."""
    spaces = tuple(dict.fromkeys(watched)) or ("",)
    return (
        *(
            Right(verb, group, resource, space)
            for space in spaces
            for group, resource, verbs in OPERATOR_RULES
            for verb in verbs
        ),
        *(Right(verb, group, resource, runners) for group, resource, verbs in RUNNER_NAMESPACE_RULES for verb in verbs),
    )


def judge_user(who: str, namespace: str, answers: Mapping[Right, bool]) -> list[Finding]:
    """The table, and a warning for what is missing that nobody can do without."""
    about = f"rights in {namespace}"
    missing = [right for right in answers if not right.name and not answers[right]]
    hindered = [_JOBS[right.verb] for right in missing if right.resource == "transferjobs"]
    table = Finding("note", "Rights", about, f"{who} may:", rows=_table(answers))
    if not missing:
        return [table, ok("RightsComplete", about, "jobs can be seen, made, steered and deleted")]
    verdict = problem if all(not answers[r] for r in answers if r.verb in _SEEING and not r.name) else warning
    what = f"{who} lacks {', '.join(f'{right.verb} {right.resource}' for right in missing)}"
    return [
        table,
        verdict(
            "RightMissing",
            about,
            what,
            cause=f"no RoleBinding gives it, so {who} cannot {', '.join(hindered) or 'see the servers'}",
            fix=f"ask for a RoleBinding in {namespace} to the chart's ClusterRole …-tenant (or …-viewer to look only)",
        ),
    ]


def judge_server_verbs(who: str, namespace: str, answers: Mapping[Right, bool]) -> list[Finding]:
    """Whether there is any server to move from, and any to move to."""
    about = f"rights in {namespace}"
    if not any(right.name for right in answers):
        return []
    lacking = [
        verb for verb in ("use-source", "use-destination") if not any(answers[r] for r in answers if r.verb == verb)
    ]
    if not lacking:
        return []
    return [
        warning(
            "NoServerGranted",
            about,
            f"{who} may use no server as {' or '.join(verb.removeprefix('use-') for verb in lacking)}",
            cause=f"RBAC gives the verb {' and '.join(lacking)} on none of the DicomServers, and the admission policy "
            "asks for it",
            fix="ask the owner of a server for a Role with that verb on dicomservers, resourceNames: [its name]; "
            "docs/install.md shows one",
        )
    ]


def judge_operator(who: str, answers: Mapping[Right, bool]) -> Finding:
    """Whether the operator has all that it needs, and what it lacks by name."""
    missing = [str(right) for right, allowed in answers.items() if not allowed]
    if not missing:
        return ok("OperatorRightsComplete", "rights", f"{who} has all {len(answers)} rights of docs/operator-rights.md")
    return Finding(
        "problem",
        "OperatorRightMissing",
        "rights",
        f"{who} lacks {len(missing)} of the {len(answers)} rights that the operator needs:",
        cause="the chart's RBAC was changed, or is older than this ADIT, or watchNamespaces lacks a namespace",
        fix=f"with the chart of this version {upgraded()}; or grant what docs/operator-rights.md lists",
        rows=tuple((right,) for right in missing[:MAX_SERVERS]),
    )


def _table(answers: Mapping[Right, bool]) -> tuple[tuple[str, ...], ...]:
    """One line per object, its verbs with yes or no."""
    lines: dict[str, list[str]] = {}
    for right, allowed in answers.items():
        about = f"{right.resource} {right.namespace}/{right.name}" if right.name else right.resource
        lines.setdefault(about, []).append(f"{right.verb}: {'yes' if allowed else 'no'}")
    return tuple((about, *cells) for about, cells in lines.items())


def unknown_rights(error: str) -> Finding:
    """The API server does not say."""
    return note("RightsUnknown", "rights", f"the API server does not tell what this account may do ({error})")
