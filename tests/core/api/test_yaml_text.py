"""The YAML reader keeps what was written, and has limits."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from adit.api import yaml_text
from adit.api.yaml_text import MAX_BYTES, MAX_DEPTH, MAX_DOCUMENTS, Unquoted, YamlError, documents, line_of, plain


def value_of(text: str) -> Any:
    (document,) = documents(text)
    assert document.faults == ()
    return document.value


def failure(text: str) -> tuple[str, int]:
    with pytest.raises(YamlError) as caught:
        list(documents(text))
    return caught.value.message, caught.value.line


def fault(text: str) -> tuple[str, int]:
    (document,) = documents(text)
    (only,) = document.faults
    return only.message, only.line


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("2024-01-31", "2024-01-31"),
        ("2024-01-31T10:00:00Z", "2024-01-31T10:00:00Z"),
        ("12:30", "12:30"),
        ("1.2.840.10008", "1.2.840.10008"),
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("1.5", 1.5),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("word", "word"),
        ("'0012'", "0012"),
        ('"no"', "no"),
        ("!!str 12", "12"),
    ],
)
def test_what_every_reader_agrees_on_is_taken_as_it_is(written: str, means: object) -> None:
    value = value_of(f"key: {written}")["key"]
    assert (value, type(value)) == (means, type(means))


@pytest.mark.parametrize(
    "written",
    [
        *["0012", "010", "+7", "0x1F", "0b11", "0o17", "1_000", "9" * 19, "9" * 5000],
        *[".5", "1.", "1e3", "1.5e3", "1e400", ".inf", "-.INF", ".nan"],
        *["yes", "No", "ON", "off", "y", "N"],
    ],
)
def test_what_readers_take_differently_is_neither_number_nor_text(written: str) -> None:
    assert value_of(f"key: {written}")["key"] == Unquoted(written)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufeff\u2028\u2029")))
def test_a_quoted_text_stays_what_it_is(text: str) -> None:
    assert value_of(yaml.safe_dump({"key": text}, allow_unicode=True, default_style='"'))["key"] == text


@given(st.from_regex(r"[-+._0-9eExoab]{1,12}", fullmatch=True))
def test_a_plain_number_is_the_number_that_json_would_read(text: str) -> None:
    value = plain(text)
    if isinstance(value, int | float):
        assert value == float(text)
        assert text.lstrip("-") == "0" or not text.lstrip("-").startswith("00")


def test_a_key_that_stands_twice_is_a_fault_with_both_lines() -> None:
    assert fault("a: 1\nb: 2\na: 3\n") == ("given twice, first on line 1", 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("12: x", "a key that is not a string: quote it"),
        ("true: x", "a key that is not a string: quote it"),
        ("[a, b]: x", "a key that is not a string: quote it"),
        ("a: &b {c: 1}\n<<: *b", "merge keys (<<) are not supported: write the fields out"),
        ("a: !!python/name:os.system x", "tags (!) are not supported"),
        ("a: !!binary aGVsbG8=", "tags (!) are not supported"),
        ("a: !mine {b: 1}", "tags (!) are not supported"),
        ("a: !!int '12'", "tags (!) are not supported"),
    ],
)
def test_what_kubernetes_would_not_read_alike_is_a_fault(text: str, message: str) -> None:
    assert fault(text)[0] == message


def test_a_syntax_error_names_its_line() -> None:
    message, line = failure("a: 1\nb: [1, 2\nc: 3\n")
    assert message.startswith("not YAML: ")
    assert line == 3


def test_documents_before_a_syntax_error_are_read() -> None:
    reading = documents("a: 1\n---\nb: [\n")
    assert next(reading).value == {"a": 1}
    with pytest.raises(YamlError):
        next(reading)


def test_a_control_character_names_its_line() -> None:
    assert failure("a: 1\nb: \x00\n") == ("not YAML: a control character, which may stand in no manifest", 2)


def test_half_a_character_is_no_text() -> None:
    assert failure("a: 1\nb: \ud800\n") == ("not UTF-8 text", 2)


def test_an_alias_repeats_what_stands_before_it() -> None:
    assert value_of("a: &list [1, 2]\nb: *list\n") == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize("text", ["a: *nowhere", "a: &a [*a]"])
def test_an_alias_to_nothing_is_an_error(text: str) -> None:
    assert failure(text)[0].startswith("not YAML: ")


def test_a_bomb_of_aliases_is_refused() -> None:
    layers = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 10))
    message, _ = failure(f"l0: &l0 [x, x, x, x, x, x, x, x, x]\n{layers}\n")
    assert message == "aliases (*) repeat more than 10000 values: write them out"


def test_what_is_nested_too_deeply_is_refused() -> None:
    assert value_of("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert failure("[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2)) == ("nested more than 32 deep", 1)
    assert failure("[" * 100_000)[0] == "nested more than 32 deep"


def test_too_many_documents_are_refused() -> None:
    assert len(list(documents("a: 1\n---\n" * (MAX_DOCUMENTS - 1) + "b: 1"))) == MAX_DOCUMENTS
    assert failure("a: 1\n---\n" * MAX_DOCUMENTS + "b: 1")[0] == "more than 1000 documents: split the file"


def test_too_large_a_text_is_refused() -> None:
    assert failure("#" * (MAX_BYTES + 1)) == ("10.0 MiB, at most 10 MiB: split the file", 1)


def test_lines_lead_to_keys_and_items() -> None:
    value = value_of("a:\n- b: 1\n- b: 2\n  c: 3\n")
    paths: list[yaml_text.Path] = [(), ("a",), ("a", 1), ("a", 1, "c"), ("a", 1, "gone")]
    assert [line_of(value, path, 0) for path in paths] == [0, 1, 3, 4, 3]


def test_both_parsers_of_pyyaml_give_the_same() -> None:
    """Where PyYAML was built without libyaml, its own parser takes over."""
    text = "a: [1, {b: 'x'}]\n---\nc: |\n  text\n"
    slow = [document.value for document in yaml_text.documents(text, loader=yaml.SafeLoader)]
    assert slow == [document.value for document in documents(text)]
