"""The way to a server, step by step: does its name resolve, does its port open, is its certificate trusted?

Blocking; each step has its own limit and gives one finding. What is well is the ground for the next step.
"""

import errno
import socket
import ssl
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from adit.diagnosis.finding import Finding, ok, problem, warning

EXPIRES_SOON_DAYS = 30
_SHOWN_ADDRESSES = 4
# The numbers of OpenSSL's X509_V_ERR_…, which Python passes on.
_EXPIRED, _NOT_YET_VALID, _OTHER_HOST, _OTHER_ADDRESS = 10, 9, 62, 64
_SELF_SIGNED = {18, 19}


@dataclass(frozen=True, slots=True)
class Door:
    """Where a server listens, and which fields of its DicomServer say so; `seconds` is the limit of each step."""

    server: str
    host: str
    port: int
    field: str
    seconds: float
    # the name that the certificate must have where TLS is spoken, if it is not the host's; and the field that trusts it
    certified: str = ""
    trusted_by: str = "SSL_CERT_FILE names a file that holds them"

    @property
    def address(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def resolve(door: Door) -> Finding:
    """Whether the host has an address."""
    started = time.monotonic()
    try:
        found = socket.getaddrinfo(door.host, door.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        return _unresolved(door, error)
    addresses = tuple(dict.fromkeys(str(entry[4][0]) for entry in found))
    shown = ", ".join(addresses[:_SHOWN_ADDRESSES]) + (", …" if len(addresses) > _SHOWN_ADDRESSES else "")
    if addresses == (door.host,):
        return ok("HostFound", door.server, f"{door.host} is an address, which needs no name server")
    return ok("HostFound", door.server, f"{door.host} is {shown}", seconds=time.monotonic() - started)


def _unresolved(door: Door, error: OSError | UnicodeError) -> Finding:
    unknown = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
    if isinstance(error, UnicodeError) or error.errno in unknown:
        return problem(
            "HostUnknown",
            door.server,
            f"the name {door.host} has no address",
            cause="the name server says that there is no such name: it is misspelled, or lacks its domain, or is known "
            "in another network only",
            fix=f"correct {door.field}; `getent hosts {door.host}` asks the same question",
        )
    return problem(
        "NameServerSilent",
        door.server,
        f"the name {door.host} could not be looked up",
        cause="no name server answered: this machine has no network, or its DNS settings or a firewall are in the way",
        fix="look at the network of this machine and at /etc/resolv.conf; in a pod, at the cluster's DNS and at the "
        "NetworkPolicies, which must let UDP and TCP port 53 through",
    )


def connect(door: Door) -> Finding:
    """Whether the port opens."""
    started = time.monotonic()
    try:
        with socket.create_connection((door.host, door.port), timeout=door.seconds):
            return ok("PortOpen", door.server, f"{door.address} is open", seconds=time.monotonic() - started)
    except TimeoutError:
        return _silent(door)
    except OSError as error:
        return _not_open(door, error)


def _silent(door: Door) -> Finding:
    return problem(
        "PortSilent",
        door.server,
        f"{door.address} does not answer within {door.seconds:g} s",
        cause="packets get lost on the way: a firewall drops them, the machine is off, or the address is not its own",
        fix=f"ask the network's people to open TCP port {door.port} from here to {door.host} (in a cluster: from the "
        f"nodes, and in the chart's networkPolicy); or correct {door.field}",
    )


def _not_open(door: Door, error: OSError) -> Finding:
    if error.errno == errno.ECONNREFUSED:
        return problem(
            "PortClosed",
            door.server,
            f"{door.address} refuses the connection",
            cause="the machine is there, and no program listens on this port: the service is down, or it is another "
            "port (or a firewall rejects us)",
            fix=f"start the service there, or correct {door.field}",
        )
    if error.errno in {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL}:
        return problem(
            "NoRoute",
            door.server,
            f"there is no way to {door.address} ({(error.strerror or 'unreachable').lower()})",
            cause="this machine has no route to that network, or a router says that nobody has this address",
            fix=f"look at network, VPN and routes of this machine; or correct {door.field}",
        )
    return problem(
        "PortUnusable",
        door.server,
        f"{door.address} cannot be opened ({(error.strerror or type(error).__name__).lower()})",
        cause="the operating system of this machine refuses it, or the other side hung up",
        fix=f"look at the local firewall, and at {door.field}",
    )


def handshake(door: Door, trust: ssl.SSLContext | None = None) -> Finding:
    """Whether TLS is spoken there, and its certificate is good for us; by default as this machine trusts."""
    started = time.monotonic()
    context = trust or ssl.create_default_context()
    try:
        with (
            socket.create_connection((door.host, door.port), timeout=door.seconds) as plain,
            context.wrap_socket(plain, server_hostname=door.certified or door.host) as secured,
        ):
            seconds = time.monotonic() - started
            certificate, version = secured.getpeercert() or {}, secured.version()
    except ssl.SSLCertVerificationError as error:
        return _bad_certificate(door, error)
    except TimeoutError:
        return _no_tls(door, f"no answer to the TLS handshake within {door.seconds:g} s")
    except (ssl.SSLError, ConnectionResetError, ConnectionAbortedError, BrokenPipeError) as error:
        return _no_tls(door, getattr(error, "reason", None) or error.strerror or "the connection ended")
    except OSError as error:
        return _not_open(door, error)
    days = _days_left(str(certificate.get("notAfter", "")))
    if days is not None and days < EXPIRES_SOON_DAYS:
        return warning(
            "CertificateExpiring",
            door.server,
            f"the certificate of {door.address} expires in {days} days",
            cause="it is renewed too late, or nobody renews it",
            fix="have it renewed by whoever runs that server",
        )
    until = f", {days} days left" if days is not None else ""
    return ok(
        "CertificateTrusted",
        door.server,
        f"{door.address} speaks {version}, certificate trusted{until}",
        seconds=seconds,
    )


def _days_left(not_after: str) -> int | None:
    if not not_after:
        return None
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(not_after), UTC)
    return (ends - datetime.now(UTC)).days


def _bad_certificate(door: Door, error: ssl.SSLCertVerificationError) -> Finding:
    match error.verify_code:
        case code if code == _EXPIRED:
            told = (
                "CertificateExpired",
                "has expired",
                "nobody renewed it (or the clock of this machine is ahead)",
                "have it renewed by whoever runs that server",
            )
        case code if code == _NOT_YET_VALID:
            told = (
                "CertificateNotYetValid",
                "is not valid yet",
                "the clock of this machine is behind, or the certificate was made for later",
                "set the clock of this machine; look at the certificate's dates",
            )
        case code if code in {_OTHER_HOST, _OTHER_ADDRESS}:
            told = (
                "CertificateOtherHost",
                f"is not made for {door.certified or door.host}",
                "the server goes by another name, or the address belongs to another server",
                f"put a name that the certificate holds into {door.field}, or have this one added to it",
            )
        case code if code in _SELF_SIGNED:
            told = (
                "CertificateUntrusted",
                "is signed by nobody that is trusted here (self-signed)",
                "the server, or the authority of your house, signed it itself; this machine does not know it",
                f"add that certificate to the trusted ones: {door.trusted_by}",
            )
        case _:
            told = (
                "CertificateUntrusted",
                f"is not trusted here ({error.verify_message})",
                "its authority is not among those of this machine, or the server does not send the whole chain",
                f"add the authority to the trusted ones ({door.trusted_by}); or have the chain sent whole",
            )
    code_word, what, cause, fix = told
    return problem(code_word, door.server, f"the certificate of {door.address} {what}", cause=cause, fix=fix)


def _no_tls(door: Door, said: str) -> Finding:
    return problem(
        "NoTls",
        door.server,
        f"{door.address} does not speak TLS with us ({said.lower().replace('_', ' ')})",
        cause="the port serves something else, without TLS, or only TLS versions that are no longer allowed; or it "
        "wants a certificate of ours that it knows",
        fix=f"correct {door.field}: is it the port without TLS (http:// instead of https://), or another one?",
    )
