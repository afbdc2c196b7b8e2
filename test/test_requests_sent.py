"""The requests that calls send: URL, headers, credentials and body; and what is refused before sending."""

from __future__ import annotations

import collections
import copy
import itertools
import json
import math
import types
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from pydantic import ValidationError

import tachyon_sdk
from support.calls import (
    PLAIN_PATH,
    QUESTION,
    ROOM_PATH,
    SECRET,
    answer,
    ask,
    chat,
    chunk,
    open_clients,
    refused,
    sent_by,
)
from support.raw_server import (
    RawServer,
    json_response,
    stream_response,
)
from tachyon_sdk import (
    ApiClient,
    ApiTypeError,
    ApiValueError,
    ChatApi,
    ChatCompletionRequest,
    Configuration,
    ContentPart,
    ImageUrlPart,
    Message,
    MessageContent,
)


@pytest.fixture(autouse=True)
def _connections_are_closed() -> Iterator[None]:
    yield
    while open_clients:
        open_clients.pop().close()


# The request line


def test_a_call_sends_one_post_to_its_path() -> None:
    request = sent_by(ask)
    assert (request.method, request.target) == ("POST", PLAIN_PATH)


@pytest.mark.parametrize(
    ("room", "segment"),
    [
        ("room-1", "room-1"),
        ("a b", "a%20b"),
        ("a/b", "a%2Fb"),
        ("a/../b", "a%2F..%2Fb"),
        ("日本語", "%E6%97%A5%E6%9C%AC%E8%AA%9E"),
        ("100%", "100%25"),
        ("%2e%2e", "%252e%252e"),
        ("a?b=c#d", "a%3Fb%3Dc%23d"),
        ("...", "..."),
    ],
)
def test_a_chatroom_id_is_one_segment_of_the_path(room: str, segment: str) -> None:
    request = sent_by(lambda api: api.chat_completion_on_chatroom(room, chat_completion_request=QUESTION))
    assert request.target == ROOM_PATH.format(segment)


@pytest.mark.parametrize("room", ["", ".", "..", None, b"room", True])
@pytest.mark.parametrize("form", ["", "_with_http_info", "_without_preload_content", "_stream"])
def test_a_chatroom_id_that_would_lead_elsewhere_is_refused(room: Any, form: str) -> None:
    def call(api: ChatApi) -> None:
        getattr(api, f"chat_completion_on_chatroom{form}")(room, chat_completion_request=QUESTION)

    error = refused(call, ApiValueError, ApiTypeError)
    assert "chatroom_id" in str(error)


def test_characters_may_be_left_unescaped_in_paths() -> None:
    request = sent_by(
        lambda api: api.chat_completion_on_chatroom("a:b/c", chat_completion_request=QUESTION),
        safe_chars_for_path_param=":/",
    )
    assert request.target == ROOM_PATH.format("a:b/c")


@pytest.mark.parametrize("path", ["", "/", "/base", "/base/", "/a/b//"])
def test_a_host_may_have_a_path_and_slashes_at_its_end(path: str) -> None:
    with RawServer([answer()]) as server:
        ask(chat(server.url + path))
    assert server.requests[0].target == path.rstrip("/") + PLAIN_PATH


def test_the_host_may_be_changed_between_calls() -> None:
    with RawServer([answer("one")]) as one, RawServer([answer("two")]) as two:
        api = chat(one)
        texts = [ask(api).choices[0].delta.content]
        api.api_client.configuration.host = f"{two.url}/base"
        texts.append(ask(api).choices[0].delta.content)
    assert texts == ["one", "two"]
    assert two.requests[0].target == f"/base{PLAIN_PATH}"


class OtherServers(Configuration):
    """A configuration whose contract names other servers, which is how a test can listen on one."""

    urls: list[str]

    def get_host_settings(self) -> Any:
        return [{"url": url, "description": ""} for url in self.urls]


def test_host_index_names_one_of_the_contracts_servers() -> None:
    with RawServer([answer("first")]) as first, RawServer([answer("second")]) as second:
        configuration = OtherServers(host=first.url, operator_id="tn_test", access_token=SECRET, retries=0)
        configuration.urls = ["http://unused.invalid", second.url]
        api = ChatApi(ApiClient(configuration))
        assert ask(api, _host_index=0).choices[0].delta.content == "first"  # the configured host
        assert ask(api, _host_index=1).choices[0].delta.content == "second"


