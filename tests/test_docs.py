"""The documentation says what the program does: its pages, examples, figures and messages are held against the code."""

from __future__ import annotations

import ast
import csv
import importlib.util
import json
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import docutils.core
import pytest

from dynamic_dynamodb import exceptions
from dynamic_dynamodb.config.arguments import make_parser
from dynamic_dynamodb.config.load import load
from dynamic_dynamodb.decision import decide
from dynamic_dynamodb.model import Dimension, Usage
from dynamic_dynamodb.option import placed
from dynamic_dynamodb.options import GlobalOptions, LoggingOptions, ResourceOptions
from dynamic_dynamodb.rules import Configuration

PROJECT = Path(__file__).parent.parent
DOCS = PROJECT / "docs"
PACKAGE = Path(exceptions.__file__).parent
PAGES = [PROJECT / "README.rst", *sorted(DOCS.glob("*.rst"))]
WINDOW_SECONDS = 300
REPORTING_CALLS = {"problem", "warning", "error", "exception", "Failure"}
ERRORS = {"ValueError", *vars(exceptions)}
REPORTING_VARIABLES = {"text", "problem"}


class Block(NamedTuple):
    """The content of a directive on a page, its own options included, without indentation."""

    position: int
    text: str


def blocks(page: Path, directive: str) -> list[Block]:
    """All directives of one kind on a page, such as `code-block:: ini`."""
    pattern = rf"^( *)\.\. {re.escape(directive)}\n((?:\1   .*\n|\s*\n)+)"
    found = re.finditer(pattern, page.read_text("utf-8") + "\n", re.M)
    return [Block(match.start(), textwrap.dedent(match[2]).strip() + "\n") for match in found]


def all_blocks(directive: str) -> list[Any]:
    """Parameters for a test: the text of each block of all pages."""
    return [
        pytest.param(block.text, id=f"{page.stem}-{number}")
        for page in PAGES
        for number, block in enumerate(blocks(page, directive), start=1)
    ]


def load_text(text: str, tmp_path: Path) -> Configuration:
    file = tmp_path / "dynamic-dynamodb.conf"
    file.write_text(text, encoding="utf-8")
    return load(["-c", str(file)])


def script(name: str) -> ModuleType:
    """One of the scripts that make parts of the documentation."""
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    return script("generate")


def test_generated_pages_are_not_stale(generator: ModuleType) -> None:
    for name, make in generator.PAGES.items():
        assert (DOCS / name).read_text("utf-8") == make(), f"{name} is stale: run docs/generate.py"


def test_figures_are_not_stale() -> None:
    for name, draw in script("figures").FIGURES.items():
        assert (DOCS / name).read_text("utf-8") == draw(), f"{name} is stale: run docs/figures.py"


