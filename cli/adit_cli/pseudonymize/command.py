"""adit pseudonymize: the command line of the engine for files and folders."""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from adit.api.trial import Trial
from adit.errors import BadInput
from adit.pseudonymization.key import KEY_BYTES, ProjectKey
from adit.pseudonymization.profile import Profile
from adit_cli.app import app, session_of
from adit_cli.errors import reported
from adit_cli.exit_codes import ExitCode
from adit_cli.mapping_file import form_of, require_free, write_private
from adit_cli.pseudonymize.key_file import is_open_to_others, make_key, read_key
from adit_cli.pseudonymize.order import Order
from adit_cli.pseudonymize.profiles import profile_named
from adit_cli.pseudonymize.pseudonyms import read_list
from adit_cli.pseudonymize.publishing import Publisher
from adit_cli.pseudonymize.report import content_of, sheets_of
from adit_cli.pseudonymize.run import Found, Tally, carry_out, look, require_target, scratch_in, usual_workers

LINE_SECONDS = 5.0
MOST_NAMED = 5


@app.command()
def pseudonymize(  # noqa: PLR0917 - Typer reads the options of a command from its parameters
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="IN", help="A file, or a folder with what lies below it.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The folder that is written; new or empty.")],
    profile: Annotated[str, typer.Option(help="basic, adit-compatible, or a file with a PseudonymizationProfile.")],
    key_file: Annotated[
        Path | None, typer.Option(help="The project key: 32 random bytes, also as hex or base64.", show_default=False)
    ] = None,
    new_key_file: Annotated[
        Path | None, typer.Option(help="Make a key, write it there, and use it.", show_default=False)
    ] = None,
    pseudonyms: Annotated[
        Path | None,
        typer.Option(help="CSV or xlsx with the columns patientId, pseudonym[, issuer].", show_default=False),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="What was done, attribute by attribute: .xlsx or .csv.", show_default=False)
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes at once.")] = usual_workers(),
    exclude_modalities: Annotated[
        str, typer.Option(envvar="EXCLUDE_MODALITIES", help="Modalities that are left out, as PR,SR.")
    ] = "PR,SR",
    trial_id: Annotated[str | None, typer.Option(help="ClinicalTrialProtocolID.", show_default=False)] = None,
    trial_name: Annotated[str | None, typer.Option(help="ClinicalTrialProtocolName.", show_default=False)] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Do everything but write files.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write into a folder that is not empty.")] = False,
) -> None:
    """De-identify DICOM files, by the profiles and keys that transfers use.

    Files go to OUT/pseudonym/study/series, all of it new. What cannot be made safe is held: it is not written, and the
    command ends with 3. The same key gives the same patient the same UIDs, here and in every job.

    Examples: [bold]adit pseudonymize study/ out/ --profile basic --key-file key --pseudonyms list.csv[/bold] ·
    [bold]adit pseudonymize study/ out/ --profile mine.yaml --new-key-file key --report report.xlsx[/bold]
    """
    session = session_of(context)
    with reported(session.err):
        if report is not None:
            form_of(report)
            require_free(report, force=force)
        require_target(source, target, force=force)
        chosen = profile_named(profile)
        trial = _trial(trial_id, trial_name)
        listed = read_list(pseudonyms) if pseudonyms is not None else None
        _require_pseudonyms(chosen, has_list=listed is not None)
        found = look(source)
        if not found.sources:
            raise BadInput(f"no DICOM file lies in {source}")
        key = _key(key_file, new_key_file, session.err, dry_run=dry_run)
        salt = secrets.token_hex(8) if listed is None and chosen.spec.pseudonym_source == "Random" else ""
        facts = {"profile": chosen.name, "profile hash": chosen.hash, "key": key.id, **({"run": salt} if salt else {})}
        with scratch_in(target, dry_run=dry_run) as scratch:
            order = Order(
                profile=chosen.document(),
                key=key.secret,
                target=target.absolute(),
                scratch=scratch.absolute(),
                exclude_modalities=frozenset(filter(None, (one.strip() for one in exclude_modalities.split(",")))),
                pseudonyms=listed,
                salt=salt,
                trial_id=trial.id,
                trial_name=trial.name,
                dry_run=dry_run,
            )
            publisher = Publisher(target.absolute(), force=force, dry_run=dry_run)
            begin = time.monotonic()
            with _progress(session.err, len(found.sources)) as told:
                tally = carry_out(order, found.sources, workers, publisher, told)
            seconds = time.monotonic() - begin
        if report is not None:
            write_private(report, content_of(sheets_of(facts, found, tally), report), force=force)
        _tell(session.out, session.err, found, tally, seconds, dry_run=dry_run)
    raise typer.Exit(_code(found, tally))


