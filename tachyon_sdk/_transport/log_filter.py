"""Removes credentials in query strings from the log of urllib3, which shows the target of each request."""

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache


class _State(threading.local):
    redact = False


_state = _State()


@contextmanager
def redact_queries() -> Iterator[None]:
    """Redact the query strings of this thread's requests in the log of urllib3. Other threads are not affected."""
    _add_filter()
    _state.redact = True
    try:
        yield
    finally:
        _state.redact = False


@cache
def _add_filter() -> None:
    # A filter applies to its own logger only, not to the loggers below it.
    for name in ("urllib3.connection", "urllib3.connectionpool"):
        logging.getLogger(name).addFilter(_redact)


def _redact(record: logging.LogRecord) -> bool:
    if _state.redact:
        record.msg, record.args = re.sub(r"\?[^\s\"')]+", "?<hidden>", record.getMessage()), ()
    return True
