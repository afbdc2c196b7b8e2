"""Base classes of all models: validation, and conversion from and to JSON."""

import json
import operator
import re
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from datetime import datetime
from enum import Enum
from functools import cache, wraps
from operator import attrgetter
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
from pydantic_core import CoreSchema, SchemaSerializer, core_schema
from typing_extensions import Self

_PYDANTIC = tuple(int(number) for number in pydantic.VERSION.split(".")[:2])


KNOWN_ROLES = ("system", "user", "assistant", "tool", "developer", "function")
"""Roles that the contract names, and the one of the older function calls. Others are sent with a warning."""


class _Signature:
    """Builds a deferred model when its signature is read, as by `help()`: pydantic sets the signature only then."""

    def __get__(self, instance: object, owner: type[BaseModel]) -> Any:
        if instance is None:
            owner.model_rebuild(raise_errors=False)
            if vars(owner).get("__signature__", self) is not self:
                return getattr(owner, "__signature__")  # noqa: B009
        raise AttributeError("__signature__")


class Model(BaseModel):
    """Base class of request models.

    Values are validated in the constructor and on assignment, and never converted. An invalid value raises
    `pydantic.ValidationError`. Only properties that were set are serialized: an unset property is absent, an
    explicit `None` becomes `null`. Properties that the contract does not define are kept.
    """

    __signature__: ClassVar[Any] = _Signature()

    model_config = ConfigDict(
        extra="allow",
        # Halves the import time. Older versions of pydantic fail if several threads use a model first.
        defer_build=_PYDANTIC >= (2, 14),
        validate_assignment=True,
        populate_by_name=True,
        protected_namespaces=(),
        # The default would silently turn NaN into null.
        ser_json_inf_nan="constants",
    )

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.__signature__ = _Signature()  # not the one that a base class may already have

    if not TYPE_CHECKING:  # type checkers know the arguments from the properties
        # `wraps` also takes over the mark of pydantic's own `__init__`, which is not called for each nested model.
        @wraps(BaseModel.__init__)
        def __init__(self, /, *args: Any, **data: Any) -> None:
            if args:
                name, fields = type(self).__name__, [f"{field}=..." for field in type(self).model_fields]
                raise TypeError(
                    f"{name} takes no positional arguments; name them: {name}({', '.join(fields[:2])})"
                )
            try:
                validator = self.__pydantic_validator__
            except AttributeError:
                log_missing("__pydantic_validator__")
                BaseModel.__init__(self, **data)
                return
            if validator.validate_python(data, self_instance=self) is not self:
                BaseModel.__init__(self, **data)  # it warns

    filled_in_later: ClassVar[tuple[str, ...]] = ()
    """Required properties that may be set after construction, before the model is sent."""

    def missing_properties(self) -> list[str]:
        """Return the names of the required properties that were never set."""
        return self._mark_filled_in()

    def to_dict(self) -> dict[str, Any]:
        """Return the properties that were set as a dict of JSON values (str, int, float, bool, None, list, dict)."""
        self._mark_filled_in()
        try:
            serializer = self.__pydantic_serializer__
        except AttributeError:
            serializer = _public_serializer(type(self))
        return serializer.to_python(self, mode="json", **_DUMP_OPTIONS)  # type: ignore[no-any-return]

    def to_json(self) -> str:
        """Return the properties that were set as compact JSON (RFC 8259)."""
        return self.to_json_bytes().decode()

    def to_json_bytes(self) -> bytes:
        """Return `to_json()` encoded as UTF-8."""
        self._mark_filled_in()
        try:
            serializer = self.__pydantic_serializer__
        except AttributeError:
            serializer = _public_serializer(type(self))
        return serializer.to_json(self, **_DUMP_OPTIONS)

    def to_str(self) -> str:
        """Return the properties that were set as indented text."""
        return _pretty(self.to_dict())

    @overload
    @classmethod
    def from_dict(cls, obj: None) -> None: ...

    @overload
    @classmethod
    def from_dict(cls, obj: Mapping[str, Any]) -> Self: ...

    @classmethod
    def from_dict(cls, obj: Mapping[str, Any] | None) -> Self | None:
        """Create a model from a dict; return `None` for `None`. The dict is copied, not shared.

        Raises:
            pydantic.ValidationError: A property is missing or invalid.
        """
        if obj is None:
            return None
        # A copy, so that later changes to the model do not change the caller's dict.
        return cls.model_validate(_deep_copy(obj))

    @classmethod
    def from_json(cls, json_str: str | bytes) -> Self:
        """Create a model from a JSON text.

        Raises:
            pydantic.ValidationError: The text is not valid JSON, or a property is missing or invalid.
        """
        return cls.model_validate_json(json_str)

    def __repr_args__(self) -> Any:
        self._mark_filled_in()
        return [(name, value) for name, value in super().__repr_args__() if name in self.model_fields_set]

    def _mark_filled_in(self) -> list[str]:
        """Mark properties as set that were filled in place, as by `request.messages.append(...)`.

        Returns:
            The names of the required properties that are still not set.
        """
        missing = []
        for name in self.filled_in_later:
            add_missing_attributes()
            fields_set = self.__pydantic_fields_set__
            if name not in fields_set:
                if getattr(self, name):
                    fields_set.add(name)
                else:
                    missing.append(name)
        return missing