@pytest.mark.parametrize("index", [-1, 3, 99, "1", 1.0])
def test_a_host_index_that_names_no_server_is_refused(index: Any) -> None:
    refused(lambda api: ask(api, _host_index=index), ApiValueError, ApiTypeError)


# Headers


def test_the_headers_of_a_call() -> None:
    request = sent_by(ask)
    assert {name.lower(): value for name, value in request.headers} == {
        "host": request.get("Host"),
        "accept-encoding": "identity",
        "content-length": str(len(request.body)),
        "content-type": "application/json",
        "accept": request.get("Accept"),
        "user-agent": request.get("User-Agent"),
        "x-operator-id": "tn_test",
        "authorization": f"Bearer {SECRET}",
    }
    assert {part.strip() for part in (request.get("Accept") or "").split(",")} == {
        "application/json",
        "text/event-stream",
    }
    assert (request.get("User-Agent") or "").startswith(f"tachyon-chat-sdk/{tachyon_sdk.__version__}")


def test_each_place_of_a_header_wins_over_the_one_before() -> None:
    layers: list[Callable[[ApiClient, dict[str, Any]], object]] = [
        lambda client, arguments: client.set_default_header("AUTHORIZATION", "default"),
        lambda client, arguments: arguments.update(_headers={"authorization": "headers"}),
        lambda client, arguments: arguments.update(authorization="explicit"),
        lambda client, arguments: arguments.update(
            _request_auth={"in": "header", "type": "api_key", "key": "authoriZation", "value": "auth"}
        ),
    ]
    expected = [f"Bearer {SECRET}", "default", "headers", "explicit", "auth"]
    with RawServer(itertools.repeat(answer())) as server:
        for count in range(len(layers) + 1):
            api = chat(server)
            arguments: dict[str, Any] = {}
            for layer in layers[:count]:
                layer(api.api_client, arguments)
            ask(api, **arguments)
    assert [request.get_all("authorization") for request in server.requests] == [[it] for it in expected]


def test_each_header_is_sent_once_whatever_its_case() -> None:
    def call(api: ChatApi) -> None:
        api.api_client.set_default_header("CONTENT-TYPE", "application/x-one")
        api.api_client.set_default_header("user-AGENT", "mine/1")
        ask(api, _headers={"content-type": "application/x-two", "ACCEPT": "application/x-three"})

    request = sent_by(call)
    names = [name.lower() for name, _ in request.headers]
    assert len(names) == len(set(names))
    assert request.get("Content-Type") == "application/x-two"
    assert request.get("Accept") == "application/x-three"
    assert request.get("User-Agent") == "mine/1"


def test_content_type_wins_over_every_other_place() -> None:
    request = sent_by(lambda api: ask(api, _content_type="application/x-a", _headers={"content-type": "x/y"}))
    assert request.get_all("Content-Type") == ["application/x-a"]
    assert request.json() == QUESTION


def test_headers_of_the_client() -> None:
    with RawServer(itertools.repeat(answer())) as server:
        configuration = Configuration(host=server.url, operator_id="tn_test", access_token=SECRET, retries=0)
        one = ApiClient(configuration, header_name="X-One", header_value="1", cookie="a=1")
        one.set_default_header("X-Two", "2")
        one.default_headers["X-Three"] = "3"
        one.user_agent = "mine/2"
        ask(ChatApi(one))
        one.user_agent = "mine/3"
        one.cookie = None
        ask(ChatApi(one))
    first, second = server.requests
    assert [first.get(name) for name in ("X-One", "X-Two", "X-Three", "Cookie", "User-Agent")] == [
        "1",
        "2",
        "3",
        "a=1",
        "mine/2",
    ]
    assert (second.get("Cookie"), second.get("User-Agent"), one.user_agent) == (None, "mine/3", "mine/3")


def test_a_user_agent_that_was_removed_is_empty() -> None:
    one = ApiClient(Configuration())
    del one.default_headers["User-Agent"]
    assert one.user_agent == ""
    one.set_default_header("user-agent", None)
    assert one.user_agent == ""
    one.user_agent = "mine/1"
    assert (one.user_agent, list(one.default_headers)) == ("mine/1", ["User-Agent"])
    with RawServer([answer()]) as server:
        api = chat(server)
        api.api_client.default_headers.clear()
        ask(api)
    assert (server.requests[0].get("User-Agent") or "").startswith("python-urllib3/")


