"""The shell of the template's user data, with the programs that it calls replaced by small ones."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dynamic_dynamodb.config.load import load

PROJECT = Path(__file__).resolve().parents[1]
TEMPLATES = PROJECT / "cloudformation-templates"
TEMPLATE = json.loads((TEMPLATES / "dynamic-dynamodb.json").read_text("utf-8"))
FILES = TEMPLATE["Resources"]["Group"]["Metadata"]["AWS::CloudFormation::Init"]["config"]["files"]
URI = "s3://bucket/some/path/dynamic-dynamodb.conf"
WHEEL = "s3://wheels/dynamic_dynamodb-3.0.0-py3-none-any.whl"
OWN_CONFIGURATION = "[table: ^own$]\nmax-provisioned-reads: 5\n"
NOTE = 'echo "${0##*/} $*" >>"$CALLS"\n'

# S3 is a directory. What is in REFUSED is not allowed.
AWS = """
action="$1 $2"
case " $REFUSED " in *" $3 "*) echo "An error occurred (AccessDenied)" >&2; exit 254 ;; esac
case $action in
    "s3api list-objects-v2")
        while [ $# -gt 0 ]; do
            case $1 in --bucket) bucket=$2 ;; --prefix) key=$2 ;; esac
            shift
        done
        case " $REFUSED " in *" list "*) echo "An error occurred (AccessDenied)" >&2; exit 254 ;; esac
        if [ -f "$S3/$bucket/$key" ]; then echo "$key"; else echo None; fi
        ;;
    "s3 cp")
        while [ $# -gt 2 ]; do shift; done
        case " $REFUSED " in *" $1 "* | *" $2 "*) echo "An error occurred (AccessDenied)" >&2; exit 1 ;; esac
        case $1 in s3://*) from=$S3/${1#s3://} ;; *) from=$1 ;; esac
        case $2 in s3://*) to=$S3/${2#s3://}; mkdir -p "${to%/*}" ;; -) to=/dev/stdout ;; *) to=$2 ;; esac
        cat "$from" >"$to"
        ;;
