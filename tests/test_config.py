"""Good configurations: how the file is read, which value wins, and what `--show-config` makes of it."""

from __future__ import annotations

import codecs
import json
import tempfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dynamic_dynamodb.cli import main
from dynamic_dynamodb.config.load import load
from dynamic_dynamodb.config.show import show
from dynamic_dynamodb.exceptions import ConfigurationError
from dynamic_dynamodb.model import Dimension, MessageType, Unit
from dynamic_dynamodb.option import PlacedOption, placed
from dynamic_dynamodb.options import GlobalOptions, LoggingOptions, ResourceOptions, ScalingOptions
from dynamic_dynamodb.rules import Configuration
from tests.stand_in import StandIn

Load = Callable[..., Configuration]

READS, WRITES = Dimension.READS, Dimension.WRITES


@pytest.fixture(name="load_text")
def fixture_load_text(tmp_path: Path) -> Load:
    """Read the text, or the bytes, of a configuration file, with more arguments."""
    return lambda text, *argv: load_from(tmp_path, text, *argv)


def load_from(directory: Path, text: str | bytes, *argv: str) -> Configuration:
    file = directory / "dynamic-dynamodb.conf"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(["-c", str(file), *argv])


def values(configuration: Configuration, section: str) -> dict[str, Any]:
    """What a section holds in the end, as `--show-config` has it; `table` is the first one, `gsi` its first index."""
    shown: dict[str, Any] = json.loads(show(configuration))
    if section in shown:
        return dict(shown[section])
    table = next(iter(shown["tables"].values()))
    return dict(table if section == "table" else next(iter(table["gsis"].values())))


# ---- How the file is read ----

SYNTAX = [
    ("colon", "[global]\ncheck-interval: 60\n[table: x]", "global", "check-interval", 60),
    ("equals", "[global]\ncheck-interval = 60\n[table: x]", "global", "check-interval", 60),
    ("no-blanks", "[global]\ncheck-interval:60\n[table:x]", "global", "check-interval", 60),
    ("many-blanks", "[global]\ncheck-interval  \t: \t 60  \n[table: x]", "global", "check-interval", 60),
    ("value-with-colon", "[logging]\nlog-file = a:b=c\n[table: x]", "logging", "log-file", "a:b=c"),
    ("value-with-equals", "[logging]\nlog-file: a=b:c\n[table: x]", "logging", "log-file", "a=b:c"),
    ("comment-lines", "# c\n; c\n[global]\n# region: a\n  ; c\n[table: x]", "global", "region", None),
    ("comment-behind-a-value", "[global]\ncheck-interval: 60 ; s\n[table: x]", "global", "check-interval", 60),
    ("comment-behind-a-header", "[global] ; c\ncheck-interval: 60\n[table: x] # c", "global", "check-interval", 60),
    ("semicolon-without-blank", "[logging]\nlog-file: a;b\n[table: x]", "logging", "log-file", "a;b"),
    ("hash-in-a-value", "[logging]\nlog-file: a #b\n[table: x]", "logging", "log-file", "a #b"),
    ("percent-signs", "[logging]\nlog-file: %(x)s%%%d\n[table: x]", "logging", "log-file", "%(x)s%%%d"),
    ("dollar-signs", "[logging]\nlog-file: ${a:b}$$\n[table: x]", "logging", "log-file", "${a:b}$$"),
    ("accents", "[logging]\nlog-file: /données/ß\n[table: x]", "logging", "log-file", "/données/ß"),
    ("quotes-are-kept", "[logging]\nlog-file: 'a'\n[table: x]", "logging", "log-file", "'a'"),
    ("indented-options", "[table: x]\n  min-provisioned-reads: 5\n  lookback-period: 4", "table", "lookback-period", 4),
    ("value-in-the-next-line", "[global]\ncheck-interval:\n  60\n[table: x]", "global", "check-interval", 60),
    ("no-newline-at-the-end", "[table: x]\nmin-provisioned-reads: 5", "table", "min-provisioned-reads", 5),
    ("empty-value", "[table: x]\nlookback-period:\n", "table", "lookback-period", 5),
    ("empty-value-and-comment", "[table: x]\nlookback-period: ; c\n", "table", "lookback-period", 5),
    ("blank-value", "[table: x]\nmaintenance-windows =   \n", "table", "maintenance-windows", None),
    ("log-level-in-any-case", "[logging]\nlog-level: Warning\n[table: x]", "logging", "log-level", "warning"),
    ("a-section-after-the-tables", "[table: x]\n[global]\ncheck-interval: 60", "global", "check-interval", 60),
]


