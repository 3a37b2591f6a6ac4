"""The first program of a pod's process: it ties its life to the node's, then becomes the container's command.

Started by path as `python -I -S child.py <pid of the node> <command> …`; needs nothing but the standard library.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
# As a shell answers for a command that cannot be run.
CANNOT_RUN = 127


def main(node: int, command: list[str]) -> int:
    """Replace this process by the command; returns only where that fails."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        sys.stderr.write(f"this process cannot be tied to its node: {os.strerror(ctypes.get_errno())}\n")
        return CANNOT_RUN
    if os.getppid() != node:  # it died before we asked to be told
        return CANNOT_RUN
    try:
        os.execvp(command[0], command)  # noqa: S606  # no shell is wanted: the arguments are the container's
    except OSError as error:
        sys.stderr.write(f"{command[0]} cannot be run: {error.strerror}\n")
    return CANNOT_RUN


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
