"""`tachyon chat`: a conversation in the terminal."""

import argparse
import io
import os
import sys
from contextlib import ExitStack, suppress
from typing import Any

import tachyon_sdk
from tachyon_sdk.cli.client import connect
from tachyon_sdk.cli.history import read_history, text_of, write_history
from tachyon_sdk.cli.interrupt import interruptible
from tachyon_sdk.cli.output import failure, put, put_pieces, report_end, say
from tachyon_sdk.cli.request import Messages, build_request, system_messages, toolbox
from tachyon_sdk.cli.talk import Talk
from tachyon_sdk.exceptions import ApiValueError

_HELP = '''\
/model [NAME]   show the model, or change it
/system [TEXT]  show the system message, or change it; /system - removes it
/retry          ask the last message again; a new response replaces the last one
/save FILE      write the conversation to a file: .md and .txt to read,
                others one message as JSON per line, as for --history
/help           show this
/quit           end; so does Ctrl-D

A message ends with the line. \\ at its end continues it on the next line, and
""" begins and ends a message of several lines. A message that begins with /
needs a space in front. Ctrl-C stops a response; what arrived of it is kept.'''

_BLOCK = '"""'


def run(options: argparse.Namespace) -> int:
    """Run the command and return the exit status."""
    if sys.stdin is None:
        raise ApiValueError("there is no standard input to read messages from")
    if options.history is not None and options.chatroom is not None:
        raise ApiValueError("a chatroom keeps the conversation itself: --history excludes --chatroom")
    messages = [] if options.history is None else read_history(options.history)
    if messages and messages[0]["role"] == "system":
        system = messages.pop(0)
        options.system = text_of(system) if options.system is None else options.system
    build_request(options, messages)  # raises now if an option is invalid
    tools = toolbox(options)
    with ExitStack() as stack:
        api_client = connect(options, stack, None if options.chatroom is None else "--chatroom")
        return _Chat(api_client, options, tools, messages).run()


