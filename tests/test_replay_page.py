"""The page of a replay: whole in itself, and drawn without an error by a real browser."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shutil
import struct
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from dynamic_dynamodb.cli import main
from dynamic_dynamodb.model import Resource
from dynamic_dynamodb.replay import history_file
from tests.replays import DAY, dimension, history, resource

pytest.importorskip("plotly", reason="the extra `report` is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
HOSTILE = '</script><img src="x" onerror="alert(1)">@@PLOTLY@@'


def busy(minute: int) -> int:
    return 90 if 600 <= minute < 900 else 20


@pytest.fixture(name="page", scope="module")
def fixture_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of three tables and an index, one of them with a name that is against it."""
    directory = tmp_path_factory.mktemp("page")
    reads, writes = dimension(DAY, busy, lambda minute: 60 * (minute == 650)), dimension(DAY, busy, provisioned=[])
    names = [Resource("orders"), Resource("orders", "by-date"), Resource("logs"), Resource(HOSTILE)]
    file = directory / "history"
    history_file.write(str(file), history(*(resource(reads, writes, name) for name in names)))
    configuration = directory / "replay.conf"
    configuration.write_text("[table: .*]\nreads-upper-threshold: 80\n[gsi: .* table: .*]\n")
    page = directory / "report.html"
    assert main(["-c", str(configuration), "--history", str(file), "--report", str(page)]) == 0
    return page


class _Finder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def embedded(text: str) -> list[Any]:
    return [json.loads(data) for data in re.findall(r'<script type="application/json">(.*?)</script>', text)]


def series(packed: str) -> tuple[int, ...]:
    raw = gzip.decompress(base64.b64decode(packed))
    return struct.unpack(f"<{len(raw) // 4}I", raw)


def test_page_names_nothing_outside_itself_and_no_name_gets_out_of_its_place(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    finder = _Finder()
    finder.feed(text)
    tags = [tag for tag, _ in finder.tags]
    assert (tags.count("section"), tags.count("script"), tags.count("img")) == (4, 4 + 2, 0)
    links = [attributes.get("href") or attributes.get("src") for _, attributes in finder.tags]
    assert [link for link in links if link and not link.startswith(("#figure-", "data:"))] == []
    assert "default-src 'none'" in text


def test_page_has_the_summary_with_prices_and_model(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for words in ("Replay of 2026-03-02 00:00", "as of 2024-11-01", "Model: a throttled event", "In all", "unknown"):
        assert words in text
    rows = re.findall(r"<tr class.*?</tr>", text)
    assert len(rows) == 3 + 2 * 4
    assert len({row.count("<td") for row in rows}) == 1
    headings = re.search(r"<thead>.*?</thead>", text)
    assert headings
    assert headings[0].count("<th>") == rows[0].count("<td") + 2


def test_page_has_each_minute(page: Path) -> None:
    index, *_ = [
        data for data in embedded(page.read_text(encoding="utf-8")) if data["label"] == "orders - GSI: by-date"
    ]
    reads = index["reads"]
    assert series(reads["demand"]) == tuple(60 * busy(minute) + 60 * (minute == 650) for minute in range(DAY))
    assert series(reads["throttled_was"])[650] == 60
    assert len(series(reads["throttled"])) == DAY
    assert reads["would"][0] == [index["begin"], 100]
    assert reads["marks"][0][3].startswith("20% consumed (20 of 100), below 30%")
    assert index["writes"]["was"] == []


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_page_is_drawn_by_a_browser(page: Path, tmp_path: Path) -> None:
    assert CHROMIUM
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
    options += [
        "--disable-background-networking",
        "--disable-component-update",
        f"--user-data-dir={tmp_path / 'profile'}",
    ]
    options += [
        "--enable-logging=stderr",
        "--v=0",
        "--window-size=1400,4000",
        "--virtual-time-budget=20000",
        "--dump-dom",
    ]
    browser = subprocess.run(
        [CHROMIUM, *options, page.as_uri()],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    assert [line for line in browser.stderr.splitlines() if "CONSOLE" in line] == []
    drawn = re.findall(r'<div class="plot[^"]*"[^>]* data-drawn="yes"', browser.stdout)
    assert len(drawn) == 4
    # Two dimensions with a curve of the demand each, and the marks of the changes.
    first = browser.stdout.split('id="figure-0"')[1].split('id="figure-1"')[0]
    for axes in ("xy", "xy2", "xy3", "xy4"):
        assert f'class="subplot {axes}"' in first
    assert first.count('class="point"') >= 4
    assert "provisioned, replayed" in first
    assert 'class="plot error"' not in browser.stdout
    assert HOSTILE not in browser.stdout
