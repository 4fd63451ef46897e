"""The init script, run for real: as root, with a daemon of another user, against the stand-in."""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service_machine import COMMAND, CONFIG, INIT_SCRIPT, TEMPLATES, USER, Machine, machine, wait_until
from tests.stand_in import StandIn

OTHER_USER = "daemon"
BAD_CONFIG = CONFIG + "min-provisioned-reads: many\n"


@pytest.fixture
def service(stand_in: StandIn) -> Iterator[Machine]:
    stand_in.world.add_table("orders", reads=100, writes=100)
    with machine() as made:
        made.set(
            aws_endpoint_url=stand_in.url,
            aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
            aws_secret_access_key="not-a-secret",
        )
        yield made


@pytest.fixture
def running(service: Machine) -> Machine:
    started = service.call("start")
    assert started.returncode == 0, started.stderr
    return service


def status(service: Machine) -> int:
    return service.call("status").returncode


def kill(service: Machine) -> None:
    os.kill(service.pid, signal.SIGKILL)
    wait_until(lambda: status(service) == 1, "the killed daemon to be seen as dead")


def test_start_runs_a_daemon_of_the_service_user(running: Machine) -> None:
    answer = running.call("status")
    assert (answer.returncode, answer.stdout) == (0, f"dynamic-dynamodb (default) is running, pid {running.pid}\n")
    running.wait_for_log("Check done: 1 resources, ")
    process = Path(f"/proc/{running.pid}")
    for path in (running.run_directory, running.log_directory, running.pid_file, running.log_file, process):
        assert path.owner() == USER
        assert not path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    assert (process / "cwd").readlink() == Path("/")
    assert re.search(r"^Umask:\s0022$", (process / "status").read_text(), re.M)


def test_second_start_is_fine_and_changes_nothing(running: Machine) -> None:
    pid = running.pid
    again = running.call("start")
    assert (again.returncode, again.stdout) == (0, "dynamic-dynamodb is running already\n")
    assert running.pid == pid


def test_two_starts_at_the_same_moment_give_one_daemon(service: Machine) -> None:
    starts = [service.open("start") for _ in range(2)]
    assert [start.wait(timeout=30) for start in starts] == [0, 0]
    assert status(service) == 0
    service.wait_for_log(" started; ")
    assert service.log.count(" started; ") == 1


def test_stop_and_stop_again(running: Machine) -> None:
    pid = running.pid
    assert running.call("stop").returncode == 0
    assert not Path(f"/proc/{pid}/exe").exists()
    assert status(running) == 3
    assert running.call("stop").returncode == 0
    assert "Stopped" in running.log


def test_nothing_has_ever_run(service: Machine) -> None:
    assert status(service) == 3
    assert service.call("stop").returncode == 0
    assert service.call("try-restart").returncode == 0
    assert [service.call(action).returncode for action in ("reload", "force-reload")] == [7, 7]
    assert status(service) == 3


def test_restart_takes_the_place_of_the_daemon(running: Machine) -> None:
    for action in ("restart", "try-restart"):
        pid = running.pid
        assert running.call(action).returncode == 0
        assert running.pid != pid
        assert status(running) == 0


def test_restart_starts_what_does_not_run(service: Machine) -> None:
    assert service.call("restart").returncode == 0
    assert status(service) == 0


def test_restart_with_a_bad_configuration_leaves_the_daemon(running: Machine) -> None:
    pid = running.pid
    running.config.write_text(BAD_CONFIG)
    restarted = running.call("restart")
    assert restarted.returncode == 1
    assert "[table: ^orders$] min-provisioned-reads: " in restarted.stderr
    assert running.pid == pid
    assert status(running) == 0


@pytest.mark.parametrize("action", ["reload", "force-reload"])
def test_reload_keeps_the_process(running: Machine, action: str) -> None:
    pid = running.pid
    running.wait_for_log("Check done")
    running.config.write_text(CONFIG + "no-such-option: 1\n")
    assert running.call(action).returncode == 0
    running.wait_for_log("SIGHUP: the configuration has been read again")
    running.wait_for_log("no-such-option")
    assert running.pid == pid


def test_reload_of_a_bad_configuration_says_so(running: Machine) -> None:
    running.config.write_text(BAD_CONFIG)
    reloaded = running.call("reload")
    assert reloaded.returncode == 1
    assert "[table: ^orders$] min-provisioned-reads: " in reloaded.stderr
    assert status(running) == 0
    assert running.call("stop").returncode == 0
    assert "SIGHUP" not in running.log


def test_killed_daemon_is_seen_and_started_again(running: Machine) -> None:
    kill(running)
    assert "dead" in running.call("status").stdout
    assert running.call("reload").returncode == 7
    assert running.call("start").returncode == 0
    assert status(running) == 0
    kill(running)
    assert running.call("restart").returncode == 0
    assert status(running) == 0


def test_stop_clears_away_what_a_killed_daemon_left(running: Machine) -> None:
    kill(running)
    assert running.call("stop").returncode == 0
    assert status(running) == 3


def test_another_user_may_do_nothing(running: Machine) -> None:
    pid = running.pid
    for action in ("start", "stop", "restart", "try-restart", "reload", "force-reload", "status"):
        refused = running.call(action, user=OTHER_USER)
        assert (refused.returncode, refused.stdout) == (4, "")
        assert refused.stderr == f"dynamic-dynamodb: only root and {USER} may do this\n"
    assert running.pid == pid
    assert status(running) == 0


def test_the_service_user_needs_no_root(running: Machine) -> None:
    assert running.call("status", user=USER).returncode == 0
    assert running.call("restart", user=USER).returncode == 0
    assert running.call("stop", user=USER).returncode == 0
    assert status(running) == 3


