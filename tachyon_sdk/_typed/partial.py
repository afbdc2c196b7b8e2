"""Objects of the user's types from the beginning of a JSON text.

pydantic's experimental partial validation omits models and dataclasses until all of their required fields are there,
and older versions do not have it. So this builds them: pydantic validates what is complete, and only what is still
open is built here.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar, Union, get_args, get_origin

from pydantic import AliasChoices, BaseModel, RootModel, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic.fields import FieldInfo
from pydantic_core import to_json

from tachyon_sdk._typed.json_prefix import Incomplete

ABSENT: Any = object()
"""There is nothing of this type yet."""

_LISTS = (
    list,
    collections.abc.Sequence,
    collections.abc.MutableSequence,
    collections.abc.Collection,
    collections.abc.Iterable,
)
_MAPPINGS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_SETS = (set, frozenset, collections.abc.Set, collections.abc.MutableSet)
_QUALIFIERS = ("Required", "NotRequired", "ReadOnly", "Final")


class _Field(NamedTuple):
    """A field of a model, a dataclass or a TypedDict."""

    name: str
    kind: Any


class PartialBuilder:
    """Builds partial objects of one type.

    Models and dataclasses are instances of their class. A field that has not arrived has its default, or None if it
    is required. Validators of the class and `__post_init__` are not called. The constraints of a value apply once it
    is complete; a value that is invalid counts as not arrived.

    Args:
        kind: Any type that pydantic supports.
    """

    def __init__(self, kind: Any) -> None:
        self._kind = kind
        self._depth = 0
        self._in_string = False
        # By identity: types may be unhashable. The types are kept, so that identities are not used again.
        self._adapters: dict[int, tuple[Any, TypeAdapter[Any] | None]] = {}
        self._fields: dict[int, tuple[Any, dict[str, _Field]]] = {}

    def build(self, incomplete: Incomplete) -> Any:
        """Return the object so far, or ABSENT."""
        self._depth, self._in_string = incomplete.depth, incomplete.in_string
        return self._build(self._kind, incomplete.value, 0)

    def _build(self, kind: Any, value: Any, level: int) -> Any:
        """Return the value of the last element at a level of nesting, which may be open."""
        if level >= self._depth + self._in_string:
            return self._validate(kind, value)
        kind = _plain(kind)
        if get_origin(kind) in (Union, types.UnionType):
            return self._build_union(kind, value, level)
        if kind in (Any, object) or isinstance(kind, TypeVar):
            return value
        if isinstance(value, str):
            return value if kind is str else ABSENT
        if isinstance(value, dict):
            return self._build_object(kind, value, level)
        return self._build_list(kind, value, level) if isinstance(value, list) else ABSENT

    def _build_union(self, kind: Any, value: Any, level: int) -> Any:
        members = [member for member in get_args(kind) if self._may_be(member, value)]
        if len(members) > 1 and isinstance(value, dict):
            fits = [self._fit(member, value, level) for member in members]
            best = max(fits)
            if not best[1]:  # nothing tells them apart
                return ABSENT
            members = [members[fits.index(best)]]
        built = (self._build(member, value, level) for member in members)
        return next((each for each in built if each is not ABSENT), ABSENT)

    def _may_be(self, kind: Any, value: Any) -> bool:
        """Whether a value of this JSON type, as far as it arrived, may be of a type."""
        kind = _plain(kind)
        if kind in (Any, object) or get_origin(kind) in (Union, types.UnionType):
            return True
        if isinstance(value, dict):
            return _is_mapping(kind) or bool(self._fields_of(kind))
        if isinstance(value, list):
            return _is_list(kind)
        return kind is str

    def _fit(self, kind: Any, value: dict[str, Any], level: int) -> tuple[bool, int]:
        """How well an object fits a type: whether all complete values are valid, and how many known ones arrived."""
        fields = self._fields_of(_plain(kind))
        last = next(reversed(value), None)
        is_open = level + 1 < self._depth + self._in_string
        known, valid = 0, True
        for name, item in value.items():
            if name not in fields:
                continue
            if is_open and name == last:
                known += self._build(fields[name].kind, item, level + 1) is not ABSENT
            elif self._validate(fields[name].kind, item) is ABSENT:
                valid = False
            else:
                known += 1
        return valid, known

    def _build_object(self, kind: Any, value: dict[str, Any], level: int) -> Any:
        if _is_mapping(kind):
            return self._build_mapping(kind, value, level)
        if _is_subclass(kind, RootModel):
            return self._build_root(kind, value, level)
        fields = self._fields_of(kind)
        if not fields:
            return ABSENT
        found = {}
        last = next(reversed(value), None)
        for name, item in value.items():
            if field := fields.get(name):
                built = (
                    self._build(field.kind, item, level + 1)
                    if name == last
                    else self._validate(field.kind, item)
                )
                if built is not ABSENT:
                    found[field.name] = built
        return _instance(kind, found)

    def _build_root(self, kind: Any, value: Any, level: int) -> Any:
        root = self._build(self._fields_of(kind)["root"].kind, value, level)
        return ABSENT if root is ABSENT else kind.model_construct(root)

    def _build_mapping(self, kind: Any, value: dict[str, Any], level: int) -> Any:
        key_kind, item_kind = get_args(kind) or (Any, Any)
        *complete, last = [*value.items()] or [ABSENT]
        if last is ABSENT:
            return {}
        pairs = []
        for name, item in complete:
            pairs.append((self._validate(key_kind, name), self._validate(item_kind, item)))
        pairs.append((self._validate(key_kind, last[0]), self._build(item_kind, last[1], level + 1)))
        return {name: item for name, item in pairs if name is not ABSENT and item is not ABSENT}

    def _build_list(self, kind: Any, value: list[Any], level: int) -> Any:
        if _is_subclass(kind, RootModel):
            return self._build_root(kind, value, level)
        if not _is_list(kind):
            return ABSENT
        (item_kind, *_) = get_args(kind) or (Any,)
        items = [self._validate(item_kind, item) for item in value[:-1]]
        if value:
            items.append(self._build(item_kind, value[-1], level + 1))
        items = [item for item in items if item is not ABSENT]
        origin = get_origin(kind) or kind
        if origin not in _SETS:
            return tuple(items) if origin is tuple else items
        try:
            return frozenset(items) if origin is frozenset else set(items)
        except TypeError:  # a partial object has no hash
            return ABSENT

    def _validate(self, kind: Any, value: Any) -> Any:
        """Return a complete value, or ABSENT if it is invalid."""
        adapter = self._adapter(kind)
        try:
            # As JSON, which a strict type reads in another way than Python objects.
            return ABSENT if adapter is None else adapter.validate_json(to_json(value))
        except ValidationError:
            return ABSENT

    def _adapter(self, kind: Any) -> TypeAdapter[Any] | None:
        if id(kind) not in self._adapters:
            try:
                adapter = TypeAdapter(kind)
            except (PydanticUserError, NameError):  # it is valid only inside its class
                adapter = None
            self._adapters[id(kind)] = kind, adapter
        return self._adapters[id(kind)][1]

    def _fields_of(self, kind: Any) -> dict[str, _Field]:
        """Return the fields of a class by their names in the JSON; none if it is another type."""
        if id(kind) not in self._fields:
            self._fields[id(kind)] = kind, _inspect_fields(kind)
        return self._fields[id(kind)][1]


def _plain(kind: Any) -> Any:
    """Return a type without annotations and other names for it."""
    while True:
        if get_origin(kind) is typing.Annotated:
            kind = get_args(kind)[0]
        elif hasattr(kind, "__supertype__"):  # NewType
            kind = kind.__supertype__
        elif hasattr(kind, "__value__"):  # `type Name = ...`
            kind = kind.__value__
        elif getattr(get_origin(kind), "_name", None) in _QUALIFIERS:
            kind = get_args(kind)[0]
        else:
            return kind


def _is_subclass(kind: Any, base: type) -> bool:
    # In Python 3.10, list[int] is an instance of type, but no class.
    return isinstance(kind, type) and get_origin(kind) is None and issubclass(kind, base)


def _is_mapping(kind: Any) -> bool:
    return (get_origin(kind) or kind) in _MAPPINGS


def _is_list(kind: Any) -> bool:
    origin = get_origin(kind) or kind
    if _is_subclass(kind, RootModel):
        return True
    return (
        origin in _LISTS or origin in _SETS or (origin is tuple and get_args(kind)[1:] in ((), (Ellipsis,)))
    )


def _inspect_fields(kind: Any) -> dict[str, _Field]:
    if _is_subclass(kind, BaseModel):
        fields = {}
        for name, info in kind.model_fields.items():
            arguments = (info.annotation, *info.metadata)
            annotation = typing.Annotated[arguments] if info.metadata else info.annotation
            for key in _names_in_json(info.validation_alias, name, kind):
                fields[key] = _Field(name, annotation)
        return fields
    owner = get_origin(kind) or kind
    is_typed_dict = _is_subclass(owner, dict) and hasattr(owner, "__required_keys__")
    if not is_typed_dict and not (isinstance(owner, type) and dataclasses.is_dataclass(owner)):
        return {}
    try:
        hints = typing.get_type_hints(owner, include_extras=True)
    except Exception:  # an annotation may be any expression; pydantic may know more names
        return {}
    if is_typed_dict:
        return {name: _Field(name, hint) for name, hint in hints.items()}
    declared: Any = owner
    return {
        field.name: _Field(field.name, hints[field.name])
        for field in dataclasses.fields(declared)
        if field.init
    }


def _names_in_json(alias: Any, name: str, model: type[BaseModel]) -> list[str]:
    choices = alias.choices if isinstance(alias, AliasChoices) else [name if alias is None else alias]
    names = [choice for choice in choices if isinstance(choice, str)]
    config: Mapping[str, Any] = model.model_config
    if config.get("populate_by_name") or config.get("validate_by_name"):
        names.append(name)
    return names


def _instance(kind: Any, found: dict[str, Any]) -> Any:
    """Return an instance of a class with these fields; the others have their defaults, or None."""
    owner: Any = get_origin(kind) or kind
    if issubclass(owner, BaseModel):
        missing = {name: None for name, info in kind.model_fields.items() if info.is_required()}
        try:
            return kind.model_construct(_fields_set={*found}, **{**missing, **found})
        except Exception:  # `model_post_init` and factories of defaults may need what is missing
            return ABSENT
    if issubclass(owner, dict):
        return found
    instance = object.__new__(owner)
    for field in dataclasses.fields(owner):
        value = found[field.name] if field.name in found else _default(field)
        object.__setattr__(instance, field.name, value)
    return instance


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    default = None if field.default is dataclasses.MISSING else field.default
    if isinstance(default, FieldInfo):
        return None if default.is_required() else default.get_default(call_default_factory=True)
    return default


def same(one: Any, other: Any) -> bool:
    """Whether two partial objects have the same contents, also if their class does not compare or cannot yet."""
    if type(one) is not type(other):
        return False
    if isinstance(one, BaseModel):
        return same(one.__dict__, other.__dict__)
    if dataclasses.is_dataclass(one):
        return all(
            same(getattr(one, field.name), getattr(other, field.name)) for field in dataclasses.fields(one)
        )
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    return bool(one == other)
