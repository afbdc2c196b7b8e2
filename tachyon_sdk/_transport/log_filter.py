"""Keeps credentials in a query out of the log of urllib3, which shows the target of each request."""

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache


class _ThisThread(threading.local):
    sends_query = False


_this_thread = _ThisThread()


@contextmanager
def hidden_query() -> Iterator[None]:
    """Until its end, urllib3 logs no query of what this thread sends. The log of other threads is left alone."""
    _add_filter()
    _this_thread.sends_query = True
    try:
        yield
    finally:
        _this_thread.sends_query = False


@cache
def _add_filter() -> None:
    # A filter holds for the logger that it is added to, not for those below.
    for name in ("urllib3.connection", "urllib3.connectionpool"):
        logging.getLogger(name).addFilter(_hide_query)


def _hide_query(record: logging.LogRecord) -> bool:
    if _this_thread.sends_query:
        record.msg, record.args = re.sub(r"\?[^\s\"')]+", "?<hidden>", record.getMessage()), ()
    return True
