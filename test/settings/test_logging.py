"""Logging settings: shared by all configurations, and removed with the last one that uses them."""

from __future__ import annotations

import copy
import gc
import http.client
import logging
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tachyon_sdk._settings import logs as _logging
from tachyon_sdk.configuration import Configuration
from tachyon_sdk.exceptions import ApiTypeError, ApiValueError

PACKAGE = logging.getLogger("tachyon_sdk")
URLLIB3 = logging.getLogger("urllib3")


@pytest.fixture(autouse=True)
def _nothing_is_left_behind() -> Iterator[None]:
    before = [(logger, logger.level, list(logger.handlers)) for logger in (PACKAGE, URLLIB3)]
    yield
    gc.collect()
    after = [(logger, logger.level, list(logger.handlers)) for logger in (PACKAGE, URLLIB3)]
    assert after == before
    assert not _logging._files
    assert not _logging._levels_before


def file_handlers() -> list[logging.Handler]:
    assert [h for h in PACKAGE.handlers if isinstance(h, logging.FileHandler)] == [
        h for h in URLLIB3.handlers if isinstance(h, logging.FileHandler)
    ]
    return [h for h in PACKAGE.handlers if isinstance(h, logging.FileHandler)]


def test_a_configuration_alone_leaves_the_log_as_it_is() -> None:
    PACKAGE.setLevel(logging.INFO)
    try:
        configuration = Configuration()
        assert PACKAGE.level == logging.INFO
        assert URLLIB3.level == logging.NOTSET
        assert configuration.debug is False
        Configuration(debug=False)
        assert PACKAGE.level == logging.INFO
    finally:
        PACKAGE.setLevel(logging.NOTSET)


def test_the_names_of_generated_clients() -> None:
    configuration = Configuration()
    assert configuration.logger == {"package_logger": PACKAGE, "urllib3_logger": URLLIB3}
    assert configuration.logger_format == "%(asctime)s %(levelname)s %(message)s"
    assert configuration.logger_file is None
    assert configuration.logger_file_handler is None
    assert configuration.logger_stream_handler is None
    configuration.logger_format = "%(message)s!"
    record = logging.LogRecord("n", logging.INFO, "p", 1, "hello", None, None)
    assert configuration.logger_formatter.format(record) == "hello!"


def test_debug_sets_both_loggers_and_takes_it_back() -> None:
    URLLIB3.setLevel(logging.ERROR)
    try:
        configuration = Configuration(debug=True)
        assert configuration.debug is True
        assert (PACKAGE.level, URLLIB3.level) == (logging.DEBUG, logging.DEBUG)
        assert http.client.HTTPConnection.debuglevel == 0
        configuration.debug = True
        configuration.debug = False
        assert (PACKAGE.level, URLLIB3.level) == (logging.NOTSET, logging.ERROR)
    finally:
        URLLIB3.setLevel(logging.NOTSET)


def test_debug_stays_while_another_configuration_asks_for_it() -> None:
    one, two = Configuration(debug=True), Configuration(debug=True)
    one.debug = False
    assert PACKAGE.level == logging.DEBUG
    two.debug = False
    assert PACKAGE.level == logging.NOTSET


def test_a_level_that_the_program_set_since_is_kept() -> None:
    configuration = Configuration(debug=True)
    PACKAGE.setLevel(logging.ERROR)
    configuration.debug = False
    assert PACKAGE.level == logging.ERROR
    PACKAGE.setLevel(logging.NOTSET)


def test_debug_must_be_a_bool() -> None:
    with pytest.raises(ApiTypeError, match="debug must be a bool, not str"):
        Configuration(debug="false")


def test_a_log_file_gets_the_messages_of_both_loggers(tmp_path: Path) -> None:
    file = tmp_path / "log.txt"
    configuration = Configuration(debug=True)
    configuration.logger_format = "%(name)s %(message)s"
    configuration.logger_file = str(file)
    assert configuration.logger_file == str(file)
    PACKAGE.debug("こんにちは")
    URLLIB3.debug("hello")
    configuration.logger_format = "changed %(message)s"
    PACKAGE.debug("again")
    configuration.logger_file = None
    PACKAGE.debug("not any more")
    configuration.debug = False
    assert file.read_text(encoding="utf-8") == "tachyon_sdk こんにちは\nurllib3 hello\nchanged again\n"
    assert configuration.logger_file is None
    assert configuration.logger_file_handler is None


def test_another_file_replaces_and_closes_the_first(tmp_path: Path) -> None:
    configuration = Configuration()
    configuration.logger_file = str(tmp_path / "one")
    first = configuration.logger_file_handler
    assert first is not None
    configuration.logger_file = str(tmp_path / "two")
    assert first.stream is None
    assert file_handlers() == [configuration.logger_file_handler]
    configuration.logger_file = ""
    assert configuration.logger_file is None
    assert file_handlers() == []


def test_the_same_file_again_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = Configuration()
    configuration.logger_file = str(tmp_path / "log")
    monkeypatch.chdir(tmp_path)
    configuration.logger_file = "log"
    assert len(file_handlers()) == 1
    configuration.logger_file = None