@pytest.mark.parametrize(
    ("text", "section", "option", "value"), [case[1:] for case in SYNTAX], ids=[case[0] for case in SYNTAX]
)
@pytest.mark.parametrize(("mark", "end"), [(b"", "\n"), (codecs.BOM_UTF8, "\r\n")], ids=["unix", "windows"])
def test_a_value_is_read(
    text: str, section: str, option: str, value: object, mark: bytes, end: str, load_text: Load
) -> None:
    configuration = load_text(mark + text.replace("\n", end).encode())
    assert values(configuration, section)[option] == value
    assert configuration.warnings == ()


SCALE = {"0": 0, "0.25": 5, "1": 20}


@pytest.mark.parametrize(
    "lines",
    [
        "{0: 0, 0.25: 5, 1: 20}",
        "{0: 0,\n  0.25: 5,\n  1: 20}",
        "{\n  0: 0,\n  0.25: 5,\n  1: 20\n  }",
        "\n  {0: 0,\n\t0.25: 5, 1: 20}",
        "{0: 0, ; nothing\n  0.25: 5, ; a little\n  1: 20}",
        "{0: 0,\n  # a comment\n  0.25: 5,\n; and another\n  1: 20}",
        "{1: 20, 0.25: 5, 0: 0,}",
    ],
    ids=["one-line", "three-lines", "five-lines", "next-line", "comments-behind", "comment-lines", "any-order"],
)
def test_a_dict_may_go_over_several_lines(lines: str, load_text: Load) -> None:
    configuration = load_text(f"[table: x]\nincrease-consumed-reads-scale: {lines}\nlookback-period: 4\n")
    assert values(configuration, "table")["increase-consumed-reads-scale"] == SCALE
    assert values(configuration, "table")["lookback-period"] == 4


def test_a_blank_line_ends_a_value(load_text: Load) -> None:
    text = "[table: x]\nmaintenance-windows: 1:00-2:00,\n  3:00-4:00\n\n  lookback-period: 4\n"
    configuration = load_text(text)
    assert values(configuration, "table")["maintenance-windows"] == "01:00-02:00,03:00-04:00"
    assert values(configuration, "table")["lookback-period"] == 4


def test_names_are_case_sensitive(load_text: Load) -> None:
    configuration = load_text("[table: x]\nLookback-Period: 4\nlookback-period: 3\n")
    assert values(configuration, "table")["lookback-period"] == 3
    assert len(configuration.warnings) == 1


@pytest.mark.parametrize(
    ("header", "regex"),
    [
        ("[table: ^a[0-9]+$]", "^a[0-9]+$"),
        ("[table: [ab]]", "[ab]"),
        ("[table: [ab]] ; comment with ]", "[ab]"),
        ("[table: [^]]*]", "[^]]*"),
        ("[table:x]", "x"),
        ("[ table:   x ]", "x"),
        ("  [table: x]", "x"),
        ("[table: a|b c]", "a|b c"),
        ("[table: gsi: x]", "gsi: x"),
    ],
)
def test_a_header_holds_any_regular_expression(header: str, regex: str, load_text: Load) -> None:
    configuration = load_text(f"{header}\nlookback-period: 4\n")
    assert [rule.pattern.pattern for rule in configuration.rules] == [regex]
    assert configuration.rules[0].options.lookback_period == 4