class _Changing(str):
    """The name of a header whose client gets another one whenever it is looked at, as from another thread."""

    headers: dict[str, str]

    def lower(self) -> str:
        self.headers[f"X-{len(self.headers)}"] = "1"
        return super().lower()


def test_default_headers_may_be_changed_while_a_request_is_built() -> None:
    def call(api: ChatApi) -> None:
        headers = api.api_client.default_headers
        name = _Changing("X-Changing")
        name.headers = headers
        headers[name] = "1"
        assert api.api_client.user_agent
        api.api_client.set_default_header("X-One", "1")
        api.api_client.cookie = "a=1"
        ask(api)
        assert len(headers) > 5

    assert sent_by(call).get("X-One") == "1"


def test_a_default_header_is_replaced_without_a_moment_in_which_there_is_none() -> None:
    class Watched(dict[str, str]):
        def pop(self, name: str, default: Any = None) -> Any:
            seen.append(dict(self))
            return super().pop(name, default)

    seen: list[dict[str, str]] = []
    one = ApiClient(Configuration())
    one.default_headers = Watched({"AUTHORIZATION": "Bearer a", "X": "1", "authorization": "Bearer b"})
    one.set_default_header("Authorization", "Bearer c")
    assert one.default_headers == {"X": "1", "Authorization": "Bearer c"}
    assert len(seen) == 2 and all(headers["Authorization"] == "Bearer c" for headers in seen)


def test_headers_of_one_call_are_gone_with_it() -> None:
    headers = {"X-Once": "1"}
    with RawServer(itertools.repeat(answer())) as server:
        api = chat(server)
        ask(api, _headers=headers)
        ask(api)
    assert [request.get("X-Once") for request in server.requests] == ["1", None]
    assert headers == {"X-Once": "1"}


def test_none_takes_a_header_away() -> None:
    assert sent_by(lambda api: ask(api, _headers={"accept": None})).get("Accept") is None


@pytest.mark.parametrize(
    ("auth", "cookie", "target"),
    [
        ({"in": "header", "key": "X-Key", "value": "v"}, None, PLAIN_PATH),
        ({"in": "cookie", "key": "sid", "value": "v"}, "sid=v", PLAIN_PATH),
        ({"in": "cookie", "key": "", "value": "sid=w"}, "sid=w", PLAIN_PATH),
        ({"in": "query", "key": "key", "value": "v w&"}, None, f"{PLAIN_PATH}?key=v+w%26"),
    ],
)
def test_request_auth_goes_where_it_says(auth: dict[str, str], cookie: str | None, target: str) -> None:
    request = sent_by(lambda api: ask(api, _request_auth={"type": "api_key", **auth}))
    assert request.get("X-Key") == ("v" if auth["in"] == "header" else None)
    assert (request.get("Cookie"), request.target) == (cookie, target)


@pytest.mark.parametrize(
    "auth",
    [
        {"in": "body", "key": "k", "value": SECRET},
        {"in": "header", "key": "k"},
        {"key": "k", "value": SECRET},
        {"in": "header", "key": "a b", "value": SECRET},
        {"in": "header", "key": "k", "value": f"{SECRET}\n"},
        f"Bearer {SECRET}",
        ["in", "key", "value"],
    ],
)
def test_a_request_auth_that_cannot_be_used_is_refused(auth: Any) -> None:
    error = refused(lambda api: ask(api, _request_auth=auth), ApiValueError, ApiTypeError)
    assert SECRET not in str(error)


@pytest.mark.parametrize("headers", ["X: 1", [("X", "1")], {"X": b"1"}, {5: "1"}, {"X Y": "1"}])
def test_headers_that_cannot_be_used_are_refused(headers: Any) -> None:
    refused(lambda api: ask(api, _headers=headers), ApiValueError, ApiTypeError)


def test_a_length_that_the_body_does_not_have_is_not_sent() -> None:
    # Sent as it is, it would make the rest of the body the beginning of another request.
    request = sent_by(lambda api: ask(api, _headers={"content-length": "3"}))
    assert request.get_all("Content-Length") == [str(len(json.dumps(QUESTION, separators=(",", ":"))))]


