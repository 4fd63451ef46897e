"""python -m tests.all_pythons: the tests, on each supported version of Python that this machine has."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
MADE_FROM = ("setup.py", "pyproject.toml")
# Without the last two it cannot make a virtual environment.
PROBE = "import sys, ensurepip, venv; print('%d.%d' % sys.version_info[:2])"


def supported() -> list[str]:
    """The versions that setup.py names."""
    text = (PROJECT / "setup.py").read_text("utf-8")
    return re.findall(r'"Programming Language :: Python :: (3\.\d+)"', text)


def candidates(version: str) -> Iterator[Path]:
    """Where such a Python may be: on the path, and where pyenv keeps them."""
    for directory in os.get_exec_path():
        yield Path(directory) / f"python{version}"
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"))


def find(version: str) -> Path | None:
    """One that works: a command of that name may be no more than a pointer to a Python that is not there."""
    for candidate in candidates(version):
        if candidate.exists():
            probe = subprocess.run([candidate, "-c", PROBE], capture_output=True, text=True, check=False)
            if (probe.returncode, probe.stdout.strip()) == (0, version):
                return candidate
    return None


def environment(version: str, python: Path) -> Path:
    """The Python of an up-to-date virtual environment."""
    directory = PROJECT / f".venv-{version}"
    ours, stamp = directory / "bin" / "python", directory / "installed"
    if stamp.exists() and all(stamp.stat().st_mtime >= (PROJECT / name).stat().st_mtime for name in MADE_FROM):
        return ours
    subprocess.run([python, "-m", "venv", "--clear", directory], check=True)
    pip = [ours, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "--upgrade", "pip"], check=True)
    subprocess.run([*pip, "--editable", ".[test,docs]"], cwd=PROJECT, check=True)
    stamp.touch()
    return ours


def run(version: str) -> str:
    """Run the tests, and say what came of it in a word or two."""
    python = find(version)
    if not python:
        return "not on this machine"
    print(f"\nPython {version}: {python}", flush=True)
    try:
        ours = environment(version, python)
    except subprocess.CalledProcessError as error:
        print(error, file=sys.stderr)
        return "FAILED to install"
    tests = subprocess.run([ours, "-m", "pytest", "-n", "auto"], cwd=PROJECT, check=False)
    return "FAILED" if tests.returncode else "passed"


def main() -> int:
    """Exit code 1 if a version fails, or if there is none."""
    results = {version: run(version) for version in supported()}
    print("\nTests on each version of Python:")
    for version, result in results.items():
        print(f"  {version}  {result}")
    return 0 if set(results.values()) - {"not on this machine"} == {"passed"} else 1


if __name__ == "__main__":
    sys.exit(main())
