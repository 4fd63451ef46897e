"""Histories: files and CSV, good and bad ones; gaps, tables that come and go."""

from __future__ import annotations

import gzip
import json
from array import array
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamic_dynamodb.exceptions import HistoryError
from dynamic_dynamodb.model import Dimension, Resource
from dynamic_dynamodb.replay import history_file
from dynamic_dynamodb.replay.costs import prices
from dynamic_dynamodb.replay.figures import resource_figures
from dynamic_dynamodb.replay.history import DimensionHistory, History, ResourceHistory
from dynamic_dynamodb.replay.options import ReplayOptions
from tests.replays import DAY, READS, START, TABLE, WRITES, changes, dimension, history, milli, replayed, resource, rule

INDEX = Resource("orders", "by-date")
HEADER = "timestamp,table,index,consumed_reads,throttled_reads,consumed_writes,throttled_writes"


def read(tmp_path: Path, content: str | bytes) -> History:
    file = tmp_path / "history"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return history_file.read(str(file))


# ---- The program's own format ----


@given(
    values=st.lists(st.lists(st.integers(0, 10**10), min_size=6, max_size=6), min_size=4, max_size=4),
    begin=st.integers(0, 5),
)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, values: list[list[int]], begin: int) -> None:
    alive = [array("q", [0] * begin + series[begin:]) for series in values]
    dimensions = {
        READS: DimensionHistory(alive[0], alive[1], [(begin, 7)]),
        WRITES: DimensionHistory(alive[2], alive[3]),
    }
    whole = history(ResourceHistory(TABLE, begin, 6, dimensions), resource(dimension(6), name=INDEX, begin=begin))
    file = str(tmp_path_factory.getbasetemp() / "round-trip")
    history_file.write(file, whole)
    assert history_file.read(file) == whole


def lines(**header: Any) -> list[dict[str, Any]]:
    """A good history of three minutes, but for what is said of its first line."""
    figures = {"consumed": [600, None, 612.5], "throttled": [0, 0, 3], "provisioned": [[0, 10], [2, 20]]}
    return [
        {
            "format": "dynamic-dynamodb-history",
            "version": 1,
            "start": "2026-03-02T00:00Z",
            "minutes": 3,
            "resources": 1,
            **header,
        },
        {"table": "orders", "index": "", "begin": 0, "end": 3, "reads": figures, "writes": figures},
    ]


def as_text(of: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(line) + "\n" for line in of)


def test_a_file_written_by_hand_is_read_uncompressed(tmp_path: Path) -> None:
    reads = read(tmp_path, as_text(lines())).resources[TABLE].dimensions[READS]
    assert list(reads.consumed) == [600_000, 0, 612_500]
    assert list(reads.demand()) == [600_000, 0, 615_500]
    assert reads.provisioned == [(0, 10), (2, 20)]


def changed(path: str, value: Any) -> str:
    """The good history with one value replaced; the path begins with the number of the line."""
    whole: Any = json.loads(json.dumps(lines()))
    *way, last = path.split(".")
    place = whole
    for step in way:
        place = place[int(step) if step.isdigit() else step]
    place[int(last) if last.isdigit() else last] = value
    return as_text(whole)


