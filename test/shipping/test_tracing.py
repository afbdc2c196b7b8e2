"""OpenTelemetry's instrumentation of urllib3 sees each attempt of a call, with no code of this package for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.urllib3 import URLLib3Instrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from support.chat import ANSWER, BODY, OPERATOR, STREAM, TOKEN, ask, chat
from support.raw_server import RawServer, closed_port, json_response
from tachyon_sdk import ChatApi, ConnectionException, NotFoundException
from tachyon_sdk.observe.otel import OpenTelemetryHook

PATH = "/v1/llms/chat/completions"


@pytest.fixture
def provider() -> TracerProvider:
    return TracerProvider()


@pytest.fixture
def exporter(provider: TracerProvider) -> Iterator[InMemorySpanExporter]:
    """What is exported while the test runs, and before it ends: nothing in it may give a secret away."""
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    URLLib3Instrumentor().instrument(tracer_provider=provider)
    try:
        yield exporter
    finally:
        URLLib3Instrumentor().uninstrument()
    exported = "".join(span.to_json() for span in exporter.get_finished_spans())
    assert exported and TOKEN not in exported and OPERATOR not in exported


def told(span: ReadableSpan) -> tuple[Any, ...]:
    """Name, kind, method, URL, status and whether it is an error."""
    said = span.attributes or {}
    described = (said["http.method"], said["http.url"], said.get("http.status_code"))
    return (span.name, span.kind, *described, span.status.is_ok)


def call(url: str, status: int | None, ok: bool = True) -> tuple[Any, ...]:
    return ("POST", trace.SpanKind.CLIENT, "POST", f"{url}{PATH}", status, ok)


def test_a_plain_call_has_a_span(exporter: InMemorySpanExporter) -> None:
    with RawServer([ANSWER, ANSWER]) as server, chat(server.url) as api:
        ask(api)
        ask(api)
        assert [told(span) for span in exporter.get_finished_spans()] == [call(server.url, 200)] * 2


def test_a_stream_has_a_span_that_ends_where_the_answer_begins(exporter: InMemorySpanExporter) -> None:
    with RawServer([STREAM]) as server, chat(server.url) as api:
        with api.chat_completion_stream(chat_completion_request=BODY) as stream:
            (span,) = exporter.get_finished_spans()
            assert told(span) == call(server.url, 200)
            assert stream.collect().text == "onetwothree"
        assert exporter.get_finished_spans() == (span,)


def test_each_attempt_has_a_span_below_that_of_the_caller(
    exporter: InMemorySpanExporter, provider: TracerProvider
) -> None:
    busy = json_response({"message": "overloaded"}, 503)
    with RawServer([busy, busy, ANSWER]) as server, chat(server.url) as api:
        with provider.get_tracer("program").start_as_current_span("work") as work:
            ask(api)
        *attempts, last = exporter.get_finished_spans()
        assert [told(span) for span in attempts] == [
            call(server.url, 503, ok=False),
            call(server.url, 503, ok=False),
            call(server.url, 200),
        ]
        assert last.name == "work"
        assert {span.parent and span.parent.span_id for span in attempts} == {work.get_span_context().span_id}
        # The server can go on with the trace (W3C Trace Context); the last part are flags.
        sent = [(request.get("traceparent") or "").rpartition("-")[0] for request in server.requests]
        contexts = [span.get_span_context() for span in attempts]
        assert sent == [f"00-{context.trace_id:032x}-{context.span_id:016x}" for context in contexts]


def test_the_span_of_a_failure_has_its_status_or_error(exporter: InMemorySpanExporter) -> None:
    nowhere = f"http://127.0.0.1:{closed_port()}"
    with RawServer([json_response({"message": "no such room"}, 404)]) as server:
        with chat(server.url) as api, pytest.raises(NotFoundException):
            ask(api)
        with chat(nowhere, retries=0) as api, pytest.raises(ConnectionException):
            ask(api)
        refused, unreachable = exporter.get_finished_spans()
        assert told(refused) == call(server.url, 404, ok=False)
    assert told(unreachable) == call(nowhere, None, ok=False)
    assert [event.name for event in unreachable.events] == ["exception"]


def test_a_call_through_a_proxy_has_one_span(exporter: InMemorySpanExporter) -> None:
    with RawServer([ANSWER]) as server:
        proxy = f"http://user:{TOKEN}@127.0.0.1:{server.port}"
        with chat("http://chat.invalid", proxy=proxy) as api:
            ask(api)
        assert server.requests[0].target == f"http://chat.invalid{PATH}"
    assert [told(span) for span in exporter.get_finished_spans()] == [call("http://chat.invalid", 200)]


def test_the_spans_of_attempts_are_below_that_of_the_call(
    exporter: InMemorySpanExporter, provider: TracerProvider
) -> None:
    busy = json_response({"message": "overloaded"}, 503)
    with RawServer([busy, ANSWER]) as server, chat(server.url) as api:
        ask(ChatApi(api.api_client.with_options(hooks=[OpenTelemetryHook(provider)])))
        *attempts, call_span = exporter.get_finished_spans()
        assert [span.name for span in (*attempts, call_span)] == ["POST", "POST", "chat"]
        outer = call_span.get_span_context()
        assert {span.parent and span.parent.span_id for span in attempts} == {outer.span_id}
        # The innermost span is the parent of that of the server.
        for request, span in zip(server.requests, attempts, strict=True):
            (sent,) = request.get_all("traceparent")
            context = span.get_span_context()
            assert sent.startswith(f"00-{context.trace_id:032x}-{context.span_id:016x}-")
