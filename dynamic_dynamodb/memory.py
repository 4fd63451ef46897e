"""What is remembered from one check to the next."""

from __future__ import annotations

from dataclasses import dataclass, field

from dynamic_dynamodb.model import Dimension, Resource

Counters = dict[tuple[Resource, Dimension], int]
"""How many checks have wanted a decrease since the last change; what is not in it counts as 0."""


@dataclass
class Memory:
    """The counters, and what has been told already and is still so."""

    counters: Counters = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
