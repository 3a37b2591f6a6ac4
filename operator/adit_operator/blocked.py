"""Blocked: a peer that refused us, or a configuration nobody could read, until what a runner is given changes. Pure."""

from collections.abc import Mapping, Sequence

from adit_operator.observed import Observed, SeenJob, SeenSet, Waiting

EVERYTHING = ("source", "destination", "settings", "profile", "key")


def blocked(seen: Observed, own: Sequence[SeenSet]) -> Waiting | None:
    """The reason to stall, if a set's last runner was refused and would be given the very same again."""
    reasons = (
        in_vain(one, seen.last_job(one), peers=seen.peers, image=seen.image, config=seen.config)
        for one in own
        if not one.finished and not seen.running(one)
    )
    return next((reason for reason in reasons if reason is not None), None)


def in_vain(one: SeenSet, job: SeenJob | None, *, peers: str, image: str, config: Mapping[str, str]) -> Waiting | None:
    """Why another runner would end as the set's last one, `job`, did, if it were given this now."""
    if job is None or one.ended is None or one.attempt != job.attempt:
        return None
    if one.ended.reason == "AccessDenied" and job.peers == peers:
        return Waiting(
            "PeerRefusedAccess",
            (one.ended.message or "a peer refused our AE title or credentials")
            + ": let the peer admit us, then change the DicomServer (an annotation is enough) or its Secret to go on",
        )
    if one.ended.reason == "BadInput" and job.image == image and _same(job, config):
        return Waiting("BadInput", one.ended.message or "the runner could not read what it was given")
    return None


def _same(job: SeenJob, config: Mapping[str, str]) -> bool:
    return all(job.secrets.get(volume) == config.get(volume) for volume in EVERYTHING)
