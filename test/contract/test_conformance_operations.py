"""The API classes and their pages against `openapi.yaml`: by introspection, and by the requests that are sent."""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_type_hints

import pytest
import urllib3
from typing_extensions import Unpack

import tachyon_sdk
import tachyon_sdk.api
from support.contract import (
    ROOT,
    SPEC,
    Node,
    attribute,
    example,
    module_name,
    operations,
    reference,
    resolved,
    success,
)
from support.raw_server import RawServer, json_response, stream_response
from tachyon_sdk import ApiClient, ApiResponse, ApiValueError, Configuration, Stream
from tachyon_sdk._contract.operation import NoMore, Operation, RequestTimeout
from tachyon_sdk.api_client import RawResponse

pytestmark = pytest.mark.exhaustive

OPERATIONS = {operation["operationId"]: (path, method, operation) for path, method, operation in operations()}
SUFFIXES = ["", "_with_http_info", "_without_preload_content", "_stream"]
METHODS = [
    (operation_id, suffix)
    for operation_id in OPERATIONS
    for suffix in SUFFIXES
    if suffix != "_stream" or OPERATIONS[operation_id][2].get("x-streaming")
]
TRAILING = {
    "_request_timeout": (RequestTimeout, None),
    "_request_auth": (Mapping[str, Any] | None, None),
    "_content_type": (str | None, None),
    "_headers": (Mapping[str, str] | None, None),
    "_host_index": (int, 0),
}
# Those that clients of OpenAPI Generator do not have can only be named.
NAMED_ONLY = {
    "_deadline": float | None,
    "_retries": int | tachyon_sdk.RetryPolicy | None,
    "_cancellation": tachyon_sdk.Cancellation | None,
}
PYTHON_TYPES = {"string": str, "integer": int, "number": float, "boolean": bool}


def python_type(schema: Node) -> Any:
    """The type of an argument."""
    if name := reference(schema):
        return getattr(tachyon_sdk, name) | str
    if schema["type"] == "array":
        return Sequence[python_type(schema["items"])]  # type: ignore[misc]
    return PYTHON_TYPES[schema["type"]]


def doc_type(schema: Node) -> str:
    """The same for a page."""
    if schema.get("type") == "array":
        return f"List[{doc_type(schema['items'])}]"
    return reference(schema) or PYTHON_TYPES[schema["type"]].__name__


def in_query(parameter: Node, value: Any) -> list[str]:
    """The pairs that a query parameter becomes."""
    values = value if isinstance(value, list) else [value]
    return [f"{parameter['name']}={json.dumps(each) if isinstance(each, bool) else each}" for each in values]


class Contract:
    """An operation of the document in Python's terms."""

    def __init__(self, operation_id: str) -> None:
        self.path, self.method, self.node = OPERATIONS[operation_id]
        parameters = [resolved(node) for node in self.node.get("parameters", [])]
        # In the order of the arguments: required ones first.
        self.parameters = sorted(parameters, key=lambda parameter: not parameter.get("required"))
        # Empty without a body.
        self.body: Node = resolved(self.node.get("requestBody", {"content": {}}))
        self.body_type: Any = None
        self.body_names: list[str] = []
        if self.body["content"]:
            self.body_type = getattr(tachyon_sdk, media_schema(self.body["content"]["application/json"]))
            self.body_names = [module_name(self.body_type.__name__)]
        status, answers = success(self.node)
        self.status = int(status)
        self.media_types = list(answers) or ["application/json"]  # that of the errors
        self.streams = bool(self.node.get("x-streaming"))
        self.answer: str | None = None
        if answers:
            self.answer = media_schema(answers.get("text/event-stream", answers["application/json"]))
        self.answer_type: Any = self.answer and getattr(tachyon_sdk, self.answer)

    @property
    def target(self) -> str:
        """A pattern for the request target."""
        return re.sub(r"{\w+}", "[^/]+", self.path) + r"(\?.*)?"

    @property
    def arguments(self) -> list[str]:
        return [argument_name(parameter["name"]) for parameter in self.parameters] + self.body_names


