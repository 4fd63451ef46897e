"""What is shown: the tables, the configuration, the load by day and by night, and what should come of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

DIMENSIONS = ("reads", "writes")

CONFIGURATION = """\
# The tables of a section are those whose name its regular expression matches.
# Where no section says otherwise: above 90 percent consumed, 50 percent are added;
# below 30 percent consumed, 50 percent are taken away.
[default_options]
min-provisioned-reads: 5
min-provisioned-writes: 5

[table: ^(orders|events)$]

[table: ^catalogue$]

# An index has a rule of its own; on this scale, the more it is used the more it gets.
[gsi: ^by-price$ table: ^catalogue$]
increase-consumed-reads-scale: {75: 25, 90: 75, 100: 150}

[table: ^sessions$]
throttled-reads-upper-threshold: 100
increase-reads-with: 25
increase-reads-unit: units

[table: ^tickets$]
increase-reads-with: 100
max-provisioned-reads: 200

[table: ^reports$]
num-read-checks-before-scale-down: 2

[table: ^archive$]
decrease-reads-with: 80
allow-scaling-down-writes-on-0-percent: true
"""


@dataclass(frozen=True)
class Resource:
    """A table or, where `index` is given, one of its indexes; without units it is on-demand."""

    table: str
    index: str = ""
    reads: int = 0
    writes: int = 0
    story: str = ""

    @property
    def label(self) -> str:
        """The name that the program's log has for it."""
        return f"{self.table} - GSI: {self.index}" if self.index else self.table

    @property
    def is_on_demand(self) -> bool:
        """Whether there are no units to scale."""
        return not self.reads


@dataclass(frozen=True)
class Load:
    """Capacity units that are consumed per second; and read requests per minute that are refused."""

    reads: float = 0
    writes: float = 0
    throttled_reads: int = 0


RESOURCES = (
    Resource("orders", "", 100, 40, "under heavy load"),
    Resource("catalogue", "", 50, 10, "at ease"),
    Resource("catalogue", "by-price", 40, 10, "a hot index of that table"),
    Resource("sessions", "", 60, 20, "80 percent used, yet readers are being throttled"),
    Resource("tickets", "", 150, 30, "under heavy load, and may have 200 reads at the most"),
    Resource("reports", "", 80, 10, "hardly read; two checks must have said so"),
    Resource("archive", "", 200, 100, "idle: hardly read, never written"),
    Resource("events", story="on-demand, so there is nothing to provision"),
)

DAY = {
    "orders": Load(96, 18),
    "catalogue": Load(22, 5),
    "catalogue - GSI: by-price": Load(38, 5),
    "sessions": Load(48, 9, throttled_reads=60),
    "tickets": Load(147, 12),
    "reports": Load(8, 4),
    "archive": Load(2, 0),
    "events": Load(70, 310),
}
NIGHT = {
    "orders": Load(4, 1),
    "catalogue": Load(6, 4),
    "catalogue - GSI: by-price": Load(3, 4),
    "tickets": Load(20, 10),
    "reports": Load(8, 4),
}


@dataclass(frozen=True)
class Run:
    """One run of the command. `expected` says which units grow, shrink or stay; the rest is not looked at."""

    title: str
    options: tuple[str, ...]
    load: Mapping[str, Load]
    expected: Mapping[tuple[str, str], str]

    @property
    def is_dry(self) -> bool:
        """Whether it only says what it would do."""
        return "--dry-run" in self.options


RUNS = (
    Run(
        "By day: what would the program do?",
        ("--dry-run", "--run-once"),
        DAY,
        {(resource.label, dimension): "stay" for resource in RESOURCES for dimension in DIMENSIONS},
    ),
    Run(
        "By day: let it do that.",
        ("--run-once",),
        DAY,
        {
            ("orders", "reads"): "grow",
            ("orders", "writes"): "stay",
            ("catalogue", "reads"): "stay",
            ("catalogue - GSI: by-price", "reads"): "grow",
            ("sessions", "reads"): "grow",
            ("tickets", "reads"): "grow",
            ("reports", "reads"): "stay",
            ("archive", "reads"): "shrink",
            ("archive", "writes"): "shrink",
            ("events", "reads"): "stay",
        },
    ),
    Run(
        "By night, hours later: the load is gone.",
        ("--run-once",),
        NIGHT,
        {
            ("orders", "reads"): "shrink",
            ("catalogue", "reads"): "shrink",
            ("catalogue - GSI: by-price", "reads"): "shrink",
            ("sessions", "reads"): "stay",
            ("tickets", "reads"): "shrink",
            ("reports", "reads"): "shrink",
            ("archive", "reads"): "stay",
            ("archive", "writes"): "shrink",
            ("events", "reads"): "stay",
        },
    ),
)
