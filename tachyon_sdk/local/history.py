"""The messages of chatrooms, kept in SQLite."""

import json
import os
import sqlite3
from collections.abc import Iterable

from tachyon_sdk.local.wire import Json

_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    operator_id TEXT NOT NULL,
    chatroom_id TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS message_room ON message (operator_id, chatroom_id);
"""


class History:
    """Messages per operator and chatroom, in the order in which they were stored. A room needs no creating.

    The server uses it from one thread; several servers may share one file.
    """

    def __init__(self, data: str | os.PathLike[str] | None = None) -> None:
        """Opens the file `data`, which is made if it is missing; None keeps everything in memory.

        Raises:
            OSError: the file cannot be used.
        """
        # It is opened by the caller and used by the server's thread, one after the other.
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        if data is None:
            self._database.executescript(_SCHEMA)
            return
        self._database.close()
        try:
            self._database = sqlite3.connect(data, check_same_thread=False)
            self._database.executescript(_SCHEMA)
        except sqlite3.Error as error:
            self._database.close()
            raise OSError(f"{os.fspath(data)} cannot be used as data file: {error}") from error

    def read(self, operator_id: str, chatroom_id: str) -> list[Json]:
        """All messages of a room, oldest first."""
        query = "SELECT body FROM message WHERE operator_id = ? AND chatroom_id = ? ORDER BY id"
        return [json.loads(body) for (body,) in self._database.execute(query, (operator_id, chatroom_id))]

    def append(self, operator_id: str, chatroom_id: str, messages: Iterable[Json]) -> None:
        """Store messages together: all of them, side by side, or none."""
        rows = [(operator_id, chatroom_id, json.dumps(message, ensure_ascii=False)) for message in messages]
        with self._database:
            self._database.executemany(
                "INSERT INTO message (operator_id, chatroom_id, body) VALUES (?, ?, ?)", rows
            )

    def close(self) -> None:
        """Close the database; what was kept in memory is gone."""
        self._database.close()
