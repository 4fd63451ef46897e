"""The effective configuration as JSON, under the names that the options have in the file."""

from __future__ import annotations

import json
from typing import Any

from dynamic_dynamodb.option import placed
from dynamic_dynamodb.option_kinds import SECRET_MASK
from dynamic_dynamodb.options import GlobalOptions, LoggingOptions, ResourceOptions
from dynamic_dynamodb.rules import Configuration


def show(configuration: Configuration) -> str:
    """The JSON text; secrets are masked."""
    return json.dumps(
        {
            "global": _shown(configuration.general, GlobalOptions),
            "logging": _shown(configuration.logging, LoggingOptions),
            "tables": {
                rule.pattern.pattern: {
                    **_shown(rule.options, ResourceOptions),
                    "gsis": {
                        index.pattern.pattern: _shown(index.options, ResourceOptions) for index in rule.index_rules
                    },
                }
                for rule in configuration.rules
            },
        },
        indent=2,
    )


def _shown(values: Any, options: type) -> dict[str, Any]:
    shown = {}
    for option in placed(options):
        holder = values.scaling[option.dimension] if option.dimension else values
        value = getattr(holder, option.field)
        if value is not None:
            value = SECRET_MASK if option.option.is_secret else option.option.kind.show(value)
        shown[option.name] = value
    return shown
