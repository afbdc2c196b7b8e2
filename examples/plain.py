"""Send a message and print the response."""

import tachyon_sdk

with tachyon_sdk.ApiClient() as api_client:
    chat = tachyon_sdk.ChatApi(api_client)
    request = {"model": "large", "messages": [{"role": "user", "content": "What is a tide?"}]}
    response = chat.chat_completion(chat_completion_request=request)

print(response.text)
if response.usage:
    print(f"({response.usage.total_tokens} tokens, finish reason {response.finish_reason})")
