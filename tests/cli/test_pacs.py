"""`adit pacs` as a process of its own, and `adit populate`, which fills and empties it."""

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from adit.testing.example_patients import example_patients
from adit.testing.faults import Faults
from adit.testing.pacs import LoopbackPacs
from adit_cli.testing import manifests
from adit_cli.testing.command_line import CommandLine
from adit_cli.testing.program import Adit, Running


@pytest.fixture
def start(adit: CommandLine) -> Iterator[Callable[..., tuple[Running, int]]]:
    """Start `adit pacs` with options; gives it and its port."""
    with ExitStack() as stack:

        def started(*options: object) -> tuple[Running, int]:
            program = stack.enter_context(Adit(adit.data).started("pacs", *options))
            program.says("listens on 127.0.0.1:")
            return program, int(program.text.partition("127.0.0.1:")[2].partition(",")[0])

        yield started


def test_a_pacs_is_filled_with_the_examples_asked_and_emptied(
    adit: CommandLine, start: Callable[..., tuple[Running, int]], tmp_path: Path
) -> None:
    program, port = start("--aet", "TRY", "--dir", tmp_path / "kept")
    assert program.text == f"TRY listens on 127.0.0.1:{port}, instances in {tmp_path / 'kept'}\n"
    adit.put(manifests.server_at("try", port, "TRY"))
    assert adit("echo", "try").code == 0
    count = len(example_patients(tmp_path / "examples"))
    for arguments in (["populate", "try"], ["populate", "try", "--reset"]):
        result = adit(*arguments)
        assert (result.code, result.out) == (0, f"{count} instances stored at try\n"), result.err
    assert "SYN-0004" in adit("find", "try").out
    assert len(list((tmp_path / "kept").glob("*.dcm"))) == count
    program.process.send_signal(signal.SIGTERM)
    assert program.ended(10) == 0
    assert not (adit.data / "pacs" / f"{port}.json").exists()


def test_ctrl_c_ends_it_quietly(start: Callable[..., tuple[Running, int]]) -> None:
    program, _ = start()
    program.interrupt()
    assert program.ended(10) == 0
    assert "Traceback" not in program.text


def test_a_taken_port_is_refused_with_what_to_do(adit: CommandLine) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = Adit(adit.data).run("pacs", "--port", port)
    assert result.code == 1
    assert (
        f"port {port} cannot be opened: Address already in use. Choose another --port, or 0 for a free one"
        in result.err
    )


def test_a_wrong_move_destination_exits_2(adit: CommandLine) -> None:
    result = Adit(adit.data).run("pacs", "--move-to", "nonsense")
    assert (result.code, result.err) == (2, "--move-to nonsense: not of the form AET=HOST:PORT\n")


def test_only_a_pacs_of_adit_pacs_is_emptied(adit: CommandLine, pacs: LoopbackPacs, tmp_path: Path) -> None:
    adit.put(manifests.server("real", pacs))
    pacs.load(example_patients(tmp_path / "examples")[:3])
    result = adit("populate", "real", "--reset")
    assert result.code == 2
    assert (
        f"nothing started by adit pacs listens on port {pacs.port}: only such a test PACS can be emptied" in result.err
    )
    assert len(pacs.instances()) == 3


def test_what_a_server_refuses_of_the_examples_is_counted(adit: CommandLine, tmp_path: Path) -> None:
    with LoopbackPacs(tmp_path / "full", faults=Faults(refuse_store_status=0xA700)) as full:
        adit.put(manifests.server("full", full))
        result = adit("populate", "full")
    assert result.code == 1
    assert "instances were refused, the first one with: OutOfResources full is out of resources" in result.err
