"""How findings look on a terminal and in a pipe."""

from adit.diagnosis.finding import Finding, ok, problem, warning
from adit.diagnosis.plain import lines, summary

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
    assert (
        summary([Finding("skipped", "JobsUnseen", "operator", "no")]) == "nothing is wrong (1 could not be looked at)"
    )
    assert summary([REFUSED, REFUSED, mild]).startswith("2 problems, 1 warning; ")


def test_a_finding_as_json_leaves_out_what_is_empty() -> None:
    assert ok("Echoed", "pacs", "answers", seconds=0.25).document() == {
        "verdict": "ok",
        "code": "Echoed",
        "about": "pacs",
        "what": "answers",
        "seconds": 0.25,
    }
