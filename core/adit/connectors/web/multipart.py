"""Takes a multipart/related body (RFC 2046 §5.1, RFC 2387) apart while it arrives, without holding a part.

Bytes in, events out; a byte of content is never stripped, and everything that is not content has a limit.
"""

import re
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto

MAX_PREAMBLE_BYTES = 1 << 16
MAX_HEADER_BYTES = 1 << 14
MAX_BOUNDARY_LENGTH = 200  # RFC 2046 says 70; some servers use more
_MAX_PADDING = 256
_CRLF = b"\r\n"
# What ends a delimiter line: the closing dashes, or padding and a line end; and what may still become one of them.
_LINE_END = re.compile(rb"--|[ \t]*\r\n")
_LINE_UNDECIDED = re.compile(rb"-?|[ \t]*\r?")
_PARAMETER = re.compile(r';\s*([!#$%&\'*+\-.^_`|~0-9A-Za-z]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;\s]*)')


class MalformedBody(ValueError):
    """The body is not the multipart message that its Content-Type announced; the message holds none of it."""


@dataclass(frozen=True, slots=True)
class PartBegins:
    """A part's headers, names in lower case."""

    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PartData:
    """The next bytes of the part's content."""

    data: bytes


@dataclass(frozen=True, slots=True)
class PartEnds:
    """The part is complete: the next delimiter was seen."""


Event = PartBegins | PartData | PartEnds


def media_type(content_type: str) -> tuple[str, dict[str, str]]:
    """The media type in lower case and its parameters, quotes removed."""
    essence = content_type.split(";", 1)[0].strip().lower()
    parameters = {
        name.lower(): re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
        for name, value in _PARAMETER.findall(content_type)
    }
    return essence, parameters


class _State(Enum):
    PREAMBLE = auto()
    HEADERS = auto()
    CONTENT = auto()
    EPILOGUE = auto()


class Parser:
    """Fed with the chunks of one body, in whatever sizes they come; `finished` once the closing delimiter was seen."""

    def __init__(self, boundary: str) -> None:
        if not 0 < len(boundary) <= MAX_BOUNDARY_LENGTH or not boundary.isascii():
            raise MalformedBody(f"its boundary is not 1 to {MAX_BOUNDARY_LENGTH} ASCII characters")
        self._delimiter = _CRLF + b"--" + boundary.encode()
        self._buffer = _CRLF  # so that a delimiter at the very start of the body looks like any other
        self._state = _State.PREAMBLE
        self._preamble = 0

    @property
    def finished(self) -> bool:
        """Whether the body came to its own end; otherwise the last part, if any, is cut."""
        return self._state is _State.EPILOGUE

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """The events that the bytes so far allow. Raises MalformedBody."""
        self._buffer += chunk
        advance = True
        while advance:
            match self._state:
                case _State.PREAMBLE | _State.CONTENT:
                    advance = yield from self._up_to_delimiter()
                case _State.HEADERS:
                    advance = yield from self._headers()
                case _State.EPILOGUE:
                    self._buffer = b""
                    return

    def _up_to_delimiter(self) -> Generator[Event, None, bool]:
        """Let out what cannot belong to a delimiter; True where something follows that can be read already."""
        at = self._buffer.find(self._delimiter)
        if at < 0:
            yield from self._let_out(max(0, len(self._buffer) - len(self._delimiter) + 1))
            return False
        yield from self._let_out(at)
        rest = self._buffer[len(self._delimiter) : len(self._delimiter) + _MAX_PADDING]
        line = _LINE_END.match(rest)
        if line is None:
            if _LINE_UNDECIDED.fullmatch(rest) and len(rest) < _MAX_PADDING:
                return False
            yield from self._let_out(len(_CRLF))  # it only looked like a delimiter
            return True
        if self._state is _State.CONTENT:
            yield PartEnds()
        closing = line.group() == b"--"
        self._state = _State.EPILOGUE if closing else _State.HEADERS
        # A line end is kept, so that "no header at all" and "some headers" both end in an empty line.
        self._buffer = self._buffer[len(self._delimiter) + line.end() - (0 if closing else len(_CRLF)) :]
        return True

    def _let_out(self, count: int) -> Generator[Event, None, None]:
        if count == 0:
            return
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        if self._state is _State.CONTENT:
            yield PartData(data)
            return
        self._preamble += count
        if self._preamble > MAX_PREAMBLE_BYTES:
            raise MalformedBody(f"no part begins within {MAX_PREAMBLE_BYTES} bytes")

    def _headers(self) -> Generator[Event, None, bool]:
        end = self._buffer.find(_CRLF + _CRLF, 0, MAX_HEADER_BYTES)
        if end < 0:
            if len(self._buffer) >= MAX_HEADER_BYTES:
                raise MalformedBody(f"the headers of a part are longer than {MAX_HEADER_BYTES} bytes")
            return False
        lines = self._buffer[:end].decode("latin-1").split("\r\n")
        fields = (line.partition(":") for line in lines if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in fields}
        self._buffer = self._buffer[end + 2 * len(_CRLF) :]
        self._state = _State.CONTENT
        yield PartBegins(headers)
        return True
