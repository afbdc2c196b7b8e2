"""OpenTelemetryHook: spans and metrics of calls, as the SDK of OpenTelemetry exports them."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from support.chat import ANSWER, BODY, OPERATOR, STREAM, TOKEN, ask, chat, chunk
from support.raw_server import AWAIT_CLOSE, CLOSE, RawServer, json_response, stream_response
from tachyon_sdk import ApiException, ChatApi, ModelsApi
from tachyon_sdk.hooks import Attempt, Hook
from tachyon_sdk.observe.otel import OpenTelemetryHook

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5, "total_cost": 0.25}
METERED = json_response({**chunk("Hello", "stop"), "usage": USAGE}, 200, {"x-request-id": "r1"})
METERED_STREAM = stream_response(
    chunk("one", "stop"), {**chunk(None), "choices": [], "usage": USAGE}, "[DONE]"
)
SECRET_TEXT = "what only the two of us know"


class Telemetry:
    """A hook, and what it exports."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader])
        self.hook = OpenTelemetryHook(self.tracers, self.meters)

    def api(self, api: ChatApi, *hooks: Hook) -> ChatApi:
        return ChatApi(api.api_client.with_options(hooks=[self.hook, *hooks]))

    def span(self) -> ReadableSpan:
        (span,) = self.exporter.get_finished_spans()
        return span

    def attributes(self) -> dict[str, Any]:
        return dict(self.span().attributes or {})

    def metrics(self) -> dict[str, list[Any]]:
        data = self.reader.get_metrics_data()
        scopes = (
            [scope for resource in data.resource_metrics for scope in resource.scope_metrics] if data else []
        )
        return {metric.name: list(metric.data.data_points) for scope in scopes for metric in scope.metrics}


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    """Nothing that is exported contains a credential, and no context stays attached."""
    telemetry = Telemetry()
    yield telemetry
    assert trace.get_current_span() is trace.INVALID_SPAN
    exported = "".join(span.to_json() for span in telemetry.exporter.get_finished_spans())
    assert exported and TOKEN not in exported and OPERATOR not in exported
    telemetry.meters.shutdown()


def test_a_plain_call(telemetry: Telemetry) -> None:
    request = {
        "messages": [{"role": "user", "content": SECRET_TEXT}],
        "model": "openai/small",
        "temperature": 1,
        "top_p": 0.5,
        "max_completion_tokens": 9,
        "stop": "x",
        "n": 2,
        "response_format": {"type": "json_object"},
    }
    with RawServer([METERED]) as server, chat(server.url) as api:
        telemetry.api(api).chat_completion(chat_completion_request=request)
        sent = server.requests[0].get("traceparent") or ""
    span = telemetry.span()
    assert (span.name, span.kind, span.status.is_unset) == ("chat openai/small", trace.SpanKind.CLIENT, True)
    assert telemetry.attributes() == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "tachyon",
        "gen_ai.request.model": "openai/small",
        "gen_ai.request.temperature": 1.0,
        "gen_ai.request.top_p": 0.5,
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.stop_sequences": ("x",),
        "gen_ai.request.choice.count": 2,
        "gen_ai.output.type": "json",
        "gen_ai.response.id": "1",
        "gen_ai.response.model": "m",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 3,
        "gen_ai.usage.output_tokens": 2,
        "tachyon.usage.total_cost": 0.25,
        "tachyon.request_id": "r1",
        "http.response.status_code": 200,
        "server.address": "127.0.0.1",
        "server.port": server.port,
    }
    assert span.context is not None
    assert sent.startswith(f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-")
    assert SECRET_TEXT not in span.to_json()


def test_the_metrics(telemetry: Telemetry) -> None:
    with RawServer([METERED, METERED_STREAM, json_response({}, 400)]) as server, chat(server.url) as api:
        ask(telemetry.api(api))
        telemetry.api(api).chat_completion_stream(chat_completion_request=BODY).collect()
        with pytest.raises(ApiException):
            ask(telemetry.api(api))
    metrics = telemetry.metrics()
    tokens = {point.attributes["gen_ai.token.type"]: point for point in metrics["gen_ai.client.token.usage"]}
    assert {kind: (point.count, point.sum) for kind, point in tokens.items()} == {
        "input": (2, 6),
        "output": (2, 4),
    }
    assert tokens["input"].explicit_bounds[:3] == (1, 4, 16)
    durations = metrics["gen_ai.client.operation.duration"]
    assert {(point.attributes.get("error.type"), point.count) for point in durations} == {
        (None, 2),
        ("400", 1),
    }
    (first,) = metrics["gen_ai.client.operation.time_to_first_chunk"]
    assert (first.count, first.attributes["gen_ai.response.model"]) == (1, "m")


@pytest.mark.parametrize(
    ("response", "read", "end", "is_error"),
    [
        ([STREAM], 9, "finished", False),
        ([STREAM[: STREAM.index(b"two")], AWAIT_CLOSE], 1, "closed", False),
        ([STREAM[: STREAM.index(b"two")], CLOSE], 9, "broken", True),
    ],
    ids=["finished", "closed", "broken"],
)
def test_the_span_of_a_stream_ends_with_the_stream(
    telemetry: Telemetry, response: Any, read: int, end: str, is_error: bool
) -> None:
    with RawServer([response]) as server, chat(server.url) as api:
        try:
            with telemetry.api(api).chat_completion_stream(chat_completion_request=BODY) as stream:
                next(stream)
                assert not telemetry.exporter.get_finished_spans()
                for _ in zip(range(read - 1), stream, strict=False):
                    pass
        except ApiException:
            assert is_error
    attributes = telemetry.attributes()
    assert (attributes["tachyon.stream.end"], "error.type" in attributes) == (end, is_error)
    assert attributes["gen_ai.request.stream"] is True
    assert attributes["gen_ai.response.time_to_first_chunk"] > 0
    assert (telemetry.span().status.status_code is trace.StatusCode.ERROR) == is_error


def test_retries_are_events_and_errors_have_a_type(telemetry: Telemetry) -> None:
    busy = json_response({"message": TOKEN}, 503)
    with RawServer([busy, busy, busy]) as server, chat(server.url) as api, pytest.raises(ApiException):
        ask(telemetry.api(api))
    span = telemetry.span()
    assert telemetry.attributes()["error.type"] == "503"
    assert (telemetry.attributes()["http.request.resend_count"], span.status.is_ok) == (2, False)
    assert [(event.name, dict(event.attributes or {})) for event in span.events] == [
        ("tachyon.retry", {"http.response.status_code": 503, "tachyon.attempt": number, "tachyon.delay": 0})
        for number in (1, 2)
    ]
    parents = [(request.get("traceparent") or "").split("-")[2] for request in server.requests]
    assert span.context is not None and parents == [f"{span.context.span_id:016x}"] * 3


def test_a_lost_connection(telemetry: Telemetry) -> None:
    with RawServer([[CLOSE]]) as server, chat(server.url, retries=0) as api, pytest.raises(ApiException):
        ask(telemetry.api(api))
    assert telemetry.attributes()["error.type"] == "tachyon_sdk.exceptions.ConnectionException"
    assert "http.response.status_code" not in telemetry.attributes()


def test_an_attempt_that_another_hook_refuses(telemetry: Telemetry) -> None:
    class Refuse(Hook):
        def before_attempt(self, attempt: Attempt) -> None:
            raise RuntimeError("no")

    with RawServer([]) as server, chat(server.url) as api:
        with pytest.raises(RuntimeError):
            ask(telemetry.api(api, Refuse()))
        with pytest.raises(RuntimeError):
            ask(ChatApi(api.api_client.with_options(hooks=[Refuse(), telemetry.hook])))
    assert [(span.attributes or {})["error.type"] for span in telemetry.exporter.get_finished_spans()] == [
        "RuntimeError"
    ] * 2


def test_operations_of_chatrooms_and_models(telemetry: Telemetry) -> None:
    with RawServer([METERED, json_response({"models": []})]) as server, chat(server.url) as api:
        telemetry.api(api).chat_completion_on_chatroom("room 1", chat_completion_request=BODY)
        ModelsApi(api.api_client.with_options(hooks=[telemetry.hook])).get_models()
    in_room, listing = telemetry.exporter.get_finished_spans()
    assert in_room.name == "chat" and (in_room.attributes or {})["gen_ai.conversation.id"] == "room 1"
    assert (listing.name, listing.kind) == ("get_models", trace.SpanKind.CLIENT)
    assert dict(listing.attributes or {}) == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "server.address": "127.0.0.1",
        "server.port": server.port,
    }


