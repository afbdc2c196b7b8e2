"""Reads successful responses, in any of their forms, as the declared type of the operation."""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

from pydantic import ValidationError
from pydantic_core import from_json, to_json

from tachyon_sdk._contract.model import UNNAMED, Model, add_missing_attributes, log_missing
from tachyon_sdk._errors.in_success import BESIDE_CHOICES, error_in
from tachyon_sdk._errors.responses import reported_error, undecodable_error
from tachyon_sdk.exceptions import ResponseDecodeException, StreamErrorException
from tachyon_sdk.streaming.merge import Merger, index_of
from tachyon_sdk.streaming.repair import Repair

M = TypeVar("M", bound=Model)

_DONE = b"[DONE]"
_BOM = b"\xef\xbb\xbf"
# Types of events that are never chunks.
_CONTROL = frozenset({"error", "done"})
# Looked for with `find`: `in` takes four times as long.
_MESSAGE, _ERROR, _DELTA = b'"message"', b'"error"', b'"delta":'
_MAX_IGNORED_BYTES = 200


class Response(Protocol):
    """The part of a response that errors contain."""

    status: int
    reason: str | None

    @property
    def headers(self) -> Mapping[str, str]: ...


class StreamEnd(Exception):
    """An event ends the stream.

    Attributes:
        declared: Whether the stream is that of an agent, which has no finish reason before its end.
    """

    def __init__(self, declared: bool) -> None:
        super().__init__(declared)
        self.declared = declared


