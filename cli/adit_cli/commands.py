"""Every command of `adit`: importing this module registers them all."""

from adit_cli import demo, doctor, job_verbs, mapping, objects, pacs, populate, run, servers
from adit_cli.app import app
from adit_cli.data_path import commands as data_path
from adit_cli.pseudonymize import command as pseudonymize

__all__ = [
    "app",
    "data_path",
    "demo",
    "doctor",
    "job_verbs",
    "mapping",
    "objects",
    "pacs",
    "populate",
    "pseudonymize",
    "run",
    "servers",
]
