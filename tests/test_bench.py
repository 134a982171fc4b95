"""The bench: that it measures all there is, notices what is wrong, and says so. Nothing here depends on speed."""

import asyncio
import json
import tempfile
import threading
import time
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from ledger.bench import figures, generator, load, measure, stage
from ledger.bench.figures import (
    AGREEMENTS,
    CAPTURES,
    GROUPS,
    HOT,
    LISTS,
    OURS,
    PLAIN,
    RANDOM,
    READS,
    SETTLEMENTS,
    TAXED,
    TEXTBOOK,
    UNLOGGED,
    Cell,
    Figure,
    Measured,
    Ratio,
    Size,
    agreement,
    batch,
    engine,
    limit,
    middle,
    ratios,
    single,
    unlogged,
)
from ledger.bench.load import Load, Requests
from ledger.bench.measure import COSTS_OF_THE_LOG, Plan
from ledger.bench.prepare import Prepared
from ledger.bench.profile import listed
from ledger.bench.report import as_json, show
from ledger.cli import bench as command
from ledger.cli.embedded import EmbeddedPostgres
from ledger.core.transfers import Transfer
from ledger.http.strict import StrictDecoder
from ledger.http.transfers import Batch

TINY = Plan(seconds=0.1, rounds=1, parties=40, grow=300, connections=(1, 128), copied=128, invoices=(20, 60))


PREPARED = Prepared(parties=2, ledger_id=1, service_url="", admin_url="", textbook_url="", first=0)