@pytest.mark.parametrize(
    "text",
    [
        "[table: ^t[0-9]$]\n[gsi: ^i[0-9]$ table: ^t[0-9]$]\n",
        "[gsi: ^i[0-9]$ table: ^t[0-9]$]\n[table: ^t[0-9]$]\n",
        "[table:^t[0-9]$]\n[gsi:^i[0-9]$   table:^t[0-9]$]\n",
    ],
    ids=["after-its-table", "before-its-table", "with-other-blanks"],
)
def test_an_index_belongs_to_the_table_section_that_it_names(text: str, load_text: Load) -> None:
    rules = load_text(f"[table: ^t]\n{text}").rules
    assert [rule.pattern.pattern for rule in rules] == ["^t", "^t[0-9]$"]
    assert [[index.pattern.pattern for index in rule.index_rules] for rule in rules] == [[], ["^i[0-9]$"]]


def test_rules_keep_the_order_of_the_file(load_text: Load) -> None:
    text = "[table: c]\n[gsi: z table: c]\n[table: a]\n[gsi: y table: c]\n[table: b]\n[gsi: x table: c]\n"
    configuration = load_text(text)
    assert [rule.label for rule in configuration.rules] == ["[table: c]", "[table: a]", "[table: b]"]
    assert [index.pattern.pattern for index in configuration.rules[0].index_rules] == ["z", "y", "x"]


def test_a_file_in_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "a.conf").write_text("[table: x]\n")
    assert load(["-c", "~/a.conf"]).rules[0].label == "[table: x]"


def test_a_file_in_the_present_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.conf").write_text("[table: x]\n")
    assert load(["--config", "a.conf"]).rules[0].label == "[table: x]"


def test_a_log_file_in_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stand_in: StandIn) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert main(["-t", "x", "--run-once", "--log-file", "~/x.log", "--pid-file-dir", "~"]) == 0
    assert (tmp_path / "x.log").read_text()


# ---- Which value wins ----


def test_without_anything_said_every_option_has_its_default(load_text: Load) -> None:
    configuration = load_text("[table: x]\n[gsi: i table: x]\n")
    assert configuration.general == GlobalOptions()
    assert configuration.logging == LoggingOptions()
    assert configuration.rules[0].options == ResourceOptions()
    assert configuration.rules[0].index_rules[0].options == ResourceOptions()
    assert configuration.warnings == ()


ANOTHER_VALUE = {
    "bool": ("true", "false"),
    "int": ("7", "8"),
    "float": ("95.5", "96.5"),
    "dict": ("{0: 0, 1: 5}", "{0: 0, 1: 6}"),
}
ANOTHER_STR_VALUE = {
    "aws-access-key-id": ("AKIA", "AKIB"),
    "aws-secret-access-key-id": ("one", "two"),
    "region": ("eu-west-1", "eu-west-2"),
    "log-level": ("debug", "error"),
    "log-file": ("/a", "/b"),
    "log-config-file": ("/a", "/b"),
    "circuit-breaker-url": ("http://a/", "http://b/"),
    "maintenance-windows": ("01:00-02:00", "03:00-04:00"),
    "sns-topic-arn": ("arn:aws:sns:us-east-1:1:a", "arn:aws:sns:us-east-1:1:b"),
    "sns-message-types": ("scale-up", "scale-down"),
}


def two_texts(option: PlacedOption) -> tuple[str, str]:
    """Two good values of an option, as texts."""
    return ANOTHER_VALUE.get(option.option.kind.name) or ANOTHER_STR_VALUE.get(option.name, ("percent", "units"))


PLACES = (GlobalOptions, LoggingOptions, ResourceOptions)
RESOURCE_OPTIONS = list(placed(ResourceOptions))
MORE = "lookback-window-start: 100\n"
"""Room for any other look-back period."""


