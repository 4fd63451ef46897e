"""The declarations: which options there are, and what each kind of value takes, means and shows."""

from __future__ import annotations

import re
import time
from collections import Counter
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamic_dynamodb import option_kinds as kinds
from dynamic_dynamodb.model import Dimension, MessageType, Unit
from dynamic_dynamodb.option import PlacedOption, declared, placed
from dynamic_dynamodb.option_kinds import Kind
from dynamic_dynamodb.options import CommandOptions, GlobalOptions, LoggingOptions, ResourceOptions, ScalingOptions

# Every option of the specification: its name, the name of its type, and its default, as the documentation has them.
# {D} stands for reads and writes, and {d} for read and write.

GLOBAL = """
aws-access-key-id                                  str
aws-secret-access-key-id                           str
region                                             str    us-east-1
check-interval                                     int    300
circuit-breaker-url                                str
circuit-breaker-timeout                            float  10000
"""

GLOBAL_ADDED_HERE = """
max-concurrency                                    int    16
"""

LOGGING = """
log-file                                           str
log-level                                          str    info
log-config-file                                    str
"""

RESOURCE = """
enable-{D}-autoscaling                             bool   true
enable-{D}-up-scaling                              bool   true
enable-{D}-down-scaling                            bool   true
{D}-upper-threshold                                float  90
{D}-lower-threshold                                int    30
increase-{D}-with                                  int    50
decrease-{D}-with                                  int    50
increase-{D}-unit                                  str    percent
decrease-{D}-unit                                  str    percent
increase-consumed-{D}-unit                         str    increase-{D}-unit
increase-consumed-{D}-with                         int    increase-{D}-with
increase-consumed-{D}-scale                        dict
decrease-consumed-{D}-unit                         str    decrease-{D}-unit
decrease-consumed-{D}-with                         int    decrease-{D}-with
decrease-consumed-{D}-scale                        dict
throttled-{D}-upper-threshold                      int    0
increase-throttled-by-provisioned-{D}-unit         str    increase-{D}-unit
increase-throttled-by-provisioned-{D}-scale        dict
increase-throttled-by-consumed-{D}-unit            str    increase-{D}-unit
increase-throttled-by-consumed-{D}-scale           dict
min-provisioned-{D}                                int    none, that is 1
max-provisioned-{D}                                int    none, no limit
num-{d}-checks-before-scale-down                   int    1
num-{d}-checks-reset-percent                       int    0
allow-scaling-down-{D}-on-0-percent                bool   false
{D}-upper-alarm-threshold                          int    0
{D}-lower-alarm-threshold                          int    0
always-decrease-rw-together                        bool   false
lookback-window-start                              int    15
lookback-period                                    int    5
maintenance-windows                                str
sns-topic-arn                                      str
sns-message-types                                  str    none
circuit-breaker-url                                str    that of [global]
circuit-breaker-timeout                            float  that of [global]
"""

COMMAND = """
config                                             str
dry-run                                            bool
run-once                                           bool
show-config                                        bool
daemon                                             str
instance                                           str    default
pid-file-dir                                       str    /tmp
table-name                                         regex
"""

PLACES = [CommandOptions, GlobalOptions, LoggingOptions, ResourceOptions]
ALL = [(place, option) for place in PLACES for option in placed(place)]
EVERY_OPTION = pytest.mark.parametrize(
    ("place", "option"), ALL, ids=[f"{place.__name__}-{option.name}" for place, option in ALL]
)


def specified(table: str) -> set[tuple[str, ...]]:
    """The rows of a table, one for each dimension where its name has one."""
    rows = (line.split(maxsplit=2) for line in table.splitlines() if line)
    return {
        tuple(text.replace("{D}", dimension.plural).replace("{d}", dimension.singular) for text in (*row, "")[:3])
        for row in rows
        for dimension in Dimension
    }


@pytest.mark.parametrize(
    ("place", "table", "count"),
    [
        (GlobalOptions, GLOBAL + GLOBAL_ADDED_HERE, 7),
        (LoggingOptions, LOGGING, 3),
        (ResourceOptions, RESOURCE, 62),
        (CommandOptions, COMMAND, 8),
    ],
    ids=["global", "logging", "table, gsi and default_options", "command line alone"],
)
def test_there_are_exactly_the_options_of_the_specification(place: type, table: str, count: int) -> None:
    found = [(option.name, option.option.kind.name, option.default) for option in placed(place)]
    assert set(found) == specified(table)
    assert len(found) == count


