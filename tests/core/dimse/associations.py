"""Hypothesis strategies of association PDUs and what is in them."""

from hypothesis import strategies as st

from adit.dimse.pdu import (
    Abort,
    AnsweredContext,
    AssociateAccept,
    AssociateReject,
    AssociateRequest,
    ProposedContext,
    ReleaseReply,
    ReleaseRequest,
)
from adit.dimse.user_information import (
    CommonExtendedNegotiation,
    ExtendedNegotiation,
    OperationsWindow,
    RoleSelection,
    UserIdentity,
    UserInformation,
)

uids = st.from_regex(r"[0-2]\.[0-9]{1,9}(\.[0-9]{1,9}){0,4}", fullmatch=True)
ae_titles = st.from_regex(r"[A-Z0-9_]([A-Z0-9_ .-]{0,14}[A-Z0-9_])?", fullmatch=True)
names = st.from_regex(r"[A-Za-z0-9_]{1,16}", fullmatch=True)
bytes_ = st.integers(0, 255)
shorts = st.integers(0, 0xFFFF)
few = st.binary(max_size=40)
ids = st.lists(st.integers(0, 127).map(lambda n: 2 * n + 1), min_size=1, max_size=12, unique=True)

informations = st.builds(
    UserInformation,
    max_length=st.one_of(st.just(0), st.integers(64, 0xFFFFFFFF)),
    implementation_class_uid=uids,
    implementation_version_name=st.one_of(st.just(""), names),
    window=st.none() | st.builds(OperationsWindow, shorts, shorts),
    roles=st.lists(st.builds(RoleSelection, uids, scu=st.booleans(), scp=st.booleans()), max_size=3).map(tuple),
    extended=st.lists(st.builds(ExtendedNegotiation, uids, few), max_size=2).map(tuple),
    common_extended=st.lists(
        st.builds(CommonExtendedNegotiation, uids, uids, st.lists(uids, max_size=3).map(tuple)), max_size=2
    ).map(tuple),
    identity=st.none() | st.builds(UserIdentity, st.integers(1, 5), few, few, st.booleans()),
    identity_answer=st.none() | few,
)


@st.composite
def requests(draw: st.DrawFn) -> AssociateRequest:
    syntaxes = st.lists(uids, min_size=1, max_size=4).map(tuple)
    contexts = tuple(ProposedContext(one, draw(uids), draw(syntaxes)) for one in draw(ids))
    return AssociateRequest(draw(ae_titles), draw(ae_titles), contexts, draw(informations), draw(uids), draw(shorts))


@st.composite
def accepts(draw: st.DrawFn) -> AssociateAccept:
    contexts = tuple(
        AnsweredContext(one, 0, draw(uids)) if draw(st.booleans()) else AnsweredContext(one, draw(st.integers(1, 4)))
        for one in draw(ids)
    )
    return AssociateAccept(draw(ae_titles), draw(ae_titles), contexts, draw(informations), draw(uids), draw(shorts))


# What is found in the field, for the comparison with other implementations.
CT, MR, GET = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.2.2.3"
EXPLICIT, IMPLICIT, JPEG = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.4.70"
TYPICAL = (
    AssociateRequest("PACS_1", "ADIT", (ProposedContext(1, CT, (EXPLICIT, IMPLICIT)),)),
    AssociateRequest(
        "A" * 16,
        "getscu",
        (ProposedContext(1, GET, (IMPLICIT,)), ProposedContext(3, CT, (JPEG,)), ProposedContext(255, MR, (EXPLICIT,))),
        UserInformation(
            max_length=0,
            window=OperationsWindow(8, 1),
            roles=(RoleSelection(CT, scu=False, scp=True), RoleSelection(MR, scu=True, scp=True)),
            extended=(ExtendedNegotiation(GET, bytes((1, 0, 1))),),
            common_extended=(CommonExtendedNegotiation(CT, "1.2.840.10008.4.2", (MR,)),),
            identity=UserIdentity.user("someone", "something"),
        ),
    ),
    AssociateRequest(
        "ORTHANC",
        "MODALITY 1",
        tuple(ProposedContext(2 * n + 1, f"1.2.276.{n + 1}", (EXPLICIT, JPEG)) for n in range(128)),
        UserInformation(implementation_version_name="", identity=UserIdentity.user("someone")),
    ),
)

pdus = st.one_of(
    requests(),
    accepts(),
    st.builds(AssociateReject, bytes_, bytes_, bytes_),
    st.builds(Abort, bytes_, bytes_),
    st.just(ReleaseRequest()),
    st.just(ReleaseReply()),
)
