"""A local Tachyon server, for development and for the tests of your own programs (extra `local`).

On the command line:

    python -m tachyon_sdk.local --port 50054

In a test:

    with LocalServer() as server:
        configuration = tachyon_sdk.Configuration(host=server.url)
        ...
    assert server.requests[-1].body["model"] == "large"

It speaks both chat operations over real sockets, checks credentials and bodies, keeps the history of
chatrooms, and answers with a small built-in model that says the same whenever the conversation is the same.
Nothing leaves the machine. `tachyon_sdk.local.faults` lists the names of models that rehearse a fault.
"""

from typing import TYPE_CHECKING, Any

from tachyon_sdk._lazy import lazy_names

if TYPE_CHECKING:
    from tachyon_sdk.local.app import create_app as create_app
    from tachyon_sdk.local.recording import RecordedRequest as RecordedRequest
    from tachyon_sdk.local.server import LocalServer as LocalServer

_MODULES = {"LocalServer": "server", "RecordedRequest": "recording", "create_app": "app"}

_load, __dir__ = lazy_names(globals(), _MODULES)

__all__ = ["LocalServer", "RecordedRequest", "create_app"]


if not TYPE_CHECKING:  # a type checker would take any name for a name of the package

    def __getattr__(name: str) -> Any:
        try:
            return _load(name)
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f"tachyon_sdk.local needs the extra 'local' of tachyon-chat-sdk: {error.name} is not installed",
                name=error.name,
            ) from error