def test_content_is_recorded_on_request(telemetry: Telemetry) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    asked = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": [{"type": "text", "text": SECRET_TEXT}, image]},
        {"role": "assistant", "tool_calls": [asked]},
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
    ]
    hook = OpenTelemetryHook(telemetry.tracers, telemetry.meters, record_content=True)
    with RawServer([STREAM]) as server, chat(server.url) as api:
        view = ChatApi(api.api_client.with_options(hooks=[hook]))
        view.chat_completion_stream(chat_completion_request={"messages": messages}).collect()
    attributes = telemetry.attributes()
    assert json.loads(attributes["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": SECRET_TEXT}, {"type": "image_url"}]},
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "id": "c1", "name": "f", "arguments": "{}"}],
        },
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "rain"}]},
    ]
    assert json.loads(attributes["gen_ai.output.messages"]) == [
        {
            "role": "assistant",
            "parts": [{"type": "text", "content": "onetwothree"}],
            "finish_reason": "stop",
        }
    ]


def test_the_span_is_below_that_of_the_caller_and_without_a_provider_nothing_happens(
    telemetry: Telemetry,
) -> None:
    with RawServer([ANSWER, ANSWER]) as server, chat(server.url) as api:
        with telemetry.tracers.get_tracer("program").start_as_current_span("work") as work:
            ask(telemetry.api(api))
        copy = pickle.loads(pickle.dumps(OpenTelemetryHook(record_content=True)))
        assert copy.record_content and ask(ChatApi(api.api_client.with_options(hooks=[copy]))) == "Hello"
        assert server.requests[1].get("traceparent") is None
    inner, outer = telemetry.exporter.get_finished_spans()
    assert outer.name == "work" and inner.parent is not None
    assert inner.parent.span_id == work.get_span_context().span_id


def test_nothing_is_imported_unless_used() -> None:
    code = (
        "import sys, tachyon_sdk; tachyon_sdk.ApiClient(tachyon_sdk.Configuration(), hooks=[tachyon_sdk.UsageMeter()]);"
        "assert not any(name.startswith('opentelemetry') for name in sys.modules);"
        "sys.modules['opentelemetry'] = None\n"
        "try: import tachyon_sdk.observe.otel\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("OpenTelemetryHook needs the extra 'otel' of tachyon-chat-sdk")