def media_schema(media: Node) -> str:
    name = reference(media["schema"])
    assert name is not None
    return name


def argument_name(name: str) -> str:
    return attribute(name)


def class_name(operation_id: str) -> str:
    (tag,) = OPERATIONS[operation_id][2]["tags"]
    return f"{tag}Api"


def api_class(operation_id: str) -> Any:
    return getattr(tachyon_sdk, class_name(operation_id))


def described(operation_id: str) -> Operation[Any]:
    """The description that the methods of an operation are built on."""
    module = importlib.import_module(api_class(operation_id).__module__)
    operation = getattr(module, f"_{operation_id}")
    assert isinstance(operation, Operation)
    return operation


def words(text: str | None) -> str:
    return " ".join((text or "").split())


# Classes and methods


def test_there_is_exactly_one_class_per_tag() -> None:
    classes = {f"{tag['name']}Api" for tag in SPEC["tags"]}
    assert set(tachyon_sdk.api.__all__) == classes
    assert {name for name in tachyon_sdk.__all__ if name.endswith("Api")} == classes
    for tag in SPEC["tags"]:
        name = f"{tag['name']}Api"
        api = getattr(tachyon_sdk, name)
        assert api.__module__ == f"tachyon_sdk.api.{module_name(name)}"
        assert getattr(tachyon_sdk.api, name) is api
        assert words(inspect.getdoc(api)).startswith(tag["description"])


def test_there_is_exactly_one_method_per_operation() -> None:
    wanted: dict[str, set[str]] = {}
    for operation_id, suffix in METHODS:
        wanted.setdefault(class_name(operation_id), set()).add(operation_id + suffix)
    for name, methods in wanted.items():
        assert {key for key in vars(getattr(tachyon_sdk, name)) if not key.startswith("_")} == methods


# Descriptions


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_descriptions(operation_id: str) -> None:
    contract, operation = Contract(operation_id), described(operation_id)
    assert operation.operation_id == operation_id
    assert operation.method == contract.method
    assert operation.path == contract.path
    assert operation.accept.split(", ") == contract.media_types
    assert [operation.content_type] == (list(contract.body["content"]) or [None])
    assert [operation.body_name] == (contract.body_names or ["body"])
    assert operation.body_type is contract.body_type
    assert operation.answer_type is contract.answer_type
    assert operation.streams is contract.streams
    assert [parameter[:5] for parameter in operation.parameters] == [
        (
            parameter["name"],
            argument_name(parameter["name"]),
            parameter["in"],
            parameter.get("required", False),
            parameter.get("x-configured-by"),
        )
        for parameter in contract.parameters
    ]


QUERIES = [
    (operation_id, parameter["name"])
    for operation_id, (_, _, node) in OPERATIONS.items()
    for parameter in map(resolved, node.get("parameters", []))
    if parameter["in"] == "query"
]
WRONG_TYPES: dict[str, list[Any]] = {
    "integer": ["ten", "10", True, 1.5, 10.0, [1], b"1", {}],
    "boolean": ["true", 1, 0, [True]],
    "string": [1, True, b"text", ["text"], {}],
    "array": ["text", b"text", 1, {"text": 1}, [1], ["text", None]],
}


def call_with(operation_id: str, name: str, value: Any) -> None:
    """Call the operation with this query parameter; no server listens at the address."""
    contract = Contract(operation_id)
    arguments = {**values_of(contract), argument_name(name): value}
    with ApiClient(Configuration("http://127.0.0.1:1", client_side_validation=False, retries=0)) as client:
        getattr(api_class(operation_id)(client), operation_id)(**arguments)


@pytest.mark.parametrize(("operation_id", "name"), QUERIES)
def test_types_of_query_parameters(operation_id: str, name: str) -> None:
    (parameter,) = [each for each in Contract(operation_id).parameters if each["name"] == name]
    wrong = WRONG_TYPES[parameter["schema"]["type"]]
    for value in wrong:
        with pytest.raises(tachyon_sdk.ApiTypeError, match=rf"^{argument_name(name)}(\[\d\])? must be "):
            call_with(operation_id, name, value)


