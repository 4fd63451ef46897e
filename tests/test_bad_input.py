"""Bad configurations and command lines: what exactly is said about them, and that nothing else happens."""

# The tables have one case a line, with its whole message, however long that is.
# ruff: noqa: E501

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dynamic_dynamodb.cli import main
from dynamic_dynamodb.model import Dimension
from tests.stand_in import StandIn

PASSWORD = "hush-4711"
"""Stands wherever a case has a secret: it must never be printed."""

ARN = "arn:aws:sns:us-east-1:123456789012:dynamic-dynamodb"

SCALE_HELP = (
    "it must be a dictionary of thresholds in percent to amounts, all of them numbers of at least 0, "
    "such as {0: 0, 0.25: 5, 1: 20}"
)
SCALE_KEYS_HELP = "must have at least one threshold and none of them twice, such as {0: 0, 0.25: 5, 1: 20}"
WINDOW_HELP = "it must be HH:MM-HH:MM in UTC, several of them separated by commas, such as 22:00-23:59,00:00-06:00"
URL_HELP = "it must be a URL that starts with http:// or https:// and names a host"
TYPES_HELP = "it must be one of scale-up, scale-down, high-throughput-alarm, low-throughput-alarm"
ARN_HELP = f"is not the ARN of an SNS topic, such as {ARN}"
SECTION_HELP = "it must be [global], [logging], [default_options], [table: REGEX] or [gsi: REGEX table: REGEX]"
SYNTAX = "is no `option: value`, no `[section]` and no comment"
HEADER = "the header of a section must be `[NAME]`, with no more than a comment behind it"
CONTINUED = "and more (an indented line continues the value above it)"
NOTHING_TO_DO = "there is no table to scale; it takes a [table: REGEX] section in the file, or -t/--table-name"
WITHOUT_TABLE = "is for the table that -t/--table-name gives; it must come with that option"


@dataclass(frozen=True)
class Case:
    """A file (none: no -c option), more arguments, and the lines on stderr, in which FILE is the file."""

    name: str
    file: str | bytes | None
    errors: str
    argv: str = ""
    exit_code: int = 1


def usage(name: str, argv: str, error: str) -> Case:
    """Wrong usage: argparse's business."""
    return Case(name, None, f"dynamic-dynamodb: error: {error}\nTry 'dynamic-dynamodb --help'.", argv=argv, exit_code=2)


FILES = [
    Case("file-missing", None, "no.conf: cannot be read (No such file or directory); it must be a readable file", "-c no.conf"),
    Case("file-is-a-directory", None, "folder: cannot be read (Is a directory); it must be a readable file", "-c folder"),
    Case("file-is-a-circular-link", None, "loop: cannot be read (Too many levels of symbolic links); it must be a readable file", "-c loop"),
    Case("file-in-a-file", "", "FILE/x: cannot be read (Not a directory); it must be a readable file", "-c FILE/x"),
    Case("file-of-an-unknown-user", None, "~no-such-user/x: cannot be read (No such file or directory); it must be a readable file", "-c ~no-such-user/x"),
    Case("file-name-with-nul", None, r"--config: 'a\x00b' is not plain text; it must be one line without control characters", "-c a\0b"),
    Case("file-in-latin-1", b"[table: x]\n# caf\xe9\n", "FILE:2: is not UTF-8; the file must be saved in that encoding"),
    Case("file-in-utf-16", "[table: x]\n".encode("utf-16"), "FILE:1: is not UTF-8; the file must be saved in that encoding"),
    Case("file-empty", "", f"FILE: {NOTHING_TO_DO}"),
]  # fmt: skip

