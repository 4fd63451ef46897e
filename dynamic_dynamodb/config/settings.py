"""Values as somebody gave them, each with the place where it was given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from dynamic_dynamodb.model import Dimension
from dynamic_dynamodb.option import PlacedOption
from dynamic_dynamodb.options import ResourceOptions, ScalingOptions

T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """Where something was given: an option of the command line, or a line of a file and what stands there."""

    source: str
    line: int = 0
    inside: str = ""

    def __str__(self) -> str:
        return self.source + f":{self.line}" * bool(self.line) + f": {self.inside}" * bool(self.inside)


@dataclass(frozen=True)
class Value:
    """A value that has passed its own check; or None in place of one that has not, which has been reported."""

    option: PlacedOption
    value: Any
    place: Place


Values = Mapping[tuple[str, Dimension | None], Value]
"""Values by the field, and the dimension, that they are for."""


class Findings:
    """What is wrong (the program must not run) and what is odd (it may)."""

    def __init__(self) -> None:
        self._problems: dict[str, int] = {}
        self._warnings: dict[str, int] = {}

    def problem(self, place: Place, text: str) -> None:
        """Note what is wrong at a place; the same thing is noted once."""
        self._problems[f"{place}: {text}"] = place.line

    def warning(self, place: Place, text: str) -> None:
        """Note what is odd at a place; the same thing is noted once."""
        self._warnings[f"{place}: {text}"] = place.line

    @property
    def problems(self) -> tuple[str, ...]:
        """In the order of the lines; those of the command line first."""
        return tuple(sorted(self._problems, key=self._problems.__getitem__))

    @property
    def warnings(self) -> tuple[str, ...]:
        """In the order of the lines."""
        return tuple(sorted(self._warnings, key=self._warnings.__getitem__))


def read_value(option: PlacedOption, text: str, place: Place, findings: Findings) -> Values:
    """The value that a text means, as a mapping of one; of none where the text is empty."""
    if not text.strip():
        return {}
    value = None
    try:
        value = option.option.kind.parse(text.strip())
    except ValueError as error:
        findings.problem(place, str(error))
    return {(option.field, option.dimension): Value(option, value, place)}


def build(options: type[T], values: Values) -> T:
    """The object that carries the values, with its defaults where there are none."""
    return options(**_fields(values, None))


def build_resource_options(values: Values) -> ResourceOptions:
    """The same for the options of a table or index, whose scaling has a part for each dimension."""
    scaling = {dimension: ScalingOptions(**_fields(values, dimension)) for dimension in Dimension}
    return ResourceOptions(**_fields(values, None), scaling=scaling)


def _fields(values: Values, dimension: Dimension | None) -> dict[str, Any]:
    return {name: value.value for (name, of), value in values.items() if of is dimension}
