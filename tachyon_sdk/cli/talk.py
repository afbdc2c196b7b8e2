"""Sends requests, in a chatroom or not, with tools or not, and keeps the responses."""

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from typing import Any

import tachyon_sdk
from tachyon_sdk.cli.output import Response, say
from tachyon_sdk.cli.request import Messages


class Talk:
    """One question and its answer, which takes several rounds if the model calls tools.

    Attributes:
        messages: The messages that came of it: calls of tools with their results, and the response.
    """

    def __init__(
        self,
        api_client: "tachyon_sdk.ApiClient",
        room: str | None,
        toolbox: "tachyon_sdk.Toolbox | None",
    ) -> None:
        chat: Any = tachyon_sdk.ChatApi(api_client)
        # Loads and builds the models of a response now: that must not be interrupted.
        for kind in (
            tachyon_sdk.ChatCompletionChunkResponse,
            tachyon_sdk.ChatCompletionWithChatroomStreamResponse,
        ):
            kind.from_dict({"choices": []})
        self._ask = chat.chat_completion
        self._ask_stream = chat.chat_completion_stream
        if room is not None:
            self._ask = partial(chat.chat_completion_on_chatroom, room)
            self._ask_stream = partial(chat.chat_completion_on_chatroom_stream, room)
        self._toolbox = toolbox
        self._rounds: list[Any] = []
        self.messages: list[tachyon_sdk.Message] = []

    def whole(self, chat_completion_request: Any) -> Response:
        """Return the complete response."""
        if self._toolbox is None:
            return self._asked(chat_completion_request=chat_completion_request)
        return tachyon_sdk.converse(
            self._asked, chat_completion_request, self._toolbox, on_message=self.messages.append
        )

    def chunks(self, request: Any) -> Iterator[Any]:
        """Iterate over the chunks of all rounds as they arrive."""
        if self._toolbox is None:
            with self._opened(chat_completion_request=request) as stream:
                yield from stream
            self.messages.append(stream.merged.to_message())
            return
        rounds = tachyon_sdk.converse_stream(
            self._opened, request, self._toolbox, on_message=self.messages.append
        )
        with closing(rounds):
            yield from rounds

    def texts(self, request: Any) -> Iterator[str]:
        """Iterate over the pieces of text as they arrive. The text of each round begins on a line of its own."""
        rounds, last = 0, ""
        for chunk in self.chunks(request):
            if piece := chunk.text:
                if last and rounds != len(self._rounds) and not last.endswith("\n"):
                    yield "\n"
                rounds, last = len(self._rounds), piece
                yield piece

    @property
    def response(self) -> Response | None:
        """The last response, or what has arrived of it; None if none has begun."""
        return _response(self._rounds[-1]) if self._rounds else None

    def arrived(self) -> Messages:
        """Return what arrived, so that the conversation can continue with it.

        Of a response that was interrupted, this is the text so far. A call of a tool without a result is left out,
        because no server accepts it, and so is an empty response.
        """
        messages = [message.to_dict() for message in self.messages]
        replies = [number for number, message in enumerate(messages) if message["role"] == "assistant"]
        text = self.response.text if self.response is not None and len(replies) < len(self._rounds) else ""
        if replies and _calls(messages[replies[-1]]) > len(messages) - replies[-1] - 1:
            text = text or messages[replies[-1]].get("content") or ""
            del messages[replies[-1] :]
        if text:
            messages.append({"role": "assistant", "content": text})
        return [message for message in messages if message.get("content") or _calls(message)]

    def say_usage(self) -> None:
        """Print the tokens of all rounds to stderr."""
        counts = [usage for each in self._rounds if (usage := getattr(_response(each), "usage", None))]
        if not counts:
            say("usage: not reported by the server")
            return
        names = {"prompt_tokens": "prompt", "completion_tokens": "completion", "total_tokens": "total"}
        sums = {label: sum(_number(usage, name) for usage in counts) for name, label in names.items()}
        text = ", ".join(f"{number:g} {label}" for label, number in sums.items())
        costs = [cost for usage in counts if (cost := _number(usage, "total_cost"))]
        say(f"usage: {text} tokens" + (f"; cost {sum(costs):g}" if costs else ""))

    def _asked(self, **arguments: Any) -> Response:
        response: Response = self._ask(**arguments)
        self._rounds.append(response)
        return response

    def _opened(self, **arguments: Any) -> Any:
        self._rounds.append(self._ask_stream(**arguments))
        return self._rounds[-1]


def _response(each: Any) -> Response:
    response: Response = each.merged if isinstance(each, tachyon_sdk.Stream) else each
    return response


def _number(usage: Any, name: str) -> float:
    value = getattr(usage, name, None)
    return value if isinstance(value, (int, float)) else 0


def _calls(message: dict[str, Any]) -> int:
    return len(message.get("tool_calls") or ())
