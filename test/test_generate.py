"""The command that generates: what `--check` says of a tree, and what a run changes in it.

The generator itself is no part of this: its output is written here.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from support.contract import ROOT, SPEC
from tachyon_sdk._settings.hosts import DEFAULT_HOST
from tachyon_sdk.configuration import API_VERSION, Configuration

OUTPUT = {
    "docs/Message.md": "# Message\n",
    "tachyon_sdk/models/__init__.py": '__all__ = ["Message"]\n',
    "tachyon_sdk/models/message.py": "class Message: ...\n",
}


def write(tree: Path, files: dict[str, str]) -> None:
    """Writes what the generator writes: the files, and its records of them."""
    listed = "".join(f"{path}\n" for path in files)
    for path, text in {
        **files,
        ".openapi-generator/FILES": listed,
        ".openapi-generator/VERSION": "7\n",
    }.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text, encoding="utf-8")


def contents(tree: Path) -> dict[str, str]:
    return {
        path.relative_to(tree).as_posix(): path.read_text(encoding="utf-8")
        for path in tree.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree that is up to date, with a file that is not generated."""
    write(tmp_path / "tree", OUTPUT)
    (tmp_path / "tree" / "README.md").write_text("by hand\n", encoding="utf-8")
    return tmp_path / "tree"


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """What the generator would write."""
    write(tmp_path / "fresh", OUTPUT)
    return tmp_path / "fresh"