@pytest.mark.parametrize("how", ["argument", "setting", "example"])
def test_dry_run_changes_nothing(service: Machine, stand_in: StandIn, how: str) -> None:
    stand_in.world.metric = lambda table, index, name, minute: 95 * 60.0 if name.startswith("Consumed") else None
    if how == "setting":
        service.set(OPTIONS="--log-level debug --dry-run")
    if how == "example":
        service.example.write_text(CONFIG)
    started = service.call("start", *(["--dry-run"] if how == "argument" else []))
    assert started.returncode == 0, started.stderr
    service.wait_for_log("dryrun - Check done: 1 resources, 0 changed")
    assert "dryrun - would change orders" in service.log
    # Started again without a word of it, it is what the settings say.
    if how == "argument":
        assert service.call("restart").returncode == 0
        service.wait_for_log("INFO - changed orders")


def test_log_of_the_configuration_wins(service: Machine) -> None:
    service.log_directory.mkdir()
    shutil.chown(service.log_directory, USER)
    own = service.log_directory / "own.log"
    service.config.write_text(f"[logging]\nlog-file = {own}\n{CONFIG}")
    assert service.call("start").returncode == 0
    wait_until(lambda: own.exists() and "Check done" in own.read_text(), "the log of the configuration")
    assert not service.log_file.exists()


def test_start_with_a_bad_configuration_fails(service: Machine) -> None:
    service.config.write_text(BAD_CONFIG)
    started = service.call("start")
    assert started.returncode == 1
    assert "[table: ^orders$] min-provisioned-reads: " in started.stderr
    assert status(service) == 3


@pytest.mark.parametrize(
    ("setting", "code", "text"),
    [
        ({"COMMAND": "/no/such/command"}, 5, "/no/such/command is not there"),
        ({"SERVICE_USER": "no-such-user"}, 5, "there is no user no-such-user"),
        ({"CONFIG": "/no/such/file"}, 6, f"{USER} cannot read /no/such/file"),
    ],
)
def test_what_is_missing_is_named(service: Machine, setting: dict[str, str], code: int, text: str) -> None:
    service.set(**setting)
    started = service.call("start")
    assert (started.returncode, started.stderr) == (code, f"dynamic-dynamodb: {text}\n")
    assert status(service) == (3 if "CONFIG" in setting else 4)


@pytest.mark.parametrize(
    "arguments", [[], ["walk"], ["start", "--run"], ["stop", "--dry-run"], ["start", "--dry-run", "x"]]
)
def test_wrong_usage(service: Machine, arguments: list[str]) -> None:
    answer = service.call(*arguments)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith(f"Usage: {INIT_SCRIPT} {{start|stop|")


def test_start_restart_and_reload_copy_the_configuration_to_s3(service: Machine) -> None:
    service.put_aws(exit_code=0)
    service.set(S3_URI="s3://bucket/path/dynamic-dynamodb.conf", S3_REGION="eu-west-1")
    for count, action in enumerate(("start", "restart", "reload"), start=1):
        assert service.call(action).returncode == 0
        calls = service.aws_log.read_text().splitlines()
        assert len(calls) == count
        assert calls[-1].startswith("s3 cp ")
        assert calls[-1].endswith(f" --region eu-west-1 {service.config} s3://bucket/path/dynamic-dynamodb.conf")
    service.config.write_text(BAD_CONFIG)
    assert [service.call(action).returncode for action in ("restart", "reload")] == [1, 1]
    assert service.call("stop").returncode == 0
    assert service.call("start").returncode == 1
    assert len(service.aws_log.read_text().splitlines()) == 3


def test_a_copy_that_cannot_be_made_is_a_warning(service: Machine) -> None:
    service.put_aws(exit_code=1)
    service.set(S3_URI="s3://bucket/dynamic-dynamodb.conf")
    started = service.call("start")
    assert started.returncode == 0
    assert "warning: " in started.stderr
    assert "s3://bucket/dynamic-dynamodb.conf" in started.stderr
    assert "--region" not in service.aws_log.read_text()
    assert status(service) == 0


@pytest.mark.skipif(not shutil.which("service"), reason="there is no command `service`")
@pytest.mark.skipif(Path("/run/systemd/system").exists(), reason="`service` would ask the systemd of this machine")
@pytest.mark.skipif(not Path("/etc/default").is_dir(), reason="there is no /etc/default")
def test_debian_service_command(service: Machine) -> None:
    for name in ("init.d", "default"):
        (service.root / name).mkdir()
    shutil.copy(INIT_SCRIPT, service.root / "init.d" / "dynamic-dynamodb")
    shutil.copy(service.settings, service.root / "default" / "dynamic-dynamodb")
    mounted = f"for name in init.d default; do mount --bind {service.root}/$name /etc/$name; done"
    steps = {"start": 0, "status": 0, "restart": 0, "reload": 0, "force-reload": 0, "try-restart": 0, "stop": 0}
    for action, code in steps.items():
        command = f"{mounted}; exec service dynamic-dynamodb {action}"
        answer = service.run(["unshare", "--mount", "sh", "-ec", command], {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        assert answer.returncode == code, f"{action}: {answer.stdout}{answer.stderr}"
    answer = service.run(
        ["unshare", "--mount", "sh", "-ec", f"{mounted}; exec service dynamic-dynamodb status"],
        {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
    )
    assert answer.returncode == 3


@pytest.mark.parametrize("name", ["dynamic-dynamodb.init", "user-data.sh"])
def test_shellcheck_has_nothing_to_say(name: str) -> None:
    shellcheck = shutil.which("shellcheck", path=f"{COMMAND.parent}{os.pathsep}{os.environ['PATH']}")
    if not shellcheck:
        pytest.skip("there is no shellcheck")
    checked = subprocess.run([shellcheck, "--shell=sh", TEMPLATES / name], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
