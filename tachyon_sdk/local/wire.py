"""The shapes of responses, chunks, events and errors on the wire."""

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]

DONE = b"data: [DONE]\n\n"
HEARTBEAT = b": heartbeat\n\n"


class ApiError(Exception):
    """An error response. Its body is `{"code", "message"}`."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


class BrokenOff(Exception):
    """The response goes no further: nothing more is sent if it is stalled, otherwise the connection is closed."""

    def __init__(self, *, stalled: bool) -> None:
        super().__init__()
        self.stalled = stalled


def to_text(value: Any) -> str:
    """Return a value as compact JSON, with non-ASCII text as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def encode(value: Any) -> bytes:
    """Return a value as compact JSON in UTF-8."""
    return to_text(value).encode()


def event(value: Json) -> bytes:
    """Return a server-sent event with a single `data:` line (WHATWG HTML, "Server-sent events")."""
    return b"data: " + encode(value) + b"\n\n"


def error_body(code: str, message: str) -> Json:
    """Return the body of an error response."""
    return {"code": code, "message": message}


def error_event(code: str, message: str) -> bytes:
    """Return the event for an error after the status 200 was sent: a `data:` object with an `error` member."""
    return event({"error": {"message": message, "type": "server_error", "code": code}})


def usage(prompt_tokens: int, completion_tokens: int) -> Json:
    """Return token counts. The local server costs nothing."""
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "cache_creation_input_tokens": None,
        "cache_read_input_tokens": None,
        "total_cost": 0.0,
    }


class Envelope:
    """The properties that all chunks of a response share. The chunks of a chatroom have no `created`.

    Attributes:
        id: Unique per request.
        model: As the request names it.
        created: Unix seconds.
        system_fingerprint: Identifies the configuration of the model, or None.
        chatroom: Whether the request was made in a chatroom.
    """

    def __init__(self, model: str, *, chatroom: bool) -> None:
        self.id = f"chatcmpl-{uuid.uuid4().hex}"
        self.model = model
        self.created = int(time.time())
        self.system_fingerprint: str | None = "fp_local"
        self.chatroom = chatroom

    def call_id(self, choice: int, index: int) -> str:
        """Return the id of a tool call; the same call always has the same id."""
        return f"call_{self.id[-20:]}_{choice}_{index}"

    def _members(self, kind: str) -> Json:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.system_fingerprint,
            "service_tier": None,
        }

    def response(self, choices: Sequence[Json], used: Json) -> Json:
        """Return a whole `chat.completion`."""
        return {**self._members("chat.completion"), "choices": list(choices), "usage": used}

    def chunk(self, choices: Sequence[Json], used: Json | None = None) -> bytes:
        """Return the event of one `chat.completion.chunk`. Members without a value are null, as observed."""
        members = self._members("chat.completion.chunk")
        if self.chatroom:
            del members["created"]
        return event({**members, "choices": list(choices), "usage": used})
