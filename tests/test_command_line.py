"""The command as a user meets it: its help, its entry points, and what it does not import."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest

import dynamic_dynamodb
from dynamic_dynamodb.cli import main
from tests.test_options import COMMAND, GLOBAL, GLOBAL_ADDED_HERE, LOGGING, RESOURCE, specified

PROJECT = Path(__file__).parent.parent
PACKAGE = PROJECT / "dynamic_dynamodb"
VERSION_LINE = f"dynamic-dynamodb {dynamic_dynamodb.__version__}\n"

# ---- The help ----


@dataclass(frozen=True)
class Listed:
    """An option as argparse lists it: all versions of Python write the same facts in slightly different ways."""

    flags: tuple[str, ...]
    metavar: str
    group: str
    help: str


def listed(text: str) -> dict[str, Listed]:
    """The options of a help text by their long names."""
    options: dict[str, Listed] = {}
    group = ""
    for block in re.split(r"\n(?=\S|  -)", f"\n{text}"):
        first_line, _, more = block.strip().partition("\n")
        if re.fullmatch(r"\S[^[]*:", first_line):
            group = first_line.removesuffix(":").replace("optional arguments", "options")
        elif block.startswith("  -"):
            invocation, _, help_text = first_line.partition("  ")
            flags = re.findall(r"(?<!\S)--?[a-z-]+", invocation)
            metavar = re.search(r"[ =]([A-Z_]+|\{.+\})$", invocation)
            words = " ".join(f"{help_text} {more}".split())
            options[flags[-1]] = Listed(tuple(flags), metavar[1] if metavar else "", group, words)
    return options


ORIGINAL = listed((Path(__file__).parent / "reference_usage.txt").read_text())
ADDED_HERE = {"--show-config", "--max-concurrency"}


@pytest.fixture(name="help_options", scope="module")
def fixture_help_options() -> dict[str, Listed]:
    return listed(run(ENTRY_POINTS["python-m"], "--help").stdout)


def test_the_list_of_the_original_is_read_as_a_whole() -> None:
    assert len(ORIGINAL) == 38
    assert len({option.group for option in ORIGINAL.values()}) == 5
    assert ORIGINAL["--table-name"] == Listed(("-t", "--table-name"), "TABLE_NAME", "DynamoDB options", "")
    assert ORIGINAL["--log-level"].metavar == "{debug,info,warning,error}"


@pytest.mark.parametrize("name", ORIGINAL)
def test_help_has_every_option_of_the_original(name: str, help_options: dict[str, Listed]) -> None:
    here, original = help_options[name], ORIGINAL[name]
    assert here.flags == original.flags
    assert here.metavar == original.metavar
    assert here.group == original.group
    assert here.help


def test_help_has_little_more_than_the_original(help_options: dict[str, Listed]) -> None:
    """What a replay takes stands in a group of its own."""
    others = {name for name, option in help_options.items() if option.group != "Replay options"}
    assert others - ORIGINAL.keys() == ADDED_HERE


FLAGS_OF_OTHER_NAMES = {"aws-secret-access-key-id": "--aws-secret-access-key"}
TYPES_AND_DEFAULTS = [
    (FLAGS_OF_OTHER_NAMES.get(name, f"--{name}"), kind, default)
    for name, kind, default in sorted(specified(COMMAND + GLOBAL + GLOBAL_ADDED_HERE + LOGGING + RESOURCE))
    if FLAGS_OF_OTHER_NAMES.get(name, f"--{name}") in ORIGINAL.keys() | ADDED_HERE
]


@pytest.mark.parametrize(("name", "kind", "default"), TYPES_AND_DEFAULTS)
def test_help_names_type_and_default(name: str, kind: str, default: str, help_options: dict[str, Listed]) -> None:
    option = help_options[name]
    if kind == "bool":
        assert not option.metavar
        return
    assert option.help.endswith(f" ({kind}, default: {default})" if default else f" ({kind})")


def test_types_and_defaults_are_known_for_all_options_but_help_and_version() -> None:
    assert {name for name, _, _ in TYPES_AND_DEFAULTS} == (ORIGINAL.keys() | ADDED_HERE) - {"--help", "--version"}


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == VERSION_LINE


# ---- Entry points ----

ENTRY_POINTS = {
    "console-script": [str(Path(sysconfig.get_path("scripts")) / "dynamic-dynamodb")],
    "python-m": [sys.executable, "-m", "dynamic_dynamodb"],
}


def run(command: list[str], *argv: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in an environment with next to nothing in it: above all no HOME."""
    environment = {"PATH": os.defpath, "AWS_EC2_METADATA_DISABLED": "true"}
    return subprocess.run(
        [*command, *argv], env=environment, cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("command", ENTRY_POINTS.values(), ids=ENTRY_POINTS)
@pytest.mark.parametrize(
    ("argv", "exit_code", "out", "err"),
    [
        (["--version"], 0, re.escape(VERSION_LINE), ""),
        (["--help"], 0, r"usage: dynamic-dynamodb .*--show-config.*", ""),
        (["-t", "x", "--show-config"], 0, r'\{.*"x": \{.*\}\n', ""),
        (["-c", "no.conf"], 1, "", r"\S*no\.conf: cannot be read .*\n"),
        ([], 1, "", r"-t/--table-name: there is no table to scale; .*\n"),
        (["--nonsense"], 2, "", r"dynamic-dynamodb: error: unrecognized arguments: --nonsense\n.*\n"),
    ],
    ids=["version", "help", "show-config", "no-file", "nothing-to-do", "wrong-usage"],
)
def test_the_command_runs_without_a_home(
    command: list[str], argv: list[str], exit_code: int, out: str, err: str
) -> None:
    done = run(command, *argv)
    assert re.fullmatch(out, done.stdout, re.DOTALL)
    assert re.fullmatch(err, done.stderr, re.DOTALL)
    assert done.returncode == exit_code


# ---- What is imported ----

SLOW_TO_IMPORT = {"boto3", "botocore", "requests", "urllib3", "daemon"}

MODULES_AFTERWARDS = """
import json, sys
from dynamic_dynamodb.cli import main
try:
    if sys.argv[1:]:
        main()
finally:
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("argv", "exit_code"),
    [([], 0), (["--help"], 0), (["--version"], 0), (["-c", "no.conf"], 0), (["--nonsense"], 2)],
    ids=["import", "help", "version", "bad-configuration", "wrong-usage"],
)
def test_an_answer_that_needs_no_aws_comes_without_its_libraries(argv: list[str], exit_code: int) -> None:
    done = run([sys.executable, "-c", MODULES_AFTERWARDS], *argv)
    modules = set(json.loads(done.stderr.splitlines()[-1]))
    assert done.returncode == exit_code
    assert "argparse" in modules
    assert modules & SLOW_TO_IMPORT == set()


def test_the_question_for_modules_finds_them() -> None:
    done = run([sys.executable, "-c", MODULES_AFTERWARDS], "-t", "x", "--show-config")
    assert {"boto3", "botocore"} <= set(json.loads(done.stderr.splitlines()[-1]))


PURE = [
    *("model", "option", "option_kinds", "options", "rules", "resolve", "calculators", "decision", "plan"),
    *("notifications", "case", "tally"),
]
PURE_IMPORTS = {
    *("__future__", "ast", "collections.abc", "dataclasses", "datetime", "decimal", "enum", "fractions", "functools"),
    *("math", "re", "typing", "urllib.parse", "warnings"),
}
"""What these modules may take from the standard library: values and arithmetic, no clock, file, log or network."""

IMPURE = {
    *SLOW_TO_IMPORT,
    *("argparse", "configparser", "http", "logging", "pathlib", "retrying", "signal", "socket", "ssl", "subprocess"),
    *("tempfile",),
}

NEW_MODULES = """
import json, sys
before = set(sys.modules)
for name in sys.argv[1:]:
    __import__(f"dynamic_dynamodb.{name}")
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def imported(path: Path) -> set[str]:
    """The modules, and the names of modules, that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {str(node.module), *(f"{node.module}/{alias.name}" for alias in node.names)}
    return names


def imported_from_outside(path: Path) -> set[str]:
    """The modules from elsewhere that a file imports, itself or through other modules of this project."""
    outside: set[str] = set()
    seen: set[Path] = set()
    waiting = {path}
    while waiting:
        seen |= waiting
        names = set().union(*map(imported, waiting))
        inside = {name for name in names if name.partition(".")[0].partition("/")[0] == PACKAGE.name}
        outside |= {name for name in names - inside if "/" not in name}
        files = {PROJECT / f"{name.replace('.', '/')}.py" for name in inside}
        waiting = {file for file in files if file.exists()} - seen
    return outside


@pytest.mark.parametrize("module", PURE)
def test_a_pure_module_imports_values_and_arithmetic_alone(module: str) -> None:
    assert imported_from_outside(PACKAGE / f"{module}.py") - PURE_IMPORTS == set()


def new_modules(*names: str) -> set[str]:
    """What comes with modules of this project in an interpreter that has nothing else but the standard library."""
    done = run([sys.executable, "-S", "-c", NEW_MODULES], *names)
    assert done.stderr == ""
    return set(json.loads(done.stdout))


def test_pure_modules_bring_nothing_impure_with_them() -> None:
    new = new_modules(*PURE)
    assert {f"dynamic_dynamodb.{module}" for module in PURE} <= new
    assert {name for name in new if name.partition(".")[0] in IMPURE} == set()


def test_an_impure_module_is_found_out() -> None:
    assert {"configparser", "pathlib"} <= new_modules("config.file")
    assert {"configparser", "pathlib"} <= imported_from_outside(PACKAGE / "config" / "load.py") - PURE_IMPORTS
