"""`adit`, and `python -m adit_cli`: registers every command, then runs the one that was asked for."""

import logging

import structlog

from adit_cli import demo, job_verbs, objects, pacs, populate, run, servers
from adit_cli.app import app

__all__ = ["app", "demo", "job_verbs", "main", "objects", "pacs", "populate", "run", "servers"]


def main() -> None:
    """Run the command line; what libraries log below an error is not for a person at a prompt."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    app()


if __name__ == "__main__":
    main()
