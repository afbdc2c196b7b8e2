"""Chatrooms and their messages, in SQLite."""

import json
import os
import sqlite3
import threading
import unicodedata
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any, NamedTuple

from tachyon_sdk.local.parts import parts_of, tool_names
from tachyon_sdk.local.wire import Json

_VERSION = 1  # of the schema, in `PRAGMA user_version`; files of older versions of the package have 0
_SCHEMA = (
    """
    CREATE TABLE IF NOT EXISTS chatroom (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        operator_id TEXT NOT NULL,
        id TEXT NOT NULL,
        owner_id TEXT NOT NULL,
        name TEXT NOT NULL,
        folded_name TEXT NOT NULL,
        metadata TEXT NOT NULL,
        metadata_user_id TEXT,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL,
        UNIQUE (operator_id, id)
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS message (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        chatroom INTEGER NOT NULL REFERENCES chatroom (seq),
        body TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS part (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        chatroom INTEGER NOT NULL REFERENCES chatroom (seq),
        id TEXT NOT NULL,
        user_id TEXT NOT NULL,
        created_at TEXT NOT NULL,
        role TEXT NOT NULL,
        content TEXT NOT NULL,
        folded_text TEXT NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS message_chatroom ON message (chatroom)",
    "CREATE INDEX IF NOT EXISTS part_chatroom ON part (chatroom)",
)
_ROOM_COLUMNS = "id, operator_id, owner_id, name, metadata, created_at, updated_at"
_LOCK_TIMEOUT = 30.0  # seconds to wait for another process that writes to the same file
DEFAULT_NAME = "New chatroom"


class MissingRoomError(Exception):
    """The operator has no chatroom with this id."""


class Page(NamedTuple):
    """Part of a list, and the length of the whole list."""

    items: list[Json]
    total: int


class Storage:
    """Chatrooms by operator, each with its messages in the order in which they were stored.

    A message is kept twice: as it was sent, which is what the model gets, and as the typed parts that the
    history operation returns.

    Any thread may call the methods, and several processes may share one file. A change is complete and on
    disk when its method returns.
    """

    def __init__(self, data: str | os.PathLike[str] | None = None) -> None:
        """Opens the file `data`, which is created if it is missing; None keeps everything in memory.

        Raises:
            OSError: The file cannot be used.
        """
        self._lock = threading.Lock()
        if data is None:
            self._database = _connect(":memory:")
            self._prepare()
            return
        try:
            self._database = _connect(data)
        except sqlite3.Error as error:
            raise _unusable(data, error) from error
        try:
            self._prepare()
        except (sqlite3.Error, OSError) as error:
            self._database.close()
            raise _unusable(data, error) from error

    def close(self) -> None:
        """Close the database; rooms that were kept in memory are lost."""
        self._database.close()

    def clear(self) -> None:
        """Delete all chatrooms."""
        with self._transaction() as database:
            for table in ("part", "message", "chatroom"):
                database.execute(f"DELETE FROM {table}")

    def create_room(self, operator_id: str, owner_id: str, name: str | None, metadata: Any) -> Json:
        """Create a chatroom with a new id and return it."""
        room_id = str(uuid.uuid4())
        with self._transaction() as database:
            room_name = DEFAULT_NAME if name is None else name
            _insert_room(database, operator_id, room_id, owner_id, room_name, metadata)
            return _room(database, operator_id, room_id)

    def room(self, operator_id: str, room_id: str) -> Json:
        """Return a chatroom.

        Raises:
            MissingRoomError: There is no such room.
        """
        with self._transaction(write=False) as database:
            return _room(database, operator_id, room_id)

    def update_room(self, operator_id: str, room_id: str, changes: Mapping[str, Any]) -> Json:
        """Set the `name`, the `metadata` or both of a chatroom, and return it.

        Raises:
            MissingRoomError: There is no such room.
        """
        columns: dict[str, Any] = {"updated_at": _now()}
        if "name" in changes:
            columns |= {"name": changes["name"], "folded_name": folded(changes["name"])}
        if "metadata" in changes:
            columns |= _metadata_columns(changes["metadata"])
        assignments = ", ".join(f"{column} = ?" for column in columns)
        with self._transaction() as database:
            database.execute(
                f"UPDATE chatroom SET {assignments} WHERE operator_id = ? AND id = ?",
                (*columns.values(), operator_id, room_id),
            )
            return _room(database, operator_id, room_id)

    def delete_room(self, operator_id: str, room_id: str) -> None:
        """Delete a chatroom and its messages.

        Raises:
            MissingRoomError: There is no such room.
        """
        with self._transaction() as database:
            number = _number_of(database, operator_id, room_id)
            for table, column in (("part", "chatroom"), ("message", "chatroom"), ("chatroom", "seq")):
                database.execute(f"DELETE FROM {table} WHERE {column} = ?", (number,))

    def rooms(
        self, operator_id: str, limit: int, offset: int, search: str = "", metadata_user_id: str | None = None
    ) -> Page:
        """Return the operator's rooms, newest first.

        Args:
            operator_id: The operator.
            limit: Number of rooms to return at most.
            offset: Number of rooms to leave out at the beginning.
            search: Text that the name must contain, in any case and width.
            metadata_user_id: What `user_id` in the metadata must be; None for any.
        """
        where = "operator_id = ?"
        values: list[Any] = [operator_id]
        if search:
            where += " AND instr(folded_name, ?) > 0"
            values.append(folded(search))
        if metadata_user_id is not None:
            where += " AND metadata_user_id = ?"
            values.append(metadata_user_id)
        with self._transaction(write=False) as database:
            rows, total = _page(database, _ROOM_COLUMNS, "chatroom", where, values, "DESC", limit, offset)
        return Page([_room_json(row) for row in rows], total)

    def history(self, operator_id: str, room_id: str) -> list[Json]:
        """Return all messages of a room as they were sent, oldest first; none for a room that does not exist."""
        query = """
            SELECT message.body FROM message JOIN chatroom ON chatroom.seq = message.chatroom
            WHERE chatroom.operator_id = ? AND chatroom.id = ? ORDER BY message.seq
        """
        with self._transaction(write=False) as database:
            return [json.loads(body) for (body,) in database.execute(query, (operator_id, room_id))]

    def messages(self, operator_id: str, room_id: str, limit: int, offset: int, search: str = "") -> Page:
        """Return the parts of a room's messages as ChatMessages, oldest first.

        Args:
            operator_id: The operator.
            room_id: The room.
            limit: Number of messages to return at most.
            offset: Number of messages to leave out at the beginning.
            search: Text that the message must contain, in any case and width.

        Raises:
            MissingRoomError: There is no such room.
        """
        with self._transaction(write=False) as database:
            where = "chatroom = ?"
            values: list[Any] = [_number_of(database, operator_id, room_id)]
            if search:
                where += " AND instr(folded_text, ?) > 0"
                values.append(folded(search))
            columns = "id, user_id, created_at, role, content"
            rows, total = _page(database, columns, "part", where, values, "ASC", limit, offset)
        messages = [
            {
                "id": part_id,
                "user_id": user_id,
                "chatroom_id": room_id,
                "created_at": created_at,
                "role": role,
                "content": json.loads(content),
            }
            for part_id, user_id, created_at, role, content in rows
        ]
        return Page(messages, total)

    def append(
        self,
        operator_id: str,
        room_id: str,
        user_id: str,
        messages: Sequence[Json],
        *,
        create: bool = False,
    ) -> None:
        """Store messages: all of them, next to each other, or none.

        Args:
            operator_id: The operator.
            room_id: The room.
            user_id: The end user who sent the messages or got them.
            messages: The messages as they were sent.
            create: Whether to create the room if it does not exist; its name is then its id.

        Raises:
            MissingRoomError: There is no such room.
        """
        with self._transaction() as database:
            if create:
                _insert_room(database, operator_id, room_id, user_id, room_id, {})
            number = _number_of(database, operator_id, room_id)
            _insert_messages(database, number, user_id, messages)
            database.execute("UPDATE chatroom SET updated_at = ? WHERE seq = ?", (_now(), number))

    @contextmanager
    def _transaction(self, *, write: bool = True) -> Iterator[sqlite3.Connection]:
        database = self._database
        with self._lock:
            # IMMEDIATE waits for other writers here, not in the middle, where SQLite would have to give up.
            database.execute("BEGIN IMMEDIATE" if write else "BEGIN")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise

    def _prepare(self) -> None:
        with self._transaction() as database:
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version > _VERSION:
                raise OSError("it was written by a newer version of this package")
            old = _take_old_messages(database) if version == 0 else []
            for statement in _SCHEMA:
                database.execute(statement)
            for operator_id, room_id, messages in old:
                _insert_room(database, operator_id, room_id, operator_id, room_id, {})
                _insert_messages(database, _number_of(database, operator_id, room_id), operator_id, messages)
            database.execute(f"PRAGMA user_version = {_VERSION}")


def folded(text: str) -> str:
    """Return a text in the form in which texts are compared: without differences of case and width."""
    return unicodedata.normalize("NFKC", text).casefold()


def _connect(data: str | os.PathLike[str]) -> sqlite3.Connection:
    # Transactions are explicit, and the lock lets one thread in at a time.
    return sqlite3.connect(data, timeout=_LOCK_TIMEOUT, isolation_level=None, check_same_thread=False)


def _unusable(data: str | os.PathLike[str], error: Exception) -> OSError:
    return OSError(f"{os.fspath(data)} cannot be used as data file: {error}")


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _metadata_columns(metadata: Any) -> dict[str, Any]:
    user_id = metadata.get("user_id") if isinstance(metadata, dict) else None
    is_id = isinstance(user_id, (str, int)) and not isinstance(user_id, bool)
    return {"metadata": _json(metadata), "metadata_user_id": str(user_id) if is_id else None}


def _insert_room(
    database: sqlite3.Connection, operator_id: str, room_id: str, owner_id: str, name: str, metadata: Any
) -> None:
    """Insert a room, unless the operator has one with this id."""
    now = _now()
    columns = {
        "operator_id": operator_id,
        "id": room_id,
        "owner_id": owner_id,
        "name": name,
        "folded_name": folded(name),
        **_metadata_columns(metadata),
        "created_at": now,
        "updated_at": now,
    }
    marks = ", ".join("?" * len(columns))
    database.execute(
        f"INSERT OR IGNORE INTO chatroom ({', '.join(columns)}) VALUES ({marks})", tuple(columns.values())
    )


def _insert_messages(
    database: sqlite3.Connection, number: int, user_id: str, messages: Sequence[Json]
) -> None:
    names: dict[str, str] = {}
    if any(message["role"] == "tool" for message in messages):
        bodies = database.execute("SELECT body FROM message WHERE chatroom = ? ORDER BY seq", (number,))
        names = tool_names([*(json.loads(body) for (body,) in bodies), *messages])
    now = _now()
    for message in messages:
        database.execute("INSERT INTO message (chatroom, body) VALUES (?, ?)", (number, _json(message)))
        for part in parts_of(message, names):
            database.execute(
                """
                INSERT INTO part (chatroom, id, user_id, created_at, role, content, folded_text)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
                (
                    number,
                    str(uuid.uuid4()),
                    user_id,
                    now,
                    part.role,
                    _json(part.content),
                    folded(part.text),
                ),
            )


