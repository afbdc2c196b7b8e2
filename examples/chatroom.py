"""Have a conversation in a chatroom, where the server stores it. The next run continues it."""

import tachyon_sdk

with tachyon_sdk.ApiClient() as api_client:
    chat = tachyon_sdk.ChatApi(api_client)
    for text in ("My name is Ken.", "What is my name?"):
        request = {"model": "large", "messages": [{"role": "user", "content": text}]}
        with chat.chat_completion_on_chatroom_stream("examples", chat_completion_request=request) as stream:
            for piece in stream.text:
                print(piece, end="", flush=True)
        print()
