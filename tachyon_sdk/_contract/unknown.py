"""Warns about names in a request that are probably misspelled. Imported when a request has an unknown name."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable

from tachyon_sdk._contract.caller import stack_level
from tachyon_sdk._contract.model import KNOWN_ROLES, Model

# Names that other services use, and the name that the contract has for it.
_ALIASES = {
    "ChatCompletionRequest": {
        "max_tokens": "max_completion_tokens",
        "max_output_tokens": "max_completion_tokens",
        "max_new_tokens": "max_completion_tokens",
        "max_tokens_to_sample": "max_completion_tokens",
        "functions": "tools",
        "function_call": "tool_choice",
        "model_id": "model",
        "model_name": "model",
        "candidate_count": "n",
        "num_completions": "n",
        "temp": "temperature",
    },
    "Message": {"text": "content", "message": "content"},
    "ContentPart": {"content": "text"},
    "CreateChatRoomRequest": {"title": "name"},
    "UpdateChatroomRequest": {"title": "name"},
    "role": {
        "ai": "assistant",
        "agent": "assistant",
        "bot": "assistant",
        "chatbot": "assistant",
        "model": "assistant",
        "human": "user",
        "instruction": "system",
        "instructions": "system",
    },
}
# Properties of other servers that are nearly one of the contract.
_REAL_NAMES = frozenset({"context", "mode", "models", "top_a", "top_k", "top_n"})
_SHORTEST = 4  # shorter names are different words if one letter is another

_MAX_CHECKED = 1000
_checked: set[tuple[str, str]] = set()


def warn_about(unknown: Iterable[tuple[type[Model], str, bool]]) -> None:
    """Warn about properties that are nearly known ones, and about unknown roles; once for each name.

    Args:
        unknown: The model, the name, and whether it is a role, as `unknown_names()` returns them.
    """
    for model, name, is_role in unknown:
        owner = "role" if is_role else model.__name__
        if (owner, name) in _checked or len(_checked) >= _MAX_CHECKED:
            continue
        known: Collection[str] = KNOWN_ROLES if is_role else model.model_fields
        found = _probable_name(owner, name, known)
        if found or is_role:
            what = f"the role {name!r} is not known" if is_role else f"{owner} has no property {name!r}"
            hint = f"did you mean {found!r}?" if found else f"known are {', '.join(known)}."
            warnings.warn(f"{what}; {hint} It is sent unchanged.", UserWarning, stacklevel=stack_level())
        _checked.add((owner, name))  # not if the warning is an error: the same request raises it again


def _probable_name(owner: str, name: str, known: Collection[str]) -> str | None:
    if name in _REAL_NAMES and owner != "role":
        return None
    alias = _ALIASES.get(owner, {}).get(name)
    return alias or next((each for each in known if _is_near(name, each)), None)


def _is_near(name: str, known: str) -> bool:
    """Whether only the way of writing differs, or one letter: more, less, another, or swapped with the next."""
    if len(known) < _SHORTEST:
        return False
    if _plain(name) == _plain(known):
        return True
    pairs = enumerate(zip(name, known, strict=False))
    same = next((place for place, (one, other) in pairs if one != other), min(len(name), len(known)))
    rest, known_rest = name[same:], known[same:]
    swapped = rest[1:2] + rest[:1] + rest[2:]
    return known_rest in (rest[1:], swapped) or known_rest[1:] in (rest, rest[1:])


def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()