esac
"""

# A Python that makes an environment whose pip makes the command.
PYTHON = """
[ "$1 $2" = "-m venv" ] || exit 1
mkdir -p "$3/bin"
cat >"$3/bin/pip" <<'PIP'
#!/bin/sh
echo "pip $*" >>"$CALLS"
case " $REFUSED " in *" pip "*) exit 1 ;; esac
printf '#!/bin/sh\\necho dynamic-dynamodb 3.0.0\\n' >"${0%/*}/dynamic-dynamodb"
chmod +x "${0%/*}/dynamic-dynamodb"
PIP
touch "$3/bin/python"
chmod +x "$3/bin/pip" "$3/bin/python"
"""


class Instance:
    """A new instance: an empty root, S3 as a directory, and what was called."""

    def __init__(self, directory: Path) -> None:
        self.root = directory / "root"
        self.s3 = directory / "s3"
        self.bin = directory / "bin"
        self.calls_file = directory / "calls"
        self.wheel = ""
        self.refused = ""
        for path in (self.root / "var" / "log", self.s3, self.bin):
            path.mkdir(parents=True)
        self.calls_file.touch()
        for name in ("cfn-init.log", "cloud-init-output.log"):
            (self.root / "var" / "log" / name).touch(mode=0o640)
        refusable = NOTE + 'case " $REFUSED " in *" ${0##*/} "* | *" ${3:-none} "*) exit 1 ;; esac\n'
        for name in ("dnf", "useradd", "cfn-signal", "systemctl", "service"):
            self.put(name, refusable)
        self.put("aws", NOTE + AWS)
        for version in ("3.11", "3.12", "3.13"):
            self.put(f"python{version}", NOTE + PYTHON)
        self.put("id", "exit 1\n")
        # The group of the service is not on this machine.
        self.put(
            "install",
            'for word; do shift; case $word in dynamic-dynamodb) word=root ;; esac; set -- "$@" "$word"\n'
            'done\nexec /usr/bin/install "$@"\n',
        )
        writer = (
            "import json, os, sys\nfor path, file in json.load(sys.stdin).items():\n"
            "    path = os.environ['ROOT'] + path\n    os.makedirs(os.path.dirname(path), exist_ok=True)\n"
            "    open(path, 'w').write(file['content'])\n    os.chmod(path, int(file['mode'][-4:], 8))\n"
        )
        (directory / "files.json").write_text(json.dumps(FILES))
        (directory / "writer.py").write_text(writer)
        self.put("cfn-init", f"{refusable}exec {sys.executable} {directory}/writer.py <{directory}/files.json\n")

    def put(self, name: str, text: str) -> None:
        file = self.bin / name
        file.write_text(f"#!/bin/sh\n{text}")
        file.chmod(0o755)

    def start(self) -> subprocess.CompletedProcess[str]:
        """Run the user data, as the template would make it."""
        head = {
            "STACK": "tables",
            "RESOURCE": "Group",
            "REGION": "eu-west-1",
            "S3_FOLDER": URI.removesuffix("dynamic-dynamodb.conf"),
            "S3_REGION": "us-west-2",
            "WHEEL": self.wheel,
        }
        text = "".join(f"{name}='{value}'\n" for name, value in head.items())
        script = self.bin / "user-data"
        script.write_text("#!/bin/sh\n" + text + (TEMPLATES / "user-data.sh").read_text("utf-8"))
        script.chmod(0o700)
        return subprocess.run(
            [script],
            env={
                "PATH": f"{self.bin}:{os.defpath}",
                "ROOT": str(self.root),
                "S3": str(self.s3),
                "CALLS": str(self.calls_file),
                "REFUSED": self.refused,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    @property
    def calls(self) -> list[str]:
        return self.calls_file.read_text().splitlines()

    def called(self, program: str) -> list[str]:
        return [call for call in self.calls if call.startswith(f"{program} ")]

    @property
    def config(self) -> Path:
        return self.root / "etc" / "dynamic-dynamodb" / "dynamic-dynamodb.conf"

    @property
    def stored(self) -> Path:
        """The configuration in S3."""
        return self.s3 / URI.removeprefix("s3://")

    def store(self, text: str) -> None:
        self.stored.parent.mkdir(parents=True)
        self.stored.write_text(text)

    def assert_signalled(self, code: int, reason: str) -> None:
        (signal,) = self.called("cfn-signal")
        place = "--stack tables --resource Group --region eu-west-1"
        assert signal.startswith(f"cfn-signal --exit-code {code} --reason {reason}")
        assert signal.endswith(place)
        assert self.calls[-1] == signal


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    if os.geteuid() != 0:
        pytest.skip("to give files an owner takes root")
    return Instance(tmp_path)


def test_configuration_in_s3_is_fetched(instance: Instance) -> None:
    instance.store(OWN_CONFIGURATION)
    started = instance.start()
    assert started.returncode == 0, started.stderr
    assert instance.config.read_text() == OWN_CONFIGURATION
    assert instance.stored.read_text() == OWN_CONFIGURATION
    assert instance.config.stat().st_mode & 0o777 == 0o640
    instance.assert_signalled(0, "Dynamic DynamoDB works")
    assert instance.called("service") == ["service dynamic-dynamodb start"]


def test_example_is_put_where_there_is_none(instance: Instance) -> None:
    started = instance.start()
    assert started.returncode == 0, started.stderr
    example = (PROJECT / "example-dynamic-dynamodb.conf").read_text("utf-8")
    assert instance.config.read_text() == example.replace("\nregion: us-east-1\n", "\nregion: eu-west-1\n")
    assert load(["-c", str(instance.config)]).general.region == "eu-west-1"
    assert instance.stored.read_text() == instance.config.read_text()
    # The init script takes a configuration that is the example for a dry run.
    copy = instance.root / "usr" / "share" / "dynamic-dynamodb" / "example-dynamic-dynamodb.conf"
    assert copy.read_text() == instance.config.read_text()
    instance.assert_signalled(0, "Dynamic DynamoDB works")


def test_another_file_of_a_similar_name_is_not_the_configuration(instance: Instance) -> None:
    instance.store(OWN_CONFIGURATION)
    instance.stored.rename(f"{instance.stored}.old")
    assert instance.start().returncode == 0
    assert "s3api list-objects-v2 --region us-west-2 --bucket bucket --prefix some/path/dynamic-dynamodb.conf" in str(
        instance.called("aws")
    )
    assert "--query Contents[?Key=='some/path/dynamic-dynamodb.conf'].Key" in instance.called("aws")[0]
    assert instance.stored.exists()


@pytest.mark.parametrize(
    ("refused", "stored"),
    [
        pytest.param("list", True, id="to list"),
        pytest.param("list", False, id="to list, and it is not there"),
        pytest.param(URI, True, id="to read"),
        pytest.param(URI, False, id="to write the example"),
    ],
)
def test_refusal_of_s3_fails_and_overwrites_nothing(instance: Instance, refused: str, stored: bool) -> None:
    if stored:
        instance.store(OWN_CONFIGURATION)
    instance.refused = refused
    started = instance.start()
    assert started.returncode != 0
    assert "AccessDenied" in started.stderr
    instance.assert_signalled(started.returncode, f"Failed to get the configuration from {URI}. See /var/log/")
    assert not instance.called("service")
    assert instance.stored.exists() == stored
    if stored:
        assert instance.stored.read_text() == OWN_CONFIGURATION


def test_package_comes_from_the_index(instance: Instance) -> None:
    started = instance.start()
    assert "dynamic-dynamodb 3.0.0" in started.stdout
    assert instance.called("pip") == ["pip install --no-cache-dir dynamic-dynamodb>=3"]
    assert (instance.root / "opt" / "dynamic-dynamodb" / "bin" / "dynamic-dynamodb").exists()


def test_package_comes_from_a_wheel(instance: Instance) -> None:
    instance.wheel = WHEEL
    wheel = instance.s3 / WHEEL.removeprefix("s3://")
    wheel.parent.mkdir()
    wheel.write_bytes(b"a wheel")
    started = instance.start()
    assert started.returncode == 0, started.stderr
    copy = instance.root / "opt" / "dynamic-dynamodb" / wheel.name
    assert instance.called("pip") == [f"pip install --no-cache-dir {copy}"]
    assert copy.read_bytes() == b"a wheel"


@pytest.mark.parametrize(
    ("refused", "step"),
    [
        ("dnf", "install tools and Python"),
        ("cfn-init", "write the files of the stack"),
        ("useradd", "make the user dynamic-dynamodb"),
        ("pip", "install the package dynamic-dynamodb"),
        ("service", "start the service"),
        ("systemctl", "start the service"),
    ],
)
def test_failed_step_is_named_in_the_signal(instance: Instance, refused: str, step: str) -> None:
    instance.refused = refused
    assert instance.start().returncode == 1
    instance.assert_signalled(1, f"Failed to {step}. See /var/log/cloud-init-output.log")


def test_wheel_that_cannot_be_read_is_named(instance: Instance) -> None:
    instance.wheel = WHEEL
    assert instance.start().returncode == 1
    instance.assert_signalled(1, f"Failed to install the package {WHEEL}. See ")
    assert not instance.called("pip")


def test_older_python_is_taken_where_the_newest_is_not_to_be_had(instance: Instance) -> None:
    instance.refused = "python3.13"
    assert instance.start().returncode == 0
    assert [call.split()[0] for call in instance.calls if call.startswith("python")] == ["python3.12"]


def test_service_is_installed_for_every_start_of_the_machine(instance: Instance) -> None:
    assert instance.start().returncode == 0
    script = instance.root / "etc" / "rc.d" / "init.d" / "dynamic-dynamodb"
    assert script.read_bytes() == (TEMPLATES / "dynamic-dynamodb.init").read_bytes()
    assert script.stat().st_mode & 0o777 == 0o755
    for level in (2, 3, 4, 5):
        assert (instance.root / "etc" / "rc.d" / f"rc{level}.d" / "S90dynamic-dynamodb").resolve() == script.resolve()
    drop_in = instance.root / "etc" / "systemd" / "system" / "dynamic-dynamodb.service.d" / "restart.conf"
    assert "Restart=on-failure\n" in drop_in.read_text()
    assert instance.called("systemctl") == ["systemctl daemon-reload", "systemctl is-active dynamic-dynamodb"]


def test_settings_tell_the_service_where_to_copy_to(instance: Instance) -> None:
    assert instance.start().returncode == 0
    settings = instance.root / "etc" / "sysconfig" / "dynamic-dynamodb"
    show = f'. {settings}; sh -c \'echo "$AWS_DEFAULT_REGION"\'; echo "$S3_URI $S3_REGION"'
    shown = subprocess.run(["sh", "-euc", show], env={}, capture_output=True, text=True, check=True)
    assert shown.stdout == f"eu-west-1\n{URI} us-west-2\n"


def test_logs_of_cloudformation_can_be_read(instance: Instance) -> None:
    instance.start()
    for log in (instance.root / "var" / "log").iterdir():
        assert log.stat().st_mode & 0o004
