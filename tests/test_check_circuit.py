"""Whole checks with a circuit breaker: a real server on loopback."""

from __future__ import annotations

import logging
import socket
import time
from base64 import b64encode
from collections.abc import Iterator

import pytest

from tests.fleet import TOPIC, Breaker, Fleet


@pytest.fixture
def breaker() -> Iterator[Breaker]:
    with Breaker() as breaker:
        yield breaker


@pytest.fixture
def dead_url() -> Iterator[str]:
    """A port that is taken, so that nobody else gets it, and that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/"


def configuration(url: str, more: str = "") -> str:
    return f"[global]\ncircuit-breaker-url: {url}\n{more}\n[table: orders]\n"


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_any_2xx_answer_closes_the_circuit(fleet: Fleet, breaker: Breaker, status: int) -> None:
    breaker.status = status
    fleet.add("orders", reads=95)
    fleet.configure(configuration(breaker.url))
    checked = fleet.check()
    assert checked.updates == [("orders", None, 150, 100)]
    assert (checked.tally.skipped, checked.at("WARNING")) == (0, [])


@pytest.mark.parametrize("status", [301, 302, 304, 307, 400, 401, 404, 500, 503])
def test_any_other_answer_opens_it(fleet: Fleet, breaker: Breaker, status: int) -> None:
    breaker.status = status
    fleet.add("orders", reads=95)
    fleet.configure(configuration(breaker.url))
    checked = fleet.check()
    assert checked.updates == []
    assert (checked.tally.skipped, checked.tally.failed) == (1, 0)
    assert checked.at("WARNING") == [f"orders: skipped, since the circuit breaker {breaker.url} answered {status}"]
    assert {asked.path for asked in breaker.asked} == {"/state"}


def test_no_answer_in_time_opens_it(fleet: Fleet, breaker: Breaker) -> None:
    breaker.status = None
    fleet.add("orders", reads=95)
    fleet.configure(configuration(breaker.url, "circuit-breaker-timeout: 50"))
    started = time.monotonic()
    checked = fleet.check()
    assert time.monotonic() - started < 20, "these are milliseconds"
    assert (checked.updates, checked.tally.skipped, checked.tally.failed) == ([], 1, 0)
    assert checked.about("WARNING orders: skipped", "did not answer within 50 ms")


def test_a_dead_port_opens_it(fleet: Fleet, dead_url: str) -> None:
    fleet.add("orders", reads=95)
    fleet.configure(configuration(dead_url))
    checked = fleet.check()
    assert (checked.updates, checked.tally.skipped, checked.tally.failed) == ([], 1, 0)
    assert checked.about("WARNING orders: skipped", "cannot be reached")


def test_each_resource_is_asked_for_by_name(fleet: Fleet, breaker: Breaker) -> None:
    for name in ("orders", "orders2", "users"):
        fleet.add(name, reads=50)
    fleet.add("orders", "by_day", reads=50)
    fleet.configure(configuration(breaker.url) + "[gsi: .* table: orders]")
    fleet.check()
    names = [(asked.headers["x-table-name"], asked.headers.get("x-gsi-name")) for asked in breaker.asked]
    assert sorted(names, key=str) == [("orders", "by_day"), ("orders", None), ("orders2", None)]


def test_an_open_circuit_leaves_the_resource_unmeasured_and_sends_no_alarm(fleet: Fleet, breaker: Breaker) -> None:
    breaker.status = 500
    fleet.add("orders", reads=95)
    fleet.add("users", reads=95)
    fleet.configure(f"""
        [default_options]
        sns-topic-arn: {TOPIC}
        sns-message-types: scale-up, high-throughput-alarm
        reads-upper-alarm-threshold: 80
        [table: orders]
        circuit-breaker-url: {breaker.url}
        [table: users]
        """)
    checked = fleet.check()
    assert checked.updates == [("users", None, 150, 100)]
    assert [message.subject for message in checked.published] == ["High throughput alarm: users", "Scaled up: users"]
    measured = [call.parameters["MetricDataQueries"] for call in checked.calls if call.operation == "GetMetricData"]
    tables = {query["MetricStat"]["Metric"]["Dimensions"][0]["Value"] for queries in measured for query in queries}
    assert tables == {"users"}


def test_the_url_of_a_table_or_index_goes_before_the_global_one(fleet: Fleet, breaker: Breaker, dead_url: str) -> None:
    for name in ("orders", "users"):
        fleet.add(name, reads=95)
        fleet.add(name, "by_day", reads=95)
    fleet.configure(f"""
        [global]
        circuit-breaker-url: {dead_url}
        [table: orders]
        circuit-breaker-url: {breaker.url}
        [gsi: by_day table: orders]
        [table: users]
        [gsi: by_day table: users]
        circuit-breaker-url: {breaker.url}
        """)
    checked = fleet.check()
    assert checked.updates == [("orders", None, 150, 100), ("users", "by_day", 150, 100)]
    assert checked.tally.skipped == 2


def test_an_open_circuit_starts_the_count_of_checks_anew(fleet: Fleet, breaker: Breaker) -> None:
    fleet.add("orders", reads=10)
    fleet.configure(configuration(breaker.url, "[default_options]\nnum-read-checks-before-scale-down: 2"))
    made = []
    for status in (200, 500, 200, 200):
        breaker.status = status
        made.append([update.reads for update in fleet.check().updates])
    assert made == [[], [], [], [50]]


class TestSecrets:
    """User, password and query of the URL."""

    @pytest.mark.parametrize(
        ("in_url", "sent"),
        [
            ("user:secret@", "user:secret"),
            ("us%40er:s%2Fe%3Acret@", "us@er:s/e:cret"),
            ("user@", "user:"),
            (":secret@", ":secret"),
        ],
    )
    def test_they_are_sent_as_basic_authentication(
        self, fleet: Fleet, breaker: Breaker, in_url: str, sent: str
    ) -> None:
        fleet.add("orders", reads=50)
        fleet.configure(configuration(f"http://{in_url}{breaker.host}/state?key=value"))
        fleet.check()
        (asked,) = breaker.asked
        assert asked.headers["authorization"] == f"Basic {b64encode(sent.encode()).decode()}"
        assert asked.headers["host"] == breaker.host
        assert asked.path == "/state?key=value"

    def test_without_a_user_there_is_no_authentication(self, fleet: Fleet, breaker: Breaker) -> None:
        fleet.add("orders", reads=50)
        fleet.configure(configuration(breaker.url))
        fleet.check()
        assert "authorization" not in breaker.asked[0].headers

    @pytest.mark.parametrize("failure", ["status", "time-out", "dead port"])
    def test_they_never_reach_the_log(
        self, fleet: Fleet, breaker: Breaker, dead_url: str, caplog: pytest.LogCaptureFixture, failure: str
    ) -> None:
        caplog.set_level(logging.DEBUG)
        breaker.status = None if failure == "time-out" else 500
        host = dead_url.split("/")[2] if failure == "dead port" else breaker.host
        fleet.add("orders", reads=50)
        url = f"http://sesame:hush%21hush@{host}/state?key=mum"
        fleet.configure(configuration(url, "circuit-breaker-timeout: 50"))
        (warning,) = fleet.check().at("WARNING")
        assert f"http://********@{host}/state" in warning
        assert not [secret for secret in ("sesame", "hush%21", "hush!", "mum") if secret in warning]
        assert not [secret for secret in ("sesame", "hush%21", "hush!") if secret in caplog.text]
