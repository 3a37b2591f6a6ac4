"""The socket of an association: small messages leave and are acknowledged at once, and no PDU is endless."""

import socket
import ssl
from contextlib import suppress
from typing import Any, Self

_PDU_HEADER = 6
_LENGTH_AT = 2


class PromptSocket(socket.socket):
    """Answers a peer that has Nagle's algorithm on without waiting 40 ms for our delayed acknowledgement.

    dcmtk writes a PDU in two small pieces and holds the second until the first is acknowledged. TCP_QUICKACK is not
    sticky, so it is armed again before the header and before the body of each PDU that is read. Linux only; elsewhere
    it is left out.
    """

    failure: OSError | None = None
    _limit = 0
    _header = b""
    _left = 0

    @classmethod
    def take(cls, plain: socket.socket, *, longest_pdu: int) -> Self:
        """Take over a socket that is not connected yet."""
        prompt = cls(fileno=plain.detach())
        prompt.prepare(longest_pdu)
        return prompt

    def connect(self, address: Any) -> None:
        """Connect, or remember why not and close; pynetdicom does neither."""
        try:
            super().connect(address)
        except OSError as error:
            self.failure = error
            self.close()
            raise
        self.acknowledge()

    def acknowledge(self) -> None:
        """Send a pending acknowledgement now, and the next ones without delay."""
        if hasattr(socket, "TCP_QUICKACK"):
            self.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def hang_up(self) -> None:
        """Shut the connection, so that a thread blocked in it comes back."""
        with suppress(OSError):  # it is shut already
            socket.socket.shutdown(self, socket.SHUT_RDWR)  # of TLS too: its own would leave a reader without its state

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """Read, keeping account of the PDU; raises ConnectionError for one that is far too long."""
        if self._left == 0 or len(self._header) == _PDU_HEADER:
            self.acknowledge()
        data = super().recv(buflen, flags)
        if self._left == 0:
            self._header += data
            if len(self._header) == _PDU_HEADER:
                self._left = int.from_bytes(self._header[_LENGTH_AT:])
                if self._left > self._limit:
                    raise ConnectionError(f"the peer announces a PDU of {self._left} bytes")
                if self._left == 0:
                    self._header = b""
        else:
            self._left -= len(data)
            self._header = b""
        return data

    def prepare(self, longest_pdu: int) -> None:
        """Send at once what is to be sent, and refuse PDUs that are longer than `longest_pdu` bytes."""
        self._limit = longest_pdu
        self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class PromptTlsSocket(PromptSocket, ssl.SSLSocket):
    """The same over TLS; connecting includes the handshake."""

    @classmethod
    def secure(cls, plain: socket.socket, tls: ssl.SSLContext, server_name: str, *, longest_pdu: int) -> Self:
        """Take over a socket that is not connected yet; the peer must prove to be `server_name`."""
        tls.sslsocket_class = cls
        secured = tls.wrap_socket(plain, server_hostname=server_name)
        assert isinstance(secured, cls), "made of the class that the context was told"
        secured.prepare(longest_pdu)
        return secured
