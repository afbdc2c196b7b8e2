"""What a scripted server answers: `LocalServer(answers=[...])`."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Literal, TypeAlias, Union

from pydantic import BaseModel

from tachyon_sdk.local.recording import RecordedRequest


@dataclass(frozen=True)
class CallTool:
    """A tool call in an answer.

    Args:
        name: Name of the tool.
        arguments: The arguments by name, or JSON text as it is, which may be invalid.
        id: Identifier of the call; None for one that the server makes.
    """

    name: str
    arguments: Mapping[str, Any] | str = field(default_factory=dict)
    _: KW_ONLY
    id: str | None = None


Content: TypeAlias = str | CallTool | Mapping[str, Any] | BaseModel | Sequence[str | CallTool]


@dataclass(frozen=True)
class Answer:
    """A complete response, with settings. Without settings, the content alone does.

    Args:
        content: A text, which a stream sends word by word; a list of texts, each a chunk of a stream; an object, sent
            as JSON; a `CallTool`, or several in a list, also together with texts.
        finish_reason: None for `stop`, or `tool_calls` where there are any.
        usage: Properties of the usage that replace the counted ones, such as `{"total_cost": 0.01}`.
        headers: Headers to add to the response.
        delay: Seconds before the response.
        pause: Seconds between the chunks of a stream.

    Raises:
        TypeError: The content is of another type.
    """

    content: Content = ""
    _: KW_ONLY
    finish_reason: str | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    pause: float = 0.0

    def __post_init__(self) -> None:
        parts_of_content(self.content)


@dataclass(frozen=True)
class Fault:
    """A response that fails.

    Args:
        kind: A status from 400 to 599, for an error response; or what happens after the response has begun:

            - `cut`: a stream ends without finish reason and `[DONE]`, and the body of a plain response in the middle.
            - `error`: a stream has an error event; a plain response is a 500.
            - `disconnect`: the connection is closed in the middle.
            - `stall`: nothing more is sent until the client disconnects.

        after: The content that a stream sends before, as in `Answer`; for a plain response, half of it. Without any, a
            `stall` sends nothing at all.
        code: The `code` of the error; None for the usual one.
        message: The `message` of the error; None for the usual one.
        retry_after: The header `Retry-After` of a 429, 502 or 503, in seconds or as an HTTP date; None for no header.
            It is 0 by default, so a test does not wait for a retry.
        headers: Headers to add to the response.
        delay: Seconds before the response.

    Raises:
        TypeError: The content is of another type than in `Answer`.
        ValueError: There is no such kind, or a status has an `after`.
    """

    kind: int | Literal["cut", "error", "disconnect", "stall"]
    _: KW_ONLY
    after: Content = ""
    code: str | None = None
    message: str | None = None
    retry_after: int | str | None = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0

    def __post_init__(self) -> None:
        parts_of_content(self.after)
        if isinstance(self.kind, int):
            if not 400 <= self.kind <= 599:
                raise ValueError(f"a fault must be a status from 400 to 599, not {self.kind}")
            if self.after:
                raise ValueError("an error response has no content: `after` cannot be used with a status")
        elif self.kind not in KINDS:
            raise ValueError(f"a fault must be a status or one of {', '.join(KINDS)}, not {self.kind!r}")


KINDS = ("cut", "error", "disconnect", "stall")
GivenAnswer: TypeAlias = Content | Answer | Fault
AnswerFunction: TypeAlias = Callable[[RecordedRequest], GivenAnswer]
ScriptedAnswer: TypeAlias = Union[GivenAnswer, AnswerFunction]  # noqa: UP007


def parts_of_content(content: Content) -> tuple[list[str] | str, list[CallTool]]:
    """Return the text, as a list where the content has its pieces, and the tool calls.

    Raises:
        TypeError: The content is of another type, or an object cannot be written as JSON.
    """
    if isinstance(content, str):
        return content, []
    if isinstance(content, CallTool):
        return [], [content]
    if isinstance(content, BaseModel):
        return content.model_dump_json(), []
    if isinstance(content, Mapping):
        return json.dumps(dict(content), ensure_ascii=False), []
    if not isinstance(content, (list, tuple)):
        raise _type_error("an answer", content)
    for part in content:
        if not isinstance(part, (str, CallTool)):
            raise _type_error("a part of an answer", part)
    texts = [part for part in content if isinstance(part, str)]
    return texts, [part for part in content if isinstance(part, CallTool)]


def checked(answer: GivenAnswer) -> Answer | Fault:
    """Return an answer with its settings.

    Raises:
        TypeError: It is of a type that no answer has.
    """
    return answer if isinstance(answer, (Answer, Fault)) else Answer(answer)


def _type_error(what: str, found: object) -> TypeError:
    kinds = "text, a dict, a model, a CallTool, a list of texts and CallTools, an Answer or a Fault"
    if what != "an answer":
        kinds = "text or a CallTool"
    return TypeError(f"{what} must be {kinds}, not {type(found).__name__}")
