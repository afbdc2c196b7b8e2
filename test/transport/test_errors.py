"""Errors that a local server cannot cause."""

from __future__ import annotations

import errno

import pytest
from urllib3.exceptions import ProtocolError

from tachyon_sdk._transport.errors import lost
from tachyon_sdk.exceptions import ConnectionException, TimeoutException


def test_a_timeout_of_tcp_is_not_a_read_timeout() -> None:
    error = lost(ProtocolError("aborted", TimeoutError(errno.ETIMEDOUT, "Connection timed out")), "GET x")
    assert type(error) is ConnectionException
    assert str(error) == "the connection was lost: Connection timed out (GET x)"
    assert error.request_sent


@pytest.mark.parametrize("cause", [TimeoutError("timed out"), TimeoutError()])
def test_a_read_timeout(cause: TimeoutError) -> None:
    error = lost(ProtocolError("aborted", cause), "GET x")
    assert type(error) is TimeoutException
    assert str(error) == "the server sent nothing within the read timeout (GET x)"
