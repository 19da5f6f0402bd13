"""How an answer is written."""

from prober.simulator.imap.answer import Answer, bad, no, ok, severed


def test_an_answer_is_untagged_lines_then_the_tagged_one() -> None:
    assert ok("NOOP completed.", b"* 3 EXISTS").written("a7") == b"* 3 EXISTS\r\na7 OK NOOP completed.\r\n"


def test_one_that_is_over_says_goodbye_last() -> None:
    said = severed("BAD", "User is authenticated but not connected.").written("A1")
    assert said == b"A1 BAD User is authenticated but not connected.\r\n* BYE Connection closed. 14\r\n"


def test_without_a_status_there_is_no_tagged_line() -> None:
    assert Answer("", "", bye="Connection is closed. 13").written("*") == b"* BYE Connection is closed. 13\r\n"


def test_no_and_bad_say_so() -> None:
    assert (no("x").written("a"), bad("y").written("*")) == (b"a NO x\r\n", b"* BAD y\r\n")
