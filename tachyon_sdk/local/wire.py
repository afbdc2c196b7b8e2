"""What goes over the wire: the shapes of answers, chunks, events and errors."""

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]

DONE = b"data: [DONE]\n\n"
HEARTBEAT = b": heartbeat\n\n"


class ApiError(Exception):
    """An answer that is not 200. The server turns it into the body `{"code", "message"}`."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


def encode(value: Json) -> bytes:
    """Compact JSON in UTF-8, with non-ASCII text as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def event(value: Json) -> bytes:
    """One server-sent event with a single `data:` line (WHATWG HTML, "Server-sent events")."""
    return b"data: " + encode(value) + b"\n\n"


def error_body(code: str, message: str) -> Json:
    """The body of every answer that is not 200."""
    return {"code": code, "message": message}


def error_event(code: str, message: str) -> bytes:
    """An error that is found after the 200 was sent: a `data:` object with an `error` member."""
    return event({"error": {"message": message, "type": "server_error", "code": code}})


def usage(prompt_tokens: int, completion_tokens: int) -> Json:
    """Token counts. The local server costs nothing."""
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
        "cache_creation_input_tokens": None,
        "cache_read_input_tokens": None,
        "total_cost": 0.0,
    }


class Envelope:
    """What is the same in all chunks of one answer. The chunks of a chatroom carry no `created`.

    Attributes:
        id: Unique per request.
        model: As the client named it.
        created: Unix seconds.
        chatroom: Whether the answer is one in a chatroom.
    """

    def __init__(self, model: str, *, chatroom: bool) -> None:
        self.id = f"chatcmpl-{uuid.uuid4().hex}"
        self.model = model
        self.created = int(time.time())
        self.chatroom = chatroom

    def call_id(self, choice: int, index: int) -> str:
        """The id of a tool call: the same however often it is asked for."""
        return f"call_{self.id[-20:]}_{choice}_{index}"

    def _members(self, kind: str) -> Json:
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": "fp_local",
            "service_tier": None,
        }

    def answer(self, choices: Sequence[Json], used: Json) -> Json:
        """A whole `chat.completion`."""
        return {**self._members("chat.completion"), "choices": list(choices), "usage": used}

    def chunk(self, choices: Sequence[Json], used: Json | None = None) -> bytes:
        """The event of one `chat.completion.chunk`. Members without a value are null, as observed."""
        members = self._members("chat.completion.chunk")
        if self.chatroom:
            del members["created"]
        return event({**members, "choices": list(choices), "usage": used})