class Run(NamedTuple):
    """A run of the command: its status, what it printed, and the folder in which it kept what it needed."""

    status: int
    measured: dict[str, Any]
    folder: Path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A whole run in small: with our own load generator, which can stop after a fraction of a second."""
    folder = tmp_path_factory.mktemp("bench")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder))
        patch.setattr(load, "run", generate)
        patch.setattr(stage, "WARM_SECONDS", 0.1)
        patch.setattr(stage, "SETTLE_SECONDS", 0.02)
        patch.setattr(measure, "READ_SECONDS", 0.1)
        patch.setattr(command, "Plan", lambda *_, **__: TINY)
        done = CliRunner().invoke(command.bench, ["--json"], catch_exceptions=False)
    return Run(done.exit_code, json.loads(done.stdout), folder)


def generate(base: str, token: str, requests: Requests, connections: int, seconds: float) -> Load:
    """What load.run does, without a process of its own."""
    done = asyncio.run(generator.generate(base, connections, seconds, requests, token))
    return Load(int(done["requests"]), done["seconds"], done["p50_ms"], done["p99_ms"], int(done["errors"]), False)


class Always(BaseHTTPRequestHandler):
    """Answers every request with one status."""

    protocol_version = "HTTP/1.1"
    status = 201
    after = 0.0

    def do_POST(self) -> None:
        """Answer, after so many seconds."""
        time.sleep(self.after)
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(self.status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def invented(problems: list[str]) -> Measured:
    """A run of an empty and a grown ledger, without having run."""
    cells = [single(group, who, n) for group in (OURS, TEXTBOOK) for who in (RANDOM, HOT) for n in (1, 128)]
    cells += [batch(100), batch(1_000), engine(512), limit(512), Cell(READS, "a balance now")]
    cells += [unlogged(cell) for cell in COSTS_OF_THE_LOG]
    cells += [agreement(what) for what in (PLAIN, CAPTURES, SETTLEMENTS, TAXED)]
    cells += [figures.listed("of all", invoices) for invoices in (20, 60)]
    taken = {cell: Figure(1_000.0, 1.0, 2.0) for cell in cells}
    sizes = [Size("empty", 40, 1, 2, taken), Size("after 300", 40, 301, 302, taken)]
    return Measured(["a machine"], sizes, {"entries": 500.0}, 900.0, 80_000_000, problems)


def test_every_kind_of_figure_is_taken_of_every_ledger_and_none_is_zero(run: Run) -> None:
    assert ["empty", "after 300"] == [size["title"] for size in run.measured["sizes"]]
    for size in run.measured["sizes"]:
        alone = set() if size["title"] == "empty" else {AGREEMENTS, LISTS, UNLOGGED}
        assert set(GROUPS) - alone == {figure["group"] for figure in size["figures"]}
        assert [] == [figure for figure in size["figures"] if figure["rate"] <= 0]


def test_the_load_of_the_bench_leaves_books_in_which_the_checks_find_nothing(run: Run) -> None:
    assert (0, []) == (run.status, run.measured["problems"])
    assert all(size["last_entry"] > size["first_entry"] for size in run.measured["sizes"])


def test_a_grown_ledger_has_grown_before_it_is_measured(run: Run) -> None:
    assert run.measured["sizes"][1]["first_entry"] >= 2 * TINY.parties + TINY.grow
    assert run.measured["bytes_on_disk"]["entries"] > 0


def test_the_bench_deletes_what_it_made(run: Run) -> None:
    assert [] == list(run.folder.iterdir())


def test_every_target_is_judged_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    measured = invented([])
    show(measured)
    shown = capsys.readouterr().out
    found = ratios(measured)
    assert [] == [ratio.sentence for ratio in found if ratio.sentence not in shown]
    assert [ratio.is_reached for ratio in found] == [
        each["is_reached"] for each in json.loads(as_json(measured))["ratios"]
    ]


def test_an_answer_that_is_not_in_the_books_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "run", lambda *_: Load(7, 1.0, 1.0, 1.0, errors=0, was_limit=False))
    monkeypatch.setattr(stage, "settled_head", lambda _: 0)
    monkeypatch.setattr(stage, "_read", lambda *_: stage.Reading(10, 0.0, {}))
    problems: list[str] = []
    ours: Any = stage.Stage("empty", PREPARED, *[None] * 6)  # type: ignore[arg-type]
    server: Any = type("Server", (), {"base": ""})()
    stage.over_http(ours._replace(ours=server), server, Requests("batch", 2, items=3), 1, 1.0, problems)
    assert ["batch over 1 connections: 21 requests were answered as done and 0 are in the books"] == problems


def test_an_answer_that_is_an_error_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "run", lambda *_: Load(7, 1.0, 1.0, 1.0, errors=2, was_limit=False))
    monkeypatch.setattr(stage, "settled_head", lambda _: 0)
    monkeypatch.setattr(stage, "_read", lambda *_: stage.Reading(10, 0.0, {}))
    problems: list[str] = []
    theirs: Any = stage.Stage("empty", PREPARED, *[None] * 6)  # type: ignore[arg-type]
    stage.over_http(theirs, type("Server", (), {"base": ""})(), Requests("transfer", 2), 32, 1.0, problems)
    assert ["transfer over 32 connections: 2 of 7 answers were errors"] == problems


@pytest.mark.parametrize(("problems", "status"), [([], 0), (["entries: entry 7: its leaf is not its body's"], 1)])
def test_the_command_fails_when_something_is_wrong_and_not_when_a_target_is_missed(
    problems: list[str], status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "embedded", lambda folder: nullcontext(EmbeddedPostgres(folder)))
    monkeypatch.setattr(command, "_allow_connections", lambda _: None)
    monkeypatch.setattr(command, "measure", lambda *_: invented(problems))
    done = CliRunner().invoke(command.bench, [])
    assert status == done.exit_code
    assert "✗" in done.stdout
    assert [] == [problem for problem in problems if problem not in done.stdout]


@pytest.mark.parametrize(
    ("value", "target", "at_least", "reached"),
    [(4, 4, True, True), (3.99, 4, True, False), (1.31, 1.3, False, False), (1.3, 1.3, False, True)],
)
def test_a_target_is_reached_at_its_very_value(value: float, target: float, at_least: bool, reached: bool) -> None:
    assert reached == Ratio("a ratio", value, target, at_least).is_reached


def test_rounds_are_summed_up_by_their_median() -> None:
    rounds = [
        Figure(rate, p50, None, was_limit) for rate, p50, was_limit in [(9, 3, False), (100, 1, True), (10, 2, False)]
    ]
    assert Figure(10, 2, None, was_limit=True) == middle(rounds)


def test_our_own_generator_sends_transfers_and_batches_that_the_strict_reader_takes() -> None:
    transfer = generator.maker(Requests("transfer", 3, "shop"), "clk_x", "localhost")().partition(b"\r\n\r\n")[2]
    assert "shop" == StrictDecoder(Transfer).decode(transfer).to
    items = generator.maker(Requests("batch", 2, items=50), "clk_x", "localhost")().partition(b"\r\n\r\n")[2]
    transfers = StrictDecoder(Batch).decode(items).transfers
    assert {("user1", "user2"), ("user2", "user1")} == {(item.from_, item.to) for item in transfers}
    assert 50 == len({item.key for item in transfers})


@pytest.mark.parametrize(("status", "share"), [(201, 0), (503, 1)])
def test_our_own_generator_counts_answers_and_which_of_them_are_errors(
    status: int, share: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load, "has_wrk", lambda: False)
    handler = type("Handler", (Always,), {"status": status})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        done = load.run(f"http://127.0.0.1:{server.server_port}", "clk_x", Requests("transfer", 9), 3, 0.3)
        server.shutdown()
    assert done.requests > 0
    assert share * done.requests == done.errors
    assert 0 < done.p50_ms <= done.p99_ms


def test_our_own_generator_ends_no_sooner_than_something_was_answered() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Always,), {"after": 0.3})) as server:
        threading.Thread(target=server.serve_forever).start()
        done = generate(f"http://127.0.0.1:{server.server_port}", "clk_x", Requests("transfer", 9), 1, 0.05)
        server.shutdown()
    assert (1, 0) == (done.requests, done.errors)
    assert done.seconds >= 0.3


def test_a_profile_lists_functions_by_their_own_time() -> None:
    raw = "main (a/site-packages/x/y.py:1);inner (z.py:5) 3\nmain (a/site-packages/x/y.py:2) 1\n"
    assert ["  75.0    75.0  inner (z.py)", "  25.0   100.0  main (x/y.py)"] == listed(raw).splitlines()[1:]


def test_a_profile_without_py_spy_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(command, "embedded", lambda folder: nullcontext(EmbeddedPostgres(folder)))
    monkeypatch.setattr(command, "_allow_connections", lambda _: None)
    done = CliRunner().invoke(command.bench, ["--profile", str(tmp_path / "profile.txt")])
    assert (1, True) == (done.exit_code, "Install it" in done.output)
