"""How findings look on a terminal and in a pipe."""

import pytest

from adit.diagnosis.finding import Finding, ok, problem, warning
from adit.diagnosis.plain import lines, summary
from adit.diagnosis.wanted import Wanted, failed

REFUSED = problem(
    "CallingTitleRefused",
    "pacs",
    "does not recognise our AE title ADIT",
    cause="the PACS takes associations from registered peers only, and this one is not among them",
    fix="register AE title ADIT with the PACS",
)


def test_a_problem_is_told_with_its_word_its_cause_and_its_fix() -> None:
    assert list(lines(REFUSED, 80)) == [
        "problem   pacs: does not recognise our AE title ADIT  [CallingTitleRefused]",
        "          cause  the PACS takes associations from registered peers only, and",
        "                 this one is not among them",
        "          fix    register AE title ADIT with the PACS",
    ]


def test_what_is_well_is_one_line_with_its_time() -> None:
    assert list(lines(ok("Echoed", "pacs", "answers C-ECHO", seconds=0.0123), 80)) == [
        "ok        pacs: answers C-ECHO (12 ms)"
    ]
    assert list(lines(ok("Echoed", "pacs", "answers C-ECHO", seconds=12.3), 80)) == [
        "ok        pacs: answers C-ECHO (12 s)"
    ]


def test_no_line_is_wider_than_the_terminal() -> None:
    for width in (60, 80, 120):
        assert all(len(line) <= width for line in lines(REFUSED, width))


def test_a_table_is_aligned_under_its_sentence() -> None:
    rows = (("transferjobs", "list: yes", "create: no"), ("dicomservers radiology/pacs", "use-source: yes"))
    found = list(lines(Finding("note", "Rights", "rights", "ann may:", rows=rows), 80))
    assert found[1:] == [
        "          transferjobs                  list: yes   create: no",
        "          dicomservers radiology/pacs   use-source: yes",
    ]


def test_a_peers_control_characters_do_not_reach_the_terminal() -> None:
    (line,) = lines(ok("HostFound", "pacs", "is \x1b[31mred"), 80)
    assert "\x1b" not in line


def test_the_last_line_counts() -> None:
    mild = warning("PeerBusy", "pacs", "is busy", cause="it is", fix="wait")
    assert summary([ok("Echoed", "pacs", "answers")]) == "nothing is wrong"
    unseen = Finding("skipped", "JobsUnseen", "operator", "no")
    assert summary([unseen]) == "nothing wrong was found (1 could not be looked at)"
    assert summary([REFUSED, REFUSED, mild]).startswith("2 problems, 1 warning; ")


def skipped_server(code: str, about: str = "pacs") -> Finding:
    return Finding("skipped", code, about, "was not asked")


@pytest.mark.parametrize("code", ["SlotForbidden", "SlotUnknown"])
def test_of_a_server_that_was_not_asked_nobody_says_that_it_is_well(code: str) -> None:
    assert summary([skipped_server(code)]) == "nothing was found, but pacs was not asked"
    both = [skipped_server(code), skipped_server(code, "b/web"), Finding("skipped", "JobsUnseen", "operator", "no")]
    assert summary(both) == "nothing was found, but pacs and b/web were not asked (1 could not be looked at)"
    assert summary([REFUSED, skipped_server(code, "b/web")]).startswith("1 problem, 0 warnings, b/web was not asked; ")


def test_servers_that_may_not_be_seen_were_not_asked_either() -> None:
    assert summary([skipped_server("ServersUnseen", "servers")]) == "nothing was found, but servers were not asked"
    assert summary([skipped_server("SecretUnreadable")]) == "nothing was found, but pacs over HTTP was not asked"
    busy = warning("SlotsTaken", "pacs", "no slot is free", cause="others ask", fix="wait")
    assert summary([busy]).startswith("0 problems, 1 warning, pacs was not asked; ")


def test_a_named_server_that_was_not_asked_is_a_failure() -> None:
    found = [skipped_server("SlotForbidden")]
    assert failed(found, Wanted(("pacs",)))
    assert not failed(found, Wanted()), "nobody asked for it by name"
    assert failed([REFUSED], Wanted())
    assert not failed([ok("Echoed", "pacs", "answers")], Wanted(("pacs",)))


def test_a_finding_as_json_leaves_out_what_is_empty() -> None:
    assert ok("Echoed", "pacs", "answers", seconds=0.25).document() == {
        "verdict": "ok",
        "code": "Echoed",
        "about": "pacs",
        "what": "answers",
        "seconds": 0.25,
    }
