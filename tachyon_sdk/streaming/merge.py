"""Merges the chunks of a streamed response into one. No I/O; time and memory are linear in the response's length.

Chunks are JSON objects in the shape of a streaming operation: `choices` of `index`, `delta` (or `message`) and
`finish_reason`, with whatever else a server sends beside these. They are kept as they came, and merged when the
merged response is asked for. What is kept is bounded: a long stream is compressed, and merged where that is not
enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic_core import from_json

from tachyon_sdk.streaming.completion import SAYS_MORE
from tachyon_sdk.streaming.tool_calls import Text, ToolCall, ToolCalls, accumulate, as_json

# The first chunk that has one of these has it for the whole response; `created` may move, for instance.
_OF_THE_RESPONSE = frozenset({"id", "object", "created", "model", "system_fingerprint", "service_tier"})

# Bytes of chunks that are kept as they came, and then compressed. Most streams stay below the first, and then nothing
# is compressed, which takes up to a tenth of the time of a chunk. Together with a copy of some they stay below 1 MiB.
_MAX_PENDING_BYTES = 600_000
_MAX_PACKED_BYTES = 262_144
_UNPACKED_BYTES = 262_144  # at a time
# What Python needs for a bytes object in a list, besides its content.
_OBJECT_BYTES = 41
# Stands between compressed chunks: it is neither in a string of JSON nor white space (RFC 8259; RFC 7464).
_SEPARATOR = b"\x1e"
# Parsed, or compressed, at a time: the objects take ten times the memory of their text.
_CHUNKS_AT_A_TIME = 100
_ABSENT = object()


class Merger:
    """Takes chunks one by one, and merges them when asked.

    Attributes:
        keep: Takes the next chunk, as the text of a JSON object. A bound method of a list, because it runs for every
            chunk. Call `settle` after some chunks.
    """

    def __init__(self) -> None:
        self._earlier = 0
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self.keep = self._pending.append
        self._packed: list[bytes] = []
        self._packed_bytes = 0
        self._packer: Any = None
        self._response: dict[str, Any] = {}
        self._choices: dict[int, _Choice] = {}
        # The last chunk but for its choices: where it comes again, it adds nothing.
        self._same: dict[str, Any] = {}

    @property
    def chunks(self) -> int:
        """The number of chunks so far."""
        return self._earlier + len(self._pending)

    def add(self, chunk: bytes) -> None:
        """Take the next chunk, as the text of a JSON object."""
        self.keep(chunk)
        self.settle(1, len(chunk))

    def settle(self, chunks: int, size: int) -> None:
        """Bound the memory after `keep` took this number of chunks, with this number of bytes in all."""
        self._pending_bytes += size + chunks * _OBJECT_BYTES
        if self._pending_bytes > _MAX_PENDING_BYTES:
            self._pack()

    def merged(self) -> dict[str, Any]:
        """The response that the chunks so far make, as new JSON values in the shape of one chunk.

        Time: that of merging the chunks since the last call, and of copying the response.
        """
        self._merge()
        response = {name: as_json(value) for name, value in self._response.items()}
        response["choices"] = [self._choices[index].merged() for index in sorted(self._choices)]
        return response

    def news_in(self, message: Mapping[str, Any], index: int) -> dict[str, Any]:
        """What is new in a whole message that a server sends after its pieces; all of it where none came."""
        self._merge()
        choice = self._choices.get(index)
        return dict(message) if choice is None else choice.news_in(message)

    def _pack(self) -> None:
        # The chunks of a stream hardly differ: compressing them takes a fraction of the time of merging them.
        import zlib

        if self._packer is None:
            # Without a checksum, which takes a fifth of the time.
            self._packer = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
        for start in range(0, len(self._pending), _CHUNKS_AT_A_TIME):
            chunks = self._pending[start : start + _CHUNKS_AT_A_TIME]
            packed = self._packer.compress(_SEPARATOR.join(chunks) + _SEPARATOR)
            if packed:
                self._packed.append(packed)
                self._packed_bytes += len(packed)
        self._forget_pending()
        if self._packed_bytes > _MAX_PACKED_BYTES:
            self._merge()
            for choice in self._choices.values():
                choice.join()

    def _merge(self) -> None:
        for chunks in self._kept():
            for start in range(0, len(chunks), _CHUNKS_AT_A_TIME):
                texts = chunks[start : start + _CHUNKS_AT_A_TIME]
                for chunk in _parsed(texts):
                    self._add(chunk)
        self._forget_pending()

    def _forget_pending(self) -> None:
        self._earlier += len(self._pending)
        self._pending.clear()  # the same list, because of `keep`
        self._pending_bytes = 0

    def _kept(self) -> Iterator[list[bytes]]:
        """The chunks that were not merged so far, in blocks."""
        if self._packer is not None:
            import zlib

            self._packed.append(self._packer.flush())
            unpacker, unfinished = zlib.decompressobj(-zlib.MAX_WBITS), b""
            for packed in self._packed:
                while block := unpacker.decompress(packed, _UNPACKED_BYTES):
                    packed = unpacker.unconsumed_tail
                    *whole, unfinished = (unfinished + block).split(_SEPARATOR)
                    yield whole
            self._packed.clear()
            self._packed_bytes, self._packer = 0, None
        yield self._pending

    def _add(self, chunk: dict[str, Any]) -> None:
        choices = chunk.pop("choices", None)
        if chunk != self._same:
            self._add_to_response(chunk)
            self._same = chunk
        for position, piece in enumerate(choices or ()):
            index = index_of(piece.get("index"), position)
            choice = self._choices.get(index)
            if choice is None:
                choice = self._choices[index] = _Choice()
            choice.add(piece)

    def _add_to_response(self, chunk: dict[str, Any]) -> None:
        response = self._response
        for name, value in chunk.items():
            if name in _OF_THE_RESPONSE:
                response[name] = response.get(name) or value
            elif value is not None or name not in response:
                response[name] = value


class _Choice:
    """One alternative response, as far as it has arrived."""

    __slots__ = (
        "calls",
        "delta",
        "finish_reason",
        "function_call",
        "others",
        "pieces",
        "same",
        "settled",
        "text",
    )

    def __init__(self) -> None:
        self.finish_reason: Any = None
        self.text: list[str] = []
        self.calls: ToolCalls | None = None
        self.function_call: ToolCall | None = None
        self.delta: dict[str, Any] = {}
        self.others: dict[str, Any] = {}
        self.pieces = False  # whether a `delta` came that was not empty
        # The last piece but for its delta, and the last delta but for its text, where they add nothing again.
        self.same: dict[str, Any] | None = None
        self.settled: dict[str, Any] | None = None

    def add(self, piece: dict[str, Any]) -> None:
        delta = piece.pop("delta", None)
        if delta:
            self.pieces = True
        elif isinstance(piece.get("message"), dict):
            delta = piece.pop("message")
        if piece != self.same:
            self._add_others(piece)
        reason = piece.get("finish_reason")
        if reason:
            self.finish_reason = reason
        elif self.finish_reason and delta and any(delta.get(name) for name in SAYS_MORE):
            self.finish_reason = None  # that was not the end
        if not delta:
            return
        content = delta.pop("content", _ABSENT)
        if content.__class__ is str:
            self.text.append(content)
        elif content is not _ABSENT:
            self.delta.setdefault("content", None)
        if delta and delta != self.settled:
            self._add_to_delta(delta)

    def _add_to_delta(self, delta: dict[str, Any]) -> None:
        grows = False
        for name, value in delta.items():
            if name == "tool_calls":
                self.delta.setdefault(name, None)
                if value:
                    self.calls = self.calls or ToolCalls()
                    self.calls.add(value)
                    grows = True
            elif name == "function_call" and isinstance(value, dict):
                self.function_call = self.function_call or ToolCall()
                self.function_call.add_function(value)
                grows = True
            else:
                accumulate(self.delta, name, value)
                grows = grows or (bool(value) and name != "role")
        self.settled = None if grows else delta

    def _add_others(self, piece: dict[str, Any]) -> None:
        for name, value in piece.items():
            if name == "finish_reason":
                self.others.setdefault(name, None)
            elif name == "logprobs":
                accumulate(self.others, name, value)
            elif value is not None or name not in self.others:
                self.others[name] = value
        self.same = None if piece.get("logprobs") else piece

    def news_in(self, message: Mapping[str, Any]) -> dict[str, Any]:
        if not self.pieces:
            return dict(message)
        known = {*self.delta, "content"} if self.text else {*self.delta}
        news = {name: value for name, value in message.items() if name not in known}
        content = message.get("content")
        if self.text and isinstance(content, str):
            so_far = self._joined()
            news["content"] = content[len(so_far) :] if content.startswith(so_far) else ""
        if self.calls is None and message.get("tool_calls"):
            news["tool_calls"] = message["tool_calls"]
        return news

    def join(self) -> None:
        """Joins the pieces of texts: each piece takes the memory of ten pieces' letters."""
        self._joined()
        for value in self.delta.values():
            if isinstance(value, Text):
                value[:] = ["".join(value)]

    def _joined(self) -> str:
        text = "".join(self.text)
        if self.text:
            self.text = [text]
        return text

    def merged(self) -> dict[str, Any]:
        choice = {name: as_json(value) for name, value in self.others.items()}
        if self.finish_reason:
            choice["finish_reason"] = self.finish_reason
        delta = choice["delta"] = {name: as_json(value) for name, value in self.delta.items()}
        if self.text:
            delta["content"] = self._joined()
        if self.calls is not None:
            delta["tool_calls"] = self.calls.as_json()
        if self.function_call is not None:
            delta["function_call"] = self.function_call.function_as_json()
        return choice


def _parsed(chunks: list[bytes]) -> list[dict[str, Any]]:
    # Names alone are cached: most texts come once.
    try:
        parsed: list[dict[str, Any]] = from_json(b"[%b]" % b",".join(chunks), cache_strings="keys")
    except ValueError:  # one is nested as deep as the parser allows
        return [from_json(chunk, cache_strings="keys") for chunk in chunks]
    return parsed


def index_of(value: Any, position: int) -> int:
    """The index of a choice, or its position where it has none that is a number."""
    if value.__class__ is int:
        return value
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        return position
    return number if isinstance(value, str) or number == value else position