SYNTAX_ERRORS = [
    Case("option-without-value", "[table: x]\nmin-provisioned-reads\n", f"FILE:2: {SYNTAX}"),
    Case("option-without-value-in-a-later-line", "[table: x]\n# c\n; c\n\noops\n", f"FILE:5: {SYNTAX}"),
    Case("option-without-name", "[table: x]\n: 5\n= 5\n", f"FILE:2: {SYNTAX}\nFILE:3: {SYNTAX}"),
    Case("key-without-colon", f"[global]\naws-secret-access-key-id {PASSWORD}\n", f"FILE:2: {SYNTAX}"),
    Case("header-unclosed", "[table: x\nmin-provisioned-reads: 5\n[table: y]\n", f"FILE:1: {HEADER}"),
    Case("header-unclosed-is-not-taken-for-the-section-above", "[global]\nregion: us-east-1\n[logging\nregion: 5\n[table: y]", f"FILE:3: {HEADER}"),
    Case("header-with-text-behind", "[table: x] min-provisioned-reads: 5\n", f"FILE:1: {HEADER}"),
    Case("header-empty", "[]\n", f"FILE:1: {HEADER}"),
    Case("header-blank", "[ ]\n", f"FILE:1: []: is an unknown section; {SECTION_HELP}"),
    Case("option-before-the-first-section", "region: us-east-1\n\n[table: x]\n", "FILE:1: region: stands before the first [section]; it must stand in one"),
    Case("only-options", "min-provisioned-reads: 5\n", "FILE:1: min-provisioned-reads: stands before the first [section]; it must stand in one"),
    Case("duplicate-section", "[table: x]\n\n[table: x]\n", "FILE:3: [table: x]: is given in line 1 already; it must be given once"),
    Case("duplicate-section-with-other-blanks", "[table:x]\n[ table:   x ]\n", "FILE:2: [table: x]: is given in line 1 already; it must be given once"),
    Case("duplicate-section-for-an-index", "[table: x]\n[gsi:i table:x]\n[gsi: i  table: x]\n", "FILE:3: [gsi: i table: x]: is given in line 2 already; it must be given once"),
    Case("duplicate-global-section", "[global]\n[table: x]\n[global]\n[global]\n", "FILE:3: [global]: is given in line 1 already; it must be given once\nFILE:4: [global]: is given in line 1 already; it must be given once"),
    Case("duplicate-option", "[table: x]\nmin-provisioned-reads: 5\nmin-provisioned-reads = 5\n", "FILE:3: [table: x] min-provisioned-reads: is given in line 2 already; it must be given once"),
    Case("unknown-section", "[table: x]\n[tables: y]\nfoo: bar\n", f"FILE:2: [tables: y]: is an unknown section; {SECTION_HELP}"),
    Case("unknown-section-default", "[DEFAULT]\n[table: x]\n", f"FILE:1: [DEFAULT]: is an unknown section; {SECTION_HELP}"),
    Case("section-of-wrong-case", "[Global]\n[table: x]\n", f"FILE:1: [Global]: is an unknown section; {SECTION_HELP}"),
    Case("table-section-without-regex", "[table:]\n", f"FILE:1: [table:]: is an unknown section; {SECTION_HELP}"),
    Case("index-section-without-table", "[table: x]\n[gsi: i]\n", f"FILE:2: [gsi: i]: is an unknown section; {SECTION_HELP}"),
    Case("regex-of-a-table", "[table: x(]\n", "FILE:1: [table: x(]: 'x(' is not a valid regular expression: missing ), unterminated subpattern at position 1"),
    Case("regex-of-an-index", "[table: x]\n[gsi: * table: x]\n", "FILE:2: [gsi: * table: x]: '*' is not a valid regular expression: nothing to repeat at position 0"),
    Case("regex-of-a-table-with-an-index", "[table: (]\n[gsi: i table: (]\n", "FILE:1: [table: (]: '(' is not a valid regular expression: missing ), unterminated subpattern at position 0"),
    Case("index-without-its-table", "[gsi: i table: x]\n", "FILE:1: [gsi: i table: x]: there must be a [table: x] section, to the letter"),
    Case("index-whose-table-is-spelt-otherwise", "[gsi: i table: my_tabel]\n[table: ^my_table$]\n", "FILE:1: [gsi: i table: my_tabel]: there must be a [table: my_tabel] section, to the letter; did you mean ^my_table$?"),
]  # fmt: skip

