"""User information: every sub-item round trips, secrets stay secret, and unusable values are refused."""

import struct

import pytest
from hypothesis import given
from pynetdicom.pdu import A_ASSOCIATE_RQ
from pynetdicom.pdu_items import UserIdentitySubItemAC

from adit.dimse import pdu, user_information
from adit.dimse.errors import ProtocolViolation
from adit.dimse.pdu import AssociateRequest, ProposedContext
from adit.dimse.user_information import IdentityType, UserIdentity, UserInformation
from adit.transfer.part10 import IMPLEMENTATION_CLASS_UID
from tests.core.dimse.associations import TYPICAL, informations


@given(informations)
def test_what_is_said_is_understood(information: UserInformation) -> None:
    assert user_information.decode(user_information.encode(information)) == information


@pytest.mark.parametrize("information", [one.user_information for one in TYPICAL])
def test_pynetdicom_finds_the_same_sub_items(information: UserInformation) -> None:
    request = AssociateRequest("PACS", "ADIT", (ProposedContext(1, "1.2", ("1.2.840.10008.1.2",)),), information)
    theirs = A_ASSOCIATE_RQ()
    theirs.decode(pdu.encode(request))
    items = theirs.user_information
    assert items is not None
    assert [(str(uid), one.scu_role, one.scp_role) for uid, one in items.role_selection.items()] == [
        (uid, int(scu), int(scp))
        for uid, (scu, scp) in {r.sop_class_uid: (r.scu, r.scp) for r in information.roles}.items()
    ]
    window = items.async_ops_window
    assert (window and (window.maximum_number_operations_invoked, window.maximum_number_operations_performed)) == (
        information.window and (information.window.invoked, information.window.performed)
    )
    identity = items.user_identity
    assert not isinstance(identity, UserIdentitySubItemAC)
    assert (identity and (identity.primary_field, identity.secondary_field)) == (
        information.identity and (information.identity.primary, information.identity.secondary or b"")
    )


def test_secrets_are_in_no_repr() -> None:
    identity = UserIdentity.user("dr_who", "tardis")
    information = UserInformation(identity=identity, identity_answer=b"granted-ticket")
    for shown in (repr(identity), repr(information), repr(UserIdentity.token(IdentityType.JWT, b"ey.tok.en"))):
        assert not any(secret in shown for secret in ("dr_who", "tardis", "granted-ticket", "ey.tok"))


def test_a_user_with_a_passcode_is_of_another_type_than_one_without() -> None:
    assert UserIdentity.user("a").kind == IdentityType.USERNAME
    assert UserIdentity.user("a", "").kind == IdentityType.USERNAME_AND_PASSCODE


def test_we_name_our_implementation_unasked() -> None:
    decoded = user_information.decode(user_information.encode(UserInformation()))
    assert decoded.implementation_class_uid == IMPLEMENTATION_CLASS_UID


def test_a_peer_that_names_no_maximum_length_takes_little() -> None:
    assert user_information.decode(b"").max_length == user_information.UNSAID_MAX_LENGTH


def test_sub_items_of_unknown_types_are_passed_over() -> None:
    assert user_information.decode(struct.pack(">BxH", 0x7F, 3) + b"abc").max_length


@pytest.mark.parametrize("length", [1, 6, 63])
def test_a_maximum_length_that_holds_no_fragment_is_a_violation(length: int) -> None:
    with pytest.raises(ProtocolViolation, match="no fragment fits"):
        user_information.decode(struct.pack(">BxHI", 0x51, 4, length))


@pytest.mark.parametrize("kind", [0x51, 0x53, 0x54, 0x56, 0x57, 0x58, 0x59])
@pytest.mark.parametrize("value", [b"", b"\0", b"\xff\xff\0"])
def test_a_sub_item_that_is_cut_short_is_a_violation(kind: int, value: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        user_information.decode(struct.pack(">BxH", kind, len(value)) + value)


def test_an_implementation_version_name_is_cut_and_cleaned() -> None:
    name = b"\x1b[31mORTHANC_1_2_3_4_5"
    decoded = user_information.decode(struct.pack(">BxH", 0x55, len(name)) + name)
    assert decoded.implementation_version_name == "\ufffd[31mORTHANC_1_2"
