"""A local Tachyon server, for development and for the tests of your own programs (extra `local`).

On the command line:

    python -m tachyon_sdk.local --port 50054

In a test:

    with LocalServer() as server:
        configuration = tachyon_sdk.Configuration(host=server.url)
        ...
    assert server.requests[-1].body["model"] == "large"

It speaks all operations over real sockets: chats, chatrooms with their history, and the list of models. It checks
credentials and bodies. A small built-in model answers, always the same for the same conversation; nothing leaves the
machine. `LocalServer(answers=[...])` gives prepared answers instead. In front of another model server
(`--upstream URL`, `LocalServer(upstream=...)`) the models of that server answer. `tachyon_sdk.local.faults` has the
names of the models that simulate a fault.
"""

from typing import TYPE_CHECKING, Any

from tachyon_sdk._lazy import lazy_names

if TYPE_CHECKING:
    from tachyon_sdk.local.answers import Answer as Answer, CallTool as CallTool, Fault as Fault
    from tachyon_sdk.local.app import create_app as create_app
    from tachyon_sdk.local.recording import RecordedRequest as RecordedRequest
    from tachyon_sdk.local.server import LocalServer as LocalServer

_MODULES = {
    "Answer": "answers",
    "CallTool": "answers",
    "Fault": "answers",
    "LocalServer": "server",
    "RecordedRequest": "recording",
    "create_app": "app",
}

_load, __dir__ = lazy_names(globals(), _MODULES)

__all__ = ["Answer", "CallTool", "Fault", "LocalServer", "RecordedRequest", "create_app"]


if not TYPE_CHECKING:  # a type checker would take any name for a name of the package

    def __getattr__(name: str) -> Any:
        try:
            return _load(name)
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f"tachyon_sdk.local needs the extra 'local' of tachyon-chat-sdk: {error.name} is not installed",
                name=error.name,
            ) from error