VALUES = [
    Case("bool", "[table: x]\nenable-reads-autoscaling: maybe\n", "FILE:2: [table: x] enable-reads-autoscaling: 'maybe' is neither true nor false"),
    Case("bool-is-no-number", "[table: x]\nalways-decrease-rw-together = 2\n", "FILE:2: [table: x] always-decrease-rw-together: '2' is neither true nor false"),
    Case("int-is-no-word", "[table: x]\nreads-lower-threshold: low\n", "FILE:2: [table: x] reads-lower-threshold: 'low' is not a whole number; it must be one of at least 1"),
    Case("int-has-no-decimals", "[table: x]\nwrites-lower-threshold: 30.5\n", "FILE:2: [table: x] writes-lower-threshold: '30.5' is not a whole number; it must be one of at least 1"),
    Case("int-has-no-percent-sign", "[global]\ncheck-interval: 5%\n[table: x]\n", "FILE:2: [global] check-interval: '5%' is not a whole number; it must be one of at least 1"),
    Case("int-with-a-hash-behind", "[global]\ncheck-interval: 300 # seconds\n[table: x]\n", "FILE:2: [global] check-interval: '300 # seconds' is not a whole number; it must be one of at least 1"),
    Case("float-is-no-word", "[table: x]\nreads-upper-threshold: high\n", "FILE:2: [table: x] reads-upper-threshold: 'high' is not a number; it must be one above 0"),
    Case("float-has-a-point", "[table: x]\nwrites-upper-threshold: 90,5\n", "FILE:2: [table: x] writes-upper-threshold: '90,5' is not a number; it must be one above 0"),
    Case("float-is-finite", "[table: x]\nreads-upper-threshold: inf\n", "FILE:2: [table: x] reads-upper-threshold: inf is too high; it must be a number below 1000000000000"),
    Case("float-is-a-number", "[table: x]\nreads-upper-threshold: nan\n", "FILE:2: [table: x] reads-upper-threshold: 'nan' is not a number; it must be one above 0"),
    Case("timeout", "[global]\ncircuit-breaker-timeout: 5s\n[table: x]\n", "FILE:2: [global] circuit-breaker-timeout: '5s' is not a number; it must be one above 0"),
    Case("timeout-negative", "[global]\ncircuit-breaker-timeout: -1\n[table: x]\n", "FILE:2: [global] circuit-breaker-timeout: -1 is too low; it must be a number above 0"),
    Case("unit", "[table: x]\nincrease-reads-unit: percents\n", "FILE:2: [table: x] increase-reads-unit: 'percents' is no unit; it must be percent or units"),
    Case("unit-of-wrong-case", "[default_options]\ndecrease-consumed-writes-unit: Units\n[table: x]\n", "FILE:2: [default_options] decrease-consumed-writes-unit: 'Units' is no unit; it must be percent or units"),
    Case("unit-for-an-index", "[table: x]\n[gsi: i table: x]\nincrease-throttled-by-consumed-reads-unit: %\n", "FILE:3: [gsi: i table: x] increase-throttled-by-consumed-reads-unit: '%' is no unit; it must be percent or units"),
    Case("region", "[global]\nregion: US East\n[table: x]\n", "FILE:2: [global] region: 'US East' is not the name of an AWS region, such as us-east-1"),
    Case("log-level", "[logging]\nlog-level: loud\n[table: x]\n", "FILE:2: [logging] log-level: 'loud' is unknown; it must be one of debug, info, warning, error"),
    Case("log-file-with-nul", "[logging]\nlog-file: a\0b\n[table: x]\n", r"FILE:2: [logging] log-file: 'a\x00b' is not plain text; it must be one line without control characters"),
    Case("topic", "[table: x]\nsns-topic-arn: my-topic\n", f"FILE:2: [table: x] sns-topic-arn: 'my-topic' {ARN_HELP}"),
    Case("topic-is-a-queue", "[default_options]\nsns-topic-arn: arn:aws:sqs:us-east-1:1:q\n[table: x]\n", f"FILE:2: [default_options] sns-topic-arn: 'arn:aws:sqs:us-east-1:1:q' {ARN_HELP}"),
    Case("message-type", "[table: x]\nsns-message-types: scale-up, scale-sideways\n", f"FILE:2: [table: x] sns-message-types: 'scale-sideways' is not a message type; {TYPES_HELP}"),
    Case("message-type-empty", "[table: x]\nsns-message-types: scale-up,,scale-down\n", f"FILE:2: [table: x] sns-message-types: '' is not a message type; {TYPES_HELP}"),
    Case("message-types-without-commas", "[table: x]\nsns-message-types: scale-up scale-down\n", f"FILE:2: [table: x] sns-message-types: 'scale-up scale-down' is not a message type; {TYPES_HELP}"),
    Case("window-without-end", "[table: x]\nmaintenance-windows: 22:00\n", f"FILE:2: [table: x] maintenance-windows: '22:00' is not a maintenance window; {WINDOW_HELP}"),
    Case("window-at-no-hour", "[table: x]\nmaintenance-windows: 22:00-24:00\n", f"FILE:2: [table: x] maintenance-windows: '22:00-24:00' is not a maintenance window; {WINDOW_HELP}"),
    Case("window-from-no-hour", "[table: x]\nmaintenance-windows: 24:00-01:00\n", f"FILE:2: [table: x] maintenance-windows: '24:00-01:00' is not a maintenance window; {WINDOW_HELP}"),
    Case("window-at-no-minute", "[table: x]\nmaintenance-windows: 22:60-23:00\n", f"FILE:2: [table: x] maintenance-windows: '22:60-23:00' is not a maintenance window; {WINDOW_HELP}"),
    Case("window-after-a-good-one", "[table: x]\nmaintenance-windows: 22:00-23:00, 1-2\n", f"FILE:2: [table: x] maintenance-windows: '1-2' is not a maintenance window; {WINDOW_HELP}"),
    Case("windows-separated-by-semicolon", "[table: x]\nmaintenance-windows: 1:00-2:00;3:00-4:00\n", f"FILE:2: [table: x] maintenance-windows: '1:00-2:00;3:00-4:00' is not a maintenance window; {WINDOW_HELP}"),
    Case("url-without-scheme", f"[global]\ncircuit-breaker-url: user:{PASSWORD}@example.com\n[table: x]\n", f"FILE:2: [global] circuit-breaker-url: {URL_HELP}"),
    Case("url-of-another-scheme", f"[global]\ncircuit-breaker-url: ftp://u:{PASSWORD}@example.com\n[table: x]\n", f"FILE:2: [global] circuit-breaker-url: {URL_HELP}"),
    Case("url-without-host", f"[table: x]\ncircuit-breaker-url: http://u:{PASSWORD}@/path\n", f"FILE:2: [table: x] circuit-breaker-url: {URL_HELP}"),
    Case("url-with-a-wrong-port", f"[table: x]\ncircuit-breaker-url: http://u:{PASSWORD}@example.com:99999\n", f"FILE:2: [table: x] circuit-breaker-url: {URL_HELP}"),
    Case("url-with-a-blank", f"[table: x]\ncircuit-breaker-url: http://u:{PASSWORD}@example.com /\n", f"FILE:2: [table: x] circuit-breaker-url: {URL_HELP}"),
    Case("url-with-a-broken-address", f"[table: x]\ncircuit-breaker-url: http://u:{PASSWORD}@[::1/\n", f"FILE:2: [table: x] circuit-breaker-url: {URL_HELP}"),
    Case("url-with-its-scheme-as-name", f"[global]\ncircuit-breaker-url: http\n  //u:{PASSWORD}@h\n[table: x]\n", f"FILE:2: [global] circuit-breaker-url: {URL_HELP}"),
    Case("key-of-two-words", f"[global]\naws-access-key-id: a\naws-secret-access-key-id: {PASSWORD} {PASSWORD}\n[table: x]\n", "FILE:3: [global] aws-secret-access-key-id: it must be one word of ASCII characters"),
]  # fmt: skip

