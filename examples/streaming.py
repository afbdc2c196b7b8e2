"""Print the response while it is generated, then use the full response."""

import tachyon_sdk

with tachyon_sdk.ApiClient() as api_client:
    chat = tachyon_sdk.ChatApi(api_client)
    request = {"model": "large", "messages": [{"role": "user", "content": "What is a tide?"}]}
    with chat.chat_completion_stream(chat_completion_request=request) as stream:
        for piece in stream.text:
            print(piece, end="", flush=True)
        print()
        response = stream.collect()

print(f"({len(response.text)} characters, finish reason {response.finish_reason})")
