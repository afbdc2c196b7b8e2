"""What all models share: how they validate, and how they turn into JSON and back."""

import json
import operator
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, overload

import pydantic
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    TypeAdapter,
)
from pydantic_core import CoreSchema, core_schema
from typing_extensions import Self

_PYDANTIC = tuple(int(number) for number in pydantic.VERSION.split(".")[:2])


class Model(BaseModel):
    """Base of the models that a program sends.

    Values are checked when they are given, in the constructor and by assignment, and never converted; a value
    that does not fit raises `pydantic.ValidationError`. Only what was set becomes part of the JSON: what is
    absent stays absent, an explicit `None` is `null`. Properties that the contract does not name are kept.
    """

    model_config = ConfigDict(
        extra="allow",
        # Saves half of the import. Older versions get it wrong where threads are the first to use a model.
        defer_build=_PYDANTIC >= (2, 14),
        validate_assignment=True,
        populate_by_name=True,
        protected_namespaces=(),
        # The default would turn NaN into null behind the user's back.
        ser_json_inf_nan="constants",
    )

    filled_in_later: ClassVar[tuple[str, ...]] = ()
    """Required properties that may be filled in after construction, before the model is sent."""

    def missing_properties(self) -> list[str]:
        """The required properties that were never set nor filled in."""
        self._notice_filled_in()
        return [name for name in self.filled_in_later if name not in self.__pydantic_fields_set__]

    def to_dict(self) -> dict[str, Any]:
        """What was set, as a new dict of JSON values (str, int, float, bool, None, list, dict)."""
        self._notice_filled_in()
        return self.__pydantic_serializer__.to_python(self, mode="json", **_AS_SET)  # type: ignore[no-any-return]

    def to_json(self) -> str:
        """What was set, as JSON text without white space (RFC 8259)."""
        return self.to_json_bytes().decode()

    def to_json_bytes(self) -> bytes:
        """`to_json` in UTF-8."""
        self._notice_filled_in()
        return self.__pydantic_serializer__.to_json(self, **_AS_SET)

    def to_str(self) -> str:
        """What was set, laid out for reading."""
        return _laid_out(self.to_dict())

    @overload
    @classmethod
    def from_dict(cls, obj: None) -> None: ...

    @overload
    @classmethod
    def from_dict(cls, obj: Mapping[str, Any]) -> Self: ...

    @classmethod
    def from_dict(cls, obj: Mapping[str, Any] | None) -> Self | None:
        """A model of the properties in `obj`, which is left as it is and not shared; `None` of `None`.

        Raises:
            pydantic.ValidationError: a property is missing or does not fit.
        """
        if obj is None:
            return None
        # A copy, so that changing the model later does not change what the caller holds.
        return cls.model_validate(_copied(obj))

    @classmethod
    def from_json(cls, json_str: str | bytes) -> Self:
        """A model of a JSON text.

        Raises:
            pydantic.ValidationError: the text is not JSON, or a property is missing or does not fit.
        """
        return cls.model_validate_json(json_str)

    def __repr_args__(self) -> Any:
        self._notice_filled_in()
        return [(name, value) for name, value in super().__repr_args__() if name in self.model_fields_set]

    def _notice_filled_in(self) -> None:
        for name in self.filled_in_later:
            if name not in self.__pydantic_fields_set__ and getattr(self, name):
                self.__pydantic_fields_set__.add(name)


def _of_python(value: Any) -> Any:
    """A number of another library, such as one of numpy's, as Python's own; any other value as it is."""
    if value is None or isinstance(value, (str, int, float, list, dict)):
        return value
    with suppress(TypeError, ValueError):
        if (
            getattr(value, "shape", None) == ()
        ):  # an array without a dimension, which also their truth values are
            item = value.item()
            return item if isinstance(item, (str, int, float)) else value
        if hasattr(type(value), "__index__"):
            return operator.index(value)
    return value


def _unwrapped(value: Any) -> Any:
    if isinstance(value, OneOf):
        return value.actual_instance
    number = _of_python(value)
    if number is value:
        raise TypeError(f"{type(value).__name__} is no JSON value")
    return number


# As any: what was put in place of a model, such as one of another type, is written with all that it has.
_AS_SET: dict[str, Any] = {
    "by_alias": True,
    "exclude_unset": True,
    "warnings": False,
    "serialize_as_any": True,
    "fallback": _unwrapped,
}


class Answer(Model):
    """Base of the models that a server sends: read leniently.

    Any property may be missing or null, an enumeration may hold an unknown value, and values are converted
    where that loses nothing. Properties that the contract does not name are kept as attributes. A property that
    only stands beside the text is kept as it came where it does not fit its type.
    """

    # A server's NaN is kept, but is no JSON (RFC 8259, section 6).
    model_config = ConfigDict(ser_json_inf_nan="null")


class _Lenient:
    """Annotation of a property that is kept as it came where it does not fit its type."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.union_schema([handler(source), core_schema.any_schema()], mode="left_to_right")


Lenient = _Lenient()


_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)


class _Rfc3339:
    """Annotation of a point in time in a response: only the text of RFC 3339 is one, no number and no other text."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._check, handler(source))

    @staticmethod
    def _check(value: Any) -> Any:
        if isinstance(value, datetime) or (isinstance(value, str) and _DATE_TIME.fullmatch(value)):
            return value
        raise ValueError("not a date and time (RFC 3339)")


Rfc3339 = _Rfc3339()


