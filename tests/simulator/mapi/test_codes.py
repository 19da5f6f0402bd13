"""Response codes."""

from prober.simulator.mapi import codes


def test_codes_are_those_of_the_specification() -> None:
    """MS-OXCMAPIHTTP section 2.2.3.3.3, by its own words."""
    assert codes.words(codes.INVALID_CONTEXT_COOKIE) == "The request has an invalid session context cookie."
    assert (codes.INVALID_CONTEXT_COOKIE, codes.CONTEXT_NOT_FOUND, codes.MISSING_COOKIE) == (6, 10, 13)
    assert codes.words(codes.INVALID_REQUEST_TYPE) == "The request has an invalid X-RequestType header."
    assert codes.words(codes.MISSING_HEADER) == "The request has a missing required header."


def test_a_code_that_nobody_knows_has_words_all_the_same() -> None:
    """And travels with its refusal."""
    assert codes.words(99) == "The request failed with code 99."
    assert codes.Refused(99).code == 99
