"""`tachyon "..."`: sends one message and prints the response."""

import argparse
from contextlib import ExitStack
from typing import Any

from pydantic_core import to_jsonable_python

import tachyon_sdk
from tachyon_sdk.cli.client import connect
from tachyon_sdk.cli.interrupt import interruptible
from tachyon_sdk.cli.output import Response, failure, put_json, put_pieces, report_end
from tachyon_sdk.cli.request import build_request, read_messages, toolbox
from tachyon_sdk.cli.schema import read_schema
from tachyon_sdk.cli.talk import Talk
from tachyon_sdk.exceptions import ApiValueError


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status."""
    request = build_request(options, read_messages(options))
    kind: Any = None
    if options.schema is not None:
        if options.stream:
            raise ApiValueError("--schema prints the response when it is complete: it excludes --stream")
        schema = read_schema(options.schema)
        schema.add_to(request)
        kind = schema.type
    elif options.format == "json":
        request.setdefault("response_format", {"type": "json_object"})
        kind = dict[str, Any]
    tools = toolbox(options)
    with ExitStack() as stack:
        room = options.chatroom
        talk = Talk(connect(options, stack, None if room is None else "--chatroom"), room, tools)
        try:
            with interruptible():
                return _answer(talk, request, options, kind)
        finally:
            if options.usage and talk.response is not None:
                talk.say_usage()


def _answer(talk: Talk, request: dict[str, Any], options: argparse.Namespace, kind: Any) -> int:
    """Send the request, print the response as the options say, and return the exit status."""
    is_stream = not options.json if options.stream is None else options.stream
    if options.schema is not None:
        return _as_schema(talk.whole(request), kind, as_json=options.json)
    if not is_stream:
        response = talk.whole(request)
        if options.json:
            put_json(response.to_dict())  # type: ignore[attr-defined]
        else:
            put_pieces([response.text])
        return report_end(response, text_expected=not options.json) or _check(response, kind)
    if options.json or options.usage:
        request.setdefault("stream_options", {"include_usage": True})
    if options.json:
        for chunk in talk.chunks(request):
            put_json(chunk.to_dict())
    else:
        put_pieces(talk.texts(request))
    assert talk.response is not None
    return report_end(talk.response, text_expected=not options.json) or _check(talk.response, kind)


def _as_schema(response: Response, kind: Any, *, as_json: bool) -> int:
    """Print a response that must be JSON of a type. What is not is printed as it came."""
    if as_json:
        put_json(response.to_dict())  # type: ignore[attr-defined]
    status = report_end(response, text_expected=False)
    if not status:
        try:
            value = tachyon_sdk.parse_as(kind, response.text)
        except tachyon_sdk.StructuredOutputError as error:
            status = failure(5, error)
        else:
            if not as_json:
                put_json(to_jsonable_python(value))
            return 0
    if not as_json:
        put_pieces([response.text])
    return status


def _check(response: Response, kind: Any) -> int:
    """Return the exit status for the text of a response that must be JSON of a type, or may be anything."""
    if kind is not None:
        try:
            tachyon_sdk.parse_as(kind, response.text)
        except tachyon_sdk.StructuredOutputError as error:
            return failure(5, error)
    return 0