class _OfAnyLibrary:
    """Annotation of a number or a truth value in a request, after its bounds: takes those of other libraries too."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        # JSON has none of them, and is read without a call of Python code.
        return core_schema.json_or_python_schema(
            schema, core_schema.no_info_before_validator_function(_of_python, schema)
        )


OfAnyLibrary = _OfAnyLibrary()


_UNSET: Any = object()


class OneOf:
    """Base of the schemas that are one of several types; wraps the value, which it checks.

    A subclass has the alternatives, as a type annotation, in `Value`.

    Attributes:
        actual_instance: The value, checked whenever it is set; None while it is not set.
    """

    actual_instance: Any = None

    def __init__(self, actual_instance: Any = _UNSET) -> None:
        """Wraps a value, which may be set later.

        Raises:
            pydantic.ValidationError: the value is of none of the types.
        """
        if actual_instance is not _UNSET:
            self.actual_instance = actual_instance

    if not TYPE_CHECKING:  # type checkers would take it for a permission to set any name

        def __setattr__(self, name: str, value: Any) -> None:
            object.__setattr__(
                self, name, self._adapter().validate_python(value) if name == "actual_instance" else value
            )

    @classmethod
    def from_dict(cls, obj: Any) -> Self:
        """Wraps a copy of a JSON value; raises `pydantic.ValidationError` where it is of none of the types."""
        return cls(_copied(obj))

    @classmethod
    def from_json(cls, json_str: str | bytes) -> Self:
        """Wraps the value of a JSON text; raises `pydantic.ValidationError` where that cannot be."""
        return cls(cls._adapter().validate_json(json_str))

    def to_dict(self) -> Any:
        """The value as JSON values (str, list, dict, ...)."""
        return self._adapter().dump_python(
            self.actual_instance, mode="json", by_alias=True, exclude_unset=True, warnings=False
        )

    def to_json(self) -> str:
        """The value as JSON text without white space."""
        return json.dumps(self.to_dict(), ensure_ascii=False, separators=(",", ":"))

    def to_str(self) -> str:
        """The value laid out for reading."""
        return _laid_out(self.to_dict())

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.actual_instance == self.actual_instance

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = "" if self.actual_instance is None else repr(self.actual_instance)
        return f"{type(self).__name__}({shown})"

    @classmethod
    def _adapter(cls) -> TypeAdapter[Any]:
        adapter: TypeAdapter[Any] | None = cls.__dict__.get("_cached_adapter")
        if adapter is None:
            adapter = TypeAdapter(getattr(cls, "Value"), config=ConfigDict(title=cls.__name__))  # noqa: B009
            cls._cached_adapter = adapter
        return adapter

    _cached_adapter: ClassVar[TypeAdapter[Any]]


class StringEnum(str, Enum):
    """Base of the enumerations; a member is the string that is sent."""

    @classmethod
    def from_json(cls, json_str: str) -> Self:
        """The member of a JSON text; raises `ValueError` where there is none."""
        return cls(json.loads(json_str))

    def __str__(self) -> str:
        return str(self.value)


class Alternative(Answer):
    """Base of the alternatives of a `OneOf` in a response."""

    @property
    def actual_instance(self) -> Self:
        """The value itself, as the wrapper class has it."""
        return self


class UnknownMember(Alternative):
    """A value of a `OneOf` whose alternative the contract does not know; all of its properties are attributes.

    Attributes:
        type: The name of the alternative, if it has that property.
    """

    type: Any = None


class _ToldApart:
    def __init__(self, name: str, members: Mapping[str, type[Model]]) -> None:
        self._name = name
        self._members = members

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schemas = {value: handler.generate_schema(member) for value, member in self._members.items()}
        unknown = handler.generate_schema(UnknownMember)
        return core_schema.tagged_union_schema({**schemas, "": unknown}, discriminator=self._member_of)

    def _member_of(self, value: Any) -> str:
        found = value.get(self._name) if isinstance(value, Mapping) else getattr(value, self._name, None)
        return found if isinstance(found, str) and found in self._members else ""


def told_apart(name: str, members: Mapping[str, type[Model]]) -> Any:
    """Annotation of a `OneOf` whose alternatives are told apart by a property; any other object is an `UnknownMember`.

    Args:
        name: Name of the property.
        members: The alternatives by the value of the property.
    """
    return _ToldApart(name, members)


Unwrapped = BeforeValidator(lambda value: value.actual_instance if isinstance(value, OneOf) else value)
"""Annotation of a field that takes a value of a `OneOf` as it is or wrapped, and holds it as it is."""

KnownFirst: Any = Field(union_mode="left_to_right")
"""Annotation of an enumeration: a known value is a member, any other stays a string."""


UNNAMED = "declared"
"""What stands in the location of an error for the declared type where null is read as an empty one."""


class _EmptyForNull:
    """Annotation of a list or a model that an answer should have: null is read as an empty one."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        null = core_schema.no_info_after_validator_function(
            lambda _: (getattr(source, "__origin__", None) or source)(), core_schema.none_schema()
        )
        # The declared type comes first, so that only a null costs a call of Python code.
        return core_schema.union_schema([(handler(source), UNNAMED), null], mode="left_to_right")


EmptyForNull = _EmptyForNull()


def _laid_out(value: Any) -> str:
    # Imported here because it is rarely needed.
    import pprint

    return pprint.pformat(value)


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_copied(item) for item in value]
    return value