@pytest.mark.parametrize(("operation_id", "name"), QUERIES)
def test_bounds_of_query_parameters(operation_id: str, name: str) -> None:
    (parameter,) = [each for each in Contract(operation_id).parameters if each["name"] == name]
    schema = parameter["schema"]
    assert schema.keys() <= {"type", "items", "default", "minimum", "maximum"}
    if schema["type"] != "integer":
        return
    for bound, outside in (("minimum", -1), ("maximum", 1)):
        limit = schema.get(bound)
        if limit is None:
            with pytest.raises(tachyon_sdk.ConnectionException):
                call_with(operation_id, name, outside * 10**20)
            continue
        with pytest.raises(tachyon_sdk.ConnectionException):
            call_with(operation_id, name, limit)
        with pytest.raises(
            ApiValueError, match=rf"^{name} must be .* or equal to {limit}, not {limit + outside}$"
        ):
            call_with(operation_id, name, limit + outside)


# Signatures


@pytest.mark.parametrize(("operation_id", "suffix"), METHODS)
def test_signatures(operation_id: str, suffix: str) -> None:
    contract = Contract(operation_id)
    method = getattr(api_class(operation_id), operation_id + suffix)
    parameters = inspect.signature(method).parameters
    *given, others = parameters.values()
    positional, named = given[: -len(NAMED_ONLY)], given[-len(NAMED_ONLY) :]
    assert [parameter.name for parameter in positional] == ["self", *contract.arguments, *TRAILING]
    assert {parameter.kind for parameter in positional} == {inspect.Parameter.POSITIONAL_OR_KEYWORD}
    assert [(each.name, each.kind, each.default) for each in named] == [
        (name, inspect.Parameter.KEYWORD_ONLY, None) for name in NAMED_ONLY
    ]
    # Only for an error that names the right argument: type checkers accept no others.
    assert others.kind is inspect.Parameter.VAR_KEYWORD and others.annotation == Unpack[NoMore]
    assert NoMore.__annotations__ == {}
    hints = get_type_hints(method)
    assert {name: hints[name] for name in NAMED_ONLY} == NAMED_ONLY
    for parameter in contract.parameters:
        name = argument_name(parameter["name"])
        may_be_left_out = not parameter.get("required") or "x-configured-by" in parameter
        kind = python_type(parameter["schema"])
        if "default" in parameter["schema"]:
            assert parameter["required"]
            assert hints[name] == kind
            assert parameters[name].default == parameter["schema"]["default"]
            continue
        assert hints[name] == (kind | None if may_be_left_out else kind)
        assert parameters[name].default is (None if may_be_left_out else inspect.Parameter.empty)
    for name in contract.body_names:
        assert hints[name] == contract.body_type | Mapping[str, Any] | None
        assert parameters[name].default is None
    for name, (kind, default) in TRAILING.items():
        assert hints[name] == kind
        assert parameters[name].default == default
    answer_type = contract.answer_type or type(None)
    assert (
        hints["return"]
        == {
            "": answer_type,
            "_with_http_info": ApiResponse[answer_type],
            "_without_preload_content": RawResponse,
            "_stream": Stream[answer_type],
        }[suffix]
    )


@pytest.mark.parametrize(("operation_id", "suffix"), METHODS)
def test_docstrings(operation_id: str, suffix: str) -> None:
    contract = Contract(operation_id)
    doc = words(inspect.getdoc(getattr(api_class(operation_id), operation_id + suffix)))
    assert "Returns:" in doc
    if suffix:  # the arguments are described once
        assert doc.startswith(f"`{operation_id}`, ")
        assert f"Same arguments and errors as `{operation_id}`" in doc
        assert "Args:" not in doc
        return
    assert doc.startswith(contract.node["summary"])
    assert words(contract.node["description"]) in doc
    for parameter in contract.parameters:
        assert f" {argument_name(parameter['name'])}: {words(parameter['description'])} " in doc
    for name in contract.body_names:
        assert f" {name}: {words(contract.body['description'])} " in doc
    places = [doc.index(f" {name}: ") for name in [*contract.arguments, *TRAILING]]
    assert places == sorted(places)
    assert "Raises:" in doc