@pytest.mark.parametrize("option", RESOURCE_OPTIONS, ids=lambda option: option.name)
def test_an_option_of_a_resource_works_in_every_section_that_can_hold_it(option: PlacedOption, load_text: Load) -> None:
    """The defaults hold where nothing else is said, and an index does not take its table's values."""
    default_text, own_text = two_texts(option)
    parse, shown = option.option.kind.parse, option.option.kind.show
    default, own = shown(parse(default_text)), shown(parse(own_text))
    more = "" if option.field == "lookback_window_start" else MORE
    configuration = load_text(
        f"[default_options]\n{more}{option.name}: {default_text}\n"
        f"[table: a]\n{option.name}: {own_text}\n[gsi: ai table: a]\n"
        f"[table: b]\n[gsi: bi table: b]\n{option.name} = {own_text}\n"
    )
    tables = json.loads(show(configuration))["tables"]
    found = [tables[table][option.name] for table in "ab"]
    found += [tables[table]["gsis"][f"{table}i"][option.name] for table in "ab"]
    assert found == [own, default, default, own]
    assert configuration.warnings == ()


@pytest.mark.parametrize("section", ["global", "logging"])
def test_every_option_of_the_section_works(section: str, load_text: Load) -> None:
    options = list(placed(GlobalOptions if section == "global" else LoggingOptions))
    lines = "\n".join(f"{option.name}: {two_texts(option)[0]}" for option in options)
    configuration = load_text(f"[{section}]\n{lines}\n[table: x]\n")
    expected = {
        option.name: "********"
        if option.option.is_secret
        else option.option.kind.show(option.option.kind.parse(two_texts(option)[0]))
        for option in options
    }
    assert values(configuration, section) == expected
    assert configuration.warnings == ()


@pytest.mark.parametrize(
    ("argv", "check_interval", "log_level"),
    [
        ([], 60, "debug"),
        (["--check-interval", "30"], 30, "debug"),
        (["--log-level", "ERROR"], 60, "error"),
        (["--log-level=error", "--check-interval=30"], 30, "error"),
        (["--check-interval", ""], 60, "debug"),
        (["-t", "y"], 60, "debug"),
        (["-t", "y", "--check-interval", "30"], 30, "debug"),
    ],
)
def test_the_command_line_wins_over_the_file_and_that_over_defaults(
    argv: list[str], check_interval: int, log_level: str, load_text: Load
) -> None:
    text = "[global]\ncheck-interval: 60\nregion: eu-west-1\n[logging]\nlog-level: debug\n[table: x]\n"
    configuration = load_text(text, *argv)
    assert configuration.general.check_interval == check_interval
    assert configuration.general.region == "eu-west-1"
    assert configuration.logging.log_level == log_level
    assert configuration.logging.log_file is None


def test_one_key_from_the_command_line_and_the_other_from_the_file(load_text: Load) -> None:
    general = load_text("[global]\naws-access-key-id: a\n[table: x]\n", "--aws-secret-access-key", "s").general
    assert (general.aws_access_key_id, general.aws_secret_access_key) == ("a", "s")


@pytest.mark.parametrize("name", ["aws-secret-access-key-id", "aws-secret-access-key"])
def test_the_secret_key_has_two_names(name: str, load_text: Load) -> None:
    general = load_text(f"[global]\naws-access-key-id: a\n{name}: s/+%=\n[table: x]\n").general
    assert (general.aws_access_key_id, general.aws_secret_access_key) == ("a", "s/+%=")


CIRCUIT_BREAKERS = [
    ("global-alone", "http://g/", 1, None, None, ("http://g/", 1)),
    ("nothing", None, None, None, None, (None, 10000)),
    ("url-of-its-own", "http://g/", 1, "http://o/", None, ("http://o/", 1)),
    ("timeout-of-its-own", "http://g/", 1, None, 2, ("http://g/", 2)),
    ("both-of-its-own", "http://g/", 1, "http://o/", 2, ("http://o/", 2)),
    ("only-of-its-own", None, None, "http://o/", 2, ("http://o/", 2)),
]


