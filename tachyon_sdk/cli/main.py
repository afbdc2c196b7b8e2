"""`python -m tachyon_sdk "Hello"`: sends one message and streams the response to the terminal."""

import argparse
import io
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any, NoReturn

import tachyon_sdk  # its names load on first use, inside the handler for Ctrl-C
from tachyon_sdk._contract.finish_reasons import describe_finish_problem, finish_problem
from tachyon_sdk._contract.first_choice import FirstChoice, first_message
from tachyon_sdk._errors.body import one_line
from tachyon_sdk.exceptions import ApiException, ApiValueError, OpenApiException

_Response = FirstChoice[Any, Any]
_PROGRAM = "python -m tachyon_sdk"
_EPILOG = f"""\
examples:
  {_PROGRAM} "Hello"
  {_PROGRAM} --model large --system "Answer in one sentence." "What is a tide?"
  {_PROGRAM} --chatroom room-1 "And what is an ebb?"
  {_PROGRAM} --system "Review this text." - < notes.txt

environment:
  TACHYON_API_URL      URL of the server; unset: a local server inside this program
  TACHYON_API_KEY      access token for the server
  TACHYON_OPERATOR_ID  operator id for the server, such as tn_xxxxxx

exit status:
  0    the full response was printed
  1    the server, the network or the output failed
  2    the arguments, the prompt or the settings are invalid; nothing was sent
  3    the response is incomplete: truncated by a limit (such as finish reason
       length), withheld (content_filter), or the model refused
  130  stopped by Ctrl-C
  141  the output was closed by its reader
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return the exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # the terminal may not support every character
    try:
        options = _parser().parse_args(arguments)
        with ExitStack() as stack:
            return _ask(options, _messages(options), stack)
    except KeyboardInterrupt:
        return 130
    except OpenApiException as error:
        return _failure(1 if isinstance(error, ApiException) else 2, error)
    except OSError as error:
        # Discard the buffered output: at exit, Python would flush it again and print an error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141 if isinstance(error, BrokenPipeError) else _failure(1, error)


def _ask(options: argparse.Namespace, messages: list[dict[str, str]], stack: ExitStack) -> int:
    chat = tachyon_sdk.ChatApi(stack.enter_context(tachyon_sdk.ApiClient(_configuration(stack))))
    model = {} if options.model is None else {"model": options.model}
    request, room = {"messages": messages, **model}, options.chatroom
    if options.no_stream:
        response: _Response
        if room is None:
            response = chat.chat_completion(chat_completion_request=request)
        else:
            response = chat.chat_completion_on_chatroom(room, chat_completion_request=request)
        return _show([response.text] if response.text else [], lambda: response)
    if room is None:
        stream = stack.enter_context(chat.chat_completion_stream(chat_completion_request=request))
        return _show(stream.text, stream.collect)
    in_room = chat.chat_completion_on_chatroom_stream(room, chat_completion_request=request)
    return _show(stack.enter_context(in_room).text, in_room.collect)


def _show(pieces: Iterable[str], collect: Callable[[], _Response]) -> int:
    """Print each piece as it arrives, then end the line, also after an error.

    Returns:
        The exit status, which is not 0 if the response is incomplete.
    """
    last = ""
    try:
        for last in pieces:
            print(last, end="", flush=True)
    finally:
        if last and not last.endswith("\n"):
            print(flush=True)
    response = collect()
    if refusal := getattr(first_message(response.choices), "refusal", None):
        return _failure(3, f"the model refused: {one_line(refusal, 300)}")
    if problem := finish_problem(response.finish_reason):
        return _failure(1 if problem == "failed" else 3, describe_finish_problem(response.finish_reason))
    return 0 if last else _failure(1, "the response has no text")


def _configuration(stack: ExitStack) -> "tachyon_sdk.Configuration":
    """Return the settings from the environment, or those of a local server that the stack stops."""
    if os.environ.get("TACHYON_API_URL", "").strip():
        settings = tachyon_sdk.Configuration()
        required = {"TACHYON_API_KEY": settings.access_token, "TACHYON_OPERATOR_ID": settings.operator_id}
        if missing := [name for name, value in required.items() if not value]:
            raise ApiValueError(f"not set in the environment: {' and '.join(missing)}")
        return settings
    try:
        from tachyon_sdk.local import LocalServer
    except ModuleNotFoundError as error:
        raise ApiValueError(f"set TACHYON_API_URL, or install the local server: {error}") from error
    server = stack.enter_context(LocalServer())
    _say("TACHYON_API_URL is not set: using a local server inside this program")
    # No proxy and no credentials from the environment: nothing leaves this machine.
    return tachyon_sdk.Configuration(server.url, access_token="dummy-token", operator_id="tn_local", proxy="")


def _messages(options: argparse.Namespace) -> list[dict[str, str]]:
    """Return the messages to send.

    Raises:
        ApiValueError: The prompt or an option is not valid text.
    """
    prompt = options.prompt
    try:
        if prompt == "-":
            # Some shells add a byte order mark in front and a line break at the end.
            prompt = sys.stdin.buffer.read().decode("utf-8-sig").rstrip("\r\n") if sys.stdin else ""
        for text in (prompt, options.system, options.model, options.chatroom):
            (text or "").encode()  # fails on undecodable bytes of the command line
    except UnicodeError as error:
        raise ApiValueError("the prompt or an option is not valid UTF-8") from error
    if not prompt.strip():
        raise ApiValueError("the prompt is empty")
    system = [] if options.system is None else [{"role": "system", "content": options.system}]
    return [*system, {"role": "user", "content": prompt}]


def _failure(status: int, error: object) -> int:
    _say(f"{_PROGRAM}: {error}")
    return status


def _say(line: str) -> None:
    if sys.stderr:  # None if the process has no stderr
        print(line, file=sys.stderr, flush=True)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Print the error as one line, without the usage."""
        self.exit(2, f"{self.prog}: {message} (see --help)\n")


def _parser() -> argparse.ArgumentParser:
    about = "Send one message to the Tachyon chat API and print the response as it arrives."
    formatter = argparse.RawDescriptionHelpFormatter
    parser = _Parser(_PROGRAM, None, about, _EPILOG, formatter_class=formatter, allow_abbrev=False)
    parser.add_argument("prompt", help="the message; - reads it from standard input (UTF-8)")
    parser.add_argument("--model", help="name of the model, such as large; default: chosen by the server")
    parser.add_argument("--system", metavar="TEXT", help="system message: an instruction for the model")
    parser.add_argument("--chatroom", metavar="ID", help="chatroom, which remembers the conversation")
    parser.add_argument("--no-stream", action="store_true", help="print the response when it is complete")
    parser.add_argument("--version", action="version", version=f"tachyon-chat-sdk {tachyon_sdk.__version__}")
    return parser