# Requests


@pytest.fixture
def server() -> Iterator[RawServer]:
    with RawServer(handler=answer) as server:
        yield server


def answer(connection: Any) -> None:
    while True:
        request = connection.read_request()
        contract = next(
            contract
            for contract in map(Contract, OPERATIONS)
            if contract.method == request.method and re.fullmatch(contract.target, request.target)
        )
        if contract.answer is None:
            connection.send(b"HTTP/1.1 %d \r\n\r\n" % contract.status)
        elif contract.body_type and request.json().get("stream"):
            chunk = example(contract.answer)
            choices = [{**choice, "finish_reason": "stop"} for choice in chunk["choices"]]
            connection.send(stream_response({**chunk, "choices": choices}, "[DONE]"))
        else:
            connection.send(json_response(example(contract.answer), contract.status))


def value_of(parameter: Node, number: int) -> Any:
    match parameter["schema"]["type"]:
        case "integer" | "number":
            return number
        case "boolean":
            return number % 2 == 0
        case "array":
            return [tachyon_sdk.SupportedFeature.VISION, f"value-{number}"]
    return f"value-{number}"


def values_of(contract: Contract) -> dict[str, Any]:
    """A value for each argument, of which no two are the same."""
    values: dict[str, Any] = {
        argument_name(parameter["name"]): value_of(parameter, number)
        for number, parameter in enumerate(contract.parameters)
    }
    for name in contract.body_names:
        values[name] = contract.body_type.from_dict(json.loads(contract.body["x-example"]))
    return values


def check_answer(result: Any, contract: Contract, suffix: str) -> None:
    answer_type = contract.answer_type or type(None)
    if suffix == "":
        assert type(result) is answer_type
    elif suffix == "_with_http_info":
        assert type(result) is ApiResponse
        assert result.status_code == contract.status
        assert type(result.data) is answer_type
    elif suffix == "_without_preload_content":
        assert isinstance(result, urllib3.BaseHTTPResponse)
        assert result.status == contract.status
        body = result.read()
        assert json.loads(body) == example(contract.answer) if contract.answer else body == b""
    else:
        assert type(result) is Stream
        assert [type(chunk) for chunk in result] == [answer_type]


@pytest.mark.parametrize("style", ["by place", "by name"])
@pytest.mark.parametrize(("operation_id", "suffix"), METHODS)
def test_each_argument_goes_where_it_belongs(
    server: RawServer, operation_id: str, suffix: str, style: str
) -> None:
    contract = Contract(operation_id)
    values = values_of(contract)
    trailing = {
        "_request_timeout": (20, 30),
        "_request_auth": {"type": "api_key", "in": "query", "key": "auth-key", "value": "auth-value"},
        "_content_type": "application/vnd.test+json",
        "_headers": {"X-Own": "own"},
        "_host_index": 0,
    }
    with ApiClient(Configuration(host=server.url)) as client:
        method = getattr(api_class(operation_id)(client), operation_id + suffix)
        if style == "by place":
            result = method(*values.values(), *trailing.values())
        else:
            result = method(**{**trailing, **values})
        check_answer(result, contract, suffix)
    (request,) = server.requests
    assert request.method == contract.method
    path, query = contract.path, []
    for parameter in contract.parameters:
        value = values[argument_name(parameter["name"])]
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", value)
        elif parameter["in"] == "query":
            query += in_query(parameter, value)
        else:
            assert parameter["in"] == "header"
            assert request.get_all(parameter["name"]) == [value]
    assert request.target == f"{path}?{'&'.join([*query, 'auth-key=auth-value'])}"
    assert request.get_all("X-Own") == ["own"]
    assert request.get_all("Content-Type") == ["application/vnd.test+json"]
    assert request.get_all("Accept") == [", ".join(contract.media_types)]
    assert bool(request.body) is bool(contract.body_names)
    for name in contract.body_names:
        sent = values[name].to_dict()
        assert request.json() == ({**sent, "stream": True} if suffix == "_stream" else sent)


