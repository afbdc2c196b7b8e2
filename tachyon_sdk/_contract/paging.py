"""Reads lists that the server returns one page at a time."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Generic, ParamSpec, TypeVar

from tachyon_sdk.exceptions import ApiTypeError

P = ParamSpec("P")
T = TypeVar("T")


class Page(Generic[T]):
    """Base of the responses that are one page of a list, beside that of all models."""

    __slots__ = ()

    _items_name: ClassVar[str]


def paged(method: Callable[P, Page[T]], *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
    """Iterate over the items of all pages. Each page is requested when its first item is needed.

    ::

        for room in tachyon_sdk.paged(DefaultApi(api_client).get_chatrooms, limit=100):
            print(room.id, room.name)

    An item that was already returned, because the list changed or the server repeated a page, is skipped. The
    iteration ends at the total that the server reports, or at a page without new items.

    Args:
        method: A method that returns one page, such as `DefaultApi.get_chatrooms`.
        args: Its arguments. `limit` is the size of a page, and `offset` the number of items to skip.
        kwargs: Its keyword arguments.

    Returns:
        An iterator of the items. It raises what `method` raises.

    Raises:
        ApiTypeError: The method has no argument `offset`, or the arguments do not fit it.
    """
    signature = inspect.signature(method)
    if "offset" not in signature.parameters:
        raise ApiTypeError(f"{getattr(method, '__name__', method)!r} does not return pages: it has no offset")
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        raise ApiTypeError(str(error)) from error
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD and bound.arguments.get(parameter.name):
            method(*bound.args, **bound.kwargs)  # it raises an error that names the right argument
    return _items(method, bound)


def _items(method: Callable[..., Any], bound: inspect.BoundArguments) -> Iterator[Any]:
    offset = bound.arguments.get("offset") or 0
    seen: set[str] = set()
    while True:
        bound.arguments["offset"] = offset
        page = method(*bound.args, **bound.kwargs)
        if not isinstance(page, Page):
            raise ApiTypeError(f"{method.__name__!r} returned {type(page).__name__}, which is not a page")
        items = getattr(page, page._items_name)
        new = {_key(item): item for item in items}
        fresh = [item for key, item in new.items() if key not in seen]
        yield from fresh
        if not fresh:
            return
        seen.update(new)
        # Not the limit: a server may return fewer items than that.
        offset += len(items)
        total = getattr(getattr(page, "paginator", None), "total_items", None)
        if isinstance(total, int) and offset >= total:
            return


def _key(item: Any) -> str:
    identifier = getattr(item, "id", None)
    return identifier if isinstance(identifier, str) and identifier else f" {item.to_json()}"
