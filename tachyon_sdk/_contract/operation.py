"""Descriptions of the operations of the contract, and the options that every call accepts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from tachyon_sdk._contract.model import Model

M = TypeVar("M", bound=Model)

RequestTimeout = float | tuple[float | None, float | None] | None


class Parameter(NamedTuple):
    """A path, query or header parameter of an operation.

    Attributes:
        name: Name on the wire.
        argument: Name of the Python argument.
        place: Where the parameter is sent.
        required: Whether a call without it raises an error.
        configured_by: The setting that is used if the argument is omitted.
    """

    name: str
    argument: str
    place: Literal["path", "query", "header"]
    required: bool
    configured_by: str | None = None


@dataclass(frozen=True, eq=False, repr=False)  # generating these methods would slow the import
class Operation(Generic[M]):
    """An operation of the contract.

    Attributes:
        operation_id: Name of the operation.
        method: HTTP method.
        path: Path below the host, with `{name}` for each path parameter.
        parameters: The parameters, in the order of the method's arguments.
        accept: Media types of the response.
        answer_type: Type of the response; None if it has no body.
        content_type: Media type of the body.
        body_name: Name of the argument that holds the body.
        body_type: Type of the body; None if there is none.
        streams: Whether the response is an event stream if `stream` is true in the body.
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
    """The options that every call accepts; see `ChatApi`."""

    timeout: RequestTimeout = None
    auth: Mapping[str, Any] | None = None
    content_type: str | None = None
    headers: Mapping[str, str] | None = None
    host_index: int = 0
