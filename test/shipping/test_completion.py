"""Completion in editors that do not run the code: what jedi finds in the installed package."""

from __future__ import annotations

from pathlib import Path

import jedi
import pytest
from shipping.environments import Environment

import tachyon_sdk


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("import tachyon_sdk\ntachyon_sdk.", {*tachyon_sdk.__all__, "models", "exceptions"}),
        ("from tachyon_sdk import ", {*tachyon_sdk.__all__, "models", "exceptions"}),
        ("from tachyon_sdk import Cha", {"ChatApi", "ChatCompletionRequest"}),
        ("from tachyon_sdk.models import Mess", {"Message", "MessageContent"}),
        (
            "import tachyon_sdk\ntachyon_sdk.ChatApi().chat_comp",
            {"chat_completion", "chat_completion_stream"},
        ),
        ("from tachyon_sdk import ChatApi\nChatApi().chat_completion().", {"text", "tool_calls", "choices"}),
        ("from tachyon_sdk import Message\nMessage(role='user').co", {"content"}),
    ],
)
def test_names_are_completed(bare: Environment, tmp_path: Path, source: str, wanted: set[str]) -> None:
    project = jedi.Project(tmp_path, environment_path=str(bare.python), smart_sys_path=False)
    found = {each.name for each in jedi.Script(source, project=project).complete()}
    assert wanted - found == set()
    assert found.isdisjoint({"TYPE_CHECKING", "lazy_names"})
