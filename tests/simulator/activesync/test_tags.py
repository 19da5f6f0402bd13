"""The numbers of tags, against published documents."""

import pytest

from prober.simulator.activesync import tags as t


@pytest.mark.parametrize(
    ("tag", "page", "token"),
    [
        (t.FOLDER_SYNC, 7, 0x16),
        (t.FOLDER_KEY, 7, 0x12),
        (t.USER_INFORMATION, 18, 0x1D),
        (t.COLLECTIONS, 0, 0x1C),
        (t.POLICY_TYPE, 14, 0x08),
        (t.PING_HEARTBEAT, 13, 0x08),
        (t.ITEM_FETCH, 20, 0x06),
        (t.MIME, 21, 0x10),
        (t.FREE_TEXT, 15, 0x15),
        (t.ESTIMATE_COLLECTION_ID, 6, 0x0A),
    ],
)
def test_a_tag_is_the_number_of_the_specification(tag: t.Tag, page: int, token: int) -> None:
    """Read off documents that others have published."""
    assert tag == (page, token)


def test_no_two_names_are_one_tag() -> None:
    """Or one of them would be wrong."""
    tags = [value for value in vars(t).values() if isinstance(value, tuple) and len(value) == 2]
    assert len(tags) == len(set(tags))
    assert all(page in t.LAST_TOKENS and 5 <= token <= t.LAST_TOKENS[page] for page, token in tags)