@pytest.fixture
def generate(tree: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The command, at work on the tree."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / ".openapi-generator" / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    spec.loader.exec_module(module)
    assert ROOT == module.ROOT
    monkeypatch.setattr(module, "ROOT", tree)
    return module


def edit(tree: Path) -> None:
    (tree / "tachyon_sdk/models/message.py").write_text("class Message: ...  # better\n", encoding="utf-8")


def edit_white_space(tree: Path) -> None:
    (tree / "docs/Message.md").write_bytes(b"# Message\r\n")


def remove(tree: Path) -> None:
    (tree / "docs/Message.md").unlink()


def remove_a_folder(tree: Path) -> None:
    for path in (tree / "tachyon_sdk/models").iterdir():
        path.unlink()
    (tree / "tachyon_sdk/models").rmdir()


def leave_a_stale_file(tree: Path) -> None:
    write(tree, {**OUTPUT, "tachyon_sdk/models/old.py": "class Old: ...\n"})


def forget_the_records(tree: Path) -> None:
    (tree / ".openapi-generator/FILES").unlink()
    (tree / ".openapi-generator/VERSION").unlink()


def use_another_version(tree: Path) -> None:
    (tree / ".openapi-generator/VERSION").write_text("6\n", encoding="utf-8")


def several(tree: Path) -> None:
    leave_a_stale_file(tree)
    edit(tree)
    remove(tree)


DAMAGES = [
    (edit, [("tachyon_sdk/models/message.py", "changed")]),
    (edit_white_space, [("docs/Message.md", "changed")]),
    (remove, [("docs/Message.md", "missing")]),
    (remove_a_folder, [(f"tachyon_sdk/models/{name}.py", "missing") for name in ("__init__", "message")]),
    (leave_a_stale_file, [(".openapi-generator/FILES", "changed"), ("tachyon_sdk/models/old.py", "stale")]),
    (forget_the_records, [(f".openapi-generator/{name}", "missing") for name in ("FILES", "VERSION")]),
    (use_another_version, [(".openapi-generator/VERSION", "changed")]),
    (
        several,
        [
            (".openapi-generator/FILES", "changed"),
            ("docs/Message.md", "missing"),
            ("tachyon_sdk/models/message.py", "changed"),
            ("tachyon_sdk/models/old.py", "stale"),
        ],
    ),
]


def test_a_tree_that_is_up_to_date_does_not_differ(generate: ModuleType, fresh: Path) -> None:
    assert generate.compare(fresh) == []


@pytest.mark.parametrize(("damage", "differences"), DAMAGES)
def test_differences(generate: ModuleType, tree: Path, fresh: Path, damage, differences) -> None:  # type: ignore[no-untyped-def]
    damage(tree)
    assert generate.compare(fresh) == differences


@pytest.mark.parametrize(("damage", "differences"), DAMAGES)
def test_installing_the_differences_repairs_the_tree(  # type: ignore[no-untyped-def]
    generate: ModuleType, tree: Path, fresh: Path, damage, differences
) -> None:
    whole = contents(tree)
    damage(tree)
    for path, _ in differences:
        generate.install(fresh, path)
    assert generate.compare(fresh) == []
    assert contents(tree) == whole


# The command as a whole


@pytest.fixture
def command(generate: ModuleType, fresh: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Runs the command with these arguments, with an output that was prepared."""
    monkeypatch.setattr(generate, "generate", lambda target: write(target, OUTPUT))

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["generate.py", *arguments])
        status: int = generate.main()
        return status

    return run


def test_check_is_content_with_a_tree_that_is_up_to_date(command, tree: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    before = contents(tree)
    assert command("--check") == 0
    assert capsys.readouterr() == ("3 generated files, 0 differ\n", "")
    assert contents(tree) == before


@pytest.mark.parametrize(("damage", "differences"), DAMAGES)
def test_check_lists_every_difference_and_changes_nothing(  # type: ignore[no-untyped-def]
    command, tree: Path, capsys, damage, differences
) -> None:
    damage(tree)
    before = contents(tree)
    assert command("--check") == 1
    output = capsys.readouterr()
    assert output.err.splitlines() == [f"{what}: {path}" for path, what in differences]
    assert output.out == f"3 generated files, {len(differences)} differ\n"
    assert contents(tree) == before


@pytest.mark.parametrize(("damage", "differences"), DAMAGES)
def test_a_run_repairs_and_says_what(command, tree: Path, capsys, damage, differences) -> None:  # type: ignore[no-untyped-def]
    whole = contents(tree)
    damage(tree)
    assert command() == 0
    told = [f"{what}: {path}" for path, what in differences]
    assert capsys.readouterr().out.splitlines() == [*told, "3 generated files are up to date"]
    assert contents(tree) == whole
    assert command("--check") == 0


def test_a_run_fills_an_empty_tree(command, tree: Path) -> None:  # type: ignore[no-untyped-def]
    whole = contents(tree)
    remove_a_folder(tree)
    remove(tree)
    forget_the_records(tree)
    assert command() == 0
    assert contents(tree) == whole


def test_other_arguments_are_refused(command, capsys) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SystemExit) as caught:
        command("--chek")
    assert caught.value.code == 2
    assert "--chek" in capsys.readouterr().err


# Its parts


def test_a_command_that_fails_ends_the_run_with_what_it_said(generate: ModuleType, tmp_path: Path) -> None:
    program = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    with pytest.raises(SystemExit) as caught:
        generate.run(sys.executable, "-c", program, cwd=tmp_path, quiet=True)
    assert caught.value.code == f"{sys.executable} failed:\nout\nerr\n"
    generate.run(sys.executable, "-c", "", cwd=tmp_path, quiet=True)


def test_long_lines_are_wrapped(generate: ModuleType, tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    long = " ".join(["word"] * 40)
    short = "x = 1  # a line that stays as it is\n"
    module.write_text(
        f'{short}class A:\n    """{long}\n\n    Attributes:\n        name: {long}\n    """\n', "utf-8"
    )
    generate.wrap_long_lines(module)
    text = module.read_text(encoding="utf-8")
    assert text.startswith(short)
    assert text.endswith('"""\n')
    assert max(map(len, text.split("\n"))) <= generate.WIDTH
    assert text.split() == f'{short}class A: """{long} Attributes: name: {long} """'.split()
    lines = text.split("\n")
    assert lines[3].startswith("    word")
    assert lines[lines.index("    Attributes:") + 2].startswith("            word")


@pytest.mark.parametrize(("excess", "lines"), [(0, 1), (1, 2)])
def test_only_what_is_longer_than_the_width_is_wrapped(
    generate: ModuleType, tmp_path: Path, excess: int, lines: int
) -> None:
    module = tmp_path / "module.py"
    line = "  two spaces  and a word".ljust(generate.WIDTH + excess - 4, "x") + " end"
    module.write_text(line, encoding="utf-8")
    generate.wrap_long_lines(module)
    assert len(module.read_text(encoding="utf-8").split("\n")) == lines


def test_what_is_listed_is_what_was_recorded(generate: ModuleType, tree: Path, tmp_path: Path) -> None:
    assert generate.listed(tree) == list(OUTPUT)
    assert generate.listed(tmp_path / "nowhere") == []


# The tree of this project


def test_the_record_lists_the_generated_files_and_they_say_so() -> None:
    record = (ROOT / ".openapi-generator" / "FILES").read_text(encoding="utf-8").split()
    for path in record:
        text = (ROOT / path).read_text(encoding="utf-8")
        assert text.startswith("# Generated from openapi.yaml") is path.endswith(".py")
    by_hand = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tachyon_sdk").rglob("*.py")} - {*record}
    for path in by_hand:
        assert not (ROOT / path).read_text(encoding="utf-8").startswith("# Generated")


def test_the_version_and_the_servers_are_those_of_the_document() -> None:
    assert SPEC["info"]["version"] == API_VERSION
    servers = Configuration(host="http://elsewhere.invalid").get_host_settings()
    assert [dict(server) for server in servers] == SPEC["servers"]
    assert SPEC["servers"][0]["url"] == DEFAULT_HOST


def test_each_list_of_servers_is_a_new_one() -> None:
    configuration = Configuration()
    configuration.get_host_settings()[0]["url"] = "http://changed.invalid"
    assert configuration.get_host_settings()[0]["url"] == DEFAULT_HOST
