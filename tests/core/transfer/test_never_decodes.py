"""Pass-through never decodes: a source whose instances raise when anybody but the destination reads them."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adit.query import Selection
from adit.testing.connectors import FakeConnector, fake_study
from adit.testing.transfers import moved
from adit.transfer.header import header_of
from adit.transfer.instance import READ_SIZE, FileSlice, Instance
from adit.transfer.outcomes import StoreOutcome
from adit.transfer.placement import Placement


class AskedToDecode(AssertionError):
    pass


class Sealed(FileSlice):
    """Bytes that lie there and may not be looked at."""

    def read(self) -> bytes:
        raise AskedToDecode

    def chunks(self, size: int = READ_SIZE) -> Iterator[bytes]:  # noqa: ARG002 - the signature of FileSlice
        raise AskedToDecode


class SealedSource(FakeConnector):
    def fetch(self, selection: Selection, spool: Path) -> Iterator[Instance]:
        for instance in super().fetch(selection, spool):
            [piece] = instance.pieces
            assert isinstance(piece, FileSlice)
            yield replace(instance, pieces=(Sealed(piece.path, piece.start, piece.length),))


class UnsealingDestination(FakeConnector):
    def store(self, instances: Iterable[Instance], placement: Placement) -> Iterator[StoreOutcome]:
        return super().store(map(unsealed, instances), placement)


def unsealed(instance: Instance) -> Instance:
    [piece] = instance.pieces
    assert isinstance(piece, FileSlice)
    return replace(instance, pieces=(FileSlice(piece.path, piece.start, piece.length),))


def test_an_identified_study_arrives_though_nobody_may_decode_it(tmp_path: Path) -> None:
    source, destination = SealedSource("a", fake_study(5)), UnsealingDestination("b")
    assert moved(source, destination, tmp_path).line.state == "S"
    assert {uid: one.encoded for uid, one in destination.held.items()} == {
        uid: one.encoded for uid, one in source.held.items()
    }


def test_the_seal_raises_when_it_is_asked_to_decode(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    source = SealedSource("a", fake_study(1))
    [sealed] = source.fetch(Selection("", "1.2.3"), tmp_path / "spool")
    with pytest.raises(AskedToDecode):
        header_of(sealed)