@pytest.mark.parametrize("place", PLACES)
def test_names_are_unique_in_their_place(place: type) -> None:
    names = Counter(name for option in placed(place) for name in (option.name, *option.option.aliases))
    assert [name for name, times in names.items() if times > 1] == []


def test_spellings_are_unique_on_the_command_line() -> None:
    flags = Counter(flag for _, option in ALL for flag in option.flags)
    assert [flag for flag, times in flags.items() if times > 1] == []


def test_both_names_of_the_secret_key_are_known() -> None:
    secret_key = declared(GlobalOptions)["aws_secret_access_key"]
    assert (secret_key.name, *secret_key.aliases) == ("aws-secret-access-key-id", "aws-secret-access-key")


def test_the_two_keys_alone_are_secrets() -> None:
    secrets = {option.name for _, option in ALL if option.option.is_secret}
    assert secrets == {"aws-access-key-id", "aws-secret-access-key-id"}


def shown_as_text(kind: Kind[Any], value: object) -> str:
    """A value as somebody would write it in the file."""
    shown = kind.show(value)
    return str(shown).lower() if isinstance(shown, bool) else str(shown)


@EVERY_OPTION
def test_a_default_passes_its_own_check_and_is_shown_back(place: type, option: PlacedOption) -> None:
    kind, text = option.option.kind, option.option.default
    field_default = ScalingOptions if option.dimension else place
    value = getattr(field_default, option.field)
    if not text:
        assert value is None
        return
    assert kind.parse(text) == value
    assert shown_as_text(kind, value) == text


def test_texts_are_spelt_out() -> None:
    texts = [text for _, each in ALL for text in (each.name, each.help, each.default, *each.flags)]
    assert [text for text in texts if re.search(r"\{[A-Za-z]", text)] == []
    assert [each.name for _, each in ALL if not each.help] == []


@pytest.mark.parametrize(("dimension", "other"), [tuple(Dimension), tuple(Dimension)[::-1]])
def test_an_option_of_a_dimension_speaks_of_that_alone(dimension: Dimension, other: Dimension) -> None:
    options = [each for _, each in ALL if each.dimension is dimension]
    assert [each.name for each in options if dimension.singular not in each.name] == []
    assert [each.name for each in options if other.plural in f"{each.name} {each.help} {each.default}"] == []
    assert len(options) == 27


def test_what_the_command_line_has_stands_in_a_group() -> None:
    assert [each.name for _, each in ALL if each.flags and not (each.option.group or each.dimension)] == []


# ---- Defaults that are other options' values ----


@pytest.mark.parametrize(
    ("given", "value", "others"),
    [
        (
            "increase_unit",
            Unit.UNITS,
            [
                "increase_consumed_unit",
                "increase_throttled_by_provisioned_unit",
                "increase_throttled_by_consumed_unit",
            ],
        ),
        ("increase_with", 7, ["increase_consumed_with"]),
        ("decrease_unit", Unit.UNITS, ["decrease_consumed_unit"]),
        ("decrease_with", 7, ["decrease_consumed_with"]),
    ],
)
def test_other_options_take_its_value_unless_they_have_their_own(given: str, value: Any, others: list[str]) -> None:
    inherited = ScalingOptions(**{given: value})
    assert {other: getattr(inherited, other) for other in others} == dict.fromkeys(others, value)
    for other in others:
        own = getattr(ScalingOptions(), other)
        assert own != value
        assert getattr(ScalingOptions(**{given: value, other: own}), other) == own
    unchanged = {name: getattr(inherited, name) for name in declared(ScalingOptions) if name not in (given, *others)}
    assert unchanged == {name: getattr(ScalingOptions(), name) for name in unchanged}


def test_same_as_names_a_field_of_the_same_kind() -> None:
    options = declared(ScalingOptions)
    same_as = {name: option.same_as for name, option in options.items() if option.same_as}
    assert len(same_as) == 6
    for name, source in same_as.items():
        assert options[name].kind.name == options[source].kind.name