@cache
def add_missing_attributes() -> None:
    """Add private attributes that pydantic does not have to all models, as properties with the public value.

    The private attributes are several times faster than the public ones, and read for each chunk.
    """
    public_names = {"__pydantic_fields_set__": "model_fields_set", "__pydantic_extra__": "model_extra"}
    for private, public in public_names.items():
        if not hasattr(BaseModel, private):
            log_missing(private)
            setattr(Model, private, property(attrgetter(public)))


_PLAIN_TYPES = frozenset({str, int, float, bool, type(None)})


def may_have_unknown_names(request: Model) -> bool:
    """Whether `unknown_names` may find anything. False for a request of plain values and messages of text."""
    if request.__pydantic_extra__:
        return True
    values: Mapping[str, Any] = request.__dict__
    for name in request.__pydantic_fields_set__:
        if name != "messages" and values[name].__class__ not in _PLAIN_TYPES:
            return True
    for message in values.get("messages") or ():
        if (
            message.content.__class__ is not str
            or message.__pydantic_extra__
            or message.role not in KNOWN_ROLES
        ):
            return True
    return False


def unknown_names(model: Model, found: list[tuple[type[Model], str, bool]]) -> None:
    """Collect the names in a request that the contract does not have, also in nested models.

    Args:
        model: The request.
        found: The list to extend: the model, the name, and whether it is a role instead of a property.
    """
    if extra := model.__pydantic_extra__:
        found.extend((type(model), name, False) for name in extra)
    values: Mapping[str, Any] = model.__dict__
    for name in model.__pydantic_fields_set__:
        value: Any = values.get(name)  # None for a property that the contract does not have
        if value.__class__ is str:
            if name == "role" and value not in KNOWN_ROLES:
                found.append((type(model), value, True))
        elif value.__class__ is list:
            for item in value:
                if hasattr(type(item), "filled_in_later"):  # a Model; isinstance takes five times as long
                    unknown_names(item, found)
        elif hasattr(type(value), "filled_in_later"):
            unknown_names(value, found)


@cache
def _public_serializer(model: type[Model]) -> SchemaSerializer:
    """Return a second serializer of a model. Not `model_dump`, which has no `fallback` before pydantic 2.11."""
    log_missing("__pydantic_serializer__")
    serializer: SchemaSerializer = TypeAdapter(model).serializer
    return serializer


@cache
def log_missing(name: str) -> None:
    """Log once that a private attribute of pydantic is missing."""
    import logging

    logging.getLogger("tachyon_sdk").debug("pydantic has no %s: using its slower public interface", name)


def _to_python_number(value: Any) -> Any:
    """Convert a number of another library, such as numpy, to Python's own; return any other value unchanged."""
    if value is None or isinstance(value, (str, int, float, list, dict)):
        return value
    with suppress(TypeError, ValueError):
        if getattr(value, "shape", None) == ():  # a scalar of numpy, or an array without dimensions
            item = value.item()
            return item if isinstance(item, (str, int, float)) else value
        if hasattr(type(value), "__index__"):
            return operator.index(value)
    return value


def _serialize_unknown(value: Any) -> Any:
    if isinstance(value, OneOf):
        return value.actual_instance
    number = _to_python_number(value)
    if number is value:
        raise TypeError(f"{type(value).__name__} is not a JSON value")
    return number


# serialize_as_any: an object of another type in the place of a model is serialized with all of its own fields.
_DUMP_OPTIONS: dict[str, Any] = {
    "by_alias": True,
    "exclude_unset": True,
    "warnings": False,
    "serialize_as_any": True,
    "fallback": _serialize_unknown,
}


class Answer(Model):
    """Base class of response models, which accept more than the contract defines.

    Any property may be missing or null, enumerations accept unknown values, and values are converted if no
    information is lost. Properties that the contract does not define are kept as attributes. An invalid value of a
    property that is not part of the reply itself, such as `created`, is kept unchanged.
    """

    # A NaN from the server is kept, but JSON has no NaN (RFC 8259, section 6).
    model_config = ConfigDict(ser_json_inf_nan="null")

    def __iter__(self) -> Generator[tuple[str, Any], None, None]:
        """Iterate over the properties, as pairs of a name and a value, so that `dict(model)` works."""
        from tachyon_sdk._contract.iteration import properties

        yield from properties(self, super().__iter__())


