from dataclasses import replace

from adit.cluster.kinds import Ref
from adit.pseudonymization.key import ProjectKey
from adit_operator.key import MakeKey, UseKey, key_decision, key_secret
from adit_operator.observed import KeySeen, SeenSecret, Waiting
from adit_operator.project import seen_secret

KEY = ProjectKey(b"k" * 32)
REF = Ref("Secret", "default", "adit-project-key")


def secret(key: bytes = KEY.secret, purpose: str | None = "key") -> SeenSecret:
    return SeenSecret(REF, purpose, {"key": key})


def reason(seen: KeySeen) -> str | None:
    decision = key_decision(seen)
    return decision.reason if isinstance(decision, Waiting) else None


def test_a_key_is_made_where_there_is_no_trace_of_one() -> None:
    assert key_decision(KeySeen()) == MakeKey()


def test_a_key_without_its_marker_is_used_and_marked() -> None:
    assert key_decision(KeySeen(secret())) == UseKey(KEY, mark=True)


def test_a_marked_key_is_used() -> None:
    assert key_decision(KeySeen(secret(), KEY.id, frozenset({KEY.id}))) == UseKey(KEY, mark=False)


def test_a_key_that_a_marker_remembers_is_missed_not_made_again() -> None:
    assert reason(KeySeen(None, KEY.id)) == "KeyMissing"


def test_a_key_that_only_a_job_remembers_is_missed_too() -> None:
    assert reason(KeySeen(None, None, frozenset({KEY.id}))) == "KeyMissing"


def test_another_key_than_the_remembered_one_is_not_used() -> None:
    assert reason(KeySeen(secret(b"x" * 32), KEY.id)) == "KeyMissing"


def test_a_key_of_the_wrong_length_is_not_used() -> None:
    assert reason(KeySeen(secret(b"short"))) == "KeyMissing"


def test_an_unlabelled_key_is_not_read() -> None:
    assert reason(KeySeen(secret(purpose=None))) == "SecretNotLabelled"


def test_of_a_credential_where_the_key_should_be_no_command_is_told() -> None:
    told = key_decision(KeySeen(secret(purpose="credential")))
    assert isinstance(told, Waiting)
    assert "kubectl" not in told.message
    assert "name another Secret in ANONYMIZATION_SEED" in told.message


def test_the_key_is_called_as_it_was_named() -> None:
    decision = key_decision(KeySeen(None, KEY.id, name="study-key"))
    assert isinstance(decision, Waiting)
    assert "Secret study-key is gone" in decision.message


NAMED = KeySeen(name="brain-key", entry="seed", namespace="lab", profile="brain")


def test_a_key_that_a_profile_names_is_never_made_and_the_command_that_makes_it_is_told() -> None:
    told = key_decision(NAMED)
    assert isinstance(told, Waiting)
    assert told.reason == "KeyMissing"
    assert "kubectl create secret generic -n lab brain-key --from-file=seed=/dev/stdin" in told.message
    assert "kubectl label secret -n lab brain-key adit.dev/purpose=key" in told.message


def test_a_named_key_that_was_used_is_missed_rather_than_made_anew() -> None:
    told = key_decision(replace(NAMED, used=frozenset({KEY.id})))
    assert isinstance(told, Waiting)
    assert "restore it from your backup" in told.message
    assert "/dev/urandom" not in told.message


def test_a_named_key_is_read_from_its_own_entry_and_gets_no_marker_of_ours() -> None:
    there = SeenSecret(Ref("Secret", "lab", "brain-key"), "key", {"seed": KEY.secret})
    assert key_decision(replace(NAMED, secret=there)) == UseKey(KEY, mark=False)


def test_a_made_key_is_read_back_as_it_was_made() -> None:
    assert key_decision(KeySeen(seen_secret(key_secret("default", "adit-project-key", KEY.secret)))) == UseKey(
        KEY, mark=True
    )


def test_a_secret_without_our_label_is_not_read() -> None:
    manifest = key_secret("default", "adit-project-key", KEY.secret)
    manifest["metadata"]["labels"] = {}
    assert seen_secret(manifest).data == {}