@pytest.mark.parametrize("bad", ["\r\nX-Injected: 1", "\n", "\r", "\0", "あ"])
@pytest.mark.parametrize(
    "place", ["authorization", "x_operator_id", "_headers", "_request_auth", "_content_type"]
)
def test_what_no_header_can_carry_is_refused_and_not_shown(place: str, bad: str) -> None:
    value: Any = SECRET + bad
    if place == "_headers":
        value = {"X-Key": value}
    elif place == "_request_auth":
        value = {"in": "header", "type": "api_key", "key": "X-Key", "value": value}
    error = refused(lambda api: ask(api, **{place: value}), ApiValueError)
    assert SECRET not in f"{error} {error!r}"
    assert error.__cause__ is None and error.__context__ is None


@pytest.mark.parametrize("bad", ["\r\nX-Injected: 1", "\n", "あ"])
def test_a_header_of_the_client_is_checked_when_it_is_set(bad: str) -> None:
    one = ApiClient(Configuration())
    with pytest.raises(ApiValueError) as caught:
        one.set_default_header("X-Key", SECRET + bad)
    assert SECRET not in str(caught.value)
    with pytest.raises(ApiValueError):
        ApiClient(Configuration(), "X-Key", SECRET + bad)
    with pytest.raises(ApiValueError):
        one.user_agent = f"a{bad}"
    assert set(one.default_headers) == {"User-Agent"}


def test_a_header_or_cookie_that_was_set_past_the_check_is_refused_in_the_call() -> None:
    def with_header(api: ChatApi) -> None:
        api.api_client.default_headers["X-Key"] = f"{SECRET}\r\nX-Injected: 1"
        ask(api)

    def with_cookie(api: ChatApi) -> None:
        api.api_client.cookie = f"{SECRET}\r\nX-Injected: 1"
        ask(api)

    for call in (with_header, with_cookie):
        assert SECRET not in str(refused(call, ApiValueError))


# Credentials


def test_credentials_of_the_configuration_and_of_the_call() -> None:
    with RawServer(itertools.repeat(answer())) as server:
        api = chat(server)
        ask(api)
        ask(api, x_operator_id="tn_other")
        ask(api, authorization="Token other")
        api.chat_completion("tn_a", "Bearer b", QUESTION)  # type: ignore[arg-type]
        api.chat_completion_on_chatroom("r", "tn_c", "Bearer d", QUESTION)  # type: ignore[arg-type]
        api.api_client.configuration.access_token = "later"
        ask(api)
    assert [(it.get("x-operator-id"), it.get("authorization")) for it in server.requests] == [
        ("tn_test", f"Bearer {SECRET}"),
        ("tn_other", f"Bearer {SECRET}"),
        ("tn_test", "Token other"),
        ("tn_a", "Bearer b"),
        ("tn_c", "Bearer d"),
        ("tn_test", "Bearer later"),
    ]


def test_everything_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer([answer()]) as server:
        monkeypatch.setenv("TACHYON_API_URL", f"{server.url}/env/")
        monkeypatch.setenv("TACHYON_API_KEY", "from-env")
        monkeypatch.setenv("TACHYON_OPERATOR_ID", "tn_env")
        ask(ChatApi(ApiClient(Configuration())))
    (request,) = server.requests
    assert request.target == f"/env{PLAIN_PATH}"
    assert (request.get("x-operator-id"), request.get("authorization")) == ("tn_env", "Bearer from-env")


def test_the_hook_that_renews_credentials_is_called_for_each_call() -> None:
    tokens = iter(["one", "two"])

    def renew(configuration: Configuration) -> None:
        configuration.access_token = next(tokens)

    with RawServer(itertools.repeat(answer())) as server:
        api = chat(server)
        api.api_client.configuration.refresh_api_key_hook = renew
        ask(api)
        ask(api)
    assert [it.get("authorization") for it in server.requests] == ["Bearer one", "Bearer two"]


