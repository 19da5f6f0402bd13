from prober.vocabulary import Depth, Verdict


def test_depths_are_ordered_from_shallow_to_deep() -> None:
    assert [depth.rank for depth in (Depth.REACH, Depth.TOKEN, Depth.MAILBOX)] == [0, 1, 2]


def test_ok_slow_and_failed_count_and_nothing_else_does() -> None:
    assert {verdict for verdict in Verdict if verdict.counted} == {Verdict.OK, Verdict.SLOW, Verdict.FAILED}
