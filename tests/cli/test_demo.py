"""The demo: one command to a running ledger, whoever starts it, wherever, and however the last run ended."""

import asyncio
import importlib
import io
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import uvloop

from ledger.books import setup
from ledger.cli import embedded, embedded_places
from ledger.cli.demo import demo
from ledger.cli.embedded_process import installed_programs, living_postmaster
from ledger.core.fields import SCOPES
from ledger.core.text import is_iban

ROOT = os.geteuid() == 0
ORDINARY_USER = 65534
VARIABLES, TRANSFER, RECEIPT, VERIFY = "URL=", "curl -sS -w", "curl -sS http", "python3 "
"""The lines to be pasted begin so."""


class Demo:
    """A demo in a process of its own, whose output goes into a pipe and has been read up to the last line."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        command = [sys.executable, "-m", "ledger", "demo", "--data", str(folder), *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        self.lines: list[str] = []
        if self.process.stdout is None:
            raise RuntimeError("there is no pipe")
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith("rm -rf "):
                break

    def starting(self, beginning: str) -> str:
        """The one line that begins so."""
        (found,) = [line for line in self.lines if line.startswith(beginning)]
        return found

    @property
    def url(self) -> str:
        return self.starting("http://")

    def get(self, path: str) -> Any:
        """What the service answers to the key that was printed."""
        bearer = {"Authorization": f"Bearer {self.starting('clk_')}"}
        return httpx.get(self.url + path, headers=bearer, trust_env=False).json()

    def entry(self) -> Any:
        """The entry that was printed."""
        start = self.lines.index("{")
        return json.loads("\n".join(self.lines[start : self.lines.index("}") + 1]))

    def paste(self) -> dict[str, Any]:
        """Paste the printed line into a shell: the answer."""
        said = subprocess.run(["/bin/sh", "-c", self.starting(TRANSFER)], check=True, capture_output=True)
        answer: dict[str, Any] = json.loads(said.stdout)
        return answer

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send the signal, unless it has ended; the status with which the demo ended."""
        self.process.send_signal(number)
        self.process.communicate(timeout=60)
        return self.process.returncode


@pytest.fixture
def base() -> Iterator[Path]:
    """A folder that, unlike tmp_path, the server's account may enter when the tests run as root."""
    path = Path(tempfile.mkdtemp(prefix="chatledger demo's tests "))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def running() -> Iterator[Demo]:
    """One demo for all who only look at it or paste its line."""
    base = Path(tempfile.mkdtemp(prefix="chatledger demo's tests "))
    base.chmod(0o711)
    demo = Demo(base / "data folder")
    yield demo
    assert 0 == demo.stop()
    subprocess.run(["/bin/sh", "-c", demo.starting("rm -rf ")], check=True)
    base.rmdir()


def test_the_url_the_key_the_line_the_entry_and_the_end_come_in_this_order(running: Demo) -> None:
    beginnings = (
        "http://127.0.0.1:",
        "clk_",
        VARIABLES,
        TRANSFER,
        "{",
        "debit ",
        RECEIPT,
        VERIFY,
        "Ctrl-C ",
        "rm -rf ",
    )
    found = [line.startswith(beginnings) for line in running.lines]
    shown = [line for line, is_one in zip(running.lines, found, strict=True) if is_one]
    assert list(beginnings) == [next(b for b in beginnings if line.startswith(b)) for line in shown]


def test_the_url_and_the_key_are_alone_on_their_lines(running: Demo) -> None:
    assert running.url.removeprefix("http://127.0.0.1:").isdigit()
    assert 47 == len(running.starting("clk_"))
    assert running.starting("clk_").isascii()
    assert " " not in running.starting("clk_")


def test_the_line_of_variables_names_the_url_the_key_and_the_logs_key(running: Demo) -> None:
    shown = f"{running.starting(VARIABLES)}; printf '%s\\n' $URL $KEY $VKEY"
    said = subprocess.run(["/bin/sh", "-c", shown], check=True, capture_output=True, text=True).stdout.splitlines()
    assert [running.url, running.starting("clk_"), shlex.split(running.starting(VERIFY))[-1]] == said


def test_its_bank_has_an_iban_so_that_an_invoice_can_be_paid_by_its_qr_code(running: Demo) -> None:
    (bank,) = running.get("/v1/banks")["data"]
    assert is_iban(bank["iban"])


def test_the_line_sends_money_when_it_is_pasted_and_once_however_often(running: Demo) -> None:
    before = running.get("/v1/parties/bob")["balances"][0]["available"]
    answers = [running.paste(), running.paste()]
    assert answers[0] == answers[1]
    assert before + 1250 == running.get("/v1/parties/bob")["balances"][0]["available"]


def test_what_is_shown_is_what_is_in_the_books(running: Demo) -> None:
    shown = running.entry()
    kept = running.get(f"/v1/entries/{shown['number']}")
    assert ["transfer", "alice/available", "bob/available", 1250] == [
        shown["kind"],
        *[kept["postings"][0][name] for name in ("debit", "credit", "amount")],
    ]
    assert shown["postings"] == kept["postings"]
    assert shown["salt"]


def test_the_pasted_line_leaves_an_entry_like_the_one_shown(running: Demo) -> None:
    shown, pasted = running.entry(), running.get(f"/v1/entries/{running.paste()['entry']}")
    assert [shown["kind"], shown["postings"]] == [pasted["kind"], pasted["postings"]]
    assert {name for name in shown["request"] if name != "memo"} <= {
        name for name, value in shown["request"].items() if pasted["request"].get(name) == value
    }