WHOLE = gzip.compress(as_text(lines()).encode(), mtime=0)
BAD = [
    pytest.param(b"", 1, "is empty", id="empty"),
    pytest.param(b"\n", 1, "is empty", id="a blank line"),
    pytest.param(gzip.compress(b""), 1, "is empty", id="compressed nothing"),
    pytest.param(WHOLE[:-9], 3, "is damaged or cut off", id="cut off"),
    pytest.param(WHOLE[:40], 1, "is damaged or cut off", id="cut off early"),
    pytest.param(WHOLE[:30] + b"\xff\x00\xff" + WHOLE[33:], 1, "is damaged or cut off", id="damaged"),
    pytest.param(b"\x1f\x8bnonsense", 1, "is damaged or cut off", id="foreign, and looks compressed"),
    pytest.param(b"\x89PNG\r\n\x1a\n\x00\x00", 1, "is neither a history of this program nor CSV", id="a picture"),
    pytest.param(as_text(lines()[:1]), 1, "has 0 resources where the first line says 1", id="a line is missing"),
    pytest.param(as_text(lines())[:-20], 2, "is damaged: the line is no JSON object", id="half a line"),
    pytest.param(as_text([*lines(resources=2), lines()[1]]), 3, "orders is there twice", id="twice"),
    pytest.param('{"a": 1}\n', 1, "is no history of this program", id="other JSON"),
    pytest.param(as_text(lines(version=2)), 1, "has the version 2; this program reads version 1", id="version"),
    pytest.param(as_text(lines(start="yesterday")), 1, "start is 'yesterday'", id="start"),
    pytest.param(as_text(lines(minutes=0)), 1, "minutes is 0", id="no minutes"),
    pytest.param(as_text(lines(minutes=10**9)), 1, "minutes is 1000000000", id="too many minutes"),
    pytest.param(as_text(lines(on_demand="x")), 1, "on_demand must be", id="on_demand"),
    pytest.param(changed("1.table", 7), 2, "table and index must be names", id="table"),
    pytest.param(changed("1.end", 4), 2, "end is 4", id="end"),
    pytest.param(changed("1.begin", -1), 2, "begin is -1", id="begin"),
    pytest.param(changed("1.reads", []), 2, "reads must be an object", id="dimension"),
    pytest.param(changed("1.reads.consumed", [1, 2]), 2, "reads consumed must be a list of 3 figures", id="too short"),
    pytest.param(changed("1.writes.throttled.1", -1), 2, "writes throttled holds -1", id="negative"),
    pytest.param(changed("1.writes.throttled.1", "5"), 2, "writes throttled holds '5'", id="text"),
    pytest.param(changed("1.reads.consumed.0", True), 2, "reads consumed holds True", id="boolean"),
    pytest.param(changed("1.reads.consumed.0", float("nan")), 2, "is damaged", id="NaN"),
    pytest.param(changed("1.reads.consumed.0", 1e300), 2, "reads consumed holds 1e+300", id="huge"),
    pytest.param(changed("1.reads.provisioned", [[2, 1], [1, 1]]), 2, "a minute of reads provisioned", id="order"),
    pytest.param(changed("1.reads.provisioned", [[2, 0]]), 2, "units of reads provisioned is 0", id="no units"),
    pytest.param(changed("1.reads.provisioned", [5]), 2, "reads provisioned must be a list of pairs", id="no pairs"),
    pytest.param(changed("1.index", "by-date"), 2, "orders - GSI: by-date is there without its table", id="orphan"),
    pytest.param("a,b\n1,2\n", 1, "that must have the columns timestamp, table", id="another CSV"),
    pytest.param(f"{HEADER},colour\n", 1, "nor CSV with its header", id="an unknown column"),
    pytest.param(f"{HEADER}\n", 1, "has a header and no figures", id="a header alone"),
    pytest.param(f"{HEADER}\n2026-03-02T00:00Z,orders,,1,0,1\n", 2, "has 6 cells; it must have 7", id="cells"),
    pytest.param(f"{HEADER}\n1.3.,orders,,1,0,1,0\n", 2, "timestamp is '1.3.'", id="timestamp"),
    pytest.param(f"{HEADER}\n2026-03-02T00:00Z,orders,,many,0,1,0\n", 2, "consumed_reads is 'many'", id="number"),
    pytest.param(f"{HEADER}\n2026-03-02T00:00Z,orders,,1,nan,1,0\n", 2, "throttled_reads is 'nan'", id="not a number"),
    pytest.param(f"{HEADER}\n2026-03-02T00:00Z,orders,,1,-1,1,0\n", 2, "throttled_reads is '-1'", id="below 0"),
    pytest.param(f"{HEADER}\n2026-03-02T00:00Z,,,1,0,1,0\n", 2, "the cell table is empty", id="no table"),
    pytest.param(f'{HEADER}\n2026-03-02T00:00Z,"orders,,1,0,1,0\n', 2, "is no CSV", id="quotation mark"),
    pytest.param(
        f"{HEADER}\n1970-01-01T00:00Z,orders,,1,0,1,0\n2026-03-02T00:00Z,orders,,1,0,1,0\n",
        3,
        "spans 20514 days",
        id="span",
    ),
]


@pytest.mark.parametrize(("content", "line", "words"), BAD)
def test_a_bad_file_is_told_with_its_place(tmp_path: Path, content: str | bytes, line: int, words: str) -> None:
    with pytest.raises(HistoryError) as raised:
        read(tmp_path, content)
    assert str(raised.value).startswith(f"{tmp_path}/history:{line}: ")
    assert words in str(raised.value)


def test_a_file_that_cannot_be_read_or_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match=r"nowhere: the history cannot be read \(No such file or directory\)"):
        history_file.read(str(tmp_path / "nowhere"))
    with pytest.raises(HistoryError, match=r"the history cannot be written \(No such file or directory\)"):
        history_file.write(str(tmp_path / "no" / "where"), history(resource(dimension(5))))


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "history"
    file.write_text("old")

    def full(_history: ResourceHistory) -> dict[str, Any]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(history_file, "_as_json", full)
    with pytest.raises(HistoryError, match="No space left"):
        history_file.write(str(file), history(resource(dimension(5))))
    assert [each.read_text() for each in tmp_path.iterdir()] == ["old"]


# ---- CSV ----


