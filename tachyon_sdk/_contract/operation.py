"""What the contract says about an operation, and what a caller may add to a call of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from tachyon_sdk._contract.model import Model

M = TypeVar("M", bound=Model)

RequestTimeout = float | tuple[float | None, float | None] | None


class Parameter(NamedTuple):
    """A parameter of an operation that is not its body.

    Attributes:
        name: Name on the wire.
        argument: Name of the argument.
        place: Where it goes.
        required: Whether a call without it is an error.
        configured_by: The setting that is used where the argument is left out.
    """

    name: str
    argument: str
    place: Literal["path", "query", "header"]
    required: bool
    configured_by: str | None = None


@dataclass(frozen=True, eq=False, repr=False)  # each of these methods would be made at import
class Operation(Generic[M]):
    """What the contract says about an operation.

    Attributes:
        operation_id: Its name.
        method: HTTP method.
        path: Path below the host, with `{name}` where a path parameter goes.
        parameters: The parameters, in the order of the method's arguments.
        accept: Media types of the answer.
        answer_type: The type of the answer, None where it has no body.
        content_type: Media type of the body.
        body_name: Name of the argument that is the body.
        body_type: Type of the body, None where there is none.
        streams: Whether the answer comes as an event stream where the body's `stream` is true.
    """

    operation_id: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    accept: str
    answer_type: type[M] | None
    content_type: str | None = None
    body_name: str = "body"
    body_type: type[Model] | None = None
    streams: bool = False


class RequestOptions(NamedTuple):
    """The arguments that every method takes; see `ChatApi`."""

    timeout: RequestTimeout = None
    auth: Mapping[str, Any] | None = None
    content_type: str | None = None
    headers: Mapping[str, str] | None = None
    host_index: int = 0