class _Lenient:
    """Annotation for a property whose invalid values are kept unchanged."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.union_schema([handler(source), core_schema.any_schema()], mode="left_to_right")


Lenient = _Lenient()


_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)?", re.ASCII)


class _Rfc3339:
    """Annotation of a point in time in a response: only the text of RFC 3339 is one, no number and no other text."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        # It is serialized by its own type, which may be finer than a datetime.
        by_type = core_schema.plain_serializer_function_ser_schema(lambda value: value, when_used="json")
        return core_schema.no_info_wrap_validator_function(self._read, handler(source), serialization=by_type)

    @staticmethod
    def _read(value: Any, read: Callable[[Any], datetime]) -> datetime:
        if isinstance(value, datetime):
            return read(value)
        if not isinstance(value, str) or not (match := _DATE_TIME.fullmatch(value)):
            raise ValueError("not a date and time (RFC 3339)")
        if not (match[1] or "")[7:].strip("0"):
            return read(value)
        from tachyon_sdk._contract.date_time import FineDateTime

        return FineDateTime.of(read(value), value)


Rfc3339 = _Rfc3339()


class _OfAnyLibrary:
    """Annotation for a number or boolean of a request, placed after its bounds: accepts numpy's types, too."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        # JSON cannot contain them, so parsing it needs no call of Python code.
        return core_schema.json_or_python_schema(
            schema, core_schema.no_info_before_validator_function(_to_python_number, schema)
        )


OfAnyLibrary = _OfAnyLibrary()


_UNSET: Any = object()


class OneOf:
    """Base class of the wrappers for a `oneOf` schema. The wrapped value is validated.

    A subclass declares the alternatives as a type annotation named `Value`.

    Attributes:
        actual_instance: The value, validated on assignment; None until it is set.
    """

    actual_instance: Any = None

    def __init__(self, actual_instance: Any = _UNSET) -> None:
        """Wrap a value. Without an argument, set `actual_instance` later.

        Raises:
            pydantic.ValidationError: The value matches none of the types.
        """
        if actual_instance is not _UNSET:
            self.actual_instance = actual_instance

    if not TYPE_CHECKING:  # with a visible __setattr__, type checkers would allow any attribute

        def __setattr__(self, name: str, value: Any) -> None:
            object.__setattr__(
                self, name, self._adapter().validate_python(value) if name == "actual_instance" else value
            )

    @classmethod
    def from_dict(cls, obj: Any) -> Self:
        """Wrap a copy of a JSON value.

        Raises:
            pydantic.ValidationError: The value matches none of the types.
        """
        return cls(_deep_copy(obj))

    @classmethod
    def from_json(cls, json_str: str | bytes) -> Self:
        """Wrap the value of a JSON text.

        Raises:
            pydantic.ValidationError: The text is not valid JSON, or its value matches none of the types.
        """
        return cls(cls._adapter().validate_json(json_str))

    def to_dict(self) -> Any:
        """Return the value as JSON values (str, list, dict, ...)."""
        return self._adapter().dump_python(
            self.actual_instance, mode="json", by_alias=True, exclude_unset=True, warnings=False
        )

    def to_json(self) -> str:
        """Return the value as compact JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False, separators=(",", ":"))

    def to_str(self) -> str:
        """Return the value as indented text."""
        return _pretty(self.to_dict())

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.actual_instance == self.actual_instance

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        value = "" if self.actual_instance is None else repr(self.actual_instance)
        return f"{type(self).__name__}({value})"

    @classmethod
    def _adapter(cls) -> TypeAdapter[Any]:
        adapter: TypeAdapter[Any] | None = cls.__dict__.get("_cached_adapter")
        if adapter is None:
            adapter = TypeAdapter(getattr(cls, "Value"), config=ConfigDict(title=cls.__name__))  # noqa: B009
            cls._cached_adapter = adapter
        return adapter

    _cached_adapter: ClassVar[TypeAdapter[Any]]


class StringEnum(str, Enum):
    """Base class of the enumerations. Members are strings."""

    @classmethod
    def from_json(cls, json_str: str) -> Self:
        """Return the member for a JSON text.

        Raises:
            ValueError: The text is not valid JSON, or its value is not a member.
        """
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
"""Annotation for a field that accepts a value plain or wrapped in a `OneOf`, and stores it plain."""

KnownFirst: Any = Field(union_mode="left_to_right")
"""Annotation for an enumeration: a known value becomes a member, an unknown one stays a string."""


UNNAMED = "declared"
"""Location step that pydantic adds to errors of an `EmptyForNull` field; not part of the JSON."""


class _EmptyForNull:
    """Annotation for a list or model of a response: null is read as an empty one."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        null = core_schema.no_info_after_validator_function(
            lambda _: (getattr(source, "__origin__", None) or source)(), core_schema.none_schema()
        )
        # The declared type comes first, so that only null needs a call of Python code.
        return core_schema.union_schema([(handler(source), UNNAMED), null], mode="left_to_right")


EmptyForNull = _EmptyForNull()


def _pretty(value: Any) -> str:
    # Imported here because it is rarely needed.
    import pprint

    return pprint.pformat(value)


def _deep_copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _deep_copy(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_deep_copy(item) for item in value]
    return value