def _number_of(database: sqlite3.Connection, operator_id: str, room_id: str) -> int:
    query = "SELECT seq FROM chatroom WHERE operator_id = ? AND id = ?"
    row = database.execute(query, (operator_id, room_id)).fetchone()
    if row is None:
        raise MissingRoomError(room_id)
    return int(row[0])


def _room(database: sqlite3.Connection, operator_id: str, room_id: str) -> Json:
    query = f"SELECT {_ROOM_COLUMNS} FROM chatroom WHERE operator_id = ? AND id = ?"
    row = database.execute(query, (operator_id, room_id)).fetchone()
    if row is None:
        raise MissingRoomError(room_id)
    return _room_json(row)


def _room_json(row: Sequence[Any]) -> Json:
    room: Json = dict(zip(_ROOM_COLUMNS.split(", "), row, strict=True))
    room["metadata"] = json.loads(room["metadata"])
    return room


def _page(
    database: sqlite3.Connection,
    columns: str,
    table: str,
    where: str,
    values: Sequence[Any],
    order: str,
    limit: int,
    offset: int,
) -> tuple[list[Any], int]:
    (total,) = database.execute(f"SELECT count(*) FROM {table} WHERE {where}", values).fetchone()
    query = f"SELECT {columns} FROM {table} WHERE {where} ORDER BY seq {order} LIMIT ? OFFSET ?"
    return database.execute(query, (*values, limit, offset)).fetchall(), total


def _take_old_messages(database: sqlite3.Connection) -> Iterable[tuple[str, str, list[Json]]]:
    """Remove the only table of the older versions, and return its messages by operator and room."""
    columns = {row[1] for row in database.execute("PRAGMA table_info(message)")}
    if not {"operator_id", "chatroom_id", "body"} <= columns:
        return []
    rooms: dict[tuple[str, str], list[Json]] = {}
    rows = database.execute("SELECT operator_id, chatroom_id, body FROM message ORDER BY id").fetchall()
    for operator_id, room_id, body in rows:
        rooms.setdefault((operator_id, room_id), []).append(json.loads(body))
    database.execute("DROP TABLE message")
    return [(*key, messages) for key, messages in rooms.items()]
