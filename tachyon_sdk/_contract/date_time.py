"""A date and time that is finer than `datetime` can hold. Imported when a response has one."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from pydantic_core import SchemaSerializer, core_schema


class FineDateTime(datetime):
    """A date and time whose fraction of a second is finer than microseconds; the rest of the fraction is cut off.

    It is serialized as it was received. A time that is computed from it is a plain point in time without `text`.

    Attributes:
        text: The text that was received (RFC 3339), with all digits; None for a computed time.
    """

    text: str | None = None

    @classmethod
    def of(cls, value: datetime, text: str) -> FineDateTime:
        """Return the time with the text that it was read from."""
        fine = cls.combine(value.date(), value.timetz())
        fine.text = text
        return fine

    def __reduce_ex__(self, protocol: Any) -> Any:
        # datetime's own would lose the text.
        return (*super().__reduce_ex__(protocol), {"text": self.text})

    # pydantic serializes an object that has this attribute with it, wherever the object is.
    __pydantic_serializer__: ClassVar[SchemaSerializer] = SchemaSerializer(
        core_schema.any_schema(
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda value: value.text or datetime.combine(value.date(), value.timetz()), when_used="json"
            )
        )
    )