@pytest.mark.parametrize(("operation_id", "suffix"), METHODS)
def test_omitted_arguments_come_from_the_configuration(
    server: RawServer, operation_id: str, suffix: str
) -> None:
    contract = Contract(operation_id)
    arguments = {
        name: value
        for name, value in values_of(contract).items()
        if not any(
            argument_name(parameter["name"]) == name and "x-configured-by" in parameter
            for parameter in contract.parameters
        )
    }
    configuration = Configuration(
        host=server.url, operator_id="configured-operator", access_token="configured"
    )
    with ApiClient(configuration) as client:
        method = getattr(api_class(operation_id)(client), operation_id + suffix)
        check_answer(method(**arguments), contract, suffix)
    (request,) = server.requests
    assert request.get_all("x-operator-id") == ["configured-operator"]
    assert request.get_all("Authorization") == ["Bearer configured"]
    assert request.get_all("Content-Type") == list(contract.body["content"])


@pytest.mark.parametrize(("operation_id", "suffix"), METHODS)
def test_invalid_arguments_raise_before_anything_is_sent(
    server: RawServer, operation_id: str, suffix: str
) -> None:
    contract = Contract(operation_id)
    values = values_of(contract)
    with ApiClient(Configuration(host=server.url)) as client:
        method = getattr(api_class(operation_id)(client), operation_id + suffix)
        optional = {
            argument_name(parameter["name"])
            for parameter in contract.parameters
            if not parameter.get("required")
        }
        for name in values.keys() - optional:
            with pytest.raises(ApiValueError, match=f"^{name} is missing"):
                method(**{**values, name: None})
        for wrong in (
            {"_request_timeout": -1},
            {"_request_auth": {"in": "nowhere", "key": "k", "value": "v"}},
            {"_content_type": "a\nb"},
            {"_headers": {"X": "a\nb"}},
            {"_host_index": 3},
        ):
            with pytest.raises(ApiValueError):
                method(**values, **wrong)
        for parameter in contract.parameters:
            if parameter["schema"].get("minLength"):
                with pytest.raises(ApiValueError, match=f"^{parameter['name']} "):
                    method(**{**values, argument_name(parameter["name"]): ""})
    assert server.requests == []
    assert server.connections == 0


@pytest.mark.parametrize(
    ("operation_id", "suffix"), [each for each in METHODS if Contract(each[0]).body_names]
)
def test_a_dict_is_taken_for_the_body(server: RawServer, operation_id: str, suffix: str) -> None:
    contract = Contract(operation_id)
    body = json.loads(contract.body["x-example"])
    with ApiClient(Configuration(host=server.url)) as client:
        method = getattr(api_class(operation_id)(client), operation_id + suffix)
        check_answer(method(**{**values_of(contract), contract.body_names[0]: body}), contract, suffix)
    assert server.requests[0].json() == ({**body, "stream": True} if suffix == "_stream" else body)
    assert body == json.loads(contract.body["x-example"])


def test_a_class_without_a_client_takes_the_default_one() -> None:
    client = ApiClient(Configuration())
    ApiClient.set_default(client)
    try:
        for name in tachyon_sdk.api.__all__:
            api = getattr(tachyon_sdk, name)
            assert api().api_client is client
            other = ApiClient(Configuration())
            assert api(other).api_client is api(api_client=other).api_client is other
    finally:
        ApiClient.set_default(None)


# Pages