SCALES = [
    Case(f"dict-{name}", f"[table: x]\n{option}: {text}\n", f"FILE:2: [table: x] {option}: {text!r} {problem}")
    for option in ("increase-consumed-reads-scale",)
    for name, text, problem in [
        ("is-no-word", "scale", f"is no scale; {SCALE_HELP}"),
        ("is-no-number", "5", f"is no scale; {SCALE_HELP}"),
        ("is-no-list", "[0, 5]", f"is no scale; {SCALE_HELP}"),
        ("is-no-set", "{0, 5}", f"is no scale; {SCALE_HELP}"),
        ("unclosed", "{0: 0, 0.25: 5", f"is no scale; {SCALE_HELP}"),
        ("without-commas", "{0: 0 1: 5}", f"is no scale; {SCALE_HELP}"),
        ("without-amount", "{0: }", f"is no scale; {SCALE_HELP}"),
        ("with-text-behind", "{0: 0} percent", f"is no scale; {SCALE_HELP}"),
        ("with-a-quoted-threshold", "{'0': 5}", f"is no scale; {SCALE_HELP}"),
        ("with-a-quoted-amount", "{0: '5'}", f"is no scale; {SCALE_HELP}"),
        ("with-a-bool", "{0: True}", f"is no scale; {SCALE_HELP}"),
        ("with-none", "{0: None}", f"is no scale; {SCALE_HELP}"),
        ("with-a-nested-dict", "{0: {1: 2}}", f"is no scale; {SCALE_HELP}"),
        ("with-a-negative-threshold", "{-1: 5}", f"is no scale; {SCALE_HELP}"),
        ("with-a-negative-amount", "{1: -5}", f"is no scale; {SCALE_HELP}"),
        ("with-an-infinite-threshold", "{1e999: 5}", f"is no scale; {SCALE_HELP}"),
        ("with-a-sum", "{1: 5 + 5}", f"is no scale; {SCALE_HELP}"),
        ("with-a-call", "{1: exit(7)}", f"is no scale; {SCALE_HELP}"),
        ("with-a-python-warning", "{1: 5if}", f"is no scale; {SCALE_HELP}"),
        ("empty", "{}", SCALE_KEYS_HELP),
        ("with-a-threshold-twice", "{1: 5, 1.0: 10}", SCALE_KEYS_HELP),
        ("with-a-dict-unpacked", "{**{}, 1: 5}", SCALE_KEYS_HELP),
    ]
]  # fmt: skip

CONTINUATIONS = [
    Case("continued-int", f"[global]\ncheck-interval: 300\n  aws-secret-access-key-id: {PASSWORD}\n[table: x]\n", f"FILE:2: [global] check-interval: '300' {CONTINUED} is not a whole number; it must be one of at least 1"),
    Case("continued-region", f"[global]\nregion: us-east-1\n\taws-secret-access-key-id: {PASSWORD}\n[table: x]\n", f"FILE:2: [global] region: 'us-east-1' {CONTINUED} is not the name of an AWS region, such as us-east-1"),
    Case("continued-log-file", f"[logging]\nlog-file: /tmp/log\n log-level: {PASSWORD}\n[table: x]\n", f"FILE:2: [logging] log-file: '/tmp/log' {CONTINUED} is not plain text; it must be one line without control characters"),
    Case("continued-key", f"[global]\naws-access-key-id: {PASSWORD}\n  aws-secret-access-key-id: {PASSWORD}\n[table: x]\n", "FILE:2: [global] aws-access-key-id: it must be one word of ASCII characters (an indented line continues the value above it)"),
    Case("continued-bool", f"[table: x]\nenable-reads-up-scaling: true\n  {PASSWORD}\n", f"FILE:2: [table: x] enable-reads-up-scaling: 'true' {CONTINUED} is neither true nor false"),
    Case("continued-float", f"[table: x]\nreads-upper-threshold: 90\n  {PASSWORD}\n", f"FILE:2: [table: x] reads-upper-threshold: '90' {CONTINUED} is not a number; it must be one above 0"),
    Case("continued-unit", f"[table: x]\nincrease-reads-unit: units\n  {PASSWORD}\n", f"FILE:2: [table: x] increase-reads-unit: 'units' {CONTINUED} is no unit; it must be percent or units"),
    Case("continued-dict", f"[table: x]\nincrease-consumed-reads-scale: {{0: 0}}\n  {PASSWORD}\n", f"FILE:2: [table: x] increase-consumed-reads-scale: '{{0: 0}}' {CONTINUED} is no scale; {SCALE_HELP}"),
    Case("continued-windows", f"[table: x]\nmaintenance-windows: 1:00-2:00\n  {PASSWORD}\n", f"FILE:2: [table: x] maintenance-windows: '1:00-2:00' {CONTINUED} is not a maintenance window; {WINDOW_HELP}"),
    Case("continued-message-types", f"[table: x]\nsns-message-types: scale-up\n  {PASSWORD}\n", f"FILE:2: [table: x] sns-message-types: 'scale-up' {CONTINUED} is not a message type; {TYPES_HELP}"),
    Case("continued-topic", f"[table: x]\nsns-topic-arn: {ARN}\n  {PASSWORD}\n", f"FILE:2: [table: x] sns-topic-arn: '{ARN}' {CONTINUED} {ARN_HELP}"),
    Case("continued-over-a-comment", f"[global]\ncheck-interval: 300\n# comment\n  {PASSWORD}\n[table: x]\n", f"FILE:2: [global] check-interval: '300' {CONTINUED} is not a whole number; it must be one of at least 1"),
    Case("indented-after-a-blank-line", f"[table: x]\nmin-provisioned-reads: 5\n\n  {PASSWORD}\n", f"FILE:4: {SYNTAX}"),
]  # fmt: skip

