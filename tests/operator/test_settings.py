import pytest

from adit.contract import ReceiverSettings
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


def test_without_a_host_there_is_no_receiver() -> None:
    assert OperatorSettings().receiver is None
    assert OperatorSettings().for_runners(receiver=True).receiver is None


def test_the_receiver_goes_by_our_own_title_unless_it_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADIT_RECEIVER_HOST", "adit-receiver")
    monkeypatch.setenv("CALLING_AE_TITLE", "MOVER")
    mine = ReceiverSettings(ae_title="MOVER", host="adit-receiver", port=14638)
    assert OperatorSettings().receiver == mine
    monkeypatch.setenv("RECEIVER_AE_TITLE", "TAKER")
    monkeypatch.setenv("ADIT_TRANSMIT_PORT", "4000")
    assert OperatorSettings().receiver == ReceiverSettings(ae_title="TAKER", host="adit-receiver", port=4000)


def test_only_runners_that_may_need_it_are_told_of_the_receiver() -> None:
    settings = OperatorSettings(receiver_host="adit-receiver")
    assert settings.for_runners().receiver is None
    assert settings.for_runners(receiver=True).receiver is not None


def test_the_key_of_the_receiver_is_no_project_key() -> None:
    with pytest.raises(BadInput, match="two keys"):
        read_settings(receiver_key_secret="adit-project-key")


def test_what_is_refused_is_not_in_the_error_itself() -> None:
    with pytest.raises(ValueError, match="never the seed itself") as refused:
        OperatorSettings(key_secret="Secret Seed")
    assert "Secret Seed" not in str(refused.value)
