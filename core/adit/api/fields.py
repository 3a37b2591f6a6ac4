"""The field types that the API is made of, with the limits of DICOM and of ADIT.

Sources: PS3.5 §6.2 (value representations), §9.1 (UIDs); Kubernetes object names (RFC 1123).
"""

from typing import Annotated

from pydantic import StringConstraints

# PS3.5 §9.1, without its rule against leading zeros in a component: archives hold studies that break it, and those must
# be movable too.
UID_PATTERN = r"^[0-9]+(\.[0-9]+)+$"
# PS3.5 §6.2 AE: no backslash, no control characters, not only spaces; at most 16 characters.
AE_TITLE_PATTERN = r"^[!-\[\]-~]([ -\[\]-~]{0,14}[!-\[\]-~])?$"
# An identifier names one thing: no wildcard, no value separator, no control character. Spaces at its ends mean nothing
# to DICOM (PS3.5 §6.2, LO), so they would make one patient look like two, and only spaces would ask for everybody.
IDENTIFIER_PATTERN = r"^[^\\*?\x00-\x20\x7f-\x9f]([^\\*?\x00-\x1f\x7f-\x9f]*[^\\*?\x00-\x20\x7f-\x9f])?$"
# A pseudonym becomes PatientID and PatientName under any character set: printable ASCII, no "=" or "^".
PSEUDONYM_PATTERN = r"^[!-)+-<>@-\[\]_-~]([ -)+-<>@-\[\]_-~]*[!-)+-<>@-\[\]_-~])?$"
# A text value: no value separator, no control character, no space at its ends.
TEXT_PATTERN = r"^[^\\\x00-\x20\x7f-\x9f]([^\\\x00-\x1f\x7f-\x9f]*[^\\\x00-\x20\x7f-\x9f])?$"
# A reason must say something.
REASON_GIVEN_PATTERN = r"[^\s]"
OBJECT_NAME_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
NAMESPACE_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
TASK_ID_PATTERN = r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
HOST_PATTERN = r"^[A-Za-z0-9_.:\-\[\]]+$"
# Credentials belong into a Secret, never into a URL.
URL_PATTERN = r"^https?://[^\s/?#@]+(/[^\s?#]*)?$"
URL_PATH_PATTERN = r"^[A-Za-z0-9._~/\-]*$"
# Keys become names of files: neither . nor .. nor what begins with two dots.
SECRET_KEY_PATTERN = r"^\.?[-_a-zA-Z0-9][-._a-zA-Z0-9]*$"  # noqa: S105  # the form of a name, no secret
RELATIVE_PATH_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.\-]*(/[A-Za-z0-9_][A-Za-z0-9_.\-]*)*$"
RETRY_TOKEN_PATTERN = r"^[A-Za-z0-9]([-A-Za-z0-9_.:]*[A-Za-z0-9])?$"  # noqa: S105  # a word that opens a round
# PS3.3 C.12.1.1.2: defined terms, several of them parted by a backslash.
CHARACTER_SET_PATTERN = r"^[A-Z0-9_ \\]*$"
# A time of day by the clock on the wall; only an end may call midnight 24:00.
START_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
STOP_PATTERN = r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
# It becomes a name of a file: no dot, no slash at its ends.
TIME_ZONE_PATTERN = r"^[A-Za-z][A-Za-z0-9_+\-]*(/[A-Za-z0-9_+\-]+)*$"
# Group and element, or a part of them, in hexadecimal digits; private groups are odd (PS3.5 §7.8).
TAG_PATTERN = r"^[0-9A-F]{8}$"
PRIVATE_GROUP_PATTERN = r"^[0-9A-F]{3}[13579BDF]$"
PRIVATE_ELEMENT_PATTERN = r"^[0-9A-F]{2}$"
# PS3.5 §6.2, CS.
CODE_PATTERN = r"^[A-Z0-9_ ]+$"
UID_ROOT_PATTERN = r"^[0-2](\.(0|[1-9][0-9]*))+$"
TEMPLATE_PATTERN = r"^[^\\\x00-\x1f\x7f-\x9f]+$"
# What Kubernetes takes in labels and annotations.
LABEL_KEY_PATTERN = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
LABEL_VALUE_PATTERN = r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$"

