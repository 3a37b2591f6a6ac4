"""The socket that pynetdicom is given."""

import struct
from socket import create_server, socket

import pytest

from adit.connectors.dimse.pynetdicom_layer.prompt_socket import PromptSocket
from adit.testing.listener import HOST


def test_an_endless_pdu_is_not_waited_for() -> None:
    with create_server((HOST, 0)) as server, PromptSocket.take(socket(), longest_pdu=1 << 20) as prompt:
        prompt.connect(server.getsockname())
        with server.accept()[0] as theirs:
            theirs.sendall(struct.pack(">BBI", 4, 0, 2**32 - 1))
            with pytest.raises(ConnectionError, match="PDU of 4294967295 bytes"):
                prompt.recv(6)
