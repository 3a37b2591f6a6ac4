"""DICOM over TLS (PS3.15 Annex B): contexts for both sides, by the connection profiles of BCP 195."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    import ssl

Profile = Literal["Bcp195", "ModifiedBcp195"]

# Of TLS 1.2; TLS 1.3 has none that would have to be left out. Both leave out CBC, static RSA and finite-field DH.
_CIPHERS: Final[Mapping[Profile, str]] = {
    "Bcp195": "ECDHE+AESGCM:ECDHE+CHACHA20",  # B.12: those that RFC 9325 §4.2 recommends, and its younger equal
    "ModifiedBcp195": "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AESCCM",  # B.13: of its closed list what OpenSSL has
}


def requestor_context(
    profile: Profile = "Bcp195",
    authorities: Path | None = None,
    certificate: Path | None = None,
    key: Path | None = None,
) -> "ssl.SSLContext":
    """For associations that we ask for: the peer's certificate is always proved, by its chain and by its name.

    All are PEM files; `authorities` None trusts what the machine trusts, `certificate` and `key` are shown where the
    peer asks for them. Raises OSError or ValueError where a file cannot be used.
    """
    import ssl  # noqa: PLC0415 - a tenth of a plain command's start

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _apply(context, profile, certificate, key)
    if authorities is not None:
        context.load_verify_locations(authorities)
    else:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    return context


def acceptor_context(
    certificate: Path,
    key: Path,
    profile: Profile = "Bcp195",
    authorities: Path | None = None,
) -> "ssl.SSLContext":
    """For associations that we are asked for; with `authorities` only peers whose certificate comes from one of them.

    Raises OSError or ValueError where a file cannot be used.
    """
    import ssl  # noqa: PLC0415 - a tenth of a plain command's start

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _apply(context, profile, certificate, key)
    if authorities is not None:
        context.load_verify_locations(authorities)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _apply(context: "ssl.SSLContext", profile: Profile, certificate: Path | None, key: Path | None) -> None:
    import ssl  # noqa: PLC0415 - a tenth of a plain command's start

    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS[profile])
    if certificate is not None:
        context.load_cert_chain(certificate, key)


# OpenSSL's X509_V_ERR_ codes, and what a person has to look at.
_ADVICE: Final[Mapping[int, str]] = {
    9: "it is not valid yet; look at the clocks of both machines",
    10: "it has expired; have it renewed there",
    18: "it is self-signed; name it, or the authority it should come from, as the certificate authority",
    19: "its authority is not among those that are named as certificate authorities",
    20: "its authority is not among those that are named as certificate authorities",
    62: "it is for another name; name the host as its certificate does, or set the server name",
    64: "it is for another address; name the host as its certificate does, or set the server name",
}


def refusal(error: OSError, peer: str) -> str:
    """What a failed handshake means, and what to look at."""
    import ssl  # noqa: PLC0415 - a tenth of a plain command's start

    if isinstance(error, ssl.SSLCertVerificationError):
        why = error.verify_message or error.reason or "it cannot be verified"
        return f"the certificate of {peer} is not trusted: {_ADVICE.get(error.verify_code, why)}"
    reason = _reason(error)
    if "wrong version number" in reason or "http request" in reason or "record layer" in reason:
        return f"{peer} does not speak TLS at this port, or speaks it in a version older than 1.2"
    return alert(error, peer) or f"TLS with {peer} could not be agreed on ({reason or type(error).__name__})"


def alert(error: OSError, peer: str) -> str:
    """What a TLS alert of the peer means; empty where it is none."""
    reason = _reason(error)
    if "alert" not in reason:
        return ""
    if any(one in reason for one in ("certificate", "unknown ca", "handshake failure", "access denied")):
        return (
            f"{peer} ended the TLS handshake ({reason}): it may want a client certificate, or one from an authority "
            "that it trusts, or none of the ciphers that the profile allows"
        )
    return f"{peer} ended TLS ({reason}); its log may say why"


def _reason(error: OSError) -> str:
    return (getattr(error, "reason", None) or "").replace("_", " ").lower()
