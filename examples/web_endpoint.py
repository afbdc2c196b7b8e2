"""A web application that streams responses to its clients as server-sent events. Requires FastAPI.

    uvicorn --app-dir examples web_endpoint:app
    curl -N "http://127.0.0.1:8000/ask?question=Hello"

FastAPI runs functions and iterators that are not async in threads, so a waiting call does not block other requests.
"""

import contextlib
import json
from collections.abc import AsyncIterator, Iterator

from fastapi import BackgroundTasks, FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

import tachyon_sdk


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, tachyon_sdk.ChatApi]]:
    with tachyon_sdk.ApiClient() as api_client:  # shared by all requests
        yield {"chat": tachyon_sdk.ChatApi(api_client)}


app = FastAPI(lifespan=lifespan)


@app.get("/ask")
def ask(request: Request, closing: BackgroundTasks, question: str = "Hello") -> Response:
    body = {"model": "large", "messages": [{"role": "user", "content": question}]}
    try:
        stream = request.state.chat.chat_completion_stream(chat_completion_request=body)
    except tachyon_sdk.ApiException as error:  # no data was sent yet, so the status can be set
        return JSONResponse({"message": error.message}, error.status or 502)
    closing.add_task(stream.close)  # after the response, also if the client disconnects
    return StreamingResponse(events_of(stream), media_type="text/event-stream")


def events_of(stream: tachyon_sdk.Stream[tachyon_sdk.ChatCompletionChunkResponse]) -> Iterator[str]:
    try:
        for piece in stream.text:
            yield f"data: {json.dumps(piece)}\n\n"
        yield "event: done\ndata:\n\n"
    except tachyon_sdk.ApiException as error:
        yield f"event: error\ndata: {json.dumps(error.message)}\n\n"
