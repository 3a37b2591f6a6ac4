import stat
from pathlib import Path

from adit.api.dicom_server import DicomServerSpec
from adit.connectors.credentials import laid_out
from adit.connectors.target import TlsFiles
from adit.credentials import secret_entries

TLS = {"certificateAuthority": {"name": "authority", "key": "ca.crt"}, "clientCertificate": "own"}


def entries(**spec: object) -> list[tuple[str, str, str]]:
    found = secret_entries(DicomServerSpec.of({"aeTitle": "PACS", **spec}))
    return [(one.secret, one.key, one.file) for one in found]


def test_most_servers_need_no_secret() -> None:
    assert entries(dimse={"host": "h", "port": 104}) == []
    assert entries(dimse={"host": "h", "port": 2762, "tls": {}}) == []


def test_every_secret_of_a_server_has_its_file() -> None:
    web = {"url": "https://h/", "authorization": {"secretRef": {"name": "login", "key": "header"}}}
    assert entries(dimse={"host": "h", "port": 2762, "tls": TLS}, dicomweb=web) == [
        ("login", "header", "authorization"),
        ("authority", "ca.crt", "tls-ca.crt"),
        ("own", "tls.crt", "tls.crt"),
        ("own", "tls.key", "tls.key"),
    ]


def test_certificates_lie_in_private_files_while_they_are_used() -> None:
    with laid_out({"tls-ca.crt": b"CA", "tls.key": b"KEY"}) as given:
        authorities, key = given.tls.authorities, given.tls.key
        assert authorities is not None
        assert key is not None
        assert (authorities.read_bytes(), key.read_bytes()) == (b"CA", b"KEY")
        assert given.tls.certificate is None
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    assert not Path(key).parent.exists()


def test_a_header_is_text_and_shows_in_no_repr() -> None:
    with laid_out({"authorization": b"Bearer geheim\n"}) as given:
        assert given.authorization == "Bearer geheim"
        assert "geheim" not in repr(given)
        assert given.tls == TlsFiles()
