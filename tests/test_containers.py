"""The command line of docs/containers.rst: what runs in the container runs here, as the first of its processes."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import textwrap
from pathlib import Path

import pytest

from dynamic_dynamodb.config.load import load
from tests.service_machine import COMMAND, CONFIG, LIMIT_SECONDS, USER, Machine, machine, wait_until
from tests.stand_in import StandIn

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "containers.rst").read_text("utf-8")
DIRECTORY = "/srv/dynamic-dynamodb"


def docker_run() -> list[str]:
    """The words of the command."""
    (block,) = re.findall(r"code-block:: console\n\n( +\$ docker run .*?)\n\n", PAGE, re.S)
    return shlex.split(textwrap.dedent(block).removeprefix("$ "))


def first_process(unshare: int) -> int:
    """Of the new process namespace."""
    children = Path(f"/proc/{unshare}/task/{unshare}/children")
    wait_until(lambda: bool(children.read_text().split()), "the first process")
    return int(children.read_text().split()[0])


def prepare(container: Machine) -> str:
    """What is run in the container, with its directory where the machine has it, and with a `pip` that takes notes."""
    pid_files = container.root / "pid-files"
    pid_files.mkdir()
    shutil.chown(pid_files, USER)
    # A container has a /tmp of its own.
    script = docker_run()[-1].rstrip().replace(DIRECTORY, str(container.root)) + f" --pid-file-dir {pid_files}"
    pip = container.root / "bin" / "pip"
    pip.parent.mkdir()
    pip.write_text(f'#!/bin/sh\necho "$@" >{container.root}/pip-arguments\n')
    pip.chmod(0o755)
    (container.root / "dynamic_dynamodb-3.0.0-py3-none-any.whl").touch()
    container.config.write_text(CONFIG)
    return script


def test_container_logs_to_stdout_and_ends_on_sigterm(stand_in: StandIn) -> None:
    stand_in.world.add_table("orders", reads=100, writes=100)
    with machine() as container:
        namespaces = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
        if subprocess.run([*namespaces, "true"], capture_output=True, check=False).returncode:
            pytest.skip("process namespaces are not allowed here")
        script = prepare(container)
        output = container.root / "output"
        with output.open("w") as file:
            running = subprocess.Popen(
                [*container.entrance, *namespaces, "sh", "-c", script],
                env={
                    "PATH": f"{container.root / 'bin'}:{COMMAND.parent}:{os.defpath}",
                    "AWS_REGION": "us-east-1",
                    "AWS_ENDPOINT_URL": stand_in.url,
                    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
                    "AWS_SECRET_ACCESS_KEY": "not-a-secret",
                },
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        try:
            wait_until(lambda: "Check done: 1 resources" in output.read_text(), "a check in the log")
            first = first_process(running.pid)
            assert Path(f"/proc/{first}").owner() == USER
            os.kill(first, signal.SIGHUP)
            wait_until(lambda: "SIGHUP: the configuration has been read again" in output.read_text(), "the reload")
            os.kill(first, signal.SIGTERM)
            assert running.wait(timeout=LIMIT_SECONDS) == 0
        finally:
            running.kill()
            running.wait()
        assert output.read_text().endswith("Stopped\n")
        arguments = (container.root / "pip-arguments").read_text().split()
        assert arguments[0] == "install"
        assert arguments[-1] == f"{container.root}/dynamic_dynamodb-3.0.0-py3-none-any.whl"


def test_docker_gets_what_the_script_needs() -> None:
    words = docker_run()
    image = words.index("python:3.12-slim")
    assert words[image + 1 : -1] == ["sh", "-c"]
    options = words[2:image]
    assert f"{DIRECTORY}:{DIRECTORY}:ro" in options
    # As long as `--daemon stop` waits, and a little longer.
    assert int(options[options.index("--stop-timeout") + 1]) > 330


def test_configuration_without_a_log_file_is_meant(tmp_path: Path) -> None:
    (command,) = re.findall(r"dynamic-dynamodb (-c .*)$", docker_run()[-1], re.M)
    config = tmp_path / "dynamic-dynamodb.conf"
    config.write_text(CONFIG)
    loaded = load([str(config) if word.endswith(".conf") else word for word in shlex.split(command)])
    assert (loaded.command.daemon, loaded.logging.log_file) == ("foreground", None)
