"""The init script on this machine: its files in a scratch directory, its daemon run by a user without privileges."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from dynamic_dynamodb.daemon import Instance

PROJECT = Path(__file__).resolve().parents[1]
TEMPLATES = PROJECT / "cloudformation-templates"
INIT_SCRIPT = TEMPLATES / "dynamic-dynamodb.init"
COMMAND = Path(sys.executable).parent / "dynamic-dynamodb"
USER = "nobody"
LIMIT_SECONDS = 60
CONFIG = """\
[global]
region: us-east-1
check-interval: 3600

[table: ^orders$]
max-provisioned-reads: 500
"""

# Lets anybody reach what is inside directories that are closed to them, in a mount namespace of its own.
OPEN_UP = """
set -e
scratch=$1 needed=$2 closed=$3
shift 3
number=0
for path in $needed; do
    number=$((number + 1))
    mkdir -p "$scratch/$number"
    mount --bind "$path" "$scratch/$number"
done
for path in $closed; do
    mount -t tmpfs -o mode=755 tmpfs "$path"
done
number=0
for path in $needed; do
    number=$((number + 1))
    mkdir -p "$path"
    mount --bind "$scratch/$number" "$path"
done
exec "$@"
"""


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Poll, and fail the test when it takes too long."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited {LIMIT_SECONDS} s for {what}"
        time.sleep(0.02)


def entrance(scratch: Path) -> list[str]:
    """The words to put before a command so that USER can run this Python with its packages, wherever they are."""
    needed = [PROJECT, Path(sys.prefix), Path(sys.base_prefix)]
    parents = sorted({parent for path in needed for parent in path.resolve().parents})
    closed = [parent for parent in parents if not parent.stat().st_mode & 0o001]
    # What is below another one is hidden with it.
    closed = [each for each in closed if not any(other in each.parents for other in closed)]
    if not closed:
        return []
    words = [str(scratch), *(" ".join(map(str, paths)) for paths in (needed, closed))]
    return ["unshare", "--mount", "sh", "-c", OPEN_UP, "open-up", *words]


class Machine:
    """A scratch directory with the settings, the configuration, and what the script makes of them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.settings = root / "settings"
        self.config = root / "dynamic-dynamodb.conf"
        self.example = root / "example.conf"
        self.run_directory = root / "run"
        self.log_directory = root / "log"
        self.log_file = self.log_directory / "dynamic-dynamodb.log"
        self.aws_log = root / "aws.log"
        self.entrance = entrance(root / "mounts")
        self.config.write_text(CONFIG)
        self.set(
            SERVICE_USER=USER,
            COMMAND=COMMAND,
            CONFIG=self.config,
            EXAMPLE=self.example,
            RUN_DIR=self.run_directory,
            LOG_DIR=self.log_directory,
        )

    def set(self, **values: object) -> None:
        """Add settings. Those in lower case are exported, in upper case letters."""
        with self.settings.open("a") as file:
            for name, value in values.items():
                export = "export " if name.islower() else ""
                file.write(f"{export}{name.upper()}='{value}'\n")

    def put_aws(self, exit_code: int) -> None:
        """An `aws` on the path that notes its arguments."""
        directory = self.root / "bin"
        directory.mkdir()
        aws = directory / "aws"
        aws.write_text(f'#!/bin/sh\necho "$@" >>{self.aws_log}\nexit {exit_code}\n')
        aws.chmod(0o755)
        self.aws_log.touch()
        shutil.chown(self.aws_log, USER)
        with self.settings.open("a") as file:
            file.write(f'PATH={directory}:"$PATH"\n')

    def call(self, *arguments: str, user: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run the script, as root or as another user."""
        as_user = ["/usr/sbin/runuser", "-u", user, "--"] if user else []
        return self.run([*as_user, str(INIT_SCRIPT), *arguments])

    def run(self, command: list[str], environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command where the script can be run."""
        return subprocess.run(
            [*self.entrance, *command],
            env=self._environment if environment is None else environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )

    def open(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Begin to run the script."""
        command = [*self.entrance, str(INIT_SCRIPT), *arguments]
        return subprocess.Popen(command, env=self._environment, stdout=subprocess.DEVNULL)

    @property
    def _environment(self) -> dict[str, str]:
        return {"PATH": os.defpath, "DYNAMIC_DYNAMODB_SETTINGS": str(self.settings)}

    @property
    def pid_file(self) -> Path:
        return Path(Instance("default", str(self.run_directory)).pid_file)

    @property
    def pid(self) -> int:
        return int(self.pid_file.read_text())

    @property
    def log(self) -> str:
        return self.log_file.read_text() if self.log_file.exists() else ""

    def wait_for_log(self, text: str) -> None:
        wait_until(lambda: text in self.log, f"{text!r} in the log")

    def end_daemon(self) -> None:
        """Whatever has become of it: the test is over."""
        stopped = self.call("stop")
        assert stopped.returncode == 0, stopped.stderr


@contextmanager
def machine() -> Iterator[Machine]:
    """A machine for a test that needs root."""
    if os.geteuid() != 0:
        pytest.skip("to change the user takes root")
    for tool in ("runuser", "unshare", "flock", "getent"):
        if not shutil.which(tool):
            pytest.skip(f"there is no {tool}")
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        pytest.skip("mount namespaces are not allowed here")
    # Not pytest's own directory, which is closed to other users.
    with tempfile.TemporaryDirectory(prefix="dynamic-dynamodb-") as directory:
        root = Path(directory)
        root.chmod(0o755)
        made = Machine(root)
        try:
            yield made
        finally:
            if made.run_directory.exists():
                made.end_daemon()