def test_csv_in_any_order_with_gaps_sums_and_optional_columns(tmp_path: Path) -> None:
    whole = read(
        tmp_path,
        "table,consumed_writes,consumed_reads,timestamp,provisioned_reads,index\r\n"
        "orders,60,600.5,2026-03-02T00:03:59Z,20,\r\n"
        "orders,,1,2026-03-02T00:03:10,,\r\n"
        "\r\n"
        "orders,,2.0004,2026-03-02T01:00:00+01:00,10,\r\n"
        "orders,5,,2026-03-02 00:01,,by-date\r\n",
    )
    assert (whole.start, whole.minutes) == (START, 4)
    orders, index = whole.resources[TABLE], whole.resources[INDEX]
    assert (orders.begin, orders.end, index.begin, index.end) == (0, 4, 1, 2)
    assert list(orders.dimensions[READS].consumed) == [2_000, 0, 0, 601_500]
    assert list(orders.dimensions[WRITES].consumed) == [0, 0, 0, 60_000]
    assert orders.dimensions[READS].provisioned == [(0, 10), (3, 20)]
    assert orders.dimensions[WRITES].provisioned == []
    assert list(index.dimensions[WRITES].consumed) == [0, 5_000, 0, 0]


# ---- Lives ----


def test_a_gap_is_no_load(tmp_path: Path) -> None:
    def gap(minute: int) -> int:
        return 0 if 300 <= minute < 600 else 50

    with_gap = resource(dimension(DAY, gap), dimension(DAY, gap))
    (cautious,) = replayed(rule(tmp_path, "reads-lower-threshold: 5\nwrites-lower-threshold: 5"), with_gap).resources
    assert changes(cautious) == []
    (of,) = replayed(rule(tmp_path, "allow-scaling-down-reads-on-0-percent: true"), with_gap).resources
    assert ("05:15", 50, 100) in changes(of)


def test_a_table_created_in_the_middle_and_one_deleted(tmp_path: Path) -> None:
    hours = 60
    for begin, end in ((6 * hours, DAY), (0, 6 * hours)):
        load = lambda minute, begin=begin, end=end: 95 if begin <= minute < end else 0  # noqa: E731
        one = resource(dimension(DAY, load), dimension(DAY), begin=begin, end=end)
        result = replayed(rule(tmp_path), one)
        figures = resource_figures(result.resources[0], START, prices(ReplayOptions()))
        assert (figures.end - figures.begin).total_seconds() == (end - begin) * 60
        (change,) = result.resources[0].simulated.changes
        effect = change[0] + 30
        assert effect == begin * 60 + 930
        reads = figures.dimensions[READS].replayed
        assert reads.unit_seconds == 100 * (end - begin) * 60 + 50 * (end * 60 - effect)
        assert reads.throttled == 0
        assert result.failures == set()


def test_an_index_added_later_is_served_from_then_on(tmp_path: Path) -> None:
    rules = rule(tmp_path, "[table: .*]\n[gsi: by-.* table: .*]\n")
    busy = dimension(DAY, lambda minute: 95 if minute >= 700 else 0)
    late = resource(busy, dimension(DAY), name=INDEX, begin=700)
    table, index = replayed(rules, resource(dimension(DAY)), late).resources
    assert (changes(table), changes(index)) == ([], [("11:55", 150, 100)])


def test_an_index_that_no_rule_governs_is_left_alone(tmp_path: Path) -> None:
    busy = resource(dimension(DAY, lambda _: 95), name=INDEX)
    assert [each.history.resource for each in replayed(rule(tmp_path), resource(dimension(DAY)), busy).resources] == [
        TABLE
    ]


def test_units_that_nobody_knows_are_those_of_the_first_hour_within_the_limits(tmp_path: Path) -> None:
    unknown = dimension(DAY, lambda minute: 40.5 if minute == 30 else 20, provisioned=[])
    result = replayed(rule(tmp_path, "max-provisioned-writes: 30"), resource(unknown, unknown)).resources[0]
    assert [result.simulated.capacity[each].steps[0] for each in Dimension] == [(0, 41), (0, 30)]
    figures = resource_figures(result, START, prices(ReplayOptions())).dimensions[READS]
    assert figures.real is None


def test_the_end_of_a_history() -> None:
    both = history(
        resource(DimensionHistory(milli(range(10)), milli([0] * 10), [(0, 5), (4, 6), (8, 7)])),
        resource(dimension(10), name=Resource("old"), end=6),
    )
    assert both.last(10) is both
    end = both.last(4)
    assert list(end.resources) == [TABLE]
    assert (end.minutes, end.end) == (4, both.end)
    orders = end.resources[TABLE]
    assert list(orders.dimensions[READS].consumed) == [6_000, 7_000, 8_000, 9_000]
    assert orders.dimensions[READS].provisioned == [(0, 6), (2, 7)]
    assert (orders.begin, orders.end) == (0, 4)
    assert both.last(6).resources[TABLE].dimensions[READS].provisioned == [(0, 6), (4, 7)]
