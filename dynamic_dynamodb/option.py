"""What an option is: a declaration, attached to the field of the frozen dataclass that carries its value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from dynamic_dynamodb.model import Dimension
from dynamic_dynamodb.option_kinds import Kind

GENERAL = "General options"


@dataclass(frozen=True)
class Option:
    """How one option is spelt, what it may hold and what it means.

    In its texts `{D}` stands for `reads` or `writes`, and `{d}` for `read` or `write`. `default` is text, as one would
    write it in the file; `same_as` names the field whose value is the default instead; `shown_default` puts any other
    default into words. `flags` are the spellings on the command line, in its group of that name: without flags the
    option can stand in the file alone.
    """

    name: str
    kind: Kind[Any]
    help: str
    default: str = ""
    same_as: str = ""
    shown_default: str = ""
    aliases: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    group: str = GENERAL
    is_secret: bool = False


def option(name: str, kind: Kind[Any], help: str, default: str = "", **more: Any) -> Any:
    """Declare the field of a dataclass as an option; the arguments are those of Option."""
    return field(
        default=kind.parse(default) if default else None,
        metadata={"option": Option(name, kind, help, default, **more)},
    )


def flagged(name: str, kind: Kind[Any], help: str, default: str = "", **more: Any) -> Any:
    """An option that the command line has under the name that it has in the file."""
    return option(name, kind, help, default, flags=(f"--{name}",), **more)


def declared(options: type) -> dict[str, Option]:
    """The options that the fields of a dataclass declare, by field name and in their order."""
    return {each.name: each.metadata["option"] for each in fields(options) if "option" in each.metadata}


@dataclass(frozen=True)
class PlacedOption:
    """An option with its texts spelt out for the dimension that they speak of, if any."""

    field: str
    dimension: Dimension | None
    option: Option
    default_in_words: str

    def _spelt(self, text: str) -> str:
        if self.dimension is None:
            return text
        return text.replace("{D}", self.dimension.plural).replace("{d}", self.dimension.singular)

    @property
    def name(self) -> str:
        """The name in the file."""
        return self._spelt(self.option.name)

    @property
    def flags(self) -> tuple[str, ...]:
        """The spellings on the command line."""
        return tuple(map(self._spelt, self.option.flags))

    @property
    def help(self) -> str:
        """What it means."""
        return self._spelt(self.option.help)

    @property
    def default(self) -> str:
        """The default in words, empty where there is none."""
        return self._spelt(self.default_in_words)


def placed(options: type, dimension: Dimension | None = None) -> Iterator[PlacedOption]:
    """All options of a dataclass, spelt out; a field with the metadata `per_dimension` adds that class's, for both."""
    by_field = declared(options)
    for name, each in by_field.items():
        default = by_field[each.same_as].name if each.same_as else each.shown_default or each.default
        yield PlacedOption(name, dimension, each, default)
    for each_field in fields(options):
        if "per_dimension" in each_field.metadata:
            for each_dimension in Dimension:
                yield from placed(each_field.metadata["per_dimension"], each_dimension)