def test_copies_and_pickles_do_not_multiply_lines(tmp_path: Path) -> None:
    file = tmp_path / "log"
    configuration = Configuration(debug=True)
    configuration.logger_format = "%(message)s"
    configuration.logger_file = str(file)
    other = Configuration(debug=True)
    other.logger_format = "%(message)s"
    other.logger_file = str(file)
    everyone = [
        configuration,
        other,
        copy.copy(configuration),
        copy.deepcopy(configuration),
        pickle.loads(pickle.dumps(configuration)),
    ]
    assert len(file_handlers()) == 1
    assert {id(one.logger_file_handler) for one in everyone} == {id(file_handlers()[0])}
    for count, one in enumerate(everyone):
        PACKAGE.debug("%d", count)
        one.logger_file = None
        one.debug = False
    PACKAGE.debug("nobody listens")
    assert file.read_text() == "0\n1\n2\n3\n4\n"
    assert file_handlers() == []
    assert PACKAGE.level == logging.NOTSET


def test_a_deleted_configuration_keeps_no_file_open(tmp_path: Path) -> None:
    one, two = Configuration(), Configuration()
    one.logger_file = two.logger_file = str(tmp_path / "log")
    del one
    gc.collect()
    two.logger_file = None
    assert file_handlers() == []


def test_loggers_that_the_program_adds_are_served_too(tmp_path: Path) -> None:
    mine = logging.getLogger("test_logging.mine")
    configuration = Configuration()
    configuration.logger["mine"] = mine
    configuration.logger_file = str(tmp_path / "log")
    configuration.debug = True
    mine.debug("hello")
    configuration.debug = False
    configuration.logger_file = None
    assert "hello" in (tmp_path / "log").read_text()
    assert mine.handlers == []
    assert mine.level == logging.NOTSET


def test_a_file_that_cannot_be_opened_is_named_and_the_old_one_stays(tmp_path: Path) -> None:
    configuration = Configuration()
    configuration.logger_file = str(tmp_path / "log")
    for wrong in (str(tmp_path / "missing" / "log"), str(tmp_path), "a\0b"):
        with pytest.raises(ApiValueError, match="logger_file"):
            configuration.logger_file = wrong
    with pytest.raises(ApiTypeError, match="logger_file"):
        configuration.logger_file = 5
    assert configuration.logger_file == str(tmp_path / "log")
    assert file_handlers() == [configuration.logger_file_handler]
    configuration.logger_file = None


def test_a_format_that_is_none_is_refused() -> None:
    configuration = Configuration()
    with pytest.raises(ApiValueError, match="logger_format"):
        configuration.logger_format = "no fields at all"
    with pytest.raises(ApiTypeError, match="logger_format"):
        configuration.logger_format = None
    assert configuration.logger_format.startswith("%(asctime)s")


def test_a_handler_of_the_program_is_harmless() -> None:
    configuration = Configuration()
    configuration.logger_file_handler = logging.FileHandler("unused", delay=True)
    configuration.logger_stream_handler = logging.StreamHandler()
    twin = pickle.loads(pickle.dumps(configuration))
    assert twin.logger_stream_handler is None
    assert copy.copy(configuration).logger_stream_handler is configuration.logger_stream_handler
    assert copy.deepcopy(configuration).logger_stream_handler is configuration.logger_stream_handler
    configuration.logger_file = None


FORKED_WHILE_THE_LOCK_IS_HELD = """
import logging, os, signal, sys, threading
from tachyon_sdk._settings import logs
from tachyon_sdk.configuration import Configuration

parent = Configuration(debug=True)
held, release = threading.Event(), threading.Event()

def hold():
    with logs._lock:
        held.set()
        release.wait(60)

thread = threading.Thread(target=hold)
thread.start()
held.wait(60)
child = os.fork()
if child == 0:
    signal.alarm(30)  # ends it where it hangs
    configuration = Configuration(debug=True)
    configuration.logger_file = sys.argv[1]
    logging.getLogger("tachyon_sdk").debug("from the child")
    configuration.logger_file = None
    configuration.debug = parent.debug = False
    level = logging.getLogger("tachyon_sdk").level
    os._exit(level)
release.set()
thread.join()
_, status = os.waitpid(child, 0)
parent.debug = False
print(os.waitstatus_to_exitcode(status), logging.getLogger("tachyon_sdk").level)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="has no fork")
def test_a_forked_child_does_not_wait_for_a_lock_of_its_parent(tmp_path: Path) -> None:
    file = tmp_path / "log"
    # Python warns about a fork in a program with threads, which this tests.
    command = [sys.executable, "-W", "ignore", "-c", FORKED_WHILE_THE_LOCK_IS_HELD, str(file)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("0 0\n", "")
    assert file.read_text().endswith("from the child\n")


def test_the_package_prints_nothing_by_itself(tmp_path: Path) -> None:
    code = "import tachyon_sdk.configuration, logging; logging.getLogger('tachyon_sdk').error('unheard')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == done.stderr == ""