@pytest.mark.parametrize("section", ["table", "gsi", "defaults"])
@pytest.mark.parametrize(
    ("global_url", "global_timeout", "url", "timeout", "expected"),
    [case[1:] for case in CIRCUIT_BREAKERS],
    ids=[case[0] for case in CIRCUIT_BREAKERS],
)
def test_the_circuit_breaker_comes_from_global_unless_there_is_an_own(
    section: str,
    global_url: str | None,
    global_timeout: int | None,
    url: str | None,
    timeout: int | None,
    expected: tuple[str | None, int],
    load_text: Load,
) -> None:
    def lines(*given: str | int | None) -> str:
        names = ("circuit-breaker-url", "circuit-breaker-timeout")
        return "".join(f"{name}: {value or ''}\n" for name, value in zip(names, given, strict=True))

    own = {each: lines(url, timeout) if each == section else "" for each in ("table", "gsi", "defaults")}
    configuration = load_text(
        f"[table: x]\n{own['table']}[gsi: i table: x]\n{own['gsi']}[default_options]\n{own['defaults']}"
        f"[global]\n{lines(global_url, global_timeout)}"
    )
    options = configuration.rules[0].index_rules[0].options if section == "gsi" else configuration.rules[0].options
    assert (options.circuit_breaker_url, int(options.circuit_breaker_timeout)) == expected


def test_units_and_steps_of_the_defaults_reach_what_takes_its_default_from_them(load_text: Load) -> None:
    text = "[default_options]\nincrease-reads-unit: units\n[table: x]\nincrease-reads-with: 7\n"
    scaling = load_text(text).rules[0].options.scaling
    assert (scaling[READS].increase_consumed_unit, scaling[READS].increase_consumed_with) == (Unit.UNITS, 7)
    assert scaling[READS].increase_throttled_by_consumed_unit is Unit.UNITS
    assert scaling[WRITES] == ScalingOptions()


@pytest.mark.parametrize(
    ("lines", "types"),
    [
        ("", set()),
        ("sns-message-types: scale-up\n", set()),
        ("sns-topic-arn: arn:aws:sns:us-east-1:1:t\n", set()),
        ("sns-topic-arn: arn:aws:sns:us-east-1:1:t\nsns-message-types: scale-up\n", {MessageType.SCALE_UP}),
    ],
    ids=["nothing", "no-topic", "no-types", "both"],
)
def test_notifications_need_a_topic_and_types(lines: str, types: set[MessageType], load_text: Load) -> None:
    assert load_text(f"[table: x]\n{lines}").rules[0].options.message_types == types


# ---- One table from the command line ----

FILE_BESIDE_A_TABLE = """\
[global]
check-interval: 60
circuit-breaker-url: http://g/
[logging]
log-level: debug
[default_options]
min-provisioned-reads: 3
[table: x]
max-provisioned-reads: 4
[gsi: i table: x]
"""


def test_a_table_of_the_command_line_uses_global_and_logging_of_the_file_alone(load_text: Load) -> None:
    configuration = load_text(FILE_BESIDE_A_TABLE, "-t", "^y$", "--increase-reads-with", "7")
    assert configuration.general.check_interval == 60
    assert configuration.logging.log_level == "debug"
    (rule,) = configuration.rules
    assert (rule.pattern.pattern, rule.index_rules) == ("^y$", ())
    assert rule.options.circuit_breaker_url == "http://g/"
    assert rule.options.scaling == {READS: ScalingOptions(increase_with=7), WRITES: ScalingOptions()}


README_EXAMPLE = """--table-name my-table
    --reads-upper-threshold 90 --reads-lower-threshold 30 --increase-reads-with 50 --decrease-reads-with 40
    --writes-upper-threshold 90 --writes-lower-threshold 40 --increase-writes-with 40 --decrease-writes-with 70
    --check-interval 300"""


def test_the_example_of_the_original_works() -> None:
    configuration = load(README_EXAMPLE.split())
    assert configuration.general.check_interval == 300
    (rule,) = configuration.rules
    assert rule.pattern.pattern == "my-table"
    assert rule.options.scaling == {
        READS: ScalingOptions(upper_threshold=Fraction(90), lower_threshold=30, increase_with=50, decrease_with=40),
        WRITES: ScalingOptions(upper_threshold=Fraction(90), lower_threshold=40, increase_with=40, decrease_with=70),
    }
    assert rule.options.scaling[READS].min_provisioned is None
    assert rule.options.scaling[WRITES].max_provisioned is None
    assert configuration.warnings == ()