def test_documentation_builds_without_warnings(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", DOCS, tmp_path / "html"]
    build = subprocess.run([*command, "-d", tmp_path / "doctrees"], capture_output=True, text=True, check=False)
    assert build.returncode == 0, build.stderr


def test_readme_renders_without_warnings() -> None:
    text = (PROJECT / "README.rst").read_text("utf-8")
    docutils.core.publish_doctree(text, settings_overrides={"report_level": 1, "halt_level": 2})


def test_every_page_is_in_the_contents() -> None:
    listed = {line for block in blocks(DOCS / "index.rst", "toctree::") for line in block.text.split()}
    assert {page.stem for page in DOCS.glob("*.rst")} - {"index"} <= listed


def test_every_option_of_the_file_is_documented() -> None:
    page = (DOCS / "configuration-options.rst").read_text("utf-8")
    words = set(re.findall(r"[\w-]+", page))
    for options in (GlobalOptions, LoggingOptions, ResourceOptions):
        for option in placed(options):
            assert {option.name, *option.option.aliases} <= words


def test_every_option_of_the_command_line_is_documented() -> None:
    words = set((DOCS / "command-line.rst").read_text("utf-8").replace(",", " ").split())
    for action in make_parser()._actions:
        assert set(action.option_strings) <= words


@pytest.mark.parametrize("text", all_blocks("code-block:: ini"))
def test_configuration_is_good(text: str, tmp_path: Path) -> None:
    # A part of a file that has no table is shown in the place where it could stand.
    tables = "" if "[table:" in text else "[table: ^my_table$]\n"
    assert load_text(text + tables, tmp_path).warnings == ()


def test_example_file_is_good() -> None:
    assert load(["-c", str(PROJECT / "example-dynamic-dynamodb.conf")]).warnings == ()


def commands() -> Iterator[Any]:
    for parameter in all_blocks("code-block:: console"):
        for line in parameter.values[0].replace("\\\n", " ").splitlines():
            if re.match(r"\$ (\S*/)?dynamic-dynamodb( |$)", line):
                yield pytest.param(line[2:], id=line[2:])


@pytest.mark.parametrize("line", list(commands()))
def test_command_line_is_good(line: str, tmp_path: Path) -> None:
    file = tmp_path / "dynamic-dynamodb.conf"
    file.write_text("[table: ^my_table$]\n")
    argv = [str(file) if word.endswith(".conf") else word for word in shlex.split(line)[1:]]
    if {"--help", "--version"} & set(argv):
        with pytest.raises(SystemExit, match="0"):
            load(argv)
    else:
        assert load(argv).warnings == ()


def test_policy_has_the_permissions_that_the_code_needs() -> None:
    called = {
        action
        for file in (PACKAGE / "aws").glob("*.py")
        for action in re.findall(r'translated\("([^"]+)"\)', file.read_text("utf-8"))
    }
    (policy,) = blocks(DOCS / "iam-policy.rst", "code-block:: json")
    documented = [action for statement in json.loads(policy.text)["Statement"] for action in statement["Action"]]
    assert sorted(documented) == sorted(called)


def worked_examples() -> Iterator[Any]:
    """Each row of the tables of targets, with its options: its own, or those of the configuration above the table."""
    for page in PAGES:
        shown = blocks(page, "code-block:: ini")
        for table in blocks(page, "csv-table::"):
            header, _, *rows = table.text.replace(":header: ", "").splitlines()
            above = [block.text for block in shown if block.position < table.position]
            for row in csv.DictReader([header, *rows], skipinitialspace=True):
                own = "\n".join(["[table: ^t$]", *re.findall("``(.+?)``", row.get("Options", ""))])
                yield pytest.param(row, own if "Options" in row else above[-1], id=f"{page.stem}-{row['Why']}")


@pytest.mark.parametrize(("row", "options"), list(worked_examples()))
def test_worked_example(row: dict[str, str], options: str, tmp_path: Path) -> None:
    scaling = load_text(options, tmp_path).rules[0].options.scaling[Dimension.READS]
    consumed = Fraction(row["Consumed"]) * WINDOW_SECONDS
    usage = Usage(WINDOW_SECONDS, consumed, Fraction(row.get("Throttled", 0)))
    assert decide(int(row["Provisioned"]), usage, scaling, counter=0).target == int(row["Target"])


def messages() -> Iterator[Any]:
    """The longest constant piece of every text with which the code reports an error or a warning."""
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            for text in _reported(node):
                piece = max(_constant_pieces(text), key=len, default="").strip(" :;,()")
                if " " in piece:
                    yield pytest.param(piece, id=piece)


def _reported(node: ast.AST) -> list[ast.AST]:
    if isinstance(node, ast.Assign):
        named = isinstance(node.targets[0], ast.Name) and node.targets[0].id in REPORTING_VARIABLES
        return list(ast.walk(node.value)) if named else []
    if not isinstance(node, ast.Call):
        return []
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name == "Note":
        level, *texts = node.args
        return texts if isinstance(level, ast.Constant) and level.value in ("warning", "error") else []
    if name in ERRORS:
        return node.args[:1]
    return node.args if name in REPORTING_CALLS else []


def _constant_pieces(text: ast.AST) -> list[str]:
    pieces = text.values if isinstance(text, ast.JoinedStr) else [text]
    constants = [piece.value for piece in pieces if isinstance(piece, ast.Constant) and isinstance(piece.value, str)]
    return [piece for constant in constants for piece in re.split(r"%(?:\.\d)?[sdf]", constant)]


@pytest.mark.parametrize("piece", list(messages()))
def test_message_is_explained(piece: str) -> None:
    assert piece in (DOCS / "troubleshooting.rst").read_text("utf-8")
