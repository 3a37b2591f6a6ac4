"""The incremental multipart parser gives back exactly the parts that were put together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adit.connectors.web.multipart import (
    MAX_HEADER_BYTES,
    MAX_PREAMBLE_BYTES,
    Event,
    MalformedBody,
    Parser,
    PartBegins,
    PartData,
    PartEnds,
    media_type,
)

BOUNDARY = "b0undary"
DELIMITER = b"\r\n--b0undary"

# Content that is all about line ends and dashes, so that a delimiter is nearly always about to begin.
tricky = st.lists(st.sampled_from([b"\r", b"\n", b"-", b"--", b"b0", b"undary", b"\r\n--b0undar", b" ", b"\0"])).map(
    b"".join
)
contents = st.lists(
    st.one_of(st.binary(), tricky).filter(lambda content: DELIMITER not in b"\r\n" + content), min_size=1
)


def body_of(parts: list[bytes], *, preamble: bytes = b"", epilogue: bytes = b"\r\n", header: bytes = b"") -> bytes:
    opening = preamble + b"\r\n" if preamble else b""
    return (
        opening
        + b"\r\n".join(b"--b0undary\r\n" + header + b"\r\n" + part for part in parts)
        + b"\r\n--b0undary--"
        + epilogue
    )


def pieces(body: bytes, sizes: list[int]) -> list[bytes]:
    result, position = [], 0
    for size in sizes:
        result.append(body[position : position + size])
        position += size
    return [*result, body[position:]]


def parts_of(events: list[Event]) -> list[bytes]:
    """The content of each complete part."""
    parts: list[bytes] = []
    current = b""
    for event in events:
        match event:
            case PartBegins():
                current = b""
            case PartData(data):
                current += data
            case PartEnds():
                parts.append(current)
    return parts


def parse(chunks: list[bytes]) -> tuple[list[Event], Parser]:
    parser = Parser(BOUNDARY)
    return [event for chunk in chunks for event in parser.feed(chunk)], parser


@given(parts=contents, sizes=st.lists(st.integers(0, 40)), preamble=st.sampled_from([b"", b"hello", b"--b0undar"]))
def test_any_chunking_of_any_parts_gives_the_parts_back(parts: list[bytes], sizes: list[int], preamble: bytes) -> None:
    body = body_of(parts, preamble=preamble, header=b"Content-Type: application/dicom\r\n")
    events, parser = parse(pieces(body, sizes))
    assert parts_of(events) == parts
    assert parser.finished


@given(parts=contents, cut=st.integers(min_value=1, max_value=10_000))
def test_a_cut_body_never_looks_finished(parts: list[bytes], cut: int) -> None:
    body = body_of(parts, epilogue=b"")
    events, parser = parse([body[: max(0, len(body) - cut)]])
    assert not parser.finished
    assert parts_of(events) == parts[: len(parts_of(events))]


def test_byte_by_byte_is_a_chunking_too() -> None:
    body = body_of([b"one\r\n", b"", b"\r\n--b0undarX"])
    events, _ = parse([bytes([byte]) for byte in body])
    assert parts_of(events) == [b"one\r\n", b"", b"\r\n--b0undarX"]


def test_headers_are_read_whatever_their_case() -> None:
    events, _ = parse([body_of([b"x"], header=b"CONTENT-type: application/dicom\r\nX-A:1\r\n")])
    assert events[0] == PartBegins({"content-type": "application/dicom", "x-a": "1"})


def test_padding_after_a_delimiter_is_no_content() -> None:
    events, parser = parse([b"--b0undary \t \r\n\r\nx\r\n--b0undary--"])
    assert parts_of(events) == [b"x"]
    assert parser.finished


def test_a_line_that_only_begins_like_a_delimiter_is_content() -> None:
    events, _ = parse([body_of([b"a\r\n--b0undaryX\r\nb"])])
    assert parts_of(events) == [b"a\r\n--b0undaryX\r\nb"]


def test_the_epilogue_is_ignored() -> None:
    events, parser = parse([body_of([b"x"], epilogue=b"\r\n--b0undary\r\n\r\nsmuggled\r\n--b0undary--")])
    assert parts_of(events) == [b"x"]
    assert parser.finished


def test_endless_headers_are_refused() -> None:
    with pytest.raises(MalformedBody, match="headers"):
        parse([b"--b0undary\r\n", *[b"X-Filler: " + bytes(100) + b"\r\n"] * (MAX_HEADER_BYTES // 100)])


def test_an_endless_preamble_is_refused() -> None:
    with pytest.raises(MalformedBody, match="no part begins"):
        parse([bytes(1000)] * (MAX_PREAMBLE_BYTES // 1000 + 2))


@pytest.mark.parametrize("boundary", ["", "x" * 201, "grenzstäbchen"])
def test_a_boundary_without_limits_is_refused(boundary: str) -> None:
    with pytest.raises(MalformedBody, match="boundary"):
        Parser(boundary)


@pytest.mark.parametrize(
    "text",
    [
        'multipart/related; type="application/dicom"; boundary="a;b"',
        'Multipart/Related;TYPE=application/dicom;  Boundary="a;b"',
        'multipart/related; start="\\"x"; type="application/dicom"; boundary="a\\;b"',
    ],
)
def test_parameters_are_read_quoted_or_not(text: str) -> None:
    essence, parameters = media_type(text)
    assert (essence, parameters["type"], parameters["boundary"]) == ("multipart/related", "application/dicom", "a;b")