def test_the_receipt_of_the_entry_that_is_shown_is_verified_by_the_line_beside_it(
    running: Demo, tmp_path: Path
) -> None:
    script = shlex.quote(str(setup.PACKAGE.parent / "scripts" / "verify.py"))
    verify = re.sub(r"^python3 \S+", lambda _: f"{shlex.quote(sys.executable)} {script}", running.starting(VERIFY))
    lines = f"{running.starting(RECEIPT)} && {verify}"
    said = subprocess.run(["/bin/sh", "-c", lines], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert (0, "") == (said.returncode, said.stderr)
    assert "1250 minor units of EUR" in said.stdout


def test_the_key_has_every_scope(running: Demo) -> None:
    made = [each for each in running.get("/v1/entries?limit=1000")["entries"] if each["kind"] == "api_key.create"]
    assert list(SCOPES) == made[-1]["request"]["scopes"]


@pytest.fixture
def start(base: Path) -> Iterator[Callable[[], Demo]]:
    """Starts a demo on the one folder; whichever a failing test has left running is stopped."""
    started: list[Demo] = []

    def start_one() -> Demo:
        started.append(Demo(base / "data"))
        return started[-1]

    yield start_one
    for each in started:
        each.stop()


def test_a_second_start_changes_nothing_but_the_key(base: Path, start: Callable[[], Demo]) -> None:
    first = start()
    assert 0 == first.stop(signal.SIGINT)
    assert living_postmaster(base / "data" / "postgres") is None
    second = start()
    entries = [entry["kind"] for entry in second.get("/v1/entries?limit=1000")["entries"]]
    assert 0 == second.stop(signal.SIGTERM)
    assert living_postmaster(base / "data" / "postgres") is None
    assert first.entry() == second.entry()
    assert first.starting("clk_") != second.starting("clk_")
    kinds = ("bank.register", "rail.register", "party.create", "deposit", "transfer", "api_key.create")
    assert [1, 1, 3, 3, 1, 2] == [entries.count(kind) for kind in kinds]
    delete_all(second)


def test_after_a_kill_it_goes_on_with_the_same_postgres_and_books(base: Path, start: Callable[[], Demo]) -> None:
    killed = start()
    number = killed.paste()["entry"]
    orphan = living_postmaster(base / "data" / "postgres")
    killed.stop(signal.SIGKILL)
    again = start()
    assert orphan == living_postmaster(base / "data" / "postgres")
    assert number == again.get(f"/v1/entries/{number}")["number"]
    again.stop()
    delete_all(again)


def delete_all(demo: Demo) -> None:
    """Paste the last line into a shell, and see that nothing of what it names is left."""
    line = demo.starting("rm -rf ")
    subprocess.run(["/bin/sh", "-c", line], check=True)
    assert [] == [path for path in shlex.split(line)[2:] if os.path.lexists(path)]


def test_two_at_once_on_one_folder_are_refused_in_a_sentence(running: Demo) -> None:
    command = [sys.executable, "-m", "ledger", "demo", "--data", str(running.folder)]
    second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert 1 == second.returncode
    assert f"Error: Another chatledger (process {running.process.pid}) is running on" in second.stderr
    assert "Traceback" not in second.stderr


def test_an_ordinary_user_runs_it_in_a_home_of_his_own(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Forked, and with programs and schema in a public place: the tests' own Python may lie where he cannot read.
    programs = embedded_places.copy_programs(installed_programs(), base / "public")
    shutil.copy(setup.PACKAGE.parent / "schema.sql", base / "public")
    monkeypatch.setattr(embedded, "installed_programs", lambda: programs)
    monkeypatch.setattr(setup, "PACKAGE", base / "public")
    preload()
    home = base / "home of a user"
    home.mkdir(0o700)
    os.chown(home, ORDINARY_USER if ROOT else -1, -1)
    for _ in range(2):
        lines = forked_demo(home / "demo")
        assert [True, True] == [any(line.startswith(it) for line in lines) for it in ("http://127.0.0.1:", "clk_")]
    assert {home.stat().st_uid} == {path.lstat().st_uid for path in home.rglob("*")}


def preload() -> None:
    """Import what is only imported when needed."""
    ZoneInfo("UTC")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.to_thread(socket.getaddrinfo, "127.0.0.1", 0))
    for name in ("uvicorn.lifespan.on", "uvicorn.loops.uvloop", "uvicorn.protocols.http.httptools_impl"):
        importlib.import_module(name)


def forked_demo(folder: Path) -> list[str]:
    """What the demo prints in a forked process of an ordinary user, which is then told to stop."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if ROOT:
                os.setgroups([])
                os.setgid(ORDINARY_USER)
                os.setuid(ORDINARY_USER)
            sys.stdout = io.TextIOWrapper(os.fdopen(writing, "wb"), encoding="utf-8")
            demo.main(["--data", str(folder)], standalone_mode=False)
            status = 0
        finally:
            if status:
                traceback.print_exc()
            os._exit(status)
    os.close(writing)
    lines = []
    with open(reading, encoding="utf-8") as said:
        for line in said:
            lines.append(line.rstrip("\n"))
            if line.startswith("rm -rf "):
                os.kill(child, signal.SIGTERM)
                break
        said.read()
    assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return lines
