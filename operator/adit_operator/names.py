"""Names of children: deterministic, and of one owner only, so that a re-created job never inherits old results."""

OWNER_NAME_LENGTH = 30


def uid_prefix(uid: str) -> str:
    """The first 8 hexadecimal digits of a UID."""
    return uid.replace("-", "").lower()[:8]


def task_set_name(job_name: str, job_uid: str, *, round_: int, index: int) -> str:
    """`tj-<name≤30>-<8 hex of the owner's UID>-<round>-<i>`; at most 63 characters with `-a<attempt>`."""
    short = job_name[:OWNER_NAME_LENGTH].replace(".", "-").strip("-")
    return f"tj-{short}-{uid_prefix(job_uid)}-{round_}-{index}"


def job_name(task_set: str, attempt: int) -> str:
    """`<taskset>-a<attempt>`: one batch/v1 Job per attempt."""
    return f"{task_set}-a{attempt}"