CREDENTIALS = [
    Case("access-key-alone", f"[global]\naws-access-key-id: {PASSWORD}\n[table: x]\n", "FILE:2: [global] aws-access-key-id: is given without aws-secret-access-key-id; both must be given, or neither"),
    Case("secret-key-alone", f"[global]\naws-secret-access-key-id: {PASSWORD}\n[table: x]\n", "FILE:2: [global] aws-secret-access-key-id: is given without aws-access-key-id; both must be given, or neither"),
    Case("secret-key-alone-by-its-other-name", f"[global]\naws-secret-access-key: {PASSWORD}\n[table: x]\n", "FILE:2: [global] aws-secret-access-key: is given without aws-access-key-id; both must be given, or neither"),
    Case("access-key-with-an-empty-secret-key", f"[global]\naws-access-key-id: {PASSWORD}\naws-secret-access-key-id:\n[table: x]\n", "FILE:2: [global] aws-access-key-id: is given without aws-secret-access-key-id; both must be given, or neither"),
    Case("access-key-alone-in-arguments", None, "--aws-access-key-id: is given without --aws-secret-access-key; both must be given, or neither", f"-t x --aws-access-key-id {PASSWORD}"),
    Case("secret-key-alone-in-arguments", None, "--aws-secret-access-key: is given without --aws-access-key-id; both must be given, or neither", f"-t x --aws-secret-access-key={PASSWORD}"),
    Case("secret-key-under-both-names", f"[global]\naws-access-key-id: a\naws-secret-access-key-id: {PASSWORD}\naws-secret-access-key: {PASSWORD}\n[table: x]\n", "FILE:4: [global] aws-secret-access-key: is another name of aws-secret-access-key-id, given in line 3; one of the two must go"),
    Case("secret-key-under-both-names-turned-round", f"[global]\naws-access-key-id: a\naws-secret-access-key: {PASSWORD}\naws-secret-access-key-id: {PASSWORD}\n[table: x]\n", "FILE:4: [global] aws-secret-access-key-id: is another name of aws-secret-access-key, given in line 3; one of the two must go"),
]  # fmt: skip

AGAINST_EACH_OTHER = [
    Case("minimum-above-maximum", "[table: x]\nmax-provisioned-reads: 5\nmin-provisioned-reads: 6\n", "FILE:3: [table: x] min-provisioned-reads: min-provisioned-reads (6) is above max-provisioned-reads (5); it must be at most that"),
    Case("minimum-above-maximum-for-an-index", "[table: x]\n[gsi: i table: x]\nmin-provisioned-writes: 6\nmax-provisioned-writes: 5\n", "FILE:3: [gsi: i table: x] min-provisioned-writes: min-provisioned-writes (6) is above max-provisioned-writes (5); it must be at most that"),
    Case("minimum-above-maximum-in-both-dimensions", "[table: x]\nmin-provisioned-reads: 6\nmin-provisioned-writes: 6\nmax-provisioned-reads: 5\nmax-provisioned-writes: 5\n", "FILE:2: [table: x] min-provisioned-reads: min-provisioned-reads (6) is above max-provisioned-reads (5); it must be at most that\nFILE:3: [table: x] min-provisioned-writes: min-provisioned-writes (6) is above max-provisioned-writes (5); it must be at most that"),
    Case("minimum-above-maximum-in-the-defaults-once", "[default_options]\nmin-provisioned-reads: 6\nmax-provisioned-reads: 5\n[table: x]\n[table: y]\n[gsi: i table: y]\n", "FILE:2: [default_options] min-provisioned-reads: min-provisioned-reads (6) is above max-provisioned-reads (5); it must be at most that"),
    Case("minimum-above-the-maximum-of-the-defaults", "[default_options]\nmax-provisioned-reads: 5\n[table: x]\nmin-provisioned-reads: 6\n[table: y]\n", "FILE:4: [table: x] min-provisioned-reads: min-provisioned-reads (6) is above max-provisioned-reads (5); it must be at most that"),
    Case("maximum-below-the-minimum-of-the-defaults", "[default_options]\nmin-provisioned-reads: 6\n[table: x]\nmax-provisioned-reads: 5\n[table: y]\n", "FILE:4: [table: x] max-provisioned-reads: min-provisioned-reads (6) is above max-provisioned-reads (5); it must be at most that"),
    Case("minimum-above-maximum-in-arguments", None, "--min-provisioned-reads: min-provisioned-reads (6) is above max-provisioned-reads (5); it must be at most that", "-t x --max-provisioned-reads 5 --min-provisioned-reads 6"),
    Case("lower-above-upper-threshold", "[table: x]\nreads-lower-threshold: 51\nreads-upper-threshold: 50.5\n", "FILE:2: [table: x] reads-lower-threshold: reads-lower-threshold (51) is above reads-upper-threshold (50.5); it must be at most that"),
    Case("lower-above-the-default-upper-threshold", "[table: x]\nwrites-lower-threshold: 91\n", "FILE:2: [table: x] writes-lower-threshold: writes-lower-threshold (91) is above writes-upper-threshold (90); it must be at most that"),
    Case("upper-below-the-default-lower-threshold", "[table: x]\nreads-upper-threshold: 29.9\n", "FILE:2: [table: x] reads-upper-threshold: reads-lower-threshold (30) is above reads-upper-threshold (29.9); it must be at most that"),
    Case("upper-threshold-in-the-defaults-below-the-default-lower-one", "[default_options]\nreads-upper-threshold: 20\n[table: x]\n[table: y]\nreads-lower-threshold: 10\n", "FILE:2: [default_options] reads-upper-threshold: reads-lower-threshold (30) is above reads-upper-threshold (20); it must be at most that"),
    Case("thresholds-in-arguments", None, "--reads-lower-threshold: reads-lower-threshold (95) is above reads-upper-threshold (90); it must be at most that", "-t x --reads-lower-threshold 95"),
    Case("period-longer-than-the-window", "[table: x]\nlookback-period: 11\nlookback-window-start: 10\n", "FILE:2: [table: x] lookback-period: lookback-period (11) is above lookback-window-start (10); it must be at most that"),
    Case("period-longer-than-the-default-window", "[table: x]\nlookback-period: 16\n", "FILE:2: [table: x] lookback-period: lookback-period (16) is above lookback-window-start (15); it must be at most that"),
    Case("window-shorter-than-the-default-period", "[table: x]\nlookback-window-start: 4\n", "FILE:2: [table: x] lookback-window-start: lookback-period (5) is above lookback-window-start (4); it must be at most that"),
    Case("a-value-that-is-wrong-by-itself-is-compared-with-nothing", "[default_options]\nmax-provisioned-reads: 5\n[table: x]\nmin-provisioned-reads: 6\nmax-provisioned-reads: ten\n", "FILE:5: [table: x] max-provisioned-reads: 'ten' is not a whole number; it must be one of at least 1"),
]  # fmt: skip

