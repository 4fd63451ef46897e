"""The modules of the replay that call themselves pure bring nothing with them but values and arithmetic."""

from __future__ import annotations

from tests.test_command_line import IMPURE, PACKAGE, new_modules

REPLAY = PACKAGE / "replay"
PURE = [file.stem for file in sorted(REPLAY.glob("*.py")) if "Pure" in file.read_text(encoding="utf-8").split('"""')[1]]


def test_the_core_is_pure() -> None:
    assert {"history", "simulate", "account", "engine", "costs", "figures", "report", "report_text"} <= set(PURE)


def test_pure_modules_bring_nothing_impure_with_them() -> None:
    new = new_modules(*(f"replay.{module}" for module in PURE))
    # Fractions and base64 alone would bring none of these.
    assert {name for name in new if name.partition(".")[0] in IMPURE} == set()
