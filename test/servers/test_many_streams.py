"""Many streams in a row: each must be complete."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from servers.targets import Target
from servers.tiny_model import ANSWER

HELLO = [{"role": "user", "content": "Hello"}]
STREAMS = 120


@pytest.mark.parametrize("threads", [1, 8])
def test_each_stream_is_complete(target: Target, threads: int) -> None:
    request = {"model": target.model, "messages": HELLO}
    with target.chat() as api, ThreadPoolExecutor(threads) as pool:

        def outcome(_: int) -> str:
            try:
                with api.chat_completion_stream(chat_completion_request=request) as stream:
                    return stream.collect().text
            except Exception as error:
                return repr(error)

        outcomes = list(pool.map(outcome, range(STREAMS)))
    wrong = [each for each in outcomes if each != "".join(ANSWER)]
    assert not wrong, f"{len(wrong)} of {STREAMS}: {wrong[0]}"
