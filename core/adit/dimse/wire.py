"""One connected socket, plain or TLS: bytes in and out, each within its time."""


class Wire:
    """A connection."""

    def hang_up(self) -> None:
        """Shut the connection, from any thread, so that one blocked in it comes back."""
        raise NotImplementedError
