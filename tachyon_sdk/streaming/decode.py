"""Reads the shapes that a successful answer may have as the declared type of its operation."""

import json
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

from pydantic import ValidationError

from tachyon_sdk._contract.model import UNNAMED, Model
from tachyon_sdk._errors.responses import undecodable_error
from tachyon_sdk.exceptions import ResponseDecodeException, StreamErrorException
from tachyon_sdk.streaming.repeats import Repeats

M = TypeVar("M", bound=Model)


class Response(Protocol):
    """What the errors tell of the response."""

    status: int
    reason: str | None

    @property
    def headers(self) -> Mapping[str, str]: ...


class AnswerDecoder(Generic[M]):
    """Turns JSON into models of one type.

    Args:
        model: The declared type. It knows itself that a whole answer says `message` where a chunk says `delta`.
        response: The response that is read; its status, reason and headers become part of the errors.
    """

    def __init__(self, model: type[M], response: Response) -> None:
        self._model = model
        self._response = response
        # What model_validate_json calls, without what that does besides.
        self._validate_json: Callable[[bytes], M] = model.__pydantic_validator__.validate_json

    @cached_property
    def _repeats(self) -> Repeats:
        return Repeats(self._validate_json)

    @property
    def repeated(self) -> Callable[[bytes], tuple[M, str] | None]:
        """See `Repeats.find`; for events of the type `message`."""
        return self._repeats.find

    def merged(self, answer: dict[str, Any]) -> M:
        """The answer that several chunks were merged into."""
        return self._model.model_validate(answer)

    def whole(self, body: bytes) -> M:
        """The answer of a body that is one JSON object.

        Raises:
            StreamErrorException: The body is an error in spite of its status.
            ResponseDecodeException: The body is not such an answer.
        """
        answer = self._read(body)
        self._refuse_error(answer, body)
        if any(_is_message_beside_delta(choice) for choice in getattr(answer, "choices", ())):
            answer = self._model.model_validate(_without_empty_deltas(answer.to_dict()))
        if answer.__pydantic_fields_set__ <= (answer.__pydantic_extra__ or {}).keys():
            raise self._undecodable(body, "it has none of its properties")
        return answer

    def event(self, kind: str, data: bytes) -> M | None:
        """The chunk of an event, or None where the event ends the stream.

        Args:
            kind: The event's type, `message` unless the server named another.
            data: The event's data.

        Raises:
            StreamErrorException: The event is an error.
            ResponseDecodeException: The event is not a chunk.
        """
        if kind == "error":
            raise self._reported(data)
        if kind == "done":
            return None
        chunk = self._read(data)
        if chunk.__pydantic_extra__:
            self._refuse_error(chunk, data)
            said = self._from_agent(chunk)
            if said is not chunk:
                self._repeats.forget()
                return said
        self._repeats.learn(data, chunk)
        return chunk

    def _from_agent(self, chunk: M) -> M | None:
        """The chunk of an agent's event: the chatroom operation answers memory commands with these."""
        extra = chunk.model_extra or {}
        kind = extra.get("type")
        if kind == "done":
            return None
        if kind == "say" and not chunk.choices:  # type: ignore[attr-defined]
            text = str(extra.get("text") or "")
            said = {"index": 0, "delta": {"role": "assistant", "content": text}}
            return self._model.model_validate({**chunk.to_dict(), "choices": [said]})
        return chunk

    def _read(self, data: bytes) -> M:
        try:
            return self._validate_json(data)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"] if part != UNNAMED)
            raise self._undecodable(data, f"{where}{': ' if where else ''}{first['msg']}") from error

    def _refuse_error(self, answer: Model, body: bytes) -> None:
        if answer.__pydantic_extra__ and answer.__pydantic_extra__.get("error"):
            raise self._reported(body)

    def _reported(self, body: bytes) -> StreamErrorException:
        response = self._response
        return StreamErrorException(
            response.status, response.reason, headers=response.headers, body=body, **_said(body)
        )

    def _undecodable(self, body: bytes, detail: str) -> ResponseDecodeException:
        return undecodable_error(self._response, body, self._model.__name__, detail)


def _is_message_beside_delta(choice: Any) -> bool:
    """Whether a choice has its text in `message`, and an empty `delta` as well."""
    return not choice.delta.model_fields_set and bool((choice.model_extra or {}).get("message"))


def _without_empty_deltas(answer: dict[str, Any]) -> dict[str, Any]:
    choices = [
        {key: value for key, value in choice.items() if key != "delta" or value}
        for choice in answer["choices"]
    ]
    return {**answer, "choices": choices}


def _said(data: bytes) -> dict[str, Any]:
    """The message of an error event whose data is not an object that the error can read itself."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        value = data.decode("utf-8", "replace")
    return {} if isinstance(value, dict) else {"message": str(value)}
