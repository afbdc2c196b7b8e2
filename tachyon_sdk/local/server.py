"""Starts and stops the local server."""

import os
import socket
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tachyon_sdk.local.answers import AnswerFunction, ScriptedAnswer
from tachyon_sdk.local.app import create_app
from tachyon_sdk.local.background import BackgroundServer
from tachyon_sdk.local.origins import is_loopback
from tachyon_sdk.local.recording import RecordedRequest
from tachyon_sdk.local.script import Problem, Script


class LocalServer:
    """A local Tachyon server that runs from `start` to `stop`, or for the duration of a `with` block.

    ::

        with LocalServer() as server:
            configuration = Configuration(host=server.url, access_token="dummy-token", operator_id="tn_xxxxxx")
            ...
        assert server.requests[-1].body["model"] == "large"

    Any number of servers may run at once, and a server may be started again. `tachyon_sdk.local.faults` has the names
    of the models that simulate a fault.

    Args:
        data: SQLite file of the chatrooms, created if it is missing; None keeps them in memory, for as long as the
            server runs.
        host: Address to listen on. Another one than that of this machine needs a `key`.
        port: Port to listen on; 0 takes a free one, which is in `url`.
        create_rooms: Whether a chatroom that does not exist is created when it is used. Otherwise, as with the real
            service, the response is 404.
        key: The access token that clients must send; None accepts any.
        allow_origins: Origins of the web pages that may call the server, such as `https://example.com`, besides those
            of this machine. None allows all, or none if there is an upstream.
        upstream: Base URL of a server with the `/chat/completions` of OpenAI, whose models answer, such as
            `http://127.0.0.1:11434/v1`. None for the built-in model alone.
        upstream_key: The access token for the upstream.
        models: The names of the upstream's models, by the names that clients use, such as `{"large": "llama3.2"}`;
            the first is that of requests without a model. Without them, clients use the upstream's own names.
        answers: The answers to the chat requests, in order; see `answers` below. None lets the models answer.

    Attributes:
        requests: The requests that arrived, oldest first, at most the newest 1000; each is added before it is
            answered. The list is yours: clear it whenever you like.
        statuses: The number of responses by HTTP status, such as `statuses[429]`, counted as each begins. It is yours,
            too.
    """

    def __init__(
        self,
        data: str | os.PathLike[str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        create_rooms: bool = True,
        key: str | None = None,
        allow_origins: Sequence[str] | None = None,
        upstream: str | None = None,
        upstream_key: str | None = None,
        models: Mapping[str, str] | None = None,
        answers: Iterable[ScriptedAnswer] | AnswerFunction | None = None,
    ) -> None:
        self.data = data
        self.host = host
        self.port = port
        self.create_rooms = create_rooms
        self.key = key
        self.allow_origins = allow_origins
        self.upstream = upstream
        self.upstream_key = upstream_key
        self.models = models
        self._script = None if answers is None else Script(answers)
        self.requests: list[RecordedRequest] = []
        self.statuses: Counter[int] = Counter()
        self._problems: list[Problem] = []
        self._background: BackgroundServer | None = None
        self._reset_app: Callable[[], None] = lambda: None

    @property
    def is_running(self) -> bool:
        """Whether the server runs."""
        return self._background is not None

    @property
    def url(self) -> str:
        """The base URL, for `Configuration(host=...)`.

        Raises:
            RuntimeError: The server is not running.
        """
        if self._background is None:
            raise RuntimeError("the local server is not running: use it in a with statement, or call start()")
        return f"http://{_in_url(self.host)}:{self._background.port}"

    @property
    def answers(self) -> Any:
        """The scripted answers that are left, a list that you may append to; None if models answer.

        Set it at any time, to an iterable or a function. Each chat request takes the next answer:

        - a text; a list of texts, one for each chunk of a stream; a dict or a pydantic model, sent as JSON
        - a `CallTool`, or a list of them
        - an `Answer`, which has a content like those and settings, such as `delay`
        - a `Fault`, such as `Fault(503)` or `Fault("cut", after=["It is "])`
        - a function, which is called with the `RecordedRequest` and returns one of these

        An iterator may be infinite, such as `itertools.repeat("Hello")`; a function in place of the list gives all
        answers. A request for which no answer is left gets a 500, and `verify` raises an error.

        Requests must be valid and authenticated before they take an answer. A model whose name begins with `local/`
        answers itself.

        Raises:
            TypeError: An answer is of another type.
        """
        return None if self._script is None else self._script.answers

    @answers.setter
    def answers(self, answers: Iterable[ScriptedAnswer] | AnswerFunction | None) -> None:
        # What went wrong with the answers before is for the next call of `verify`.
        self._problems += [] if self._script is None else self._script.take_problems()
        self._script = None if answers is None else Script(answers)

    def verify(self) -> None:
        """Check the scripted answers: all were used, and no request came for which none was left.

        Raises:
            AssertionError: They were not; or a function that gives answers failed.
        """
        problems, self._problems = self._problems, []
        if self._script is not None:
            problems += [*self._script.take_problems(), *self._script.unused()]
        if problems:
            cause = next((problem.cause for problem in problems if problem.cause is not None), None)
            raise AssertionError("; ".join(problem.text for problem in problems)) from cause

    def start(self) -> None:
        """Starts the server, and returns when it accepts requests.

        Raises:
            OSError: The address or the data file cannot be used.
            RuntimeError: The server is already running.
            ValueError: Other machines can reach the address, and there is no key; or the upstream cannot be used.
        """
        if self._background is not None:
            raise RuntimeError("the local server is already running")
        if self.key is None and not is_loopback(self.host):
            text = "a key that clients must send is required (key=, or --key-env NAME)"
            raise ValueError(f"other machines may reach {self.host}: {text}")
        listener = _listen(self.host, self.port)
        try:
            app = create_app(
                self.data,
                self.requests,
                statuses=self.statuses,
                script=lambda: self._script,
                create_rooms=self.create_rooms,
                key=self.key,
                allow_origins=self.allow_origins,
                upstream=self.upstream,
                upstream_key=self.upstream_key,
                models=self.models,
            )
        except BaseException:
            listener.close()
            raise
        background = BackgroundServer(app, listener)
        background.start()
        self._background, self._reset_app = background, app.state.reset

    def stop(self) -> None:
        """Stops the server, and returns when everything is closed; streams in progress are cut off.

        Harmless if it is not running.
        """
        if self._background is not None:
            self._background.stop()
            self._background = None

    def reset(self) -> None:
        """Forget all that happened: requests, statuses, answers, used rate limits, and chatrooms unless in a file.

        A test that shares a server with others begins with it.
        """
        self.answers = None
        self._problems.clear()
        self.requests.clear()
        self.statuses.clear()
        if self._background is not None:
            self._reset_app()

    def __enter__(self) -> "LocalServer":
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns off Nagle's algorithm, which delays small writes by 40 ms, only where TCP is named here.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform != "win32":  # where it would let two servers share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except BaseException as error:
        listener.close()
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
            raise OSError(error.errno, f"cannot listen on {_in_url(host)}:{port}: {reason}") from error
        raise
    return listener


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
