"""What a server says of a request that it does not carry out (MS-OXCMAPIHTTP section 2.2.3.3.3).

Rule of this file: 0 to 13 are the specification's; 15 is what servers have been seen to answer beside them.
"""

from collections.abc import Mapping
from types import MappingProxyType

UNKNOWN_FAILURE, INVALID_VERB, INVALID_PATH, INVALID_HEADER = 1, 2, 3, 4
INVALID_REQUEST_TYPE, INVALID_CONTEXT_COOKIE, MISSING_HEADER = 5, 6, 7
CONTEXT_NOT_FOUND, NO_PRIVILEGE, INVALID_BODY, MISSING_COOKIE, INVALID_SEQUENCE = 10, 11, 12, 13, 15
WORDS: Mapping[int, str] = MappingProxyType(
    {
        0: "The request was properly formatted and accepted.",
        1: "The request produced an unknown failure.",
        2: "The request has an invalid verb.",
        3: "The request has an invalid path.",
        4: "The request has an invalid header.",
        5: "The request has an invalid X-RequestType header.",
        6: "The request has an invalid session context cookie.",
        7: "The request has a missing required header.",
        8: "The request is anonymous, but anonymous requests are not accepted.",
        9: "The request is too large.",
        10: "The Session Context is not found.",
        11: "The client has no privileges to the Session Context.",
        12: "The request body is invalid.",
        13: "The request is missing a required cookie.",
        15: "The request has an invalid sequence cookie.",
        16: "The endpoint is disabled.",
        17: "The response is invalid.",
        18: "The endpoint is shutting down.",
    }
)


class Refused(Exception):  # noqa: N818 - what the server answers
    """A request ends with this `X-ResponseCode`."""

    def __init__(self, code: int) -> None:
        super().__init__(words(code))
        self.code = code


def words(code: int) -> str:
    """Return what a code means."""
    return WORDS.get(code, f"The request failed with code {code}.")
