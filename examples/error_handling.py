"""What can go wrong, and what a program may do then. The models named here fail on the local server."""

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
        return f"too many requests, even after {error.attempts} attempts; wait {error.retry_after} seconds"
    except (tachyon_sdk.StreamTruncatedException, tachyon_sdk.StreamErrorException) as error:
        begun = error.partial.text if error.partial else ""
        return f"broken off after {begun!r}: {error.message}"
    except tachyon_sdk.ApiException as error:  # everything else that the network or the server can do
        print(f"for the log: {error}", file=sys.stderr)
        return f"it failed with {error.status}"


with tachyon_sdk.ApiClient() as api_client:
    chat = tachyon_sdk.ChatApi(api_client)
    for model in (
        "large",
        "local/rate-limit-once",  # tried again by itself, as is all that certainly took no effect
        "local/error-429",
        "local/error-402",
        "local/error-500",
        "local/truncate",
        "local/midstream-error",
    ):
        print(f"{model}: {ask(chat, model)}")