@pytest.mark.parametrize(
    ("missing", "argument", "variable"),
    [
        ("operator_id", "x_operator_id", "TACHYON_OPERATOR_ID"),
        ("access_token", "authorization", "TACHYON_API_KEY"),
    ],
)
def test_a_missing_credential_is_an_error_that_names_argument_setting_and_variable(
    missing: str, argument: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = refused(ask, ApiValueError, **{missing: None})
    assert argument in str(error) and f"Configuration({missing}=" in str(error) and variable in str(error)
    monkeypatch.setenv(variable, "from-the-environment")  # what the message says helps
    assert sent_by(ask, **{missing: None})


def test_a_credential_may_come_from_any_place_of_a_header() -> None:
    def by_default(api: ChatApi) -> None:
        api.api_client.set_default_header("authorization", "Bearer a")
        ask(api)

    def by_headers(api: ChatApi) -> None:
        ask(api, _headers={"AUTHORIZATION": "Bearer a"})

    def by_auth(api: ChatApi) -> None:
        auth = {"in": "header", "type": "bearer", "key": "Authorization", "value": "Bearer a"}
        ask(api, _request_auth=auth)

    for call in (by_default, by_headers, by_auth):
        assert sent_by(call, access_token=None).get("authorization") == "Bearer a"


# The body


@pytest.mark.parametrize(
    "body",
    [
        {"messages": []},
        {"messages": [{"role": "user"}]},
        {"messages": [{"role": "user", "content": None}], "model": None, "temperature": None},
        {"messages": [{"role": "user", "content": "a"}], "temperature": 0, "top_p": 1.0, "n": 1},
        {"messages": [{"role": "user", "content": "a", "name": "x"}], "seed": 7, "deep": {"a": [None, {}]}},
        {"messages": [{"role": "tool", "tool_call_id": "t", "content": ""}], "stream": False},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}], "tool_choice": "auto"},
        {"messages": [{"role": "user", "content": "NaN and Infinity are only words here"}]},
    ],
)
@pytest.mark.parametrize("given", ["dict", "model", "json"])
def test_the_body_is_what_was_set_and_nothing_else(body: dict[str, Any], given: str) -> None:
    request: Any = body
    if given == "model":
        request = ChatCompletionRequest(**copy.deepcopy(body))
    elif given == "json":
        request = ChatCompletionRequest.from_json(json.dumps(body))
    assert sent_by(lambda api: ask(api, request)).json() == body


def test_the_body_of_models() -> None:
    parts = [ContentPart(type="image_url", image_url=ImageUrlPart(url="https://x/y.png"))]
    request = ChatCompletionRequest(messages=[Message(role="user", content=MessageContent("Hi"))])
    request.messages.append(Message(role="user", content=parts))
    request.model = "small"
    assert sent_by(lambda api: ask(api, request)).json() == {
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]},
        ],
        "model": "small",
    }


def test_a_field_that_a_subclass_adds_is_sent() -> None:
    class NamedMessage(Message):
        name: str

    request = ChatCompletionRequest(messages=[NamedMessage(role="user", content="Hi", name="Kim")])
    assert sent_by(lambda api: ask(api, request)).json() == {
        "messages": [{"role": "user", "content": "Hi", "name": "Kim"}]
    }


@pytest.mark.parametrize(
    "mapping", [dict, types.MappingProxyType, collections.UserDict, collections.OrderedDict]
)
def test_a_mapping_is_accepted_and_not_changed(mapping: Callable[[Any], Mapping[str, Any]]) -> None:
    body = {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}], "extra": {"b": [1]}}
    before = copy.deepcopy(body)
    assert sent_by(lambda api: ask(api, mapping(body))).json() == before
    sent = sent_by(
        lambda api: api.chat_completion_stream(chat_completion_request=mapping(body)).collect(),
        iter([stream_response(chunk("Hi", "stop"), "[DONE]")]),
    )
    assert sent.json() == {**before, "stream": True}
    assert body == before


@pytest.mark.parametrize("stream", [None, False, True, "absent"])
def test_a_streamed_call_sends_stream_true_and_leaves_the_model_alone(stream: Any) -> None:
    settings = {} if stream == "absent" else {"stream": stream}
    request = ChatCompletionRequest(messages=[Message(role="user", content="Hello")], **settings)
    before = request.to_dict()
    sent = sent_by(
        lambda api: api.chat_completion_stream(chat_completion_request=request).collect(),
        iter([stream_response(chunk("Hi", "stop"), "[DONE]")]),
    )
    assert sent.json() == {**QUESTION, "stream": True}
    assert request.to_dict() == before
    assert sent_by(lambda api: ask(api, request)).json() == before


def test_a_request_may_be_built_empty_and_filled_in() -> None:
    request = ChatCompletionRequest()
    request.messages.append(Message(role="user", content="Hello"))
    assert sent_by(lambda api: ask(api, request)).json() == QUESTION
    request.messages = []
    assert sent_by(lambda api: ask(api, request)).json() == {"messages": []}


