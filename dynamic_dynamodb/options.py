"""THE list of options: each is declared here once, as a field of the object that carries its value.

From these declarations come the command line, the reading and checking of the configuration file, `--show-config`
and the page "Configuration options" of the documentation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from dynamic_dynamodb import option_kinds as kinds
from dynamic_dynamodb.model import Dimension, MessageType, Unit
from dynamic_dynamodb.option import declared, flagged, option
from dynamic_dynamodb.option_kinds import MaintenanceWindows, Scale

DAEMON, DYNAMODB = "Daemon options", "DynamoDB options"


@dataclass(frozen=True)
class CommandOptions:
    """What the command line alone can say."""

    config: str | None = option("config", kinds.TEXT, "Read the configuration from this file", flags=("-c", "--config"))
    dry_run: bool = flagged("dry-run", kinds.BOOLEAN, "Say what would be changed, and change nothing")
    run_once: bool = flagged("run-once", kinds.BOOLEAN, "Make one check and exit, instead of looping")
    show_config: bool = flagged(
        "show-config", kinds.BOOLEAN, "Print the effective configuration as JSON, secrets masked, and exit"
    )
    daemon: str | None = flagged(
        "daemon",
        kinds.choice("start", "stop", "restart", "status", "foreground", "fg"),
        "Run in the background: start, stop, restart or ask for the status of the daemon; or run in the foreground "
        "(foreground, fg), for a process supervisor",
        group=DAEMON,
    )
    instance: str = flagged(
        "instance",
        kinds.INSTANCE,
        "Name of this daemon, so that several can run side by side, each with its own name",
        "default",
        group=DAEMON,
    )
    pid_file_dir: str = flagged(
        "pid-file-dir", kinds.TEXT, "Directory of the pid file and of the stored counters", "/tmp", group=DAEMON
    )
    table_name: re.Pattern[str] | None = option(
        "table-name",
        kinds.PATTERN,
        "Regular expression for the tables to scale by the command line alone, without the sections for them in a file",
        flags=("-t", "--table-name"),
        group=DYNAMODB,
    )


@dataclass(frozen=True)
class GlobalOptions:
    """The section [global]."""

    aws_access_key_id: str | None = flagged(
        "aws-access-key-id",
        kinds.KEY,
        "AWS access key; without the two keys they come from where boto3 looks: environment, profile, instance role",
        is_secret=True,
    )
    aws_secret_access_key: str | None = option(
        "aws-secret-access-key-id",
        kinds.KEY,
        "AWS secret key that belongs to the access key",
        aliases=("aws-secret-access-key",),
        flags=("--aws-secret-access-key",),
        is_secret=True,
    )
    region: str | None = option(
        "region",
        kinds.REGION,
        "AWS region of the tables; where it is not given, AWS_REGION, AWS_DEFAULT_REGION or the AWS profile say it",
        flags=("-r", "--region"),
        group=DYNAMODB,
        shown_default="us-east-1",
    )
    check_interval: int = flagged(
        "check-interval", kinds.DURATION, "Seconds from the start of one check to the start of the next", "300"
    )
    max_concurrency: int = flagged(
        "max-concurrency",
        kinds.integer(1),
        "How many calls to AWS and to circuit breakers may be under way at the same time",
        "16",
    )
    circuit_breaker_url: str | None = option(
        "circuit-breaker-url",
        kinds.URL,
        "URL that is asked before each table and index is served: a 2xx answer means go on, anything else leaves it "
        "alone in this check. The headers x-table-name and x-gsi-name name it. May hold user:password@",
    )
    circuit_breaker_timeout: Fraction = option(
        "circuit-breaker-timeout", kinds.POSITIVE_NUMBER, "Milliseconds to wait for the circuit breaker", "10000"
    )


@dataclass(frozen=True)
class LoggingOptions:
    """The section [logging]."""

    log_file: str | None = flagged("log-file", kinds.TEXT, "Log to this file, rotated at midnight; else to stdout")
    log_level: str = flagged("log-level", kinds.LOG_LEVEL, "The least severe messages to log", "info")
    log_config_file: str | None = flagged(
        "log-config-file",
        kinds.TEXT,
        "Log as this Python logging configuration file (fileConfig) says; it wins over log-file and log-level",
    )


@dataclass(frozen=True)
class ScalingOptions:
    """The options of a table or an index for one dimension: the dimension is gone from their names."""

    autoscaling: bool = option(
        "enable-{D}-autoscaling",
        kinds.BOOLEAN,
        "Scale {D} at all. Deprecated: rather use enable-{D}-up-scaling and enable-{D}-down-scaling",
        "true",
    )
    up_scaling: bool = option("enable-{D}-up-scaling", kinds.BOOLEAN, "Scale {D} up", "true")
    down_scaling: bool = option("enable-{D}-down-scaling", kinds.BOOLEAN, "Scale {D} down", "true")
    upper_threshold: Fraction = flagged(
        "{D}-upper-threshold", kinds.POSITIVE_NUMBER, "Scale {D} up when more than this percentage is consumed", "90"
    )
    throttled_upper_threshold: int = flagged(
        "throttled-{D}-upper-threshold",
        kinds.integer(0),
        "Scale {D} up by increase-{D}-with when there are more throttled events than this in the look-back period, "
        "and not down; 0 is off",
        "0",
    )
    lower_threshold: int = flagged(
        "{D}-lower-threshold", kinds.integer(1), "Scale {D} down when less than this percentage is consumed", "30"
    )
    increase_with: int = flagged("increase-{D}-with", kinds.integer(1), "How much to scale {D} up", "50")
    decrease_with: int = flagged("decrease-{D}-with", kinds.integer(1), "How much to scale {D} down", "50")
    increase_unit: Unit = flagged(
        "increase-{D}-unit", kinds.UNIT, "Whether increase-{D}-with is in percent or units", "percent"
    )
    decrease_unit: Unit = flagged(
        "decrease-{D}-unit", kinds.UNIT, "Whether decrease-{D}-with is in percent or units", "percent"
    )
    min_provisioned: int | None = flagged(
        "min-provisioned-{D}", kinds.integer(1), "Never provision fewer {D} than this", shown_default="none, that is 1"
    )
    max_provisioned: int | None = flagged(
        "max-provisioned-{D}", kinds.integer(1), "Never provision more {D} than this", shown_default="none, no limit"
    )
    checks_before_scale_down: int = flagged(
        "num-{d}-checks-before-scale-down",
        kinds.integer(1),
        "How many checks must want to scale {D} down before it is done",
        "1",
    )
    checks_reset_percent: int = flagged(
        "num-{d}-checks-reset-percent",
        kinds.integer(0),
        "Start to count num-{d}-checks-before-scale-down anew when this percentage is consumed; 0 is off",
        "0",
    )
    increase_consumed_unit: Unit = option(
        "increase-consumed-{D}-unit",
        kinds.UNIT,
        "Whether increase-consumed-{D}-with and increase-consumed-{D}-scale are in percent or units",
        same_as="increase_unit",
    )
    increase_consumed_with: int = option(
        "increase-consumed-{D}-with",
        kinds.integer(1),
        "How much to scale {D} up because of their consumption",
        same_as="increase_with",
    )
    increase_consumed_scale: Scale | None = option(
        "increase-consumed-{D}-scale",
        kinds.SCALE,
        "How much to scale {D} up at which percentage of consumption, in place of {D}-upper-threshold and "
        "increase-consumed-{D}-with",
    )
    decrease_consumed_unit: Unit = option(
        "decrease-consumed-{D}-unit",
        kinds.UNIT,
        "Whether decrease-consumed-{D}-with and decrease-consumed-{D}-scale are in percent or units",
        same_as="decrease_unit",
    )
    decrease_consumed_with: int = option(
        "decrease-consumed-{D}-with",
        kinds.integer(1),
        "How much to scale {D} down because of their consumption",
        same_as="decrease_with",
    )
    decrease_consumed_scale: Scale | None = option(
        "decrease-consumed-{D}-scale",
        kinds.SCALE,
        "How much to scale {D} down at which percentage of consumption, in place of {D}-lower-threshold and "
        "decrease-consumed-{D}-with",
    )
    increase_throttled_by_provisioned_unit: Unit = option(
        "increase-throttled-by-provisioned-{D}-unit",
        kinds.UNIT,
        "Whether increase-throttled-by-provisioned-{D}-scale is in percent or units",
        same_as="increase_unit",
    )
    increase_throttled_by_provisioned_scale: Scale | None = option(
        "increase-throttled-by-provisioned-{D}-scale",
        kinds.SCALE,
        "How much to scale {D} up at which rate of throttled events, in percent of the provisioned {D}",
    )
    increase_throttled_by_consumed_unit: Unit = option(
        "increase-throttled-by-consumed-{D}-unit",
        kinds.UNIT,
        "Whether increase-throttled-by-consumed-{D}-scale is in percent or units",
        same_as="increase_unit",
    )
    increase_throttled_by_consumed_scale: Scale | None = option(
        "increase-throttled-by-consumed-{D}-scale",
        kinds.SCALE,
        "How much to scale {D} up at which number of throttled events, in percent of the consumed {D}",
    )
    scaling_down_on_0_percent: bool = option(
        "allow-scaling-down-{D}-on-0-percent", kinds.BOOLEAN, "Scale {D} down even when none are consumed", "false"
    )
    upper_alarm_threshold: int = option(
        "{D}-upper-alarm-threshold",
        kinds.integer(0),
        "Send a high-throughput-alarm when this percentage of the {D} is consumed; 0 is off",
        "0",
    )
    lower_alarm_threshold: int = option(
        "{D}-lower-alarm-threshold",
        kinds.integer(0),
        "Send a low-throughput-alarm when less than this percentage of the {D} is consumed; 0 is off",
        "0",
    )

    def __post_init__(self) -> None:
        for name, source in _SAME_AS.items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, getattr(self, source))


_SAME_AS = {name: each.same_as for name, each in declared(ScalingOptions).items() if each.same_as}


@dataclass(frozen=True)
class ResourceOptions:
    """All that a [table:], [gsi:] or [default_options] section can say."""

    always_decrease_rw_together: bool = option(
        "always-decrease-rw-together",
        kinds.BOOLEAN,
        "Scale down only when reads and writes both want it, or the one that does not is at its minimum",
        "false",
    )
    lookback_window_start: int = option(
        "lookback-window-start", kinds.LOOK_BACK, "How many minutes ago the look-back period starts", "15"
    )
    lookback_period: int = option(
        "lookback-period", kinds.LOOK_BACK, "Minutes of CloudWatch data to look at; at most lookback-window-start", "5"
    )
    maintenance_windows: MaintenanceWindows | None = option(
        "maintenance-windows",
        kinds.WINDOWS,
        "Scale down at these times of the day (UTC) alone: HH:MM-HH:MM, several of them separated by commas",
    )
    sns_topic_arn: str | None = option("sns-topic-arn", kinds.TOPIC_ARN, "ARN of the SNS topic for notifications")
    sns_message_types: frozenset[MessageType] | None = option(
        "sns-message-types",
        kinds.MESSAGE_TYPES,
        "What to notify of, separated by commas: scale-up, scale-down, high-throughput-alarm, low-throughput-alarm",
        shown_default="none",
    )
    circuit_breaker_url: str | None = option(
        "circuit-breaker-url",
        kinds.URL,
        "Circuit breaker of these tables or indexes alone; it overrides the one in [global]",
        shown_default="that of [global]",
    )
    circuit_breaker_timeout: Fraction = option(
        "circuit-breaker-timeout",
        kinds.POSITIVE_NUMBER,
        "Milliseconds to wait for the circuit breaker; it overrides the one in [global]",
        "10000",
        shown_default="that of [global]",
    )
    scaling: Mapping[Dimension, ScalingOptions] = field(
        default_factory=lambda: {dimension: ScalingOptions() for dimension in Dimension},
        metadata={"per_dimension": ScalingOptions},
    )

    @property
    def message_types(self) -> frozenset[MessageType]:
        """The notifications that can be sent: none without a topic."""
        return self.sns_message_types if self.sns_topic_arn and self.sns_message_types else frozenset()
