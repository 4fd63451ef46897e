"""What is handed out: the sdist and the wheel, and the versions of Python that the tests run on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from dynamic_dynamodb import __version__
from tests import all_pythons

PROJECT = Path(__file__).resolve().parents[1]
PACKAGE = "dynamic_dynamodb"
# Taken before the fixtures hide it from the tests: pip may need a proxy, or its configuration in the home directory.
MACHINE = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
NO_NETWORK = re.compile("NewConnectionError|NameResolutionError|ConnectTimeout|ProxyError|Network is unreachable")


def run(*command: object, cwd: Path) -> str:
    """Stdout of a command that must end well."""
    words = [str(word) for word in command]
    ended = subprocess.run(words, cwd=cwd, env=MACHINE, capture_output=True, text=True, timeout=300, check=False)
    if ended.returncode and NO_NETWORK.search(ended.stdout + ended.stderr):
        pytest.skip("the package index cannot be reached")
    assert ended.returncode == 0, f"{words}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


def python(*arguments: object, cwd: Path) -> str:
    return run(sys.executable, *arguments, cwd=cwd)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A checkout of its own, with what would be committed now."""
    if not shutil.which("git") or not (PROJECT / ".git").exists():
        pytest.skip("this is no git checkout")
    copy = tmp_path / "source"
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=PROJECT)
    for name in filter(None, listed.split("\0")):
        if (PROJECT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, copy / name)
    run("git", "init", "--quiet", cwd=copy)
    run("git", "add", "--all", cwd=copy)
    return copy


def test_sdist_has_all_that_is_in_the_checkout(source: Path) -> None:
    python("-m", "check_manifest", "--no-build-isolation", cwd=source)


def test_wheel_and_sdist_install_into_an_empty_environment(source: Path, tmp_path: Path) -> None:
    package = {str(file.relative_to(source)) for file in (source / PACKAGE).rglob("*") if file.is_file()}
    # The wheel is built from the sdist.
    python("-m", "build", "--no-isolation", "--outdir", tmp_path / "dist", cwd=source)
    wheel = tmp_path / "dist" / f"dynamic_dynamodb-{__version__}-py3-none-any.whl"
    sdist = tmp_path / "dist" / f"dynamic_dynamodb-{__version__}.tar.gz"
    assert {wheel, sdist} == set((tmp_path / "dist").iterdir())
    python("-m", "twine", "check", "--strict", wheel, sdist, cwd=source)

    information = f"dynamic_dynamodb-{__version__}.dist-info/"
    names = {name for name in zipfile.ZipFile(wheel).namelist() if not name.startswith(information)}
    assert names == package
    with tarfile.open(sdist) as archive:
        assert f"dynamic_dynamodb-{__version__}/cloudformation-templates/dynamic-dynamodb.json" in archive.getnames()

    empty = tmp_path / "empty"
    venv.create(empty, with_pip=True)
    ours = empty / "bin" / "python"
    for file, options in ((wheel, []), (sdist, ["--force-reinstall", "--no-deps"])):
        run(ours, "-m", "pip", "install", "--quiet", *options, file, cwd=tmp_path)
        assert run(empty / "bin" / "dynamic-dynamodb", "--version", cwd=tmp_path) == f"dynamic-dynamodb {__version__}\n"
    run(ours, "-m", "pip", "check", cwd=tmp_path)
    run(ours, "-c", "import dynamic_dynamodb.loop, dynamic_dynamodb.daemon, daemon", cwd=tmp_path)


def test_versions_of_python_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    this = f"{sys.version_info[0]}.{sys.version_info[1]}"
    broken, pyenv = tmp_path / "shims", tmp_path / "pyenv"
    real = pyenv / "versions" / f"{this}.0" / "bin" / f"python{this}"
    for path in (broken, real.parent):
        path.mkdir(parents=True)
    monkeypatch.setenv("PATH", str(broken))
    monkeypatch.setenv("PYENV_ROOT", str(pyenv))
    assert all_pythons.find(this) is None
    # As a pointer of pyenv to a version that is not chosen, and as a name that lies.
    for text in ("exit 127", "echo 3.1"):
        (broken / f"python{this}").write_text(f"#!/bin/sh\n{text}\n")
        (broken / f"python{this}").chmod(0o755)
        assert all_pythons.find(this) is None
    real.symlink_to(sys.executable)
    assert all_pythons.find(this) == real


def test_supported_versions_are_those_of_the_package() -> None:
    versions = all_pythons.supported()
    assert versions[:4] == ["3.10", "3.11", "3.12", "3.13"]
    assert f'python_requires=">={versions[0]}"' in (PROJECT / "setup.py").read_text("utf-8")


@pytest.mark.parametrize(
    ("found", "code"),
    [
        ({"3.10": "passed", "3.11": "passed"}, 0),
        ({"3.10": "passed", "3.11": "not on this machine"}, 0),
        ({"3.10": "passed", "3.11": "FAILED"}, 1),
        ({"3.10": "not on this machine", "3.11": "not on this machine"}, 1),
    ],
)
def test_missing_versions_are_named(
    found: dict[str, str], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(all_pythons, "supported", lambda: list(found))
    monkeypatch.setattr(all_pythons, "run", found.__getitem__)
    assert all_pythons.main() == code
    assert capsys.readouterr().out.endswith("".join(f"  {name}  {result}\n" for name, result in found.items()))
