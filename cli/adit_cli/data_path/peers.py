"""Who is meant by SERVER or HOST:PORT: the second needs no object, no slot, and nothing that takes long to import."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from adit.dimse.timeouts import Timeouts
from adit.errors import BadInput
from adit_cli.data_path.caller import Caller, TlsOptions
from adit_cli.data_path.command import OpenSession
from adit_cli.data_path.options import DEFAULT_CALLED, Connection, address_of, our_ae_title

if TYPE_CHECKING:
    from adit.connectors import Target


@contextmanager
def peer(session: OpenSession, text: str, connection: Connection, associations: int = 1) -> Iterator[Caller]:
    """How to call the one that a person typed; a DicomServer gives so many interactive slots meanwhile."""
    address = address_of(text)
    if address is None:
        if connection.tls is not None:
            raise BadInput(f"{text} is a DicomServer: spec.dimse.tls says how it is secured, --tls does not")
        with _reserved(session, text, associations) as target:
            yield _caller_of(target, connection)
        return
    yield Caller(
        name=text,
        host=address.host,
        port=address.port,
        called_ae_title=connection.called or address.ae_title or DEFAULT_CALLED,
        calling_ae_title=our_ae_title(connection.calling),
        max_pdu=connection.max_pdu,
        timeouts=connection.timeouts or Timeouts(),
        tls=connection.tls,
        identity=connection.identity,
    )


@contextmanager
def _reserved(session: OpenSession, name: str, slots: int) -> "Iterator[Target]":
    """The slots are kept by an event loop in a thread of its own, while the work is done in this one."""
    from anyio.from_thread import start_blocking_portal  # noqa: PLC0415 - with HOST:PORT there is no loop

    from adit_cli.interactive import reserved  # noqa: PLC0415 - it brings the cluster and all models

    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(reserved(session(), name, slots)) as target,
    ):
        yield target


def _caller_of(target: "Target", connection: Connection) -> Caller:
    from adit.api.dicom_server import DicomServerSpec  # noqa: PLC0415 - as above: with HOST:PORT there are no models

    spec = target.spec
    if not isinstance(spec, DicomServerSpec) or (dimse := spec.dimse) is None:
        raise BadInput(f"DicomServer/{target.name} has no spec.dimse: it does not speak DIMSE")
    silence = float(dimse.response_timeout_seconds)
    tls = None
    if dimse.tls is not None:
        files = target.tls
        tls = TlsOptions(dimse.tls.profile, files.authorities, files.certificate, files.key, dimse.tls.server_name)
    return Caller(
        name=target.name,
        host=dimse.host.strip("[]"),
        port=dimse.port,
        called_ae_title=connection.called or spec.ae_title,
        calling_ae_title=our_ae_title(connection.calling or dimse.calling_ae_title or target.calling_ae_title),
        max_pdu=connection.max_pdu,
        timeouts=connection.timeouts
        or Timeouts(connect=dimse.connect_timeout_seconds, association=silence, response=silence),
        tls=tls,
        identity=connection.identity,
    )