def section(operation_id: str) -> str:
    """The part of a page that is about an operation."""
    text = (ROOT / "docs" / f"{class_name(operation_id)}.md").read_text(encoding="utf-8")
    (part,) = re.findall(rf"^# \*\*{operation_id}\*\*\n(.*?)(?=^# \*\*|\Z)", text, re.MULTILINE | re.DOTALL)
    return part


def rows(text: str, heading: str) -> list[list[str]]:
    lines = text.partition(f"### {heading}\n")[2].strip().split("\n")
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in itertools.takewhile(lambda line: "|" in line, lines)
    ][2:]


def test_pages_list_the_operations() -> None:
    for tag in SPEC["tags"]:
        text = (ROOT / "docs" / f"{tag['name']}Api.md").read_text(encoding="utf-8")
        for operation_id, (path, method, node) in OPERATIONS.items():
            if node["tags"] != [tag["name"]]:
                continue
            line = f"[**{operation_id}**]({tag['name']}Api.md#{operation_id}) | **{method}** {path} | {node['summary']}"
            assert line in text.split("\n")
        assert "\n\n\n" not in text


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_pages_describe_each_operation(operation_id: str) -> None:
    contract, text = Contract(operation_id), section(operation_id)
    assert f"> {contract.answer} {operation_id}({', '.join(contract.arguments)})\n" in text
    assert f"\n{contract.node['summary']}\n\n{words(contract.node['description'])}\n" in text
    linked = f"[**{contract.answer}**]({contract.answer}.md)" if contract.answer else "None"
    assert f"### Return type\n\n{linked}\n" in text
    assert f"**Content-Type**: {', '.join(contract.body['content']) or 'not defined'}\n" in text
    assert f"**Accept**: {', '.join(contract.media_types)}\n" in text


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_pages_show_a_whole_a_streamed_and_an_empty_call(operation_id: str) -> None:
    contract = Contract(operation_id)
    # Parsed and written again, so that it does not matter how they are laid out.
    programs = [ast.unparse(ast.parse(program)) for program in python_blocks(section(operation_id))]
    assert len(programs) == (3 if contract.streams else 1)
    whole = ast.unparse(ast.parse(repr(json.loads(contract.body.get("x-example", "null")))))
    shown = [
        (f".from_dict({whole})", ""),
        *[(f".from_dict({whole})", "_stream")] * contract.streams,
        ("()", ""),
    ]
    for program, (made, suffix) in zip(programs, shown, strict=False):
        for name in contract.body_names:
            assert f"\n    {name} = tachyon_sdk.{contract.body_type.__name__}{made}\n" in program
        assert f"api_instance.{operation_id}{suffix}({', '.join(contract.arguments)})" in program
        for parameter in contract.parameters:
            assert f"\n    {argument_name(parameter['name'])} = {parameter['example']!r}\n" in program


def python_blocks(text: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_pages_name_every_parameter(operation_id: str) -> None:
    contract = Contract(operation_id)
    found = rows(section(operation_id), "Parameters")
    wanted = [
        [
            f"**{argument_name(parameter['name'])}**",
            f"**{doc_type(parameter['schema'])}**",
            words(parameter["description"]),
        ]
        for parameter in contract.parameters
    ]
    for name in contract.body_names:
        body = contract.body_type.__name__
        wanted.append([f"**{name}**", f"[**{body}**]({body}.md)", words(contract.body["description"])])
    assert [row[:3] for row in found] == wanted
    for parameter, row in zip(contract.parameters, found, strict=False):
        setting = parameter.get("x-configured-by")
        note = f"[defaults to `Configuration.{setting}`]" if setting else ""
        assert row[3] == note if parameter.get("required") else "[optional]"


@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_pages_list_every_response(operation_id: str) -> None:
    found = rows(section(operation_id), "HTTP response details")
    wanted = []
    for status, response in OPERATIONS[operation_id][2]["responses"].items():
        node = resolved(response)
        wanted.append([f"**{status}**", words(node["description"]), " ".join(node.get("headers", ["-"]))])
    assert found == wanted