@pytest.mark.parametrize("dimension", Dimension)
def test_every_scaling_option_of_the_command_line_reaches_its_dimension(dimension: Dimension) -> None:
    argv = ["-t", "x"]
    for option in RESOURCE_OPTIONS:
        if option.flags and option.dimension is dimension:
            argv += [option.flags[0], {"int": "7", "float": "95.5"}.get(option.option.kind.name, "units")]
    expected = ScalingOptions(
        upper_threshold=Fraction(191, 2),
        throttled_upper_threshold=7,
        lower_threshold=7,
        increase_with=7,
        decrease_with=7,
        increase_unit=Unit.UNITS,
        decrease_unit=Unit.UNITS,
        min_provisioned=7,
        max_provisioned=7,
        checks_before_scale_down=7,
        checks_reset_percent=7,
    )
    scaling = load(argv).rules[0].options.scaling
    assert scaling == {each: expected if each is dimension else ScalingOptions() for each in Dimension}
    assert len(argv) == 2 + 2 * 11


def test_what_the_command_line_alone_can_say() -> None:
    nothing = load(["-t", "x"]).command
    assert not any((nothing.dry_run, nothing.run_once, nothing.show_config, nothing.daemon))
    assert (nothing.instance, nothing.pid_file_dir) == ("default", "/tmp")
    argv = "-t x --dry-run --run-once --show-config --daemon START --instance a.b --pid-file-dir /run"
    everything = load(argv.split()).command
    assert (everything.dry_run, everything.run_once, everything.show_config) == (True, True, True)
    assert (everything.daemon, everything.instance, everything.pid_file_dir) == ("start", "a.b", "/run")


# ---- --show-config ----

SECRETS = """\
[global]
aws-access-key-id: hush-1
aws-secret-access-key-id: hush-2
circuit-breaker-url: https://hush-3:hush-4@example.com:8443/path?token=hush-5
region: eu-west-1
[table: a]
circuit-breaker-url: http://hush-6@example.com
increase-consumed-reads-scale: {0.5: 10, 0: 0}
reads-upper-threshold: 95.5
sns-message-types: scale-down, scale-up
[gsi: i table: a]
circuit-breaker-url: http://hush-7:hush-8@example.com
[table: b]
"""


