"""The files that are uploaded: what is in them, and that they are the same whoever builds them."""

from __future__ import annotations

import email
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.message import Message
from pathlib import Path

import pytest
from shipping.environments import Distributions, build, run

from support.contract import ROOT

# Quick ones, which read what the sdist has besides the package: the document, its pages and the templates, the
# recorded answers, and the files of the project.
OWN_TESTS = (
    "contract/test_conformance_operations.py",
    "contract/test_contract.py",
    "test_generate.py",
    "test_packaging.py",
)


@pytest.fixture(scope="module")
def unpacked(built: Distributions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the sdist unpacks to."""
    target = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(built.sdist) as archive:
        if sys.version_info >= (3, 12):
            archive.extractall(target, filter="data")
        else:
            archive.extractall(target)
    (folder,) = target.iterdir()
    return folder


def of_the_repository() -> set[str]:
    """The files that are, or would be, under version control."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\0")
    return {name for name in listed if name and (ROOT / name).is_file()}


def metadata_of(built: Distributions) -> Message:
    with zipfile.ZipFile(built.wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(name))


def test_the_index_will_take_them(built: Distributions, tmp_path: Path) -> None:
    run(sys.executable, "-m", "twine", "--no-color", "check", "--strict", *built, cwd=tmp_path)


def test_the_wheel_has_no_usual_mistake(built: Distributions, tmp_path: Path) -> None:
    run(sys.executable, "-m", "check_wheel_contents", "--no-config", built.wheel, cwd=tmp_path)


def test_the_wheel_is_the_package_and_no_more(built: Distributions) -> None:
    package = {name for name in of_the_repository() if name.startswith("tachyon_sdk/")}
    assert {Path(name).suffix for name in package - {"tachyon_sdk/py.typed"}} == {".py"}
    package.add("_tachyon_sdk_pytest.py")
    records = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}
    with zipfile.ZipFile(built.wheel) as archive:
        names = archive.namelist()
        (info,) = {name.partition("/")[0] for name in names if ".dist-info/" in name}
        assert sorted(names) == sorted([*package, *(f"{info}/{name}" for name in records)])
        for name in package:
            assert archive.read(name) == (ROOT / name).read_bytes()


def test_the_sdist_is_the_repository_and_no_more(built: Distributions, unpacked: Path) -> None:
    found = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert found - of_the_repository() == {"PKG-INFO"}
    assert of_the_repository() - found == set()


def test_the_sdist_of_a_checkout_without_git_has_no_stray_files(
    built: Distributions, unpacked: Path, tmp_path: Path
) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(unpacked, checkout)
    strays = (
        ".dev/lib/big.bin",
        "venv/lib/module.py",
        "dist/old.whl",
        "note.txt",
        "tachyon_sdk/__pycache__/a.pyc",
    )
    for name in strays:
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_bytes(bytes(5_000_000))
    (checkout / ".dev" / "python").symlink_to(sys.executable)
    (tmp_path / "dist").mkdir()
    again = build(checkout, tmp_path / "dist")
    with tarfile.open(again.sdist) as archive, tarfile.open(built.sdist) as first:
        assert sorted(archive.getnames()) == sorted(first.getnames())


def test_what_is_built_from_the_sdist_is_the_same_to_the_byte(
    built: Distributions, unpacked: Path, tmp_path: Path
) -> None:
    again = build(unpacked, tmp_path)
    for first, second in zip(built, again, strict=True):
        assert first.name == second.name
        assert first.read_bytes() == second.read_bytes()


def test_the_metadata(built: Distributions) -> None:
    metadata = metadata_of(built)
    namespace: dict[str, str] = {}
    exec((ROOT / "tachyon_sdk" / "_version.py").read_text(encoding="utf-8"), namespace)
    assert metadata["Name"] == "tachyon-chat-sdk"
    assert metadata["Version"] == namespace["__version__"]
    assert built.wheel.name == f"tachyon_chat_sdk-{metadata['Version']}-py3-none-any.whl"
    assert metadata["License-Expression"] == "MIT"
    assert metadata["License-File"] == "LICENSE"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata.get_payload() == (ROOT / "README.md").read_text(encoding="utf-8")
    assert metadata.get_all("Provides-Extra") == ["cli", "local", "otel", "socks"]
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])
    assert len(metadata["Keywords"].split(",")) > 3
    urls = dict(entry.split(", ") for entry in metadata.get_all("Project-URL", []))
    assert set(urls) == {"Documentation", "Source", "Issues", "Changelog"}
    assert all(re.fullmatch(r"https://[\w.-]+/[\w./-]+", url) for url in urls.values())


def test_the_sdist_runs_its_own_tests(unpacked: Path, tmp_path: Path) -> None:
    # From elsewhere, so that they find the installed package, as the tests of a checkout do.
    tests = [unpacked / "test" / name for name in OWN_TESTS]
    said = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, cwd=tmp_path)
    passed = re.search(r"(\d+) passed", said)
    assert passed and int(passed[1]) > 300
