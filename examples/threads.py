"""Ask several questions at a time: one client, several threads."""

from concurrent.futures import ThreadPoolExecutor

import tachyon_sdk

QUESTIONS = ["What is a tide?", "What is an ebb?", "What is a flood?", "What is a wave?"]

with tachyon_sdk.ApiClient() as api_client, ThreadPoolExecutor(max_workers=4) as pool:
    chat = tachyon_sdk.ChatApi(api_client)

    def ask(question: str) -> str:
        request = {"model": "large", "messages": [{"role": "user", "content": question}]}
        return chat.chat_completion(chat_completion_request=request).text

    # In the order of the questions, whichever answer comes first.
    for question, answer in zip(QUESTIONS, pool.map(ask, QUESTIONS), strict=True):
        print(f"{question} {answer}")