def _trial(trial_id: str | None, trial_name: str | None) -> Trial:
    try:
        return Trial(id=trial_id, name=trial_name)
    except ValueError as error:
        raise BadInput(
            "--trial-id and --trial-name: at most 64 characters, no backslash or control character"
        ) from error


def _require_pseudonyms(profile: Profile, *, has_list: bool) -> None:
    if profile.spec.pseudonym_source == "Given" and not has_list:
        raise BadInput(
            f"profile {profile.name} takes pseudonyms from you: give a list (--pseudonyms list.csv), or use a profile "
            "with pseudonymSource: Derived, which makes them from the key"
        )


def _key(key_file: Path | None, new_key_file: Path | None, err: Console, *, dry_run: bool) -> ProjectKey:
    if (key_file is None) == (new_key_file is None):
        raise BadInput("give either --key-file, or --new-key-file to make a key")
    if new_key_file is not None and dry_run:
        err.print("a dry run writes no key: it uses one that is forgotten", markup=False)
        return ProjectKey(secrets.token_bytes(KEY_BYTES))
    if new_key_file is not None:
        key = make_key(new_key_file)
        err.print(f"key {key.id} written to {new_key_file}: keep it, apart from the images", markup=False)
        return key
    assert key_file is not None
    key = read_key(key_file)
    if is_open_to_others(key_file):
        err.print(f"others on this machine can read {key_file}: chmod 600 {key_file}", style="yellow", markup=False)
    return key


@contextmanager
def _progress(err: Console, total: int) -> Iterator[Callable[[Tally], None]]:
    """A bar on a terminal; elsewhere a line now and then."""
    if err.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=err, transient=True) as bar:
            task = bar.add_task("files", total=total)
            yield lambda tally: bar.update(task, completed=sum(tally.states.values()))
        return
    said = time.monotonic()

    def line(tally: Tally) -> None:
        nonlocal said
        if time.monotonic() - said >= LINE_SECONDS:
            said = time.monotonic()
            err.print(f"{sum(tally.states.values())} of {total} files", highlight=False)

    yield line


def _tell(out: Console, err: Console, found: Found, tally: Tally, seconds: float, *, dry_run: bool) -> None:
    states = tally.states
    for words in found.unreadable[:MOST_NAMED]:
        err.print(words, style="red", markup=False, highlight=False, soft_wrap=True)
    if len(found.unreadable) > MOST_NAMED:
        err.print(f"… and {len(found.unreadable) - MOST_NAMED} more", highlight=False)
    reasons: dict[tuple[str, str, str], int] = {}
    for item in tally.items:
        if item.state in {"held", "failed"}:
            key = (item.state, item.reason, item.message)
            reasons[key] = reasons.get(key, 0) + 1
    for (state, reason, message), count in sorted(reasons.items(), key=lambda one: -one[1]):
        err.print(
            f"{count} {state}: {reason}: {message}", style="yellow", markup=False, highlight=False, soft_wrap=True
        )
    parts = [
        f"{len(found.sources)} read",
        f"{states['written']} {'would be written' if dry_run else 'written'}",
        *(f"{states[state]} {words}" for state, words in _WORDS if states[state]),
        *([f"{len(found.unreadable)} unreadable"] if found.unreadable else []),
        *([f"{found.foreign} not DICOM"] if found.foreign else []),
    ]
    rate = len(found.sources) / seconds if seconds > 0 else 0
    out.print(f"{', '.join(parts)}; {seconds:.1f} s, {rate:.0f} files/s", markup=False, highlight=False, soft_wrap=True)


_WORDS = (("duplicate", "duplicates"), ("excluded", "excluded"), ("held", "held"), ("failed", "failed"))


def _code(found: Found, tally: Tally) -> ExitCode:
    """1 where a file could not be read or written, 3 where one is held, 0 where all that may leave is written."""
    if found.unreadable or tally.states["failed"]:
        return ExitCode.FAILURE
    return ExitCode.WARNING if tally.states["held"] else ExitCode.SUCCESS
