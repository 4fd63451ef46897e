"""The example configuration file: complete, valid, and still valid with everything in it switched on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dynamic_dynamodb.config.load import load
from dynamic_dynamodb.option import PlacedOption, placed
from dynamic_dynamodb.options import GlobalOptions, LoggingOptions, ResourceOptions
from dynamic_dynamodb.rules import Configuration

EXAMPLE = Path(__file__).parent.parent / "example-dynamic-dynamodb.conf"
AS_IT_IS = EXAMPLE.read_text(encoding="utf-8")
SWITCHED_ON = re.sub(r"^#(?=[a-z])", "", AS_IT_IS, flags=re.MULTILINE)
BOTH = pytest.mark.parametrize("text", [AS_IT_IS, SWITCHED_ON], ids=["as-it-is", "switched-on"])
RESOURCE_SECTION = r"default_options|(table|gsi): .*"


def load_text(directory: Path, text: str) -> Configuration:
    file = directory / "example.conf"
    file.write_text(text, encoding="utf-8")
    return load(["-c", str(file)])


def lines_by_section(text: str) -> dict[str, list[str]]:
    """The lines of each section; those before the first under an empty name."""
    sections: dict[str, list[str]] = {"": []}
    for line in text.splitlines():
        header = re.fullmatch(r"\[(.+)\]", line)
        sections.setdefault(header[1] if header else list(sections)[-1], []).append(line)
    return sections


def named_options(section_pattern: str) -> set[str]:
    """The options that occur, switched on or off, in the sections whose names match."""
    return {
        match[1]
        for section, lines in lines_by_section(AS_IT_IS).items()
        if re.fullmatch(section_pattern, section)
        for line in lines
        if (match := re.match(r"#?([a-z0-9-]+): \S", line))
    }


@BOTH
def test_it_loads_without_warning(text: str, tmp_path: Path) -> None:
    configuration = load_text(tmp_path, text)
    assert configuration.warnings == ()
    assert [rule.label for rule in configuration.rules] == ["[table: ^my_table$]", "[table: ^log_]"]
    assert [rule.pattern.pattern for rule in configuration.rules[0].index_rules] == ["^my_index$"]


@pytest.mark.parametrize(
    ("options", "section"),
    [(GlobalOptions, "global"), (LoggingOptions, "logging"), (ResourceOptions, RESOURCE_SECTION)],
    ids=["global", "logging", "resources"],
)
def test_it_holds_every_option_of_the_section_and_no_other(options: type, section: str) -> None:
    assert named_options(section) == {option.name for option in placed(options)}


@pytest.mark.parametrize("section", ["default_options", "table: ^my_table$", "gsi: ^my_index$ table: ^my_table$"])
def test_it_shows_each_kind_of_section_that_holds_resource_options(section: str) -> None:
    assert named_options(re.escape(section))


def test_default_options_change_nothing_as_they_are(tmp_path: Path) -> None:
    before_the_tables = AS_IT_IS.partition("[table: ")[0]
    with_example = load_text(tmp_path, f"{before_the_tables}\n[table: x]\n")
    plain = load_text(tmp_path, "[table: x]\n")
    assert with_example.rules == plain.rules
    assert with_example.logging == plain.logging
    assert with_example.general.check_interval == plain.general.check_interval


def _with_default(options: type) -> list[PlacedOption]:
    return [option for option in placed(options) if option.option.default and not option.option.shown_default]


@pytest.mark.parametrize(
    "option",
    [*_with_default(GlobalOptions), *_with_default(LoggingOptions), *_with_default(ResourceOptions)],
    ids=lambda option: option.name,
)
def test_an_option_with_a_default_is_switched_on_and_its_comment_names_that(option: PlacedOption) -> None:
    lines = AS_IT_IS.splitlines()
    line = lines.index(f"{option.name}: {option.default}")
    block_start = next(number for number in range(line, 0, -1) if not lines[number])
    comment = " ".join(each.removeprefix("# ") for each in lines[block_start:line] if each.startswith("# "))
    assert re.search(rf"\bdefault {re.escape(option.default)}\b", comment)


def test_every_line_has_one_of_the_forms_that_the_file_explains() -> None:
    form = re.compile(r"|# .*|#|#?[a-z0-9-]+: \S.*|\[.+\]")
    assert [line for line in AS_IT_IS.splitlines() if not form.fullmatch(line)] == []


def test_every_block_of_options_begins_with_a_comment() -> None:
    blocks = re.split(r"\n\n+", AS_IT_IS)
    options = [block for block in blocks if re.search(r"^#?[a-z0-9-]+: ", block, re.MULTILINE)]
    assert [block for block in options if not block.startswith("# ")] == []