# ---- Kinds: from text to value, and back ----

INTEGER = kinds.integer(0)
FIFO_IN_CHINA = "arn:aws-cn:sns:cn-north-1:123456789012:t.fifo"

ROUND_TRIPS: list[tuple[str, Kind[Any], str, object, object]] = [
    ("true", kinds.BOOLEAN, "true", True, True),
    ("yes", kinds.BOOLEAN, "Yes", True, True),
    ("on", kinds.BOOLEAN, "ON", True, True),
    ("1", kinds.BOOLEAN, "1", True, True),
    ("false", kinds.BOOLEAN, "False", False, False),
    ("no", kinds.BOOLEAN, "no", False, False),
    ("off", kinds.BOOLEAN, "oFF", False, False),
    ("0", kinds.BOOLEAN, "0", False, False),
    ("whole", INTEGER, "42", 42, 42),
    ("whole-lowest", kinds.integer(3), "3", 3, 3),
    ("whole-highest", kinds.integer(0, 3), "3", 3, 3),
    ("whole-with-sign", INTEGER, "+42", 42, 42),
    ("whole-with-zeros", INTEGER, "0042", 42, 42),
    ("whole-large", INTEGER, "999999999999999999", 999999999999999999, 999999999999999999),
    ("number", kinds.POSITIVE_NUMBER, "95.5", Fraction(191, 2), 95.5),
    ("number-whole", kinds.POSITIVE_NUMBER, "90", Fraction(90), 90),
    ("number-whole-with-point", kinds.POSITIVE_NUMBER, "90.0", Fraction(90), 90),
    ("number-with-exponent", kinds.POSITIVE_NUMBER, "1e3", Fraction(1000), 1000),
    ("number-small", kinds.POSITIVE_NUMBER, "0.001", Fraction(1, 1000), 0.001),
    ("text", kinds.TEXT, "/var/log/a b.log", "/var/log/a b.log", "/var/log/a b.log"),
    ("text-with-accent", kinds.TEXT, "/données", "/données", "/données"),
    ("key", kinds.KEY, "wJalr/K7+x=", "wJalr/K7+x=", "wJalr/K7+x="),
    ("region", kinds.REGION, "us-gov-east-1", "us-gov-east-1", "us-gov-east-1"),
    ("choice-in-any-case", kinds.LOG_LEVEL, "WARNING", "warning", "warning"),
    ("instance", kinds.INSTANCE, "Web_1.a-b", "Web_1.a-b", "Web_1.a-b"),
    ("percent", kinds.UNIT, "percent", Unit.PERCENT, "percent"),
    ("units", kinds.UNIT, "units", Unit.UNITS, "units"),
    ("scale-empty-step", kinds.SCALE, "{0: 0}", ((0, 0),), {"0": 0}),
    (
        "scale-sorted",
        kinds.SCALE,
        "{1: 20, 0.25: 5, 0: 0}",
        ((0, 0), (Fraction(1, 4), 5), (1, 20)),
        {"0": 0, "0.25": 5, "1": 20},
    ),
    (
        "scale-over-several-lines",
        kinds.SCALE,
        "{\n0: 0,\n1: 2.5,\n}",
        ((0, 0), (1, Fraction(5, 2))),
        {"0": 0, "1": 2.5},
    ),
    ("window", kinds.WINDOWS, "22:00-23:59", ((1320, 1439),), "22:00-23:59"),
    ("window-across-midnight", kinds.WINDOWS, "22:00-02:00", ((1320, 120),), "22:00-02:00"),
    ("window-of-one-minute", kinds.WINDOWS, "00:00-00:00", ((0, 0),), "00:00-00:00"),
    (
        "windows",
        kinds.WINDOWS,
        "22:00-23:59 ,  0:00 - 6:30",
        ((1320, 1439), (0, 390)),
        "22:00-23:59,00:00-06:30",
    ),
    ("message-type", kinds.MESSAGE_TYPES, "scale-up", frozenset({MessageType.SCALE_UP}), "scale-up"),
    (
        "message-types",
        kinds.MESSAGE_TYPES,
        "low-throughput-alarm,high-throughput-alarm , scale-down, scale-up",
        frozenset(MessageType),
        "scale-up,scale-down,high-throughput-alarm,low-throughput-alarm",
    ),
    ("topic", kinds.TOPIC_ARN, "arn:aws:sns:eu-west-1:1:t", "arn:aws:sns:eu-west-1:1:t", "arn:aws:sns:eu-west-1:1:t"),
    ("topic-in-china", kinds.TOPIC_ARN, FIFO_IN_CHINA, FIFO_IN_CHINA, FIFO_IN_CHINA),
    ("url", kinds.URL, "http://example.com:80/a?", "http://example.com:80/a?", "http://example.com:80/a"),
    ("url-with-ipv6", kinds.URL, "http://[::1]:80/", "http://[::1]:80/", "http://[::1]:80/"),
]


