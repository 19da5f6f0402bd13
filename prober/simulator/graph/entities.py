"""Folders, messages and events as Graph shows them (Learn, resource types `mailFolder`, `message`, `event`)."""

import base64
from datetime import datetime
from email.utils import parseaddr
from functools import lru_cache
from typing import Any

from prober.simulator.graph.ids import folder_id, item_id
from prober.simulator.graph.odata import names
from prober.simulator.mailbox import Folder, FolderKind, Item, Mailbox

FOLDER_FIELDS = names(
    "id displayName parentFolderId childFolderCount unreadItemCount totalItemCount sizeInBytes isHidden"
)
MESSAGE_FIELDS = names(
    "id createdDateTime lastModifiedDateTime changeKey categories receivedDateTime sentDateTime hasAttachments "
    "internetMessageId subject bodyPreview importance parentFolderId conversationId isRead isDraft webLink "
    "inferenceClassification body sender from toRecipients ccRecipients bccRecipients replyTo flag"
)
EVENT_FIELDS = names(
    "id createdDateTime lastModifiedDateTime changeKey categories iCalUId subject bodyPreview importance "
    "sensitivity isAllDay isCancelled isOrganizer isReminderSet reminderMinutesBeforeStart showAs type body start "
    "end location organizer attendees recurrence webLink"
)
MAIL_FOLDERS = (
    *(FolderKind.ARCHIVE, FolderKind.DELETED, FolderKind.DRAFTS, FolderKind.INBOX),
    *(FolderKind.JUNK, FolderKind.OUTBOX, FolderKind.SENT),
)
PREVIEW = 255


def moment(at: datetime) -> str:
    """Return a point in time as `2026-03-16T06:42:00Z`."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def wall_time(at: datetime) -> dict[str, str]:
    """Return a `dateTimeTimeZone` in UTC, with the seven digits that Outlook writes."""
    return {"dateTime": at.strftime("%Y-%m-%dT%H:%M:%S.0000000"), "timeZone": "UTC"}


def folder_entity(mailbox: Mailbox, folder: Folder, until: datetime | None) -> dict[str, Any]:
    """Return a `mailFolder`; with `until`, as it was then."""
    items = folder.visible(until)
    return {
        "id": folder_id(mailbox, folder),
        "displayName": folder.name,
        "parentFolderId": root_id(mailbox),
        "childFolderCount": 0,
        "unreadItemCount": sum(not item.read for item in items),
        "totalItemCount": len(items),
        "sizeInBytes": sum(len(item.body) for item in items),
        "isHidden": False,
    }


def root_entity(mailbox: Mailbox) -> dict[str, Any]:
    """Return the `mailFolder` that all others lie in."""
    return {
        "id": root_id(mailbox),
        "displayName": "Top of Information Store",
        "parentFolderId": root_id(mailbox),
        "childFolderCount": len(MAIL_FOLDERS),
        "unreadItemCount": 0,
        "totalItemCount": 0,
        "sizeInBytes": 0,
        "isHidden": False,
    }


def root_id(mailbox: Mailbox) -> str:
    """Return the id of the folder that all others lie in."""
    return item_id(mailbox, mailbox.inbox, 0xFFFFFFFF)


def message_entity(mailbox: Mailbox, folder: Folder, item: Item) -> dict[str, Any]:
    """Return a `message`."""
    key = change_key(item)
    received = moment(item.received)
    return {
        "@odata.etag": f'W/"{key}"',
        "id": item_id(mailbox, folder, item.uid),
        "createdDateTime": received,
        "lastModifiedDateTime": received,
        "changeKey": key,
        "categories": [],
        "receivedDateTime": received,
        "sentDateTime": received,
        "hasAttachments": False,
        "internetMessageId": item.message_id,
        "subject": item.subject,
        "bodyPreview": item.body[:PREVIEW],
        "importance": "normal",
        "parentFolderId": folder_id(mailbox, folder),
        "conversationId": base64.urlsafe_b64encode(item.message_id.encode()).decode(),
        "isRead": item.read,
        "isDraft": item.folder is FolderKind.DRAFTS,
        "webLink": "",
        "inferenceClassification": "focused",
        "body": {"contentType": "text", "content": item.body},
        "sender": recipient(item.sender),
        "from": recipient(item.sender),
        "toRecipients": [recipient(one) for one in item.recipients],
        "ccRecipients": [],
        "bccRecipients": [],
        "replyTo": [],
        "flag": {"flagStatus": "notFlagged"},
    }


def event_entity(mailbox: Mailbox, folder: Folder, item: Item) -> dict[str, Any]:
    """Return an `event`; an item without times is over when it begins."""
    key = change_key(item)
    start = item.start or item.received
    return {
        "@odata.etag": f'W/"{key}"',
        "id": item_id(mailbox, folder, item.uid),
        "createdDateTime": moment(item.received),
        "lastModifiedDateTime": moment(item.received),
        "changeKey": key,
        "categories": [],
        "iCalUId": item.message_id.strip("<>"),
        "subject": item.subject,
        "bodyPreview": item.body[:PREVIEW],
        "importance": "normal",
        "sensitivity": "normal",
        "isAllDay": False,
        "isCancelled": False,
        "isOrganizer": True,
        "isReminderSet": True,
        "reminderMinutesBeforeStart": 15,
        "showAs": "busy",
        "type": "singleInstance",
        "body": {"contentType": "text", "content": item.body},
        "start": wall_time(start),
        "end": wall_time(item.end or start),
        "location": {"displayName": ""},
        "organizer": recipient(item.sender),
        "attendees": [],
        "recurrence": None,
        "webLink": "",
    }


def removed_entity(mailbox: Mailbox, folder: Folder, uid: int) -> dict[str, Any]:
    """Return what a delta says of an item that is gone."""
    return {"id": item_id(mailbox, folder, uid), "@removed": {"reason": "deleted"}}


def recipient(text: str) -> dict[str, Any]:
    """Return a `recipient` for an address with or without a name."""
    name, address = _parsed(text)
    return {"emailAddress": {"name": name or address, "address": address}}


@lru_cache(maxsize=1024)
def _parsed(text: str) -> tuple[str, str]:
    """Return name and address: a handful of people write everything that is listed again and again."""
    return parseaddr(text)


def change_key(item: Item) -> str:
    """Return the version of an item: its last change's place in the mailbox."""
    return base64.b64encode(item.sequence.to_bytes(12, "big")).decode()
