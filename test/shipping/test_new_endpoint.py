"""Endpoints that are added as CONTRIBUTING.md says: by an edit of the document, and one command."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from shipping.environments import CommandError, run

from support.contract import ROOT, SPEC
from support.raw_server import RawServer, json_response

ADDED = yaml.safe_load((Path(__file__).parent / "endpoints.yaml").read_text(encoding="utf-8"))
PROGRAM = """
import json
import sys

from tachyon_sdk import ApiClient, ChatApi, Configuration, EmbeddingsRequest, FilesApi, NotFoundException

with ApiClient(Configuration(sys.argv[1], access_token="t", operator_id="tn_1")) as client:
    files = FilesApi(client)
    page = files.list_files(limit=2, page_token="a&b")
    card = page.data[0]
    assert card.created_at is not None
    print(json.dumps([card.id, card.var_from, card.max_tokens, card.created_at.year, page.next_page_token]))
    print(json.dumps([page.to_dict(), files.list_files_with_http_info().data.data]))
    texts = EmbeddingsRequest(model="small", input=["Hello"], user_id="u", max_tokens=3)
    print(json.dumps(files.create_embeddings(embeddings_request=texts).vectors))
    print(json.dumps(files.create_embeddings(embeddings_request={"model": "m", "input": [], "user-id": "u"}).vectors))
    ChatApi(client).delete_session("session 1")
    print(json.dumps([ChatApi(client).delete_session_with_http_info("session-2").status_code]))
    try:
        ChatApi(client).delete_session("session-3")
    except NotFoundException as error:
        print(json.dumps(error.message))
hosts = Configuration(server_index=3), Configuration(server_index=3, server_variables={"region": "us"})
print(json.dumps([configuration.host for configuration in hosts]))
"""
PAGE = {
    "data": [{"id": "small", "from": "o", "maxTokens": 9, "created-at": "2024-01-02T03:04:05Z", "new": 1}],
    "nextPageToken": None,
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the endpoints in its document, generated anew."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("docs", "tachyon_sdk", ".openapi-generator"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", ".openapi-generator-ignore"):
        shutil.copy(ROOT / name, folder)
    document: Any = {
        **SPEC,
        "servers": SPEC["servers"] + ADDED["servers"],
        "tags": SPEC["tags"] + ADDED["tags"],
        "paths": {**SPEC["paths"], **ADDED["paths"]},
    }
    document["components"] = {**SPEC["components"]}
    document["components"]["schemas"] = {**SPEC["components"]["schemas"], **ADDED["schemas"]}
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1000)
    (folder / "openapi.yaml").write_text(text, encoding="utf-8")
    said = run(sys.executable, ".openapi-generator/generate.py", cwd=folder)
    changed = set(re.findall(r"(?m)^(?:missing|changed): (.*)$", said))
    modules = {re.sub(r"(?<=.)(?=[A-Z])", "_", name).lower(): name for name in ADDED["schemas"]}
    assert changed == {
        ".openapi-generator/FILES",
        "docs/ChatApi.md",
        "docs/FilesApi.md",
        *(f"docs/{name}.md" for name in modules.values()),
        *(f"tachyon_sdk/models/{name}.py" for name in modules),
        *(
            f"tachyon_sdk/{name}.py"
            for name in ("__init__", "models/__init__", "api/__init__", "_settings/document")
        ),
        *(f"tachyon_sdk/api/{name}.py" for name in ("chat_api", "files_api")),
    }
    return folder


def test_the_example_of_the_instructions_is_one_of_them() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    blocks = [yaml.safe_load(block) for block in re.findall(r"(?ms)^```yaml\n(.*?)^```$", text)]
    assert len(blocks) == 2
    assert blocks[0]["paths"].items() <= ADDED["paths"].items()
    assert blocks[1]["components"]["schemas"].items() <= ADDED["schemas"].items()


def test_the_generated_code_has_the_usual_style(project: Path) -> None:
    run("ruff", "check", "tachyon_sdk", cwd=project)
    run("ruff", "format", "--check", "tachyon_sdk", cwd=project)


def test_a_program_that_uses_them(project: Path, tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    file.write_text(PROGRAM, encoding="utf-8")
    vectors = {"vectors": [[0.5, 1]]}
    gone = b"HTTP/1.1 204 No Content\r\n\r\n"
    answers = [PAGE, {"data": []}, vectors, vectors]
    missing = json_response({"message": "no such session"}, 404)
    with RawServer([*(json_response(answer) for answer in answers), gone, gone, missing]) as server:
        said = run(sys.executable, "-W", "error", file, server.url, cwd=tmp_path, PYTHONPATH=str(project))
    assert [json.loads(line) for line in said.splitlines()] == [
        ["small", "o", 9, 2024, None],
        [PAGE, []],
        [[0.5, 1]],
        [[0.5, 1]],
        [204],
        "no such session",
        ["https://eu.example", "https://us.example"],
    ]
    assert [(request.method, request.target) for request in server.requests] == [
        ("GET", "/v1/llms/files?limit=2&pageToken=a%26b"),
        ("GET", "/v1/llms/files"),
        ("POST", "/v1/llms/embeddings"),
        ("POST", "/v1/llms/embeddings"),
        ("DELETE", "/v1/llms/sessions/session%201"),
        ("DELETE", "/v1/llms/sessions/session-2"),
        ("DELETE", "/v1/llms/sessions/session-3"),
    ]
    assert {request.get("Authorization") for request in server.requests} == {"Bearer t"}
    assert server.requests[2].json() == {"model": "small", "input": ["Hello"], "user-id": "u", "maxTokens": 3}
    without_body = [request for request in server.requests if request.method != "POST"]
    assert all(request.body == b"" and request.get("Content-Type") is None for request in without_body)


def test_a_type_checker_accepts_the_program_and_what_was_generated(project: Path, tmp_path: Path) -> None:
    file = tmp_path / "program.py"
    options = ("--strict", "--no-error-summary", "--config-file=", "--cache-dir", tmp_path / "cache")
    file.write_text(PROGRAM, encoding="utf-8")
    assert run(sys.executable, "-m", "mypy", *options, file, cwd=tmp_path, MYPYPATH=str(project)) == ""
    file.write_text(PROGRAM.replace("max_tokens=3", 'max_tokens="3"'), encoding="utf-8")
    with pytest.raises(CommandError, match=r'Argument "max_tokens" .* has incompatible type "str"'):
        run(sys.executable, "-m", "mypy", *options, file, cwd=tmp_path, MYPYPATH=str(project))
