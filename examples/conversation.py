"""Have a conversation that the program stores. Read messages from standard input, one per line."""

import sys

import tachyon_sdk

messages = [tachyon_sdk.Message(role="system", content="Be brief.")]

with tachyon_sdk.ApiClient() as api_client:
    chat = tachyon_sdk.ChatApi(api_client)
    for line in sys.stdin:
        messages.append(tachyon_sdk.Message(role="user", content=line.strip()))
        request = tachyon_sdk.ChatCompletionRequest(model="large", messages=messages)
        with chat.chat_completion_stream(chat_completion_request=request) as stream:
            for piece in stream.text:
                print(piece, end="", flush=True)
            print()
            messages.append(stream.collect().to_message())
