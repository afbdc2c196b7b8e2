"""Descriptions of the operations of the contract, and the options that every call accepts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from tachyon_sdk._contract.model import Model, OfAnyLibrary
from tachyon_sdk.exceptions import ApiTypeError, ApiValueError

M = TypeVar("M", bound=Model)

RequestTimeout = float | tuple[float | None, float | None] | None


class NoMore(TypedDict):
    """Further keyword arguments: there are none. A method takes them to raise an error that names the right one."""


class Parameter(NamedTuple):
    """A path, query or header parameter of an operation.

    Attributes:
        name: Name on the wire.
        argument: Name of the Python argument.
        place: Where the parameter is sent.
        required: Whether a call without it raises an error.
        configured_by: The setting that is used if the argument is omitted.
        type: Type of a query parameter, with its bounds.
    """

    name: str
    argument: str
    place: Literal["path", "query", "header"]
    required: bool
    configured_by: str | None = None
    type: Any = None


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
        check_names: Whether a probably misspelled name in the body gives a warning.
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
    check_names: bool = True

    def check_query(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """Validate query parameters, and return them as values that can be sent.

        Args:
            query: The values by name; no value is None.

        Raises:
            ApiTypeError: A value has the wrong type.
            ApiValueError: A value is out of its range.
        """
        return {name: self._checked(name, value) for name, value in query.items()}

    def unexpected(self, method: str, names: Iterable[str]) -> ApiTypeError:
        """Return the error of a call with arguments that the method does not have."""
        from tachyon_sdk._contract.hints import unexpected_argument

        return unexpected_argument(self, method, names)

    def explained(
        self, error: ApiTypeError | ApiValueError, method: str, arguments: Sequence[Any], body: Any
    ) -> ApiTypeError | ApiValueError | None:
        """Return the error of a call with a hint at the probable mistake; None if there is none."""
        from tachyon_sdk._contract.hints import explained

        return explained(error, self, method, arguments, body)

    def _checked(self, name: str, value: Any) -> Any:
        argument, adapter = self._query_types[name]
        try:
            checked = adapter.validate_python(value)
        except ValidationError as error:
            raise _parameter_error(argument, error) from None
        # A text is sent as it is, also where another type can be read from it.
        return value if isinstance(value, str) else checked

    @cached_property
    def _query_types(self) -> dict[str, tuple[str, TypeAdapter[Any]]]:
        types: dict[str, tuple[str, TypeAdapter[Any]]] = {}
        for each in self.parameters:
            if each.place == "query":
                any_library: Any = Annotated[each.type, OfAnyLibrary]
                types[each.name] = each.argument, TypeAdapter(any_library)
        return types


def _parameter_error(argument: str, error: ValidationError) -> ApiTypeError | ApiValueError:
    # The last error of a union is that of its most general type.
    details = error.errors(include_url=False)[-1]
    where = argument + "".join(f"[{step}]" for step in details["loc"][:1] if isinstance(step, int))
    message, value = details["msg"], details["input"]
    shown = repr(value)
    shown = shown if len(shown) <= 60 else type(value).__name__
    expected = message.removeprefix("Input should be ")
    text = f"{where} must be {expected}, not {shown}" if expected != message else f"{where}: {message}"
    return ApiTypeError(text) if details["type"].endswith("_type") else ApiValueError(text)


class RequestOptions(NamedTuple):
    """The options that every call accepts; see `ChatApi`."""

    timeout: RequestTimeout = None
    auth: Mapping[str, Any] | None = None
    content_type: str | None = None
    headers: Mapping[str, str] | None = None
    host_index: int = 0
    deadline: float | None = None
    retries: Any = None
    cancellation: Any = None
