import pytest

from adit.errors import BadInput
from adit_operator.settings import OperatorSettings, read_settings


def test_the_project_key_is_looked_for_under_adits_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANONYMIZATION_SEED", "study-key")
    assert OperatorSettings().key_secret == "study-key"


def test_without_a_name_it_has_the_usual_one() -> None:
    assert OperatorSettings().key_secret == "adit-project-key"


@pytest.mark.parametrize("value", ["", "A seed!", "0123456789abcdef" * 4, "x" * 251, "Study-Key", "../key"])
def test_a_seed_in_the_place_of_a_name_is_refused_and_not_repeated(value: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_settings(key_secret=value)
    assert "the name of the Secret" in refused.value.message
    assert not value or value not in repr(refused.value)
    assert refused.value.__cause__ is None


def test_what_is_refused_is_not_in_the_error_itself() -> None:
    with pytest.raises(ValueError, match="never the seed itself") as refused:
        OperatorSettings(key_secret="Secret Seed")
    assert "Secret Seed" not in str(refused.value)