ARGUMENTS = [
    Case("nothing-at-all", None, f"-t/--table-name: {NOTHING_TO_DO}"),
    Case("no-table-in-arguments", None, f"-t/--table-name: {NOTHING_TO_DO}", "--dry-run --region eu-west-1 --table-name ''"),
    Case("no-table-in-the-file", "[global]\nregion: us-east-1\n[default_options]\n", f"FILE: {NOTHING_TO_DO}"),
    Case("scaling-without-table", None, f"--reads-upper-threshold: {WITHOUT_TABLE}\n--min-provisioned-writes: {WITHOUT_TABLE}", "--reads-upper-threshold 90 --min-provisioned-writes 5"),
    Case("scaling-without-table-beside-a-file", "[table: x]\n", f"--increase-reads-with: {WITHOUT_TABLE}", "--increase-reads-with 5"),
    Case("table", None, "--table-name: 'x(' is not a valid regular expression: missing ), unterminated subpattern at position 1", "-t 'x(' --increase-reads-with 5"),
    Case("table-in-arguments-does-not-excuse-the-file", "[table: x]\nmin-provisioned-reads: 0\n", "FILE:2: [table: x] min-provisioned-reads: 0 is too low; it must be a whole number of at least 1", "-t x"),
    Case("int-in-arguments", None, "--check-interval: '5m' is not a whole number; it must be one of at least 1", "-t x --check-interval 5m"),
    Case("int-out-of-range-in-arguments", None, "--check-interval: 0 is too low; it must be a whole number of at least 1", "-t x --check-interval=0"),
    Case("negative-in-arguments", None, "--increase-reads-with: -5 is too low; it must be a whole number of at least 1", "-t x --increase-reads-with -5"),
    Case("float-in-arguments", None, "--writes-upper-threshold: 'much' is not a number; it must be one above 0", "-t x --writes-upper-threshold much"),
    Case("unit-in-arguments", None, "--decrease-writes-unit: 'unit' is no unit; it must be percent or units", "-t x --decrease-writes-unit unit"),
    Case("region-in-arguments", None, "--region: 'us_east_1' is not the name of an AWS region, such as us-east-1", "-t x -r us_east_1"),
    Case("instance-with-a-slash", None, "--instance: '../x' is no instance name; it must be made of letters, digits, '.', '_' and '-'", "-t x --instance ../x"),
    Case("instance-with-a-blank", None, "--instance: 'a b' is no instance name; it must be made of letters, digits, '.', '_' and '-'", "-t x --instance 'a b'"),
    Case("pid-file-dir", None, r"--pid-file-dir: '/tmp/\x00' is not plain text; it must be one line without control characters", "-t x --pid-file-dir '/tmp/\0'"),
    Case("arguments-before-the-file", "[table: x]\nmin-provisioned-reads: 0\n", "--check-interval: 0 is too low; it must be a whole number of at least 1\nFILE:2: [table: x] min-provisioned-reads: 0 is too low; it must be a whole number of at least 1", "--check-interval 0"),
    usage("unknown-option", "-t x --tabel y", "unrecognized arguments: --tabel"),
    usage("unknown-option-with-a-value", f"-t x --aws-secret-acess-key {PASSWORD}", "unrecognized arguments: --aws-secret-acess-key"),
    usage("unknown-option-with-a-value-attached", f"-t x --aws-secret-key={PASSWORD}", "unrecognized arguments: --aws-secret-key"),
    usage("unknown-options", f"-t x --no {PASSWORD} --never={PASSWORD}", "unrecognized arguments: --no --never"),
    usage("unknown-short-option", f"-t x -k{PASSWORD}", "unrecognized arguments: -k"),
    usage("unknown-word", "-t x start", "unrecognized arguments: start"),
    usage("abbreviation-of-several-options", f"-t x --aws={PASSWORD}", "ambiguous option: --aws could match --aws-access-key-id, --aws-secret-access-key"),
    usage("value-missing", "-t", "argument -t/--table-name: expected one argument"),
    usage("daemon", "-t x --daemon nonsense", "argument --daemon: invalid choice: 'nonsense' (choose from start, stop, restart, status, foreground, fg)"),
    usage("log-level-in-arguments", "-t x --log-level loud", "argument --log-level: invalid choice: 'loud' (choose from debug, info, warning, error)"),
    usage("switch-with-a-value", "-t x --dry-run=yes", "argument --dry-run: ignored explicit argument 'yes'"),
]  # fmt: skip

