"""The sentences of the built-in model, in each of its languages."""

from typing import NamedTuple


class Phrases(NamedTuple):
    """The sentences of one language; `gap` is between them. Names in braces are replaced."""

    gap: str
    greeting: str
    greeting_again: str
    echo: str
    silence: str
    images: str
    instruction: str
    tool_result: str
    before: str
    choice: str


ENGLISH = Phrases(
    gap=" ",
    greeting="Hello!",
    greeting_again="Hello again!",
    echo='You said: "{text}".',
    silence="You sent no text.",
    images="Images I received: {count}.",
    instruction='My instruction is: "{text}".',
    tool_result='The tool {name} answered: "{result}".',
    before='Messages before this one: {count}. You first said: "{first}".',
    choice="This is answer number {number}.",
)

JAPANESE = Phrases(
    gap="",
    greeting="こんにちは。",
    greeting_again="またお会いしましたね。",
    echo="あなたは「{text}」と言いました。",
    silence="テキストはありませんでした。",
    images="受け取った画像は{count}枚です。",
    instruction="指示は「{text}」です。",
    tool_result="ツール{name}の結果は「{result}」です。",
    before="これより前のメッセージは{count}件です。最初のメッセージは「{first}」でした。",
    choice="これは{number}番目の回答です。",
)
