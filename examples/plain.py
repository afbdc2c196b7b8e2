"""Ask, and get the whole answer."""

import tachyon_sdk

with tachyon_sdk.ApiClient() as api_client:
    chat = tachyon_sdk.ChatApi(api_client)
    request = {"model": "large", "messages": [{"role": "user", "content": "What is a tide?"}]}
    answer = chat.chat_completion(chat_completion_request=request)

print(answer.text)
if answer.usage:
    print(f"({answer.usage.total_tokens} tokens, it ended with {answer.finish_reason})")
