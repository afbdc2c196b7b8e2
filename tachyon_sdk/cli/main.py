"""`python -m tachyon_sdk "Hello"`: sends one message and streams the answer to the terminal."""

import argparse
import io
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any, NoReturn

import tachyon_sdk  # its other names load where they are used, so that Ctrl-C is caught there, too
from tachyon_sdk._contract.finish_reasons import problem_of, sentence_of
from tachyon_sdk._contract.first_choice import FirstChoice, said
from tachyon_sdk._errors.body import one_line
from tachyon_sdk.exceptions import ApiException, ApiValueError, OpenApiException

_Answer = FirstChoice[Any, Any]
_PROGRAM = "python -m tachyon_sdk"
_EPILOG = f"""\
examples:
  {_PROGRAM} "Hello"
  {_PROGRAM} --model large --system "Answer in one sentence." "What is a tide?"
  {_PROGRAM} --chatroom room-1 "And what is an ebb?"
  {_PROGRAM} --system "Review this text." - < notes.txt

environment:
  TACHYON_API_URL      the server; without it a local server inside this program answers
  TACHYON_API_KEY      the access token for that server
  TACHYON_OPERATOR_ID  the operator for that server, such as tn_xxxxxx

exit status:
  0    the whole answer was printed
  1    it was not: the server, the network or the output failed
  2    nothing was sent: the arguments, the prompt or the settings cannot be used
  3    the answer was printed as far as it goes: it was cut by a limit (such as the
       finish reason length), withheld (content_filter), or the model refused
  130  stopped by Ctrl-C
  141  the reader of the output went away
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the program; return the exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal may not know every character of an answer
    try:
        options = _parser().parse_args(arguments)
        with ExitStack() as stack:
            return _ask(options, _messages(options), stack)
    except KeyboardInterrupt:
        return 130
    except OpenApiException as error:
        return _failure(1 if isinstance(error, ApiException) else 2, error)
    except OSError as error:
        # What is left in the buffer goes nowhere; Python would try again at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141 if isinstance(error, BrokenPipeError) else _failure(1, error)


def _ask(options: argparse.Namespace, messages: list[dict[str, str]], stack: ExitStack) -> int:
    chat = tachyon_sdk.ChatApi(stack.enter_context(tachyon_sdk.ApiClient(_configuration(stack))))
    given = {} if options.model is None else {"model": options.model}
    request, room = {"messages": messages, **given}, options.chatroom
    if options.no_stream:
        whole: _Answer
        if room is None:
            whole = chat.chat_completion(chat_completion_request=request)
        else:
            whole = chat.chat_completion_on_chatroom(room, chat_completion_request=request)
        return _show([whole.text] if whole.text else [], lambda: whole)
    if room is None:
        stream = stack.enter_context(chat.chat_completion_stream(chat_completion_request=request))
        return _show(stream.text, stream.collect)
    in_room = chat.chat_completion_on_chatroom_stream(room, chat_completion_request=request)
    return _show(stack.enter_context(in_room).text, in_room.collect)


def _show(pieces: Iterable[str], collect: Callable[[], _Answer]) -> int:
    """Print each piece the moment it comes, and end the line, also where an error ends the pieces.

    Return the exit status: an answer that is not whole is printed as well, but does not pass for a whole one.
    """
    last = ""
    try:
        for last in pieces:
            print(last, end="", flush=True)
    finally:
        if last and not last.endswith("\n"):
            print(flush=True)
    answer = collect()
    if refusal := getattr(said(answer.choices), "refusal", None):
        return _failure(3, f"the model refused: {one_line(refusal, 300)}")
    if problem := problem_of(answer.finish_reason):
        return _failure(1 if problem == "failed" else 3, sentence_of(answer.finish_reason))
    return 0 if last else _failure(1, "the answer has no text")


def _configuration(stack: ExitStack) -> "tachyon_sdk.Configuration":
    """The settings of the environment, or those for a local server that runs until the stack is left."""
    if os.environ.get("TACHYON_API_URL", "").strip():
        settings = tachyon_sdk.Configuration()
        found = {"TACHYON_API_KEY": settings.access_token, "TACHYON_OPERATOR_ID": settings.operator_id}
        if missing := [name for name, value in found.items() if not value]:
            raise ApiValueError(f"not set in the environment: {' and '.join(missing)}")
        return settings
    try:
        from tachyon_sdk.local import LocalServer
    except ModuleNotFoundError as error:
        raise ApiValueError(f"set TACHYON_API_URL, or install the local server: {error}") from error
    server = stack.enter_context(LocalServer())
    _say("TACHYON_API_URL is not set: a local server inside this program answers")
    # Neither a proxy nor credentials of the environment: nothing leaves the machine.
    return tachyon_sdk.Configuration(server.url, access_token="dummy-token", operator_id="tn_local", proxy="")


def _messages(options: argparse.Namespace) -> list[dict[str, str]]:
    """What to send; raises ApiValueError where that is no text."""
    prompt = options.prompt
    try:
        if prompt == "-":
            # Some shells put a byte order mark in front; the end of the last line is theirs, too.
            prompt = sys.stdin.buffer.read().decode("utf-8-sig").rstrip("\r\n") if sys.stdin else ""
        for text in (prompt, options.system, options.model, options.chatroom):
            (text or "").encode()  # fails on bytes of the command line that were no text
    except UnicodeError as error:
        raise ApiValueError("the prompt or an option is not text in UTF-8") from error
    if not prompt.strip():
        raise ApiValueError("the prompt is empty")
    system = [] if options.system is None else [{"role": "system", "content": options.system}]
    return [*system, {"role": "user", "content": prompt}]


def _failure(status: int, error: object) -> int:
    _say(f"{_PROGRAM}: {error}")
    return status


def _say(line: str) -> None:
    if sys.stderr:  # None where the program was started without one
        print(line, file=sys.stderr, flush=True)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say it in one line."""
        self.exit(2, f"{self.prog}: {message} (see --help)\n")


def _parser() -> argparse.ArgumentParser:
    about = "Send one message to the Tachyon chat API, and print the answer as it comes."
    formatter = argparse.RawDescriptionHelpFormatter
    parser = _Parser(_PROGRAM, None, about, _EPILOG, formatter_class=formatter, allow_abbrev=False)
    parser.add_argument("prompt", help="the message; - reads it from standard input, as UTF-8")
    parser.add_argument("--model", help="the model to ask, such as large; without it the server's choice")
    parser.add_argument("--system", metavar="TEXT", help="an instruction for the model")
    parser.add_argument("--chatroom", metavar="ID", help="say it in this chatroom, which remembers")
    parser.add_argument("--no-stream", action="store_true", help="print the answer when it is complete")
    parser.add_argument("--version", action="version", version=f"tachyon-chat-sdk {tachyon_sdk.__version__}")
    return parser
