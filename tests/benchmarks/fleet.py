"""How long one check of a whole fleet takes: the real command against a stand-in with a set latency per call."""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
from botocore.config import Config

LONGEST_RUN_SECONDS = 300
PAGE_SIZE = 100
QUERIES_PER_RESOURCE = 2
KINDS = ("ListTables", "DescribeTable", "GetMetricData", "UpdateTable")


@dataclass(frozen=True)
class Measured:
    """One check of one fleet."""

    tables: int
    calls: Mapping[str, int]
    seconds: float
    cpu_seconds: float
    peak_mb: float


def main() -> int:
    """Print a line per fleet, and what bounds the time from below."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.fleet", description=__doc__)
    parser.add_argument("--tables", type=int, nargs="+", default=[10, 100, 1000, 2500], help="sizes of the fleets")
    parser.add_argument("--latency-ms", type=float, default=20.0, help="of each call (default: 20)")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[16], help="max-concurrency (default: 16)")
    arguments = parser.parse_args()
    latency = arguments.latency_ms / 1000
    cost = cpu_of_calls()
    print(f"Each table has one index; {arguments.latency_ms:g} ms a call; botocore alone takes, in CPU time:")
    print(", ".join(f"{seconds * 1000:.2f} ms a {kind}" for kind, seconds in cost.items()))
    print()
    print(
        f"{'tables':>6} {'conc.':>5} {'List':>4} {'Descr.':>6} {'Metric':>6} {'Update':>6} {'seconds':>8} {'CPU s':>6} "
        f"{'peak MB':>7} {'chain s':>7} {'calls s':>7} {'botocore s':>10}"
    )
    for concurrency in arguments.concurrency:
        for tables in arguments.tables:
            run = measure(tables, arguments.latency_ms, concurrency)
            chain = (math.ceil(tables / PAGE_SIZE) + 3) * latency
            calls = sum(run.calls.values()) * latency / concurrency
            botocore = sum(run.calls[kind] * cost[kind] for kind in KINDS)
            print(
                f"{tables:>6} {concurrency:>5} {run.calls['ListTables']:>4} {run.calls['DescribeTable']:>6} "
                f"{run.calls['GetMetricData']:>6} {run.calls['UpdateTable']:>6} {run.seconds:>8.2f} "
                f"{run.cpu_seconds:>6.2f} {run.peak_mb:>7.1f} {chain:>7.2f} {calls:>7.2f} {botocore:>10.2f}",
                flush=True,
            )
    return 0


@contextmanager
def stand_in(tables: int, latency_ms: float) -> Iterator[str]:
    """A stand-in in a process of its own, so that its work is not counted."""
    command = [sys.executable, "-m", "tests.stand_in", "--tables", str(tables), "--indexes-per-table", "1"]
    command += ["--latency-ms", str(latency_ms)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def environment(url: str) -> dict[str, str]:
    """That of the program: nothing of the user's AWS settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "not-a-secret",
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
    }


def measure(tables: int, latency_ms: float, concurrency: int) -> Measured:
    """Run the command for its first check, in which many tables have to be changed."""
    with stand_in(tables, latency_ms) as url, tempfile.TemporaryDirectory() as directory:
        configuration, log = Path(directory, "conf"), Path(directory, "log")
        configuration.write_text(
            f"[global]\nmax-concurrency: {concurrency}\ncheck-interval: 86400\n[logging]\nlog-file: {log}\n"
            "[table: .*]\n[gsi: .* table: .*]\n"
        )
        command = [sys.executable, "-m", "dynamic_dynamodb", "-c", str(configuration), "--pid-file-dir", directory]
        with subprocess.Popen(command, env=environment(url)) as program:
            try:
                _wait_for(program, log, "started")
                cpu_before = _cpu_seconds(program.pid)
                done = _wait_for(program, log, r"Check done: .* in ([0-9.]+) s")
                cpu_seconds = _cpu_seconds(program.pid) - cpu_before
                peak_mb = _peak_mb(program.pid)
            finally:
                program.terminate()
        with urllib.request.urlopen(f"{url}/_calls") as answer:
            calls = dict.fromkeys(KINDS, 0) | json.load(answer)
    return Measured(tables, calls, float(done[1]), cpu_seconds, peak_mb)


def _wait_for(program: subprocess.Popen[bytes], log: Path, pattern: str) -> re.Match[str]:
    deadline = time.monotonic() + LONGEST_RUN_SECONDS
    while time.monotonic() < deadline and program.poll() is None:
        if log.exists() and (match := re.search(pattern, log.read_text()[-10_000:])):
            return match
        time.sleep(0.02)
    raise SystemExit(f"No {pattern!r} in the log: the program has ended, or took more than {LONGEST_RUN_SECONDS} s")


def _cpu_seconds(pid: int) -> float:
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def _peak_mb(pid: int) -> float:
    match = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert match is not None
    return int(match[1]) / 1024


def cpu_of_calls(repeats: int = 200) -> dict[str, float]:
    """CPU seconds that botocore takes for a call of each kind, with nothing of this program around it."""
    with stand_in(250, 0.0) as url:
        keys = {"aws_access_key_id": "x", "aws_secret_access_key": "y", "region_name": "us-east-1"}
        config = Config(parameter_validation=False, retries={"mode": "standard", "total_max_attempts": 1})
        dynamodb = boto3.client("dynamodb", endpoint_url=url, config=config, **keys)  # type: ignore[call-overload]
        cloudwatch = boto3.client("cloudwatch", endpoint_url=url, config=config, **keys)  # type: ignore[call-overload]
        end = int(time.time()) // 60 * 60 - 600
        queries = [
            {
                "Id": f"q{number}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/DynamoDB",
                        "MetricName": "ConsumedReadCapacityUnits",
                        "Dimensions": [{"Name": "TableName", "Value": f"table-{number % 250 + 1:05}"}],
                    },
                    "Period": 60,
                    "Stat": "Sum",
                },
            }
            for number in range(500)
        ]

        def update(number: int) -> None:
            throughput = {"ReadCapacityUnits": 101 + number, "WriteCapacityUnits": 101 + number}
            dynamodb.update_table(TableName="table-00001", ProvisionedThroughput=throughput)

        return {
            "ListTables": _cpu_per_call(lambda _: dynamodb.list_tables(), repeats),
            "DescribeTable": _cpu_per_call(lambda _: dynamodb.describe_table(TableName="table-00001"), repeats),
            "GetMetricData": _cpu_per_call(
                lambda _: cloudwatch.get_metric_data(MetricDataQueries=queries, StartTime=end - 300, EndTime=end), 20
            ),
            "UpdateTable": _cpu_per_call(update, repeats),
        }


def _cpu_per_call(call: object, repeats: int) -> float:
    assert callable(call)
    call(0)
    started = time.process_time()
    for number in range(repeats):
        call(1 + number)
    return (time.process_time() - started) / repeats


if __name__ == "__main__":
    sys.exit(main())
