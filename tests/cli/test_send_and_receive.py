"""`adit send`, `receive`, `fetch` and `move` between each other and against the loopback PACS, over real sockets."""

import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

from adit.testing import patients
from adit.testing.datasets import ct_study
from adit.testing.pacs import LoopbackPacs
from adit.testing.programs import free_port
from adit.transfer.part10 import open_part10
from adit_cli.testing import manifests
from adit_cli.testing.command_line import CommandLine

CT = ct_study(patients.UMLAUT, instances=5, rows=16)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    CT.write(tmp_path / "ct")
    return tmp_path / "ct"


@contextmanager
def receiving(folder: Path, *options: str) -> Iterator[tuple[str, Path]]:
    """`adit receive` as a process that is told to end by SIGTERM; its address, and what it prints."""
    port, log = free_port(), folder.parent / "receive.log"
    words = [sys.executable, "-m", "adit_cli", "receive", "--port", str(port), "--dir", str(folder), *options]
    with log.open("wb") as output:
        process = subprocess.Popen(words, stdout=output, stderr=output)
        try:
            give_up = time.monotonic() + 30
            while b"listens on" not in log.read_bytes():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < give_up
                time.sleep(0.02)
            yield f"127.0.0.1:{port}", log
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def data_sets(folder: Path) -> list[str]:
    """A digest of every data set in a folder, in an order of its own."""
    found = (open_part10(path) for path in folder.rglob("*.dcm"))
    return sorted(hashlib.sha256(b"".join(one.chunks())).hexdigest() for one in found)


@pytest.mark.parametrize("options", [(), ("--fsync",)])
def test_what_is_sent_is_received_byte_for_byte(
    adit: CommandLine, files: Path, tmp_path: Path, options: tuple[str, ...]
) -> None:
    with receiving(tmp_path / "in", "--aet", "STORE_1", *options) as (address, log):
        result = adit("send", files, f"STORE_1@{address}", "--aet", "SENDER_1")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("5 instances stored, ")
    assert data_sets(tmp_path / "in") == data_sets(files)
    assert "SENDER_1 at 127.0.0.1 calls STORE_1" in log.read_text()
    assert "5 instances received" in log.read_text()


def test_both_sides_prove_who_they_are_over_tls(adit: CommandLine, files: Path, tmp_path: Path) -> None:
    authority = trustme.CA()
    trust, certificate, key = tmp_path / "ca.pem", tmp_path / "cert.pem", tmp_path / "key.pem"
    issued = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(trust)
    issued.cert_chain_pems[0].write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    ours = ("--tls-cert", str(certificate), "--tls-key", str(key))
    with receiving(tmp_path / "in", *ours, "--tls-ca", str(trust)) as (address, _):
        secured = adit("send", files, address, "--tls", "--tls-ca", trust, *ours, "--associations", 2)
        unknown = adit("send", files, address, "--tls", "--tls-ca", trust)
        elsewhere = adit(
            "send", files, address, "--tls", "--tls-ca", trust, *ours, "--tls-server-name", "other.example"
        )
    assert secured.code == 0, secured.err
    assert data_sets(tmp_path / "in") == data_sets(files)
    assert (unknown.code, elsewhere.code) == (1, 1)
    assert "client certificate" in unknown.err
    assert "it is for another name" in elsewhere.err


def test_several_associations_send_each_file_once(adit: CommandLine, files: Path, tmp_path: Path) -> None:
    with receiving(tmp_path / "in") as (address, log):
        result = adit("send", files, address, "--associations", 3)
    assert result.code == 0, result.err
    assert data_sets(tmp_path / "in") == data_sets(files)
    assert log.read_text().count("released the association") == 3


def test_an_ae_title_that_is_not_ours_is_refused_and_said_on_both_sides(
    adit: CommandLine, files: Path, tmp_path: Path
) -> None:
    with receiving(tmp_path / "in", "--aet", "STORE_1") as (address, log):
        result = adit("send", files, address, "--aec", "OTHER")
    assert result.code == 1
    assert "for good: it does not go by the AE title that it was called by (source 1, reason 7)" in result.err
    assert "refused ADIT at 127.0.0.1: it calls OTHER" in log.read_text()


def test_the_same_instance_again_is_kept_beside_the_first(adit: CommandLine, files: Path, tmp_path: Path) -> None:
    with receiving(tmp_path / "in") as (address, _):
        assert adit("send", files, address).code == 0
        assert adit("send", files, address).code == 0
    assert len(list((tmp_path / "in").iterdir())) == 10