def shown_by_command(directory: Path, text: str, capsys: pytest.CaptureFixture[str], *argv: str) -> dict[str, Any]:
    """What `--show-config` prints for a file."""
    (directory / "a.conf").write_text(text)
    assert main(["-c", str(directory / "a.conf"), "--show-config", *argv]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    shown: dict[str, Any] = json.loads(out)
    return shown


def test_show_config_masks_secrets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = shown_by_command(tmp_path, SECRETS, capsys)
    assert "hush" not in json.dumps(shown)
    assert shown["global"]["aws-access-key-id"] == "********"
    assert shown["global"]["aws-secret-access-key-id"] == "********"
    url = "https://********@example.com:8443/path?********"
    assert shown["global"]["circuit-breaker-url"] == url
    assert shown["tables"]["b"]["circuit-breaker-url"] == url
    assert shown["tables"]["a"]["circuit-breaker-url"] == "http://********@example.com"
    assert shown["tables"]["a"]["gsis"]["i"]["circuit-breaker-url"] == "http://********@example.com"


def test_show_config_masks_the_secrets_of_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ("--aws-access-key-id", "hush-1", "--aws-secret-access-key", "hush-2")
    shown = shown_by_command(tmp_path, "[table: x]\n", capsys, *argv)
    assert "hush" not in json.dumps(shown)
    assert shown["global"]["aws-secret-access-key-id"] == "********"


def test_show_config_shows_every_option_and_keeps_the_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = shown_by_command(tmp_path, SECRETS, capsys)
    resource_options = [option.name for option in RESOURCE_OPTIONS]
    assert list(shown) == ["global", "logging", "tables"]
    assert list(shown["global"]) == [option.name for option in placed(GlobalOptions)]
    assert list(shown["logging"]) == [option.name for option in placed(LoggingOptions)]
    assert list(shown["tables"]) == ["a", "b"]
    assert list(shown["tables"]["a"]) == [*resource_options, "gsis"]
    assert list(shown["tables"]["a"]["gsis"]["i"]) == resource_options


def test_show_config_shows_what_holds_in_the_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = shown_by_command(tmp_path, SECRETS, capsys)["tables"]["a"]
    assert table["increase-consumed-reads-scale"] == {"0": 0, "0.5": 10}
    assert table["reads-upper-threshold"] == 95.5
    assert table["writes-upper-threshold"] == 90
    assert table["sns-message-types"] == "scale-up,scale-down"
    assert table["increase-consumed-reads-unit"] == "percent"
    assert table["enable-reads-up-scaling"] is True
    assert table["min-provisioned-reads"] is None


PROFILES = "[default]\nregion = eu-north-1\n[profile work]\nregion = eu-south-1\n"


@pytest.mark.parametrize(
    ("text", "argv", "environment", "region"),
    [
        ("", [], {}, "us-east-1"),
        ("region: eu-west-1", [], {"AWS_REGION": "eu-west-2", "AWS_DEFAULT_REGION": "eu-west-3"}, "eu-west-1"),
        ("region: eu-west-1", ["-r", "sa-east-1"], {"AWS_REGION": "eu-west-2"}, "sa-east-1"),
        ("region:", [], {"AWS_REGION": "eu-west-2", "AWS_DEFAULT_REGION": "eu-west-3"}, "eu-west-2"),
        ("", [], {"AWS_DEFAULT_REGION": "eu-west-3", "AWS_CONFIG_FILE": "profiles"}, "eu-west-3"),
        ("", [], {"AWS_REGION": "", "AWS_DEFAULT_REGION": ""}, "us-east-1"),
        ("", [], {"AWS_CONFIG_FILE": "profiles"}, "eu-north-1"),
        ("", [], {"AWS_CONFIG_FILE": "profiles", "AWS_PROFILE": "work"}, "eu-south-1"),
        ("", [], {"AWS_CONFIG_FILE": "profiles", "AWS_PROFILE": "work", "AWS_REGION": "eu-west-2"}, "eu-west-2"),
    ],
    ids=[
        "nothing",
        "file-before-environment",
        "command-line-first",
        "aws-region-before-aws-default-region",
        "aws-default-region-before-profile",
        "empty-is-nothing",
        "default-profile",
        "profile",
        "aws-region-before-profile",
    ],
)
def test_the_region(
    text: str,
    argv: list[str],
    environment: dict[str, str],
    region: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "profiles").write_text(PROFILES)
    monkeypatch.chdir(tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    shown = shown_by_command(tmp_path, f"[global]\n{text}\n[table: x]\n", capsys, *argv)
    assert shown["global"]["region"] == region


def test_an_unknown_profile_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert main(["-t", "x", "--show-config"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == ["AWS cannot be set up: The config profile (nobody) could not be found"]


# ---- Any text at all ----

QUICK = settings(deadline=5000, max_examples=100, suppress_health_check=[HealthCheck.too_slow])

PIECES = st.sampled_from(
    [
        *("[", "]", "table: x", "gsi: i table: x", "global", "logging", "default_options", "\n", "\n  ", "\n\n", "\r"),
        *("\n[table: x]\n", "\n[global]\n", "\n[gsi: i table: x]\n", ":", "=", " ", "\t", ";", " ;", "#", "\0", "\x1c"),
        *(f"\n{option.name}: " for option in RESOURCE_OPTIONS[:20]),
        *("5", "-1", "true", "percent", "{0: 5}", "{", "}", "http://a", "%", "(", "*", "\ufeff", "\u2028", "é", "[[a]"),
    ]
)


def load_anything(text: str | bytes) -> Configuration | None:
    """The configuration, or None if the text is refused as it should be; whatever else happens fails the test."""
    with tempfile.TemporaryDirectory() as directory:
        try:
            return load_from(Path(directory), text)
        except ConfigurationError as error:
            problems = error.problems
    assert problems
    assert [line for line in problems if not line.startswith(f"{directory}/")] == []
    return None


@QUICK
@given(st.text())
@example("[")
@example("]")
@example("\ufeff\ufeff[table: x]")
@example("[table: x]\n" * 2)
def test_any_text_is_a_configuration_or_an_error(text: str) -> None:
    load_anything(text.encode(errors="surrogatepass"))


@QUICK
@given(st.binary())
def test_any_bytes_are_a_configuration_or_an_error(content: bytes) -> None:
    load_anything(content)


@pytest.mark.filterwarnings("ignore:Possible nested set:FutureWarning")
@QUICK
@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_text_that_looks_like_a_configuration_is_one_or_an_error(text: str) -> None:
    load_anything(text)


@QUICK
@given(st.data())
def test_any_value_is_taken_or_refused(data: st.DataObject) -> None:
    option = data.draw(st.sampled_from(RESOURCE_OPTIONS))
    load_anything(f"[table: x]\n{option.name}: {data.draw(st.text())}\n".encode(errors="surrogatepass"))


REGEXES = st.lists(st.from_regex(r"\^?[a-z]{1,5}(\[0-9\]|\.\*)?\$?", fullmatch=True), min_size=1, unique=True)
OPTIONS_BY_HEADER = {"global": list(placed(GlobalOptions))[2:], "logging": list(placed(LoggingOptions))}
NEVER_CONTRADICTORY = {
    "lookback_window_start": ("15", "16"),
    "lookback_period": ("4", "5"),
    "min_provisioned": ("7", "8"),
    "max_provisioned": ("8", "9"),
}
KINDS = {option.name: option.option.kind for each in PLACES for option in placed(each)}


@st.composite
def good_sections(draw: st.DrawFn) -> dict[str, dict[str, str]]:
    """The sections of a good file, each with its options."""
    regexes = draw(REGEXES)
    headers = ["global", "logging", "default_options", *(f"table: {regex}" for regex in regexes)]
    headers += [f"gsi: {regex} table: {draw(st.sampled_from(regexes))}" for regex in regexes]
    sections = {}
    for header in draw(st.permutations(headers)):
        options = st.sampled_from(OPTIONS_BY_HEADER.get(header, RESOURCE_OPTIONS))
        sections[header] = {
            option.name: draw(st.sampled_from(NEVER_CONTRADICTORY.get(option.field, two_texts(option))))
            for option in draw(st.lists(options, unique=True, max_size=6))
        }
    return sections


@settings(QUICK, max_examples=30)
@given(good_sections(), st.sampled_from([":", " = ", "  :\t"]), st.sampled_from(["\n", "\n\n", "\r\n", " ; c\n"]))
def test_a_good_configuration_survives(sections: dict[str, dict[str, str]], separator: str, end: str) -> None:
    text = ""
    for header, options in sections.items():
        text += f"[{header}]\n" + "".join(f"{name}{separator}{value}{end}" for name, value in options.items())
    configuration = load_anything(text)
    assert configuration is not None
    assert configuration.warnings == ()
    shown = json.loads(show(configuration))
    by_header = {"global": shown["global"], "logging": shown["logging"]}
    for table, options in shown["tables"].items():
        by_header[f"table: {table}"] = options
        by_header |= {f"gsi: {index} table: {table}": shown_index for index, shown_index in options["gsis"].items()}
    assert by_header.keys() | {"default_options"} == sections.keys()
    assert [header for header in by_header if header[:5] == "table"] == [
        each for each in sections if each[:5] == "table"
    ]
    for header, found in by_header.items():
        expected = {name: KINDS[name].show(KINDS[name].parse(value)) for name, value in sections[header].items()}
        assert {name: found[name] for name in expected} == expected


def test_a_large_file_is_read_quickly(load_text: Load) -> None:
    text = "".join(f"[table: ^table_{number}$]\nmin-provisioned-reads: 5\n" for number in range(500))
    assert len(load_text(text).rules) == 500
