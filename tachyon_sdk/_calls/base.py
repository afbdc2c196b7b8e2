"""Base of the API classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import Unpack

from tachyon_sdk._contract.operation import NoMore
from tachyon_sdk.api_client import ApiClient
from tachyon_sdk.exceptions import ApiTypeError


class Api:
    """Base of the API classes.

    Args:
        api_client: The client that sends the requests. Defaults to `ApiClient.get_default()`.

    Raises:
        ApiTypeError: `api_client` is not a client.
    """

    def __init__(self, api_client: ApiClient | None = None, **unexpected: Unpack[NoMore]) -> None:
        name = type(self).__name__
        if unexpected:
            raise ApiTypeError(
                f"{name}() has no argument {next(iter(unexpected))!r}; settings belong to the configuration: "
                f"{name}(ApiClient(Configuration(...)))"
            )
        if api_client is None:
            api_client = ApiClient.get_default()
        elif isinstance(api_client, type) or not hasattr(api_client, "call"):
            from tachyon_sdk._contract.hints import wrong_client

            raise wrong_client(name, api_client)
        self.api_client = api_client

    if not TYPE_CHECKING:  # a type checker would allow any attribute

        def __getattr__(self, name: str) -> Any:
            error = f"{type(self).__name__!r} object has no attribute {name!r}"
            if not name.startswith("_"):
                methods = [each for each in vars(type(self)) if not each.startswith("_")]
                plain = [
                    each
                    for each in methods
                    if not each.endswith(("_with_http_info", "_without_preload_content"))
                ]
                error += f"; its methods are {', '.join(plain)}"
            raise AttributeError(error, name=name, obj=self)
