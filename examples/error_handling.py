"""Handle exceptions. The local server simulates an error for each model name below."""

import sys

import tachyon_sdk


def ask(chat: tachyon_sdk.ChatApi, model: str) -> str:
    request = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
    try:
        with chat.chat_completion_stream(chat_completion_request=request) as stream:
            return stream.collect().text
    except tachyon_sdk.PaymentRequiredException as error:
        return f"no credit: {error.message}"
    except tachyon_sdk.TooManyRequestsException as error:
        return f"rate limited after {error.attempts} attempts; retry after {error.retry_after} seconds"
    except (tachyon_sdk.StreamTruncatedException, tachyon_sdk.StreamErrorException) as error:
        received = error.partial.text if error.partial else ""
        return f"truncated after {received!r}: {error.message}"
    except tachyon_sdk.ApiException as error:  # all other network and server errors
        print(f"log: {error}", file=sys.stderr)
        return f"failed with {error.status}"


with tachyon_sdk.ApiClient() as api_client:
    chat = tachyon_sdk.ChatApi(api_client)
    for model in (
        "large",
        "local/rate-limit-once",  # retried automatically: the request had no effect
        "local/error-429",
        "local/error-402",
        "local/error-500",
        "local/truncate",
        "local/midstream-error",
    ):
        print(f"{model}: {ask(chat, model)}")
