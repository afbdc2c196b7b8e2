"""Conversations in files: one message as JSON per line, or a text to read."""

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import tachyon_sdk
from tachyon_sdk._typed.schema import describe_errors
from tachyon_sdk.cli.request import Messages
from tachyon_sdk.exceptions import ApiValueError

_TO_READ = (".md", ".txt")


def read_history(name: str) -> Messages:
    """Return the messages in a file; none if there is no such file yet.

    Raises:
        ApiValueError: The file cannot be read, or holds anything else.
    """
    path = Path(name)
    try:
        lines = path.read_text("utf-8-sig").split("\n")
    except FileNotFoundError:
        if not os.access(path.absolute().parent, os.W_OK):
            raise ApiValueError(f"{name}: the folder does not exist, or is not writable") from None
        return []
    except OSError as error:
        raise ApiValueError(f"{name}: {error.strerror or error}") from error
    except UnicodeError as error:
        raise ApiValueError(f"{name} is not a conversation: it is not valid UTF-8") from error
    messages: Messages = []
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                message = tachyon_sdk.Message.from_json(line)
            except ValidationError as error:
                problem = describe_errors(error, line)
            except ValueError as error:
                problem = str(error)
            else:
                messages.append(message.to_dict())
                continue
            raise ApiValueError(f"{name} is not a conversation: line {number}: {problem}")
    return messages


def write_history(name: str, messages: Messages) -> None:
    """Write messages to a file. A file that is there is replaced at once, so that it is always complete.

    Raises:
        OSError: The file cannot be written.
    """
    path = Path(os.path.realpath(name))
    is_to_read = path.suffix in _TO_READ
    text = "".join(map(_to_read, messages)) if is_to_read else "".join(map(_as_line, messages))
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "w", encoding="utf-8", errors="replace", newline="\n") as file:
            file.write(text)
        with suppress(FileNotFoundError):
            os.chmod(temporary, path.stat().st_mode & 0o777)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def text_of(message: dict[str, Any]) -> str:
    """Return the text of a message."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return "".join(part.get("text") or "" for part in content)


def _as_line(message: dict[str, Any]) -> str:
    return f"{json.dumps(message, ensure_ascii=False)}\n"


def _to_read(message: dict[str, Any]) -> str:
    calls = [call["function"] for call in message.get("tool_calls") or ()]
    texts = [text_of(message), *(f"{call['name']}({call['arguments']})" for call in calls)]
    return f"## {message['role']}\n\n" + "\n\n".join(filter(None, texts)) + "\n\n"