class _Chat:
    """A conversation.

    The messages are without the system message, which may change at any time.
    """

    def __init__(
        self,
        api_client: "tachyon_sdk.ApiClient",
        options: argparse.Namespace,
        tools: "tachyon_sdk.Toolbox | None",
        messages: Messages,
    ) -> None:
        self._api_client = api_client
        self._options = options
        self._tools = tools
        self._messages = messages
        self._unanswered: dict[str, Any] | None = None
        self._saved: set[str] = set()
        self._is_terminal = sys.stdin.isatty()
        self._status = 0

    def run(self) -> int:
        """Read messages and commands until the end of the input, and return the exit status.

        A person has seen each error. For a program, the status is that of the last response.
        """
        self._prepare_input()
        while True:
            try:
                with interruptible():
                    text, is_command = self._read_message()
                text.encode()
                if is_command:
                    if not self._run_command(*text[1:].partition(" ")[::2]):
                        break
                elif text.strip():
                    self._ask({"role": "user", "content": text}, self._messages)
            except EOFError:
                if self._is_terminal:
                    put("")
                break
            except UnicodeError:
                self._status = failure(2, "the message is not valid UTF-8")
            except KeyboardInterrupt:
                if not self._is_terminal:
                    raise
                put("")
                say("Ctrl-D or /quit ends the conversation.")
        return 0 if self._is_terminal else self._status

    # Input

    def _prepare_input(self) -> None:
        if isinstance(sys.stdin, io.TextIOWrapper):
            encoding = None if self._is_terminal else "utf-8"
            sys.stdin.reconfigure(encoding=encoding, errors="surrogateescape")
        if not self._is_terminal:
            return
        with suppress(ImportError):  # Windows
            import readline

            # A pasted text of several lines is one message. Python turns this off.
            readline.parse_and_bind("set enable-bracketed-paste on")
            for message in self._messages:
                if message["role"] == "user" and (text := text_of(message)):
                    readline.add_history(text)
        if self._messages:
            say(f"Continuing the {len(self._messages)} messages in {self._options.history}.")
        say("/help shows the commands, Ctrl-D ends the conversation.")

    def _read_message(self) -> tuple[str, bool]:
        """Read a message or a command, and return whether it is a command.

        Raises:
            EOFError: There are no more.
        """
        line = self._read_line("> ").removeprefix("\ufeff")
        if line.startswith("/"):
            return line, True
        text = line
        if line.startswith(_BLOCK):
            text = line.removeprefix(_BLOCK)
            while not text.rstrip().endswith(_BLOCK) and (more := self._read_more()) is not None:
                text += f"\n{more}"
            return text.rstrip().removesuffix(_BLOCK).strip("\n"), False
        while text.endswith("\\") and (more := self._read_more()) is not None:
            text = f"{text[:-1]}\n{more}"
        return text, False

    def _read_more(self) -> str | None:
        """Read the next line of a message; None at the end of the input, which ends the message, too."""
        try:
            return self._read_line(". ")
        except EOFError:
            return None

    def _read_line(self, prompt: str) -> str:
        if self._is_terminal and not (sys.stdout and sys.stdout.isatty()):
            print(prompt, end="", file=sys.stderr, flush=True)  # stdout is for the responses
            prompt = ""
        return input(prompt if self._is_terminal else "").removesuffix("\r")

    # Commands

    def _run_command(self, name: str, value: str) -> bool:
        """Run a command; return False if it ends the conversation."""
        value = value.strip()
        match name:
            case "quit" | "exit":
                return False
            case "help":
                say(_HELP)
            case "model":
                self._options.model = value or self._options.model
                say(f"model: {self._options.model or 'chosen by the server'}")
            case "system":
                self._options.system = None if value == "-" else value or self._options.system
                say(f"system message: {self._options.system or 'none'}")
                if value:
                    self._store()
            case "retry":
                self._retry()
            case "save":
                self._save(value)
            case _:
                say(f"/{name} is not a command: /help shows all; a message may begin with a space")
        return True

    def _retry(self) -> None:
        users = [number for number, message in enumerate(self._messages) if message["role"] == "user"]
        if self._unanswered:
            self._ask(self._unanswered, self._messages)
        elif users:
            self._ask(self._messages[users[-1]], self._messages[: users[-1]])
        else:
            say("there is no message yet")

    def _save(self, name: str) -> None:
        if not name:
            say("/save needs the name of a file")
        elif os.path.exists(name) and os.path.realpath(name) not in self._saved:
            say(f"{name} exists already: choose another name")
        elif self._write(name):
            self._saved.add(os.path.realpath(name))
            say(f"saved {len(self._messages)} messages in {name}")

    def _store(self) -> None:
        if self._options.history is not None:
            self._write(self._options.history)

    def _write(self, name: str) -> bool:
        try:
            write_history(name, [*system_messages(self._options.system), *self._messages])
        except OSError as error:
            failure(1, f"the conversation is not saved: {name}: {error.strerror or error}")
            return False
        return True

    # Responses

    def _ask(self, message: dict[str, Any], before: Messages) -> None:
        """Ask a message that follows these, print the response, and keep both, or what arrived of it."""
        room = self._options.chatroom
        sent = [message] if room is not None else [*before, message]
        request = build_request(self._options, [*system_messages(self._options.system), *sent])
        if self._options.usage:
            request.setdefault("stream_options", {"include_usage": True})
        talk = Talk(self._api_client, room, self._tools)
        self._unanswered = message
        try:
            with interruptible():
                put_pieces(talk.texts(request))
            assert talk.response is not None
            self._status = report_end(talk.response)
        except KeyboardInterrupt:
            if not self._is_terminal:
                raise
            say("stopped" if room is None else "stopped; the chatroom may not have stored it")
        except BrokenPipeError:
            raise
        except Exception as error:
            if self._options.debug:
                import traceback

                traceback.print_exc()
            self._status = failure(1, error)
        finally:
            if arrived := talk.arrived():
                self._messages = [*before, message, *arrived]
                self._unanswered = None
                self._store()
        if self._unanswered:
            say("Nothing arrived. /retry sends the message again.")
        elif self._options.usage:
            talk.say_usage()
