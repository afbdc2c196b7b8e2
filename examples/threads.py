"""Send requests from several threads with one client."""

from concurrent.futures import ThreadPoolExecutor

import tachyon_sdk

QUESTIONS = ["What is a tide?", "What is an ebb?", "What is a flood?", "What is a wave?"]

with tachyon_sdk.ApiClient() as api_client, ThreadPoolExecutor(max_workers=4) as pool:
    chat = tachyon_sdk.ChatApi(api_client)

    def ask(question: str) -> str:
        request = {"model": "large", "messages": [{"role": "user", "content": question}]}
        return chat.chat_completion(chat_completion_request=request).text

    # map() yields the replies in the order of the questions.
    for question, reply in zip(QUESTIONS, pool.map(ask, QUESTIONS), strict=True):
        print(f"{question} {reply}")