def test_what_is_no_dicom_file_is_named_and_left_out(adit: CommandLine, files: Path, pacs: LoopbackPacs) -> None:
    (files / "readme.txt").write_text("hello")
    result = adit("send", files, f"PACS@127.0.0.1:{pacs.port}")
    assert result.code == 0
    assert f"skipped {files / 'readme.txt'}: no DICOM file" in result.err
    assert result.out.rstrip().endswith("1 skipped")


def test_a_file_that_is_cut_short_fails_and_the_others_go(adit: CommandLine, files: Path, pacs: LoopbackPacs) -> None:
    broken = next(files.rglob("*.dcm"))
    os.truncate(broken, 140)
    result = adit("send", files, f"PACS@127.0.0.1:{pacs.port}")
    assert result.code == 1
    assert f"failed {broken}: cannot be sent" in result.err
    assert result.out.startswith("4 instances stored")
    assert "1 failed" in result.out


def test_an_interrupted_sending_says_how_far_it_came(files: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        words = ["send", str(files), f"127.0.0.1:{silent.getsockname()[1]}"]
        process = subprocess.Popen(
            [sys.executable, "-m", "adit_cli", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(1) == b"\x01"  # its association request is there, and is never answered
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert out.startswith("0 of 5 instances stored")
    assert "was aborted" in err


def test_nothing_to_send_is_a_wrong_input(adit: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = adit("send", tmp_path / "empty", "127.0.0.1:1")
    assert (result.code, "nothing that could be sent" in result.err) == (2, True)


def test_a_peer_that_is_down_exits_1(adit: CommandLine, files: Path) -> None:
    result = adit("send", files, f"127.0.0.1:{free_port()}")
    assert result.code == 1
    assert result.out.startswith("0 of 5 instances stored")
    assert result.err.rstrip().endswith("cannot be reached: connection refused")


@pytest.mark.parametrize("associations", [1, 2])
def test_each_file_that_was_not_tried_is_named(adit: CommandLine, files: Path, associations: int) -> None:
    result = adit("send", files, f"127.0.0.1:{free_port()}", "--associations", associations)
    assert [f"failed {path}: not tried" in result.err for path in files.rglob("*.dcm")] == [True] * 5
    assert "5 failed" in result.out


def test_several_associations_say_why_as_one_does(adit: CommandLine, files: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        result = adit("send", files, address, "--associations", 2, "--timeout", "0.3")
    assert result.code == 1
    assert result.err.rstrip().endswith("PeerSilent: nothing came within 0.3 s")


def test_more_associations_than_a_server_gives_people_are_refused_at_once(
    adit: CommandLine, files: Path, pacs: LoopbackPacs
) -> None:
    adit.put(manifests.server("pacs", pacs))
    result = adit("send", files, "pacs", "--associations", 2)
    assert result.code == 2
    assert "DicomServer/pacs gives people 1 association at once, not 2" in result.err


@pytest.mark.parametrize(
    ("option", "why"),
    [
        (("--tls-ca", "x.pem"), "need --tls"),
        (("--aec", "A" * 17), "not an AE title"),
        (("--passcode-file", "x"), "needs --user"),
    ],
)
def test_options_that_make_no_sense_exit_2(adit: CommandLine, files: Path, option: tuple[str, ...], why: str) -> None:
    result = adit("send", files, "127.0.0.1:1", *option)
    assert (result.code, why in result.err) == (2, True), result.err


def test_a_server_is_sent_to_and_fetched_from_by_its_name(
    adit: CommandLine, files: Path, pacs: LoopbackPacs, tmp_path: Path
) -> None:
    adit.put(manifests.server("pacs", pacs))
    assert adit("send", files, "pacs").code == 0
    result = adit("fetch", "pacs", tmp_path / "out", "--study", CT.study_instance_uid)
    assert result.code == 0, result.err
    assert data_sets(tmp_path / "out") == data_sets(files)


def test_what_a_fetch_finds_there_already_is_not_replaced(
    adit: CommandLine, files: Path, pacs: LoopbackPacs, tmp_path: Path
) -> None:
    pacs.load(list(files.rglob("*.dcm")))
    address = f"PACS@127.0.0.1:{pacs.port}"
    words = ("fetch", address, tmp_path / "out", "--study", CT.study_instance_uid)
    assert adit(*words).code == 0
    kept = next((tmp_path / "out").iterdir())
    kept.write_bytes(b"mine")
    again = adit(*words)
    assert kept.read_bytes() == b"mine", again.err
    assert adit(*words, "--force").code == 0
    assert kept.read_bytes() != b"mine"


def test_a_study_that_is_not_there_cannot_be_fetched(adit: CommandLine, pacs: LoopbackPacs, tmp_path: Path) -> None:
    result = adit("fetch", f"PACS@127.0.0.1:{pacs.port}", tmp_path / "out", "--study", "1.2.3")
    assert result.code == 1
    assert "has nothing of this study" in result.err or "refuses" in result.err


def test_a_move_reaches_whoever_receives(adit: CommandLine, files: Path, tmp_path: Path) -> None:
    with receiving(tmp_path / "in", "--aet", "STORE_1") as (address, _):
        host, port = address.split(":")
        with LoopbackPacs(tmp_path / "source", destinations={"STORE_1": (host, int(port))}) as source:
            source.load(list(files.rglob("*.dcm")))
            words = ("move", f"PACS@127.0.0.1:{source.port}", "--study", CT.study_instance_uid)
            result = adit(*words, "--to", "STORE_1")
            unknown = adit(*words, "--to", "NOBODY")
    assert result.code == 0, result.err
    assert result.out.startswith("5 instances sent")
    assert data_sets(tmp_path / "in") == data_sets(files)
    assert unknown.code == 1
    assert "0xA801" in unknown.err


@pytest.mark.parametrize("name", ["fetch", "move", "receive", "send"])
def test_the_data_path_imports_nothing_heavy(name: str) -> None:
    heavy = ("pydicom", "pynetdicom", "pydantic", "structlog", "asyncio", "typer", "rich", "multiprocessing", "ssl")
    program = (
        f"import sys; sys.argv = ['adit', '{name}', '--help']; sys.modules |= dict.fromkeys({heavy})\n"
        "from adit_cli.__main__ import main\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert f"adit {name} [OPTIONS]" in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("send", "x", "h:1", "--no-such-option"),
        ("send",),
        ("send", "x", "h:1", "--associations", "65"),
        ("fetch", "h:1", "x"),
        ("receive", "--port", "x", "--dir", "x"),
        ("move", "h:1", "--study", "1.2", "--to"),
    ],
)
def test_a_wrong_word_exits_2_in_both_ways_to_start(adit: CommandLine, words: tuple[str, ...]) -> None:
    by_itself = subprocess.run([sys.executable, "-m", "adit_cli", *words], capture_output=True, text=True, check=False)
    assert by_itself.returncode == adit(*words).code == 2
    assert "--help" in by_itself.stderr


def test_options_stand_anywhere_between_the_words(adit: CommandLine, files: Path, pacs: LoopbackPacs) -> None:
    first, second = sorted(files.rglob("*.dcm"))[:2]
    result = adit("send", "-v", first, "--aec", "PACS", second, "--timeout", "5", f"127.0.0.1:{pacs.port}")
    assert result.code == 0, result.err
    assert f"done {first}" in result.out
    assert "2 instances stored" in result.out


def test_a_server_is_found_by_its_name_when_the_command_starts_by_itself(
    adit: CommandLine, files: Path, pacs: LoopbackPacs
) -> None:
    adit.put(manifests.server("pacs", pacs))
    words = [sys.executable, "-m", "adit_cli", "send", str(files), "pacs"]
    done = subprocess.run(
        words, capture_output=True, text=True, check=False, env={**os.environ, "ADIT_DATA": str(adit.data)}, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("5 instances stored")


def test_nothing_that_a_name_holds_moves_the_cursor(adit: CommandLine, files: Path, pacs: LoopbackPacs) -> None:
    (files / "a\x1b[2Jb\udcff.txt").write_text("hello")
    result = adit("send", files, f"PACS@127.0.0.1:{pacs.port}")
    assert result.code == 0
    assert "a [2Jb .txt: no DICOM file" in result.err


def test_what_a_peer_only_counts_is_said_in_one_line(adit: CommandLine, files: Path, tmp_path: Path) -> None:
    with LoopbackPacs(tmp_path / "source", destinations={"STORE_1": ("127.0.0.1", free_port())}) as source:
        source.load(list(files.rglob("*.dcm")))
        words = ("move", f"PACS@127.0.0.1:{source.port}", "--study", CT.study_instance_uid, "--to", "STORE_1")
        result = adit(*words)
    assert result.code == 1
    assert [line for line in result.err.splitlines() if "count" in line] == [
        "5 failed, by the peer's own count; its log may say which"
    ], result.err