# What a person reads where a value does not fit: one sentence per form.
SENTENCES: dict[str, str] = {
    UID_PATTERN: "not a UID",
    AE_TITLE_PATTERN: "not an AE title (1–16 characters, no backslash)",
    IDENTIFIER_PATTERN: "not an identifier (no *, ?, backslash or control character, no space at its ends)",
    PSEUDONYM_PATTERN: "not a pseudonym (printable ASCII without * ? = ^ or backslash, no space at its ends)",
    TEXT_PATTERN: "not a text (no backslash or control character, no space at its ends)",
    REASON_GIVEN_PATTERN: "must say something",
    OBJECT_NAME_PATTERN: "not a name (lower-case letters, digits, - and .)",
    NAMESPACE_PATTERN: "not a namespace (lower-case letters, digits and -)",
    TASK_ID_PATTERN: "not a task id (letters, digits, -, _ and .)",
    HOST_PATTERN: "not a host name or IP address",
    URL_PATTERN: "not a URL (http:// or https://, without user, query or fragment)",
    URL_PATH_PATTERN: "not a path of a URL (letters, digits, ., _, ~, - and /)",
    SECRET_KEY_PATTERN: "not a key of a Secret (letters, digits, -, _ and .)",
    RELATIVE_PATH_PATTERN: "not a relative path (parts of letters, digits, _, . and -, none beginning with . or -)",
    RETRY_TOKEN_PATTERN: "not a token (letters, digits, -, _, . and :)",
    CHARACTER_SET_PATTERN: "not a SpecificCharacterSet (such as ISO_IR 192)",
    START_PATTERN: 'not a time of day (such as "22:00")',
    STOP_PATTERN: 'not a time of day (such as "06:00", or "24:00" for midnight)',
    TIME_ZONE_PATTERN: "not the name of a time zone (such as UTC or Europe/Berlin)",
    TAG_PATTERN: "not a tag (eight hexadecimal digits in capitals, such as 00081030)",
    PRIVATE_GROUP_PATTERN: "not a private group (four hexadecimal digits in capitals, the last one odd, such as 0019)",
    PRIVATE_ELEMENT_PATTERN: "not the end of a private element (two hexadecimal digits in capitals, such as 0C)",
    CODE_PATTERN: "not a code (capitals, digits, _ and spaces)",
    UID_ROOT_PATTERN: "not the root of UIDs (such as 2.25 or 1.2.826.0.1)",
    TEMPLATE_PATTERN: "not a line of text (no backslash or control character)",
    LABEL_KEY_PATTERN: "not a label's key (such as adit.dev/purpose)",
    LABEL_VALUE_PATTERN: "not a label's value (letters, digits, -, _ and .)",
}

Uid = Annotated[str, StringConstraints(pattern=UID_PATTERN, max_length=64)]
AETitle = Annotated[str, StringConstraints(pattern=AE_TITLE_PATTERN, max_length=16)]
PatientId = Annotated[str, StringConstraints(pattern=IDENTIFIER_PATTERN, max_length=64)]
Pseudonym = Annotated[str, StringConstraints(pattern=PSEUDONYM_PATTERN, max_length=64)]
Text = Annotated[str, StringConstraints(pattern=TEXT_PATTERN, max_length=64)]
LongText = Annotated[str, StringConstraints(pattern=REASON_GIVEN_PATTERN, max_length=1024)]
ObjectName = Annotated[str, StringConstraints(pattern=OBJECT_NAME_PATTERN, max_length=253)]
# Our own objects' names also stand in labels and in the names of their children.
ResourceName = Annotated[str, StringConstraints(pattern=OBJECT_NAME_PATTERN, max_length=63)]
Namespace = Annotated[str, StringConstraints(pattern=NAMESPACE_PATTERN, max_length=63)]
TaskId = Annotated[str, StringConstraints(pattern=TASK_ID_PATTERN, max_length=63)]
Host = Annotated[str, StringConstraints(pattern=HOST_PATTERN, max_length=253)]
Url = Annotated[str, StringConstraints(pattern=URL_PATTERN, max_length=2000)]
UrlPath = Annotated[str, StringConstraints(pattern=URL_PATH_PATTERN, max_length=200)]
SecretKey = Annotated[str, StringConstraints(pattern=SECRET_KEY_PATTERN, max_length=253)]
RelativePath = Annotated[str, StringConstraints(pattern=RELATIVE_PATH_PATTERN, max_length=250)]
Reason = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$", max_length=128)]
Message = Annotated[str, StringConstraints(max_length=1024)]
Timestamp = Annotated[str, StringConstraints(max_length=40)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$", max_length=64)]
KeyId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$", max_length=16)]
RetryToken = Annotated[str, StringConstraints(pattern=RETRY_TOKEN_PATTERN, max_length=64)]
CharacterSet = Annotated[str, StringConstraints(pattern=CHARACTER_SET_PATTERN, max_length=80)]
LabelKey = Annotated[str, StringConstraints(pattern=LABEL_KEY_PATTERN, max_length=317)]
LabelValue = Annotated[str, StringConstraints(pattern=LABEL_VALUE_PATTERN, max_length=63)]