@pytest.mark.parametrize(
    ("kind", "text", "value", "shown"), [case[1:] for case in ROUND_TRIPS], ids=[case[0] for case in ROUND_TRIPS]
)
def test_a_text_becomes_a_value_and_is_shown(kind: Kind[Any], text: str, value: object, shown: object) -> None:
    parsed = kind.parse(text)
    assert parsed == value
    assert type(parsed) is type(value)
    assert kind.show(parsed) == shown


@pytest.mark.parametrize(
    ("kind", "text"),
    [case[1:3] for case in ROUND_TRIPS if case[1] is not kinds.SCALE],
    ids=[case[0] for case in ROUND_TRIPS if case[1] is not kinds.SCALE],
)
def test_what_is_shown_can_be_written_in_the_file_again(kind: Kind[Any], text: str) -> None:
    shown = shown_as_text(kind, kind.parse(text))
    assert shown_as_text(kind, kind.parse(shown)) == shown


@pytest.mark.parametrize("text", ["^a[0-9]+$", ".*", "log_", "a|b"])
def test_a_regular_expression_is_shown_as_it_was_written(text: str) -> None:
    assert kinds.PATTERN.show(kinds.PATTERN.parse(text)) == text


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://user:password@example.com/a", "http://********@example.com/a"),
        ("http://user@example.com", "http://********@example.com"),
        ("http://user:p@ss@example.com:81/", "http://********@example.com:81/"),
        ("https://example.com/a?token=secret#secret", "https://example.com/a?********"),
    ],
)
def test_a_url_is_kept_whole_and_shown_without_its_secrets(url: str, shown: str) -> None:
    assert kinds.URL.parse(url) == url
    assert kinds.URL.show(url) == shown


# ---- Exactness ----


@pytest.mark.parametrize(
    ("text", "threshold"),
    [
        ("{0.1: 20}", Fraction(1, 10)),
        ("{0.3: 20}", Fraction(3, 10)),
        ("{1e-7: 20}", Fraction(1, 10_000_000)),
        ("{95.5: 20}", Fraction(191, 2)),
        ("{100: 20}", Fraction(100)),
    ],
)
def test_a_threshold_of_a_scale_is_exactly_what_was_written(text: str, threshold: Fraction) -> None:
    assert kinds.SCALE.parse(text) == ((threshold, Fraction(20)),)


@given(st.decimals(min_value="1e-9", max_value="1e9", places=9, allow_nan=False, allow_infinity=False))
def test_a_number_is_exactly_what_was_written(number: Any) -> None:
    assert kinds.POSITIVE_NUMBER.parse(str(number)) == Fraction(number)


@given(st.integers(0, 10**18 - 1))
def test_a_whole_number_survives(number: int) -> None:
    assert INTEGER.show(INTEGER.parse(str(number))) == number


@given(st.dictionaries(st.integers(0, 10**9), st.integers(0, 10**9), min_size=1))
def test_a_scale_survives(scale: dict[int, int]) -> None:
    parsed = kinds.SCALE.parse(repr(scale))
    assert [(int(threshold), int(amount)) for threshold, amount in parsed] == sorted(scale.items())
    assert {int(threshold): amount for threshold, amount in kinds.SCALE.show(parsed).items()} == scale


@given(st.lists(st.tuples(st.integers(0, 1439), st.integers(0, 1439)), min_size=1))
def test_windows_survive(windows: list[tuple[int, int]]) -> None:
    assert kinds.WINDOWS.parse(kinds.WINDOWS.show(tuple(windows))) == tuple(windows)