SECTIONS = {
    "[table: x]": "[table: x]\n",
    "[default_options]": "[table: x]\n[default_options]\n",
    "[gsi: i table: x]": "[table: x]\n[gsi: i table: x]\n",
}


def bounds() -> Iterator[Case]:
    """Each option of a resource just below its range, in every section that can hold it, in both dimensions."""
    for template, value, problem in [
        ("{D}-upper-threshold", "0", "0 is too low; it must be a number above 0"),
        ("{D}-lower-threshold", "0", "0 is too low; it must be a whole number of at least 1"),
        ("increase-{D}-with", "0", "0 is too low; it must be a whole number of at least 1"),
        ("decrease-{D}-with", "0", "0 is too low; it must be a whole number of at least 1"),
        ("increase-consumed-{D}-with", "0", "0 is too low; it must be a whole number of at least 1"),
        ("decrease-consumed-{D}-with", "0", "0 is too low; it must be a whole number of at least 1"),
        ("min-provisioned-{D}", "0", "0 is too low; it must be a whole number of at least 1"),
        ("max-provisioned-{D}", "0", "0 is too low; it must be a whole number of at least 1"),
        ("num-{d}-checks-before-scale-down", "0", "0 is too low; it must be a whole number of at least 1"),
        ("num-{d}-checks-reset-percent", "-1", "-1 is too low; it must be a whole number of at least 0"),
        ("throttled-{D}-upper-threshold", "-1", "-1 is too low; it must be a whole number of at least 0"),
        ("{D}-upper-alarm-threshold", "-1", "-1 is too low; it must be a whole number of at least 0"),
        ("{D}-lower-alarm-threshold", "-1", "-1 is too low; it must be a whole number of at least 0"),
        ("increase-{D}-with", "9" * 19, f"{'9' * 19} is too high; it must be a whole number of at most {10**18}"),
        ("{D}-upper-threshold", "1e12", "1e12 is too high; it must be a number below 1000000000000"),
        ("lookback-window-start", "0", "0 is too low; it must be a whole number of at least 1"),
        ("lookback-window-start", "21601", "21601 is too high; it must be a whole number of at most 21600"),
        ("lookback-period", "0", "0 is too low; it must be a whole number of at least 1"),
        ("circuit-breaker-timeout", "-0.5", "-0.5 is too low; it must be a number above 0"),
    ]:
        options = {template.replace("{D}", each.plural).replace("{d}", each.singular) for each in Dimension}
        for option in sorted(options):
            for section, text in SECTIONS.items():
                line = text.count("\n") + 1
                error = f"FILE:{line}: {section} {option}: {problem}"
                yield Case(f"bound-{option}-{value}-{section}", f"{text}{option}: {value}\n", error)


BOUNDS = [
    *bounds(),
    Case("bound-check-interval", "[global]\ncheck-interval: 0\n[table: x]\n", "FILE:2: [global] check-interval: 0 is too low; it must be a whole number of at least 1"),
    Case("bound-check-interval-high", "[global]\ncheck-interval: 1e9\n[table: x]\n", "FILE:2: [global] check-interval: '1e9' is not a whole number; it must be one of at least 1"),
    Case("bound-check-interval-higher", "[global]\ncheck-interval: 1000000001\n[table: x]\n", "FILE:2: [global] check-interval: 1000000001 is too high; it must be a whole number of at most 1000000000"),
    Case("bound-max-concurrency", "[global]\nmax-concurrency: 0\n[table: x]\n", "FILE:2: [global] max-concurrency: 0 is too low; it must be a whole number of at least 1"),
]  # fmt: skip

CASES = [
    *FILES,
    *SYNTAX_ERRORS,
    *VALUES,
    *SCALES,
    *CONTINUATIONS,
    *CREDENTIALS,
    *AGAINST_EACH_OTHER,
    *ARGUMENTS,
    *BOUNDS,
]


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the cases run: a file FILE comes into it, a directory is there, and a link to itself."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    return tmp_path


def run(case: Case, directory: Path, *more: str) -> int:
    """Run the command in this process, with more arguments; its exit code."""
    argv = [*shlex.split(case.argv), *more]
    if case.file is not None:
        (directory / "FILE").write_bytes(case.file if isinstance(case.file, bytes) else case.file.encode())
        argv = ["-c", "FILE", *argv]
    try:
        return main(argv)
    except SystemExit as wrong_usage:
        return int(str(wrong_usage.code))


