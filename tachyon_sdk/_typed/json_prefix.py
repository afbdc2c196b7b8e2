"""The beginning of a JSON text that is still arriving: where it is in the text of a model, and what of it is complete.

No I/O. Time is linear in the text, apart from `parsed`, which parses all that has arrived.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from pydantic_core import from_json

# End of the reasoning that some models write before their reply: </think>, [/THINK] and similar marks.
END_OF_REASONING = re.compile(
    r"""
      [<\[◁] \s? / \s? (?: [\w:]{0,20} (?: think | thought | reason ) \w{0,20}
                        | reflection | analysis | scratchpad ) \s? [>\]▷]
    | <\|? (?: / | end_of_ | end_ ) (?: think | thought | reason ) \w{0,20} \|?>
    | <\|channel\|> \s? final \s? (?: <\|constrain\|> \s? \w{1,20} \s? )? <\|message\|>
    """,
    re.IGNORECASE | re.VERBOSE,
)
_MAX_MARK = 128
_FENCE = re.compile(r"`{3,}[^`\n]*\n\s*")
_UNFINISHED_FENCE = re.compile(r"`{1,2}|`{3,}[^`\n]*")
_FIRST_OF_JSON = frozenset('{["-0123456789tfn')

_STRUCTURE = re.compile(r'["{}\[\]:,]')
_IN_STRING = re.compile(r'["\\]')
_UNFINISHED_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?")
_FIRST_SURROGATE = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}")


class Incomplete(NamedTuple):
    """The beginning of a JSON value.

    Attributes:
        value: The value without what is not certain: a number or a literal at the end, a name without its value.
        depth: How many arrays and objects are open. Each is the last element of the one around it.
        in_string: Whether a string is open: the last element of the innermost of these.
    """

    value: Any
    depth: int
    in_string: bool


class JsonPrefix:
    """A JSON text that grows.

    Attributes:
        complete: Whether its value is complete: an array, an object or a string that was closed.
        length: Characters so far.
    """

    def __init__(self) -> None:
        self.complete = False
        self.length = 0
        self._pieces: list[str] = []
        self._stack: list[str] = []
        self._in_string = False
        self._in_name = False
        self._name_follows = False
        self._scalar_at: int | None = None
        self._skip = False  # the last character was a backslash that begins an escape
        self._escapes = (-1, -1)  # where the last two escapes begin

    def feed(self, text: str) -> None:
        """Take the next piece. Text after the end of the value is ignored."""
        if self.complete or not text:
            return
        self._pieces.append(text)
        start = self.length
        self.length += len(text)
        position = int(self._skip)
        self._skip = False
        while position < len(text) and not self.complete:
            if self._in_string:
                position = self._scan_string(text, position, start)
            else:
                position = self._scan_structure(text, position, start)

    def _scan_string(self, text: str, position: int, start: int) -> int:
        found = _IN_STRING.search(text, position)
        if found is None:
            return len(text)
        if found[0] == '"':
            self._in_string = False
            self._close()
            return found.end()
        self._escapes = (self._escapes[1], start + found.start())
        self._skip = found.end() == len(text)
        return found.end() + 1

    def _scan_structure(self, text: str, position: int, start: int) -> int:
        found = _STRUCTURE.search(text, position)
        end = len(text) if found is None else found.start()
        between = text[position:end]
        if self._scalar_at is None and (scalar := between.lstrip()):
            self._scalar_at = start + end - len(scalar)
        if found is None:
            return len(text)
        self._scalar_at = None
        character = found[0]
        if character == '"':
            self._in_string, self._in_name = True, self._name_follows
        elif character in "{[":
            self._stack.append(character)
            self._name_follows = character == "{"
        elif character in "}]":
            if self._stack:
                self._stack.pop()
            self._name_follows = False
            self._close()
        else:
            self._name_follows = character == "," and self._stack[-1:] == ["{"]
        return found.end()

    def _close(self) -> None:
        self.complete = not self._stack

    @property
    def text(self) -> str:
        text = "".join(self._pieces)
        self._pieces = [text]
        return text

    def parsed(self) -> Incomplete | None:
        """Return what has arrived, or None if that is nothing yet.

        Raises:
            ValueError: It is not the beginning of a JSON text.
        """
        text = self.text
        if self._in_string and not self._in_name:
            text = text[: self._end_of_whole_characters(text)] + '"'
        elif self._scalar_at is not None:
            from_json(text, allow_partial=True)  # it may be invalid
            text = text[: self._scalar_at]
        if not self._stack and not (self._in_string or self.complete):
            return None
        in_string = self._in_string and not self._in_name
        return Incomplete(from_json(text, allow_partial=True), len(self._stack), in_string)

    def _end_of_whole_characters(self, text: str) -> int:
        before, last = self._escapes
        end = len(text)
        if last >= 0 and _UNFINISHED_ESCAPE.fullmatch(text, last):
            end, last = last, before
        # The first half of a character is not valid without the other one.
        if last >= 0 and last == end - 6 and _FIRST_SURROGATE.fullmatch(text, last, end):
            end = last
        return end


class JsonInText:
    """Finds the JSON in the text of a model while it arrives: after reasoning, and inside a code fence.

    Attributes:
        json: The JSON so far, or None if it has not begun.
    """

    def __init__(self) -> None:
        self.json: JsonPrefix | None = None
        self._rest: str = ""
        self._is_searching = False  # for the end of reasoning

    def feed(self, piece: str) -> None:
        """Take the next piece of the text."""
        if self.json is not None:
            self.json.feed(piece)
            return
        self._rest += piece
        while self._is_searching or not self._begins():
            self._is_searching = True
            mark = END_OF_REASONING.search(self._rest)
            if mark is None:
                self._rest = self._rest[-_MAX_MARK:]
                return
            self._rest = self._rest[mark.end() :]
            self._is_searching = False

    def parsed(self) -> Incomplete | None:
        """Return what has arrived of the JSON, or None if that is nothing yet."""
        while self.json is not None:
            try:
                return self.json.parsed()
            except ValueError:
                # That was not it. It may follow the end of reasoning.
                text, self.json, self._is_searching, self._rest = self.json.text, None, True, ""
                self.feed(text)
        return None

    def _begins(self) -> bool:
        """Whether the JSON begins here, or may begin when more has arrived."""
        self._rest = self._rest.lstrip()
        if fence := _FENCE.match(self._rest):
            self._rest = self._rest[fence.end() :]
        if not self._rest or _UNFINISHED_FENCE.fullmatch(self._rest):
            return True
        if self._rest[0] not in _FIRST_OF_JSON:
            return False
        self.json = JsonPrefix()
        self.json.feed(self._rest)
        self._rest = ""
        return True