# ---- What is refused ----

HUGE = ["1e999999999", "9" * 200_000, "1e13", "1e99999999999999999999", "inf", "Infinity", "1e12"]
TINY = ["1e-999999999", "1e-99999999999999999999", "1e-31", "0", "-1", "-1e999999999", "-inf", "0e5"]


@pytest.mark.parametrize(
    ("kind", "texts", "reason"),
    [
        (kinds.POSITIVE_NUMBER, HUGE, r" is too high; it must be a number below 1000000000000"),
        (kinds.POSITIVE_NUMBER, TINY, r" is too low; it must be a number above 0"),
        (kinds.POSITIVE_NUMBER, ["nan", "snan", "", "1 2", "0x10", "1,5"], " is not a number; it must be one above 0"),
        (INTEGER, ["9" * 200_000, "1" + "0" * 18 + "1"], " is too high; it must be a whole number of at most "),
        (INTEGER, ["-1", "-" + "9" * 200_000], " is too low; it must be a whole number of at least 0"),
        (INTEGER, ["1e3", "1.0", "", "1_000", "٣"], " is not a whole number; it must be one of at least 0"),
        (kinds.SCALE, [f"{{{huge}: 1}}" for huge in HUGE], " is no scale; it must be "),
        (kinds.SCALE, [f"{{1: {tiny}}}" for tiny in TINY if tiny[0] == "-"], " is no scale; it must be "),
        (kinds.SCALE, ["[" * 5000, "-" * 5000 + "1", "(" * 5000, "\0"], " is no scale; it must be "),
        (kinds.PATTERN, ["(" * 5000, "a{1,99999999999999999999}"], " is not a valid regular expression: "),
    ],
    ids=["high", "low", "no-number", "high-int", "low-int", "no-int", "high-scale", "low-scale", "deep", "regex"],
)
def test_it_is_refused_quickly_and_with_what_would_be_right(kind: Kind[Any], texts: list[str], reason: str) -> None:
    started = time.perf_counter()
    for text in texts:
        with pytest.raises(ValueError, match=reason):
            kind.parse(text)
    assert time.perf_counter() - started < 2


def test_python_does_not_comment_on_what_is_refused(recwarn: pytest.WarningsRecorder) -> None:
    """Its remarks would go to stderr, among the errors."""
    with pytest.raises(ValueError, match="is no scale"):
        kinds.SCALE.parse("{1: 5if}")
    assert recwarn.list == []


def test_a_number_of_a_million_digits_is_read_quickly() -> None:
    started = time.perf_counter()
    value = kinds.POSITIVE_NUMBER.parse("0." + "3" * 1_000_000)
    assert time.perf_counter() - started < 2
    assert abs(value - Fraction(1, 3)) < Fraction(1, 10**40)


@pytest.mark.parametrize("kind", [kinds.KEY, kinds.URL])
@pytest.mark.parametrize("text", ["hush hush", "hush\nhush", "hush\x00", "hüsh"])
def test_a_secret_is_not_in_the_message(kind: Kind[str], text: str) -> None:
    with pytest.raises(ValueError, match=r"^it must be ") as refusal:
        kind.parse(text)
    assert "sh" not in str(refusal.value).replace("http", "")
    assert refusal.value.__cause__ is None
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None


@pytest.mark.parametrize("text", ["a\nkey: hush", "\x00\nhush", "{0: 0\n# hush"])
@pytest.mark.parametrize(
    "kind",
    [
        kinds.BOOLEAN,
        INTEGER,
        kinds.POSITIVE_NUMBER,
        kinds.TEXT,
        kinds.KEY,
        kinds.REGION,
        kinds.LOG_LEVEL,
        kinds.UNIT,
        kinds.SCALE,
        kinds.WINDOWS,
        kinds.MESSAGE_TYPES,
        kinds.TOPIC_ARN,
        kinds.URL,
    ],
)
def test_a_continued_line_is_not_in_the_message(kind: Kind[Any], text: str) -> None:
    """It may be a key that was indented by mistake."""
    with pytest.raises(ValueError, match=r"continues the value|^it must be ") as refusal:
        kind.parse(text)
    assert "hush" not in str(refusal.value)
