"""Checks of values against each other; each value alone is checked by its kind."""

from __future__ import annotations

from typing import Any

from dynamic_dynamodb.config.settings import Findings, Value, Values
from dynamic_dynamodb.model import Dimension
from dynamic_dynamodb.option import PlacedOption, placed
from dynamic_dynamodb.options import GlobalOptions, ResourceOptions

_AT_MOST = (
    ("min_provisioned", "max_provisioned"),
    ("lower_threshold", "upper_threshold"),
    ("lookback_period", "lookback_window_start"),
)
"""Pairs of options of which the first must be at most the second."""

Key = tuple[str, Dimension | None]


def _by_key(options: type) -> dict[Key, PlacedOption]:
    return {(option.field, option.dimension): option for option in placed(options)}


_RESOURCE_OPTIONS = _by_key(ResourceOptions)
_GENERAL_OPTIONS = _by_key(GlobalOptions)


def check_resource_options(values: Values, given: Values, findings: Findings) -> None:
    """Check the values of one table or index, of which `given` stand in its own section, the rest being defaults."""
    for low_field, high_field in _AT_MOST:
        for dimension in (*Dimension, None):
            low, high = (low_field, dimension), (high_field, dimension)
            if low in _RESOURCE_OPTIONS:
                _check_at_most(low, high, values, given, findings)


def _check_at_most(low: Key, high: Key, values: Values, given: Values, findings: Findings) -> None:
    # The section's own value is to blame before one of [default_options], and that before a built-in default.
    blamed = given.get(low) or given.get(high) or values.get(low) or values.get(high)
    low_value, high_value = _effective(low, values), _effective(high, values)
    if not blamed or low_value is None or high_value is None or low_value <= high_value:
        return
    low_text, high_text = (
        f"{option.name} ({option.option.kind.show(value)})"
        for option, value in ((_RESOURCE_OPTIONS[low], low_value), (_RESOURCE_OPTIONS[high], high_value))
    )
    findings.problem(blamed.place, f"{low_text} is above {high_text}; it must be at most that")


def _effective(key: Key, values: Values) -> Any:
    option = _RESOURCE_OPTIONS[key].option
    if key in values:
        return values[key].value
    return option.kind.parse(option.default) if option.default else None


def check_replay(values: Values, command: Values, findings: Findings) -> None:
    """What is said of a replay needs one, and a replay is none of the other things that the command can do."""
    is_wanted = ("span", None) in values or ("history", None) in values
    for value in values.values():
        if not is_wanted:
            findings.problem(value.place, "is for a replay; it must come with --replay or --history")
    for name in ("daemon", "run_once", "dry_run"):
        if is_wanted and (name, None) in command:
            place = command[name, None].place
            findings.problem(place, "cannot be had together with a replay, which changes nothing; one of them must go")


def check_credentials(values: Values, findings: Findings) -> None:
    """The two keys must be given together or not at all."""
    keys = [("aws_access_key_id", None), ("aws_secret_access_key", None)]
    given: list[Value] = [values[key] for key in keys if key in values]
    if len(given) == 1 and given[0].value is not None:
        missing = next(_GENERAL_OPTIONS[key] for key in keys if key not in values)
        name = missing.name if given[0].place.line else missing.flags[-1]
        findings.problem(given[0].place, f"is given without {name}; both must be given, or neither")
