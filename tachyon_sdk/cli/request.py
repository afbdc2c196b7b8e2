"""Builds the request from the arguments, standard input and files."""

import argparse
import json
import os
import re
import sys
from functools import reduce
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import tachyon_sdk
from tachyon_sdk._typed.schema import describe_errors
from tachyon_sdk.cli.output import say
from tachyon_sdk.exceptions import ApiValueError

Messages = list[dict[str, Any]]

_SECONDS_BEFORE_NOTICE = 2.0
_OWN_OPTIONS = {"messages": "the prompt", "stream": "--no-stream", "tools": "--tool"}


def read_messages(options: argparse.Namespace) -> Messages:
    """Return the messages of `ask`: the prompt with standard input and the files.

    Raises:
        ApiValueError: They are empty, are not text, or cannot be read.
    """
    prompt = options.prompt
    texts = [prompt] if prompt not in (None, "-") else []
    parts = [_input_part(_read_input())] if _has_input(options) else []
    parts += map(_file_part, options.file)
    texts += [part["text"] for part in parts if part["type"] == "text"]
    text = "\n\n".join(each for each in texts if each.strip())
    images = [part for part in parts if part["type"] != "text"]
    if not text and not images:
        if prompt is None and _is_terminal():
            raise ApiValueError(
                "a prompt is required; `chat` starts a conversation, --help shows all commands"
            )
        raise ApiValueError("the prompt is empty")
    # Several models accept only text, and some servers only a string.
    content = [*([{"type": "text", "text": text}] if text else []), *images] if images else text
    return [*system_messages(options.system), {"role": "user", "content": content}]


def system_messages(text: str | None) -> Messages:
    """Return the system message with this text, if there is one."""
    return [] if text is None else [{"role": "system", "content": text}]


def build_request(options: argparse.Namespace, messages: Messages) -> dict[str, Any]:
    """Return the request with these messages and the options that are set.

    Raises:
        ApiValueError: An option is not valid in a request.
    """
    request: dict[str, Any] = {"messages": messages}
    named = {
        "model": options.model,
        "max_completion_tokens": options.max_tokens,
        "temperature": options.temperature,
    }
    request |= {name: value for name, value in named.items() if value is not None}
    for path, value in options.set:
        _assign(request, path, value)
    try:
        tachyon_sdk.ChatCompletionRequest.from_dict(request)
    except ValidationError as error:
        raise ApiValueError(describe_errors(error, json.dumps(request))) from error
    return request


def toolbox(options: argparse.Namespace) -> "tachyon_sdk.Toolbox | None":
    """Return the functions of the options `--tool`, if there are any."""
    return tachyon_sdk.Toolbox(*map(load, options.tool)) if options.tool else None


def load(name: str) -> Any:
    """Return the object that `module:name` names, from the current folder or an installed package.

    Raises:
        ApiValueError: There is none.
    """
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise ApiValueError(f"{name!r} is not MODULE:NAME")
    here = os.getcwd()
    if here not in sys.path and "" not in sys.path and not getattr(sys.flags, "safe_path", False):
        sys.path.insert(0, here)
    try:
        return reduce(getattr, attribute.split("."), import_module(module))
    except ModuleNotFoundError as error:
        if not (error.name and f"{module}.".startswith(f"{error.name}.")):
            raise
        raise ApiValueError(f"{name}: there is no module {error.name!r}") from error
    except AttributeError as error:
        if error.name is None or error.name not in attribute.split("."):
            raise
        raise ApiValueError(f"{name}: the module has no {error.name!r}") from error


def _assign(request: dict[str, Any], path: list[str], value: Any) -> None:
    name = ".".join(path)
    if path[0] in _OWN_OPTIONS:
        raise ApiValueError(f"--set cannot set {path[0]!r}: use {_OWN_OPTIONS[path[0]]}")
    target = request
    for step in path[:-1]:
        target = target.setdefault(step, {})
        if not isinstance(target, dict):
            raise ApiValueError(f"--set {name}: {step!r} is not an object")
    target[path[-1]] = value


def _is_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _has_input(options: argparse.Namespace) -> bool:
    """Return whether to read standard input. A terminal is read only on request: nobody has typed anything yet."""
    if sys.stdin is None or options.no_stdin:
        return False
    return options.prompt == "-" or not _is_terminal()


def _read_input() -> bytes:
    """Read standard input to its end; say so if that takes long, as nobody may be writing to it."""
    from threading import Timer

    notice = Timer(
        _SECONDS_BEFORE_NOTICE, say, ["waiting for standard input; the option --no-stdin ignores it"]
    )
    notice.daemon = True
    if not _is_terminal():
        notice.start()
    try:
        return sys.stdin.buffer.read()
    finally:
        notice.cancel()


def _input_part(data: bytes) -> dict[str, Any]:
    """Return the part of a message with standard input."""
    if _is_text(data):
        # Some shells add a byte order mark in front and a line break at the end.
        return {"type": "text", "text": data.decode("utf-8-sig").rstrip("\r\n")}
    try:
        return tachyon_sdk.image(data, max_bytes=None).to_dict()
    except ApiValueError as error:
        raise ApiValueError("the prompt or an option is not valid UTF-8") from error


def _file_part(name: str) -> dict[str, Any]:
    """Return the part of a message with a file, or with the URL of an image."""
    if re.match("(https?|data):", name):
        return tachyon_sdk.image(name).to_dict()
    try:
        data = Path(name).read_bytes()
    except OSError as error:
        raise ApiValueError(f"{name}: {error.strerror or error}") from error
    try:
        if _is_text(data):
            return tachyon_sdk.text_file(data, name=Path(name).name, max_bytes=None).to_dict()
        return tachyon_sdk.image(data, max_bytes=None).to_dict()
    except ApiValueError as error:
        raise ApiValueError(f"{name} is neither text in UTF-8 nor an image: {error}") from error


def _is_text(data: bytes) -> bool:
    try:
        return "\0" not in data.decode()
    except UnicodeError:
        return False
