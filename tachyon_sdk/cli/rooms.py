"""`tachyon rooms`: lists, creates, renames, deletes and shows chatrooms."""

import argparse
from collections import deque
from contextlib import ExitStack
from itertools import islice
from typing import Any

import tachyon_sdk
from tachyon_sdk.cli.client import connect
from tachyon_sdk.cli.output import failure, put, put_json, put_table, say
from tachyon_sdk.exceptions import ApiException


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status."""
    with ExitStack() as stack:
        api_client = connect(options, stack, "rooms")
        match options.action:
            case "list":
                return _list(tachyon_sdk.DefaultApi(api_client), options)
            case "history":
                return _history(tachyon_sdk.DefaultApi(api_client), options)
            case action:
                return _change(tachyon_sdk.ChatroomApi(api_client), action, options)


def _list(api: "tachyon_sdk.DefaultApi", options: argparse.Namespace) -> int:
    search = {} if options.search is None else {"search": options.search}
    rooms = list(islice(tachyon_sdk.paged(api.get_chatrooms, **search), options.limit))
    if options.json:
        for room in rooms:
            put_json(room.to_dict())
        return 0
    put_table([room.id, _time(room.updated_at), room.name] for room in rooms)
    if not rooms:
        say("no chatrooms")
    return 0


def _history(api: "tachyon_sdk.DefaultApi", options: argparse.Namespace) -> int:
    search = {} if options.search is None else {"search": options.search}
    messages = tachyon_sdk.paged(api.get_chatroom_messages, options.id, **search)
    for message in deque(messages, options.last):
        if options.json:
            put_json(message.to_dict())
        else:
            put(f"{message.role}: {_text(message.content)}")
    return 0


def _change(api: "tachyon_sdk.ChatroomApi", action: str, options: argparse.Namespace) -> int:
    if action == "create":
        given = {"name": options.name, "metadata": options.metadata}
        request = {name: value for name, value in given.items() if value is not None}
        put(str(api.create_chatroom(create_chat_room_request=request).chatroom.id))
    elif action == "rename":
        api.update_chatroom(options.id, update_chatroom_request={"name": options.name})
    else:
        return max(_delete(api, each) for each in options.id)
    return 0


def _delete(api: "tachyon_sdk.ChatroomApi", room: str) -> int:
    """Delete a chatroom; an error does not keep the command from deleting the next one."""
    try:
        api.delete_chatroom(room)
    except ApiException as error:
        return failure(1, f"{room}: {error}")
    return 0


def _text(part: Any) -> str:
    """Return the content of a stored message as text."""
    if isinstance(part, tachyon_sdk.TextPart):
        return part.text or ""
    fields = part.to_dict()
    kind = fields.pop("type", "")
    return f"[{kind}] {' '.join(str(value) for value in fields.values() if value is not None)}"


def _time(time: Any) -> str:
    return time.astimezone().strftime("%Y-%m-%d %H:%M") if hasattr(time, "astimezone") else str(time or "")
