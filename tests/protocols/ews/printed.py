"""Answers as the documentation prints them: Learn, "EWS operations in Exchange"; each by the title of its page.

Nothing is mended: where a page writes the namespaces with https, so does the file.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from prober.exchange import Headers, Reply

FOLDER = Path(__file__).parent / "printed"
TITLES: Mapping[str, str] = MappingProxyType(
    {
        "get_folder": "GetFolder operation: GetFolder Response Example.",
        "get_folder_error": "GetFolder operation: GetFolder Error Response Example.",
        "sync_hierarchy": "SyncFolderHierarchy operation: Successful SyncFolderHierarchy Response.",
        "sync_hierarchy_error": "SyncFolderHierarchy operation: SyncFolderHierarchy error response.",
        "sync_items": "SyncFolderItems operation: Successful SyncFolderItems Response.",
        "find_item": "FindItem operation: Successful FindItem operation response.",
        "oof": "GetUserOofSettings operation: Successful GetUserOofSettings Response Example.",
        "oof_error": "GetUserOofSettings operation: Error Response Example, its faultstring cut short.",
        "subscribe": "Stream notifications about mailbox events by using EWS in Exchange; with a shorter id.",
        "subscribe_error": "Subscribe operation: Pull Subscription Subscribe Error Response Example.",
        "streamed": "GetStreamingEvents operation: Successful response example. It lacks the envelope.",
        "stream_error": "GetStreamingEvents operation: error response example. It lacks a closing tag.",
        "unsubscribe_error": "Unsubscribe operation: Unsubscribe Error response example.",
        "availability": "GetUserAvailability operation: Successful response, the second user, no working hours.",
        "create_item_error": "CreateItem operation (email message): Error CreateItem Response.",
        "delete_item": "DeleteItem operation: Successful DeleteItem Response.",
        "get_item_error": "GetItem operation (email message): Error response example.",
    }
)


def printed(name: str, status: int = 200) -> Reply:
    """Return the answer that a page prints."""
    assert name in TITLES
    return Reply(status, Headers(), (FOLDER / f"{name}.xml").read_bytes())