class AnswerDecoder(Generic[M]):
    """Turns JSON into models of one type.

    Args:
        model: The declared type. It accepts `message` in place of `delta`.
        response: The response. Errors contain its status, reason and headers.

    Attributes:
        ignored: The beginning of the last event that was ignored because it is not JSON.
    """

    def __init__(self, model: type[M], response: Response) -> None:
        add_missing_attributes()
        self._model = model
        self._response = response
        self.ignored: bytes | None = None
        self._agent = False

    @cached_property
    def _validate_json(self) -> Callable[[bytes], M]:
        # model_validate_json without its checks of arguments.
        validator = getattr(self._model, "__pydantic_validator__", None)
        if validator is None:
            log_missing("__pydantic_validator__")
        return getattr(validator, "validate_json", self._model.model_validate_json)

    @cached_property
    def _repair(self) -> Repair:
        return Repair()

    def merged(self, response: dict[str, Any]) -> M:
        """Return the response that chunks were merged into."""
        return self._model.model_validate(response)

    def whole(self, body: bytes) -> tuple[M, bytes]:
        """Return the response of a body that is one JSON object, and the JSON that was read.

        Raises:
            StreamErrorException: The body is an error in spite of its status.
            ResponseDecodeException: The body is not a valid response.
        """
        response, data = self._read(body.removeprefix(_BOM), body)
        self._refuse_error(response, data)
        for choice in getattr(response, "choices", ()):
            if _is_message_beside_delta(choice):
                response = self._model.model_validate(_without_empty_deltas(response.to_dict()))
                data = response.to_json_bytes()
                break
        if response.__pydantic_fields_set__ <= (response.__pydantic_extra__ or {}).keys():
            raise self._undecodable(body, "it has none of its properties")
        return response, data

    def plain(self, reasons: Mapping[int, str | None]) -> Callable[[str, bytes], M | None]:
        """Return a function that reads the common kind of chunk, and returns None for any other event.

        A common chunk has one choice, which neither begins nor ends here, and nothing that may be an error. `event`
        reads all other events.

        Args:
            reasons: The finish reasons of the choices so far, None for one that has not ended.
        """
        validate, halves = self._validate_json, self._repair.halves
        ended = object()
        place = 0

        def plain(kind: str, data: bytes) -> M | None:
            nonlocal place
            try:
                chunk: Any = validate(data)
                (choice,) = chunk.choices
                if (
                    choice.finish_reason
                    or reasons.get(choice.index, ended) is not None
                    or ((extra := chunk.__pydantic_extra__) and not BESIDE_CHOICES.isdisjoint(extra))
                    or ((extra := choice.__pydantic_extra__) and "error" in extra)
                    # The delta may be a `message`. Mostly the name is where it was in the chunk before.
                    or (
                        choice.delta.role
                        and not data.startswith(_DELTA, place)
                        and (place := data.find(_DELTA)) < 0
                    )
                    or kind in _CONTROL
                    or halves
                ):
                    return None
            except (ValueError, TypeError):  # it is not valid, has not one choice, or has an odd index
                return None
            return chunk  # type: ignore[no-any-return]

        return plain

    def event(self, kind: str, data: bytes, merger: Merger) -> Iterator[tuple[M, bytes]]:
        """Iterate over the chunks of an event, usually one or none, each with the JSON that was read.

        Args:
            kind: The event's type, `message` unless the server named another.
            data: The event's data.
            merger: The chunks so far.

        Raises:
            StreamEnd: The event ends the stream.
            StreamErrorException: The event is an error.
            ResponseDecodeException: The event is not a chunk.
        """
        text = data.strip()
        if kind == "error":
            raise reported_error(self._response, data)
        if kind == "done" or text == _DONE:
            raise StreamEnd(declared=kind == "done" or self._agent)
        # A heartbeat, or an event of another protocol.
        if text[:1] not in (b"{", b"[", b'"') or (kind != "message" and text[:1] != b"{"):
            self.ignored = text[:_MAX_IGNORED_BYTES] or self.ignored
            return
        lines = _separate_objects(text)
        if len(lines) > 1:
            for line in lines:
                yield from self.event(kind, line, merger)
            return
        chunk, data = self._read(data)
        if data.find(_MESSAGE) >= 0 and _has_message(chunk):
            chunk, data = self._without_repetition(chunk, data, merger)
        if extra := chunk.__pydantic_extra__:
            if not chunk.choices and extra.get("type") == "done":  # type: ignore[attr-defined]
                raise StreamEnd(declared=True)
            if not chunk.choices and extra.get("type") == "say":  # type: ignore[attr-defined]
                chunk, data = self._said_by_agent(chunk)
        try:
            self._refuse_error(chunk, data, event=True)
        except StreamErrorException:
            if any(choice.delta.content for choice in chunk.choices):  # type: ignore[attr-defined]
                yield chunk, data
            raise
        # What an event of another type says is not part of the response, unless it is a chunk.
        if kind == "message" or {"choices", "usage"} & chunk.__pydantic_fields_set__:
            yield chunk, data

    def _said_by_agent(self, chunk: M) -> tuple[M, bytes]:
        """Return the chunk of an agent's event. The chatroom operation sends these for memory commands."""
        text = str((chunk.__pydantic_extra__ or {}).get("text") or "")
        choice = {"index": 0, "delta": {"role": "assistant", "content": text}}
        made = self._model.model_validate({**chunk.to_dict(), "choices": [choice]})
        self._agent = True
        return made, made.to_json_bytes()

    def _without_repetition(self, chunk: M, data: bytes, merger: Merger) -> tuple[M, bytes]:
        """Reduce a chunk with a whole message to what is new in it."""
        value = from_json(data)
        for position, choice in enumerate(value.get("choices") or ()):
            message = choice.get("message")
            if isinstance(message, dict) and not choice.get("delta"):
                index = index_of(choice.get("index"), position)
                choice["message"] = merger.news_in(message, index)
        data = to_json(value)
        return self._validate_json(data), data

    def _read(self, data: bytes, received: bytes | None = None) -> tuple[M, bytes]:
        """Validate a JSON text. `received` is the text for errors, if it is another one."""
        try:
            chunk = self._validate_json(data)
        except ValidationError as error:
            repaired = self._repair.repaired(data)
            if repaired is None:
                raise self._invalid(received or data, error) from error
        else:
            # The other half of a character may be in it.
            repaired = self._repair.repaired(data) if self._repair.halves else None
            if repaired is None:
                return chunk, data
        try:
            return self._validate_json(repaired), repaired
        except ValidationError as error:
            raise self._invalid(received or data, error) from error

    def _invalid(self, data: bytes, error: ValidationError) -> ResponseDecodeException:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"] if part != UNNAMED)
        return self._undecodable(data, f"{where}{': ' if where else ''}{first['msg']}")

    def _refuse_error(self, response: M, data: bytes, event: bool = False) -> None:
        choices = getattr(response, "choices", ())
        failed = False
        for choice in choices:
            failed = failed or _is_failure(choice.finish_reason)
        if choices and not failed and not response.__pydantic_extra__ and data.find(_ERROR) < 0:
            return
        value = from_json(data)
        found = error_in(value, bool(choices), event=event)
        for choice in value.get("choices") or () if choices else ():
            found = found or error_in(choice, True)
        if failed and found is None:
            found = None, "the model failed (finish reason error)"
        if found is not None:
            raise reported_error(self._response, data, found)

    def _undecodable(self, body: bytes, detail: str) -> ResponseDecodeException:
        return undecodable_error(self._response, body, self._model.__name__, detail)


def _is_failure(finish_reason: Any) -> bool:
    """Whether a finish reason means that the model failed: `error`, or a word that contains it."""
    return finish_reason != "stop" and isinstance(finish_reason, str) and "error" in finish_reason.lower()


def _separate_objects(text: bytes) -> list[bytes]:
    """Return the lines of data if each is a JSON object or the end: some servers send no blank line between events."""
    lines = [line for line in text.splitlines() if line.strip()] if b"\n" in text else []
    return lines if all(line[:1] == b"{" or line.strip() == _DONE for line in lines) else []


def _has_message(chunk: Any) -> bool:
    """Whether a choice of a chunk that contains `message` may have it in place of `delta`."""
    return any("message" not in (choice.__pydantic_extra__ or ()) for choice in chunk.choices)


def _is_message_beside_delta(choice: Any) -> bool:
    """Whether a choice has its text in `message` beside an empty `delta`."""
    return not choice.delta.model_fields_set and bool((choice.model_extra or {}).get("message"))


def _without_empty_deltas(response: dict[str, Any]) -> dict[str, Any]:
    choices = [
        {key: value for key, value in choice.items() if key != "delta" or value}
        for choice in response["choices"]
    ]
    return {**response, "choices": choices}