@pytest.mark.parametrize(
    "request_", [ChatCompletionRequest(), ChatCompletionRequest(model="small"), {}, {"n": 1}]
)
@pytest.mark.parametrize("form", ["", "_with_http_info", "_without_preload_content", "_stream"])
def test_a_request_that_was_never_filled_in_is_refused(request_: Any, form: str) -> None:
    def call(api: ChatApi) -> None:
        getattr(api, f"chat_completion{form}")(chat_completion_request=request_)

    assert "messages" in str(refused(call, ApiValueError))


@pytest.mark.parametrize("request_", [[], "Hello", b"{}", 5, Message(role="user"), ChatCompletionRequest])
def test_a_body_of_another_type_is_refused(request_: Any) -> None:
    error = refused(lambda api: ask(api, request_), ApiTypeError)
    assert "chat_completion_request" in str(error) and "ChatCompletionRequest" in str(error)


def test_a_missing_body_is_refused() -> None:
    assert "chat_completion_request" in str(refused(lambda api: ask(api, None), ApiValueError))


def test_a_dict_that_was_appended_to_the_messages_is_sent_like_a_model() -> None:
    request = ChatCompletionRequest(messages=[{"role": "user", "content": "Hello"}])  # type: ignore[list-item]
    request.messages.append({"role": "user", "content": "again", "name": "x"})  # type: ignore[arg-type]
    expected = [*QUESTION["messages"], {"role": "user", "content": "again", "name": "x"}]
    assert sent_by(lambda api: ask(api, request)).json() == {"messages": expected}


def test_the_message_of_an_answer_may_be_appended() -> None:
    call = {"index": 0, "id": "t1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    said = {"role": "assistant", "content": "Hi", "refusal": "no", "tool_calls": [call], "reasoning": "hm"}
    first = json_response({"choices": [{"index": 0, "message": said, "finish_reason": "tool_calls"}]})
    with RawServer([first, answer()]) as server:
        api = chat(server)
        request = ChatCompletionRequest(messages=[Message(role="user", content="Hello")])
        request.messages.append(ask(api, request).choices[0].delta)  # type: ignore[arg-type]
        ask(api, request)
    assert server.requests[1].json() == {"messages": [*QUESTION["messages"], said]}


@pytest.mark.parametrize(
    "message", [{"role": 1}, {"content": "x"}, "Hello", 5, ["role"], None, ContentPart(type="text")]
)
def test_what_was_appended_and_is_no_message_is_refused(message: Any) -> None:
    def call(api: ChatApi) -> None:
        request = ChatCompletionRequest(messages=[Message(role="user", content="Hello")])
        request.messages.append(message)
        ask(api, request)

    error = refused(call, ValidationError, ApiValueError)
    assert "messages" in str(error)


@pytest.mark.parametrize("body", [{"messages": None}, {"messages": "Hi"}, {**QUESTION, "temperature": 3}])
def test_a_dict_that_does_not_fit_is_refused(body: Any) -> None:
    refused(lambda api: ask(api, body), ValidationError)


def cycle() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["itself"] = [value]
    return value


def deep() -> list[Any]:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        {"a": [1, math.nan]},
        "\ud800",
        {"\udfff": 1},
        object(),
        len,
        b"\xff",
        pytest.param(cycle(), id="cycle"),
        pytest.param(deep(), id="deep"),
    ],
)
@pytest.mark.parametrize("given", ["dict", "model"])
def test_what_json_cannot_say_is_refused(value: Any, given: str) -> None:
    body: Any = {**QUESTION, "extra": value}
    request = body if given == "dict" else ChatCompletionRequest(**body)
    error = refused(lambda api: ask(api, request), ApiValueError)
    assert "chat_completion_request" in str(error)


def test_text_that_utf_8_cannot_carry_is_refused() -> None:
    body = {"messages": [{"role": "user", "content": "a\ud800"}]}
    refused(lambda api: ask(api, body), ApiValueError, ValidationError)


def test_a_body_is_utf_8() -> None:
    text = "𠮷野家で🍜を食べた。" * 100_000
    request = sent_by(lambda api: ask(api, {"messages": [{"role": "user", "content": text}]}))
    assert text.encode() in request.body
    assert request.json() == {"messages": [{"role": "user", "content": text}]}
