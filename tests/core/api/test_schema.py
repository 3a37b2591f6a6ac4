"""From models to structural schemas, on small models of our own."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import ConfigDict, Field

from adit.api.model import Model
from adit.api.rules import Rule, validations
from adit.api.schema import field_at, structural, with_defaults


class Inner(Model):
    """The inner part. More of it stands here.

    And here.
    """

    model_config = ConfigDict(json_schema_extra=validations(Rule("true", "always")))

    number: int = 3
    word: Annotated[str, Field(max_length=9)] | None = None


class Outer(Model):
    """The outer part."""

    only: Literal[True] | None = None
    choice: Literal["A", "Bcd"] = "A"
    inner: Inner = Inner()
    needed: Inner
    many: Annotated[tuple[Inner, ...], Field(max_length=2)] = ()
    counts: Annotated[dict[str, int], Field(max_length=5, default_factory=dict)]


INNER: dict[str, Any] = {
    "description": "The inner part.",
    "type": "object",
    "properties": {
        "number": {"type": "integer", "format": "int64", "default": 3},
        "word": {"type": "string", "maxLength": 9},
    },
    "x-kubernetes-validations": [{"rule": "true", "message": "always"}],
}


def test_a_model_becomes_a_schema_without_references_nulls_and_titles() -> None:
    assert structural(Outer) == {
        "description": "The outer part.",
        "type": "object",
        "required": ["needed"],
        "properties": {
            "only": {"type": "boolean", "enum": [True]},
            "choice": {"type": "string", "enum": ["A", "Bcd"], "maxLength": 3, "default": "A"},
            "inner": {**INNER, "default": {"number": 3}},
            "needed": INNER,
            "many": {"type": "array", "items": INNER, "maxItems": 2, "default": []},
            "counts": {
                "type": "object",
                "additionalProperties": {"type": "integer", "format": "int64"},
                "maxProperties": 5,
            },
        },
    }


def test_what_a_crd_cannot_say_is_an_error_and_never_dropped() -> None:
    class Odd(Model):
        """Odd."""

        multiple: Annotated[int, Field(multiple_of=3)]

    with pytest.raises(ValueError, match="multipleOf"):
        structural(Odd)


@pytest.mark.parametrize(
    ("path", "type_"),
    [
        ((), "object"),
        (("inner", "number"), "integer"),
        (("many", 7, "word"), "string"),
        (("counts", "any"), "integer"),
        (("gone",), None),
        (("inner", 3), None),
    ],
)
def test_a_path_leads_to_its_field(path: tuple[int | str, ...], type_: str | None) -> None:
    assert (field_at(structural(Outer), path) or {}).get("type") == type_


def test_defaults_are_filled_in_at_every_depth_and_nulls_left_out() -> None:
    given: dict[str, Any] = {"needed": {"word": None}, "many": [{"number": 1}, {}], "only": None}
    assert with_defaults(structural(Outer), given) == {
        "needed": {"number": 3},
        "many": [{"number": 1}, {"number": 3}],
        "choice": "A",
        "inner": {"number": 3},
    }


def test_defaults_filled_in_are_what_the_model_reads() -> None:
    given: dict[str, Any] = {"needed": {}}
    filled = with_defaults(structural(Outer), given)
    assert Outer.of(filled) == Outer.of(given)


def test_names_in_snake_case_are_not_read_from_outside() -> None:
    class Named(Model):
        """Named."""

        two_words: int

    assert Named.of({"twoWords": 1}) == Named(two_words=1)
    with pytest.raises(ValueError, match="two_words"):
        Named.of({"two_words": 1})
