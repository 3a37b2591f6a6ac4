"""python -m adit_receiver: takes in until SIGTERM; `quarantine …` looks at what nobody waited for."""

import argparse
import signal
import sys
import threading

import structlog

from adit.errors import AditError
from adit.log_output import log_to
from adit_receiver import quarantine
from adit_receiver.program import Receiver
from adit_receiver.settings import SpoolSettings, read_settings

EXAMPLES = """examples:
  python -m adit_receiver
  python -m adit_receiver quarantine list
  python -m adit_receiver quarantine export - > quarantine.tar
"""


def main(argv: list[str] | None = None) -> int:
    """0 where it was told to end, 1 where something is broken, 2 where it cannot be started so."""
    parser = argparse.ArgumentParser(
        prog="python -m adit_receiver",
        description="Takes in what PACS send, and keeps it until whoever announced it has it.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command")
    quarantine.add_commands(commands.add_parser("quarantine", help="look at what nobody waited for"))
    arguments = parser.parse_args(argv)
    try:
        if arguments.command == "quarantine":
            for line in quarantine.run(arguments, SpoolSettings().spool):
                print(line)  # noqa: T201 - what was asked for
            return 0
        return _serve()
    except AditError as error:
        print(f"error: {error.message}", file=sys.stderr)  # noqa: T201 - for whoever started it
        return 2
    except OSError as error:
        what = error.filename or "a port or the spool"
        print(f"error: {error.strerror or error} ({what})", file=sys.stderr)  # noqa: T201 - for whoever started it
        return 1


def _serve() -> int:
    log_to(sys.stdout)
    receiver = Receiver(read_settings())
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: receiver.stop())

    def dead(arguments: threading.ExceptHookArgs) -> None:
        structlog.get_logger("adit.receiver").error("a thread died", exc_info=arguments.exc_value)
        receiver.fail(arguments.exc_value or RuntimeError("a thread died"))

    threading.excepthook = dead
    receiver.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
