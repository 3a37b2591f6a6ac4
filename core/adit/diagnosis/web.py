"""What a DICOMweb server answers to one harmless request, and what each refusal means."""

import time
from datetime import UTC, datetime

from adit.api.dicom_server import DicomServerSpec
from adit.connectors.target import Target
from adit.connectors.web.door import place
from adit.connectors.web.survey import WebSurvey
from adit.diagnosis.clock import compared
from adit.diagnosis.finding import Doing, Finding, Reports, note, ok, problem, warning
from adit.diagnosis.limits import within
from adit.errors import AccessDenied, AditError

_FIXES = {
    "WrongUrl": "correct spec.dicomweb.url and qidoPrefix: QIDO-RS lies at <url>/<qidoPrefix>/studies",
    "NotDicomWeb": "correct spec.dicomweb.url: it leads to a page, a proxy or a login, not to DICOMweb",
    "Redirected": "put the final URL into spec.dicomweb.url",
    "CannotAnswerNow": "wait, or look into the server's log; jobs try again by themselves",
    "PeerTimeout": "look into the server's log; raise spec.dicomweb.responseTimeoutSeconds if it is always slow",
    "TlsNotTrusted": "add the certificate's authority to the trusted ones (SSL_CERT_FILE)",
    "BadInput": "correct the Secret: one line such as `Basic dXNlcjpwYXNz` or `Bearer …`",
}
_CAUSES = {
    "WrongUrl": "something answers there, and it knows no such path",
    "NotDicomWeb": "something answers there that is no DICOMweb service",
    "Redirected": "the server lives elsewhere now; redirects are not followed, so that the credential stays here",
    "CannotAnswerNow": "the server, or a proxy before it, says that it cannot answer now",
    "PeerTimeout": "the server is overloaded or hangs",
    "TlsNotTrusted": "the server's certificate is not trusted here",
    "BadInput": "the value of the Secret is no header value",
}


async def examine_web(about: str, target: Target, seconds: float) -> Reports:
    """One QIDO-RS search for what cannot exist; where there is no QIDO-RS, one WADO-RS request for the same."""
    assert isinstance(target.spec, DicomServerSpec)
    web = target.spec.dicomweb
    assert web is not None
    try:
        survey = WebSurvey(target)
    except AditError as error:
        yield refused(about, error)
        return
    with survey:
        service, look = ("QIDO-RS", survey.search) if web.qido else ("WADO-RS", survey.metadata)
        yield Doing(f"searches {about} over HTTP for a study that cannot exist")
        started = time.monotonic()
        try:
            answer = await within(3 * seconds, look, survey.abort)
        except AditError as error:
            yield refused(about, error, credential=target.authorization is not None)
            return
        yield ok("WebAnswered", about, f"answers {service} (HTTP {answer.status})", seconds=time.monotonic() - started)
        if answer.rows:
            yield warning(
                "SearchIgnoresKeys",
                about,
                "answers a QIDO-RS search for a study that cannot exist with studies",
                cause="it ignores StudyInstanceUID as a matching key, so every search brings all it has",
                fix="ask its vendor for QIDO-RS that matches StudyInstanceUID (PS3.18 10.6.1)",
            )
        if target.authorization is None and urlsplit_scheme(web.url) == "http":
            yield note("WebUnprotected", about, f"{place(web.url)} is asked in plain HTTP, without a credential")
        yield compared(about, f"the clock of {about}", answer.date, datetime.now(UTC))


def refused(about: str, error: AditError, *, credential: bool = True) -> Finding:
    """What an HTTP answer that is no success means."""
    what = error.message.removeprefix(f"{about}: ").partition(";")[0]
    if isinstance(error, AccessDenied):
        why = (
            "the user or token of the Secret is wrong, has run out, or lacks a right there"
            if credential
            else "the server wants to know who asks, and spec.dicomweb.authorization is not set"
        )
        fix = (
            "correct the Secret that spec.dicomweb.authorization names, or the rights of its user there"
            if credential
            else "make a Secret with the header's value, labelled adit.dev/purpose: credential, and name it in "
            "spec.dicomweb.authorization"
        )
        return problem("CredentialRefused", about, what, cause=why, fix=fix)
    code = error.reason if error.reason in _FIXES else "WebFailed"
    return problem(
        code,
        about,
        what,
        cause=_CAUSES.get(error.reason, "the connection ended, or the server refuses what we ask"),
        fix=_FIXES.get(error.reason, "look into the server's log; compare spec.dicomweb.url with its documentation"),
    )


def urlsplit_scheme(url: str) -> str:
    """The scheme of a URL."""
    return url.partition(":")[0].lower()
