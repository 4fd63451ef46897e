"""systemd: the unit, and what systemd makes of the init script."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dynamic_dynamodb.config.load import load

TEMPLATES = Path(__file__).resolve().parents[1] / "cloudformation-templates"
UNIT = (TEMPLATES / "dynamic-dynamodb.service").read_text("utf-8")
COMMAND = "/opt/dynamic-dynamodb/bin/dynamic-dynamodb"
GENERATOR = Path("/usr/lib/systemd/system-generators/systemd-sysv-generator")
HIGHEST_EXPOSURE = 20
"""In tenths, of at most 100."""

needs_analyze = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")


def analyze(verb: str, unit: Path, *options: str) -> str:
    command = ["systemd-analyze", verb, *options, unit]
    analysis = subprocess.run(
        command, env={"PATH": os.defpath}, capture_output=True, text=True, timeout=30, check=False
    )
    assert analysis.returncode == 0, analysis.stdout + analysis.stderr
    return analysis.stderr


@needs_analyze
def test_unit_is_good(tmp_path: Path) -> None:
    unit = tmp_path / "dynamic-dynamodb.service"
    # The command must be there, and on this machine it is elsewhere.
    unit.write_text(UNIT.replace(COMMAND, str(Path(sys.executable).parent / "dynamic-dynamodb")))
    assert analyze("verify", unit) == ""


@needs_analyze
def test_unit_is_hardened(tmp_path: Path) -> None:
    unit = tmp_path / "dynamic-dynamodb.service"
    unit.write_text(UNIT)
    analyze("security", unit, "--offline=true", f"--threshold={HIGHEST_EXPOSURE}")
    assert {"NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "User=dynamic-dynamodb"} <= set(
        UNIT.splitlines()
    )


def test_unit_comes_back_after_a_failure_and_reloads() -> None:
    assert "\nRestart=on-failure\n" in UNIT
    checked, sent = re.findall(r"^ExecReload=(.+)$", UNIT, re.M)
    assert "--show-config" in checked
    assert sent == "/bin/kill -HUP $MAINPID"


def test_command_of_the_unit_is_good(tmp_path: Path) -> None:
    config = tmp_path / "dynamic-dynamodb.conf"
    config.write_text("[table: ^orders$]\n")
    (line,) = re.findall(r"^ExecStart=(.+)$", UNIT, re.M)
    command, *arguments = shlex.split(line)
    assert command == COMMAND
    loaded = load([str(config) if each.endswith(".conf") else each for each in arguments])
    # Its pid file and stored counters go where systemd lets it write.
    assert (loaded.command.daemon, loaded.command.pid_file_dir) == ("foreground", "/run/dynamic-dynamodb")
    assert {"RuntimeDirectory=dynamic-dynamodb", "RuntimeDirectoryPreserve=yes"} <= set(UNIT.splitlines())


@pytest.mark.skipif(not GENERATOR.exists(), reason="this systemd makes no units of init scripts")
def test_systemd_makes_a_unit_of_the_init_script(tmp_path: Path) -> None:
    scripts, levels, unit_directory = (tmp_path / name for name in ("init.d", "rc", "units"))
    for directory in (scripts, levels / "rc3.d", unit_directory):
        directory.mkdir(parents=True)
    script = scripts / "dynamic-dynamodb"
    shutil.copy(TEMPLATES / "dynamic-dynamodb.init", script)
    (levels / "rc3.d" / "S90dynamic-dynamodb").symlink_to(script)
    environment = {"SYSTEMD_SYSVINIT_PATH": str(scripts), "SYSTEMD_SYSVRCND_PATH": str(levels)}
    subprocess.run([GENERATOR, *[unit_directory] * 3], env=environment, capture_output=True, timeout=30, check=True)
    made = unit_directory / "dynamic-dynamodb.service"
    lines = made.read_text().splitlines()
    assert f"ExecReload={script} reload" in lines
    assert "PIDFile=/run/dynamic-dynamodb/dynamic-dynamodb.default.pid" in lines
    assert "After=network-online.target" in lines
    assert (unit_directory / "multi-user.target.wants" / made.name).exists()
    if shutil.which("systemd-analyze"):
        assert analyze("verify", made) == ""


def test_every_setting_of_the_init_script_is_documented() -> None:
    script = (TEMPLATES / "dynamic-dynamodb.init").read_text("utf-8").partition("for settings in")[0]
    page = (TEMPLATES.parent / "docs" / "systemd.rst").read_text("utf-8").partition("Settings\n~~~")[2]
    settings = re.findall(r"^([A-Z0-9_]+)=(.*)$", script, re.M)
    assert len(settings) == 9
    for name, value in settings:
        assert f"``{name}``" in page
        assert f"``{value}``" in page or not value
