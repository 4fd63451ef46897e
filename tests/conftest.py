"""What every test gets: an environment without AWS settings and without a home, and on request a stand-in for AWS."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet import Aws, Fleet, shared_aws
from tests.stand_in import StandIn, World

_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test may find credentials, regions, end points or proxies of the machine, nor a home directory."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower() in _PROXIES or name == "HOME":
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(autouse=True)
def untouched_logging() -> Iterator[None]:
    """Handlers and levels that a test sets do not outlive it."""
    root, ours = logging.getLogger(), logging.getLogger("dynamic-dynamodb")
    before = [(each, each.handlers[:], each.filters[:], each.level, each.propagate) for each in (root, ours)]
    yield
    for each, handlers, filters, level, propagate in before:
        each.handlers[:], each.filters[:], each.propagate = handlers, filters, propagate
        each.setLevel(level)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A running stand-in that boto3 finds by the environment."""
    with StandIn(World()) as running:
        monkeypatch.setenv("AWS_ENDPOINT_URL", running.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield running


@pytest.fixture
def world(stand_in: StandIn) -> World:
    """The state of the running stand-in."""
    return stand_in.world


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    """A stand-in with clients for it, shared by the tests of a module, since clients are slow to make."""
    with shared_aws() as aws:
        yield aws


@pytest.fixture
def fleet(aws: Aws, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Fleet:
    """Tables in an empty world of that stand-in, and a program that checks them."""
    return Fleet(aws, tmp_path, caplog)