def told(text: str, directory: Path) -> list[str]:
    """The lines on stderr, with paths as the cases have them and choices as newer versions of argparse show them."""
    text = text.replace(f"{directory}/", "")
    return re.sub(r"\(choose from .*\)", lambda choices: choices[0].replace("'", ""), text).splitlines()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_is_told_and_ends_the_program(case: Case, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    exit_code = run(case, directory, "--show-config")
    out, err = capsys.readouterr()
    assert told(err, directory) == case.errors.splitlines()
    assert out == ""
    assert exit_code == case.exit_code
    assert PASSWORD not in err


def test_every_case_has_its_own_name() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


def test_nothing_is_done_with_a_bad_configuration(
    directory: Path, capsys: pytest.CaptureFixture[str], stand_in: StandIn
) -> None:
    """Not even a log file is made, nor a call to AWS."""
    stand_in.world.add_table("x", 10, 10)
    for case in CASES:
        if case.exit_code == 1:
            more = ["--run-once", "--log-file", "log", *([] if "pid" in case.argv else ["--pid-file-dir", "pids"])]
            assert run(case, directory, *more) == 1
    assert stand_in.world.calls == []
    assert {path.name for path in directory.iterdir()} == {"FILE", "folder", "loop"}
    assert capsys.readouterr().out == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (directory / "FILE").touch(mode=0)
    assert main(["-c", "FILE", "--show-config"]) == 1
    assert told(capsys.readouterr().err, directory) == [
        "FILE: cannot be read (Permission denied); it must be a readable file"
    ]


EIGHT_ERRORS = f"""\
region: us-east-1
[global]
aws-access-key-id: {PASSWORD}
circuit-breaker-url: example.com/{PASSWORD}

[table: x]
min-provisioned-reads: ten
sns-message-types: everything
reads-uper-threshold: 90
min-provisioned-writes: 6
oops
max-provisioned-writes: 5

[gsi: i table: y]
"""


def test_all_errors_are_told_at_once_in_the_order_of_the_lines(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (directory / "FILE").write_text(EIGHT_ERRORS)
    assert main(["-c", "FILE", "--show-config"]) == 1
    out, err = capsys.readouterr()
    warnings = [line for line in told(err, directory) if line.startswith("warning: ")]
    errors = [line for line in told(err, directory) if not line.startswith("warning: ")]
    assert errors == [
        "FILE:1: region: stands before the first [section]; it must stand in one",
        "FILE:3: [global] aws-access-key-id: is given without aws-secret-access-key-id; both must be given, or neither",
        f"FILE:4: [global] circuit-breaker-url: {URL_HELP}",
        "FILE:7: [table: x] min-provisioned-reads: 'ten' is not a whole number; it must be one of at least 1",
        f"FILE:8: [table: x] sns-message-types: 'everything' is not a message type; {TYPES_HELP}",
        "FILE:10: [table: x] min-provisioned-writes: min-provisioned-writes (6) is above "
        "max-provisioned-writes (5); it must be at most that",
        f"FILE:11: {SYNTAX}",
        "FILE:14: [gsi: i table: y]: there must be a [table: y] section, to the letter",
    ]
    assert warnings == [
        "warning: FILE:9: [table: x] reads-uper-threshold: is unknown and has no effect; "
        "did you mean reads-upper-threshold?"
    ]
    assert out == ""
    assert PASSWORD not in err


@pytest.mark.parametrize(
    ("section", "line", "warning"),
    [
        ("[table: x]", "sns-messages-types: scale-up", "sns-messages-types: is unknown and has no effect; did you mean sns-message-types?"),
        ("[table: x]", "disable-reads-up-scaling: true", "disable-reads-up-scaling: is unknown and has no effect; did you mean enable-reads-up-scaling?"),
        ("[table: x]", "Min-Provisioned-Reads: 5", "Min-Provisioned-Reads: is unknown and has no effect; did you mean min-provisioned-reads?"),
        ("[default_options]", "READS-UPPER-THRESHOLD: x", "READS-UPPER-THRESHOLD: is unknown and has no effect; did you mean reads-upper-threshold?"),
        ("[gsi: i table: x]", "lookback-periode: 5", "lookback-periode: is unknown and has no effect; did you mean lookback-period?"),
        ("[global]", "check-intervall: 60", "check-intervall: is unknown and has no effect; did you mean check-interval?"),
        ("[global]", f"aws-secret-acces-key-id: {PASSWORD}", "aws-secret-acces-key-id: is unknown and has no effect; did you mean aws-secret-access-key-id?"),
        ("[logging]", "log_level: debug", "log_level: is unknown and has no effect; did you mean log-level?"),
        ("[logging]", "zzz: debug", "zzz: is unknown and has no effect"),
    ],
)  # fmt: skip
def test_an_unknown_option_is_a_warning_and_the_program_goes_on(
    section: str, line: str, warning: str, directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "[table: x]\n" + (f"{section}\n" if section != "[table: x]" else "")
    (directory / "FILE").write_text(f"{text}{line}\n")
    assert main(["-c", "FILE", "--show-config"]) == 0
    out, err = capsys.readouterr()
    number = text.count("\n") + 1
    assert told(err, directory) == [f"warning: FILE:{number}: {section} {warning}"]
    assert out.startswith("{")
    assert PASSWORD not in out + err


def test_warnings_come_in_the_order_of_the_lines(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (directory / "FILE").write_text("[table: x]\na: 1\n[global]\nb: 1\n[logging]\nc: 1\n")
    assert main(["-c", "FILE", "--show-config"]) == 0
    assert told(capsys.readouterr().err, directory) == [
        "warning: FILE:2: [table: x] a: is unknown and has no effect",
        "warning: FILE:4: [global] b: is unknown and has no effect",
        "warning: FILE:6: [logging] c: is unknown and has no effect",
    ]
