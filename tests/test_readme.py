"""README says what is so: its tables are the code's, and its commands, typed as they stand, do what it shows."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ledger.cli.embedded import EmbeddedPostgres
from scripts import readme

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
SHELL = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
PAY, PROVE, SHOP, SETTINGS = SHELL
STATEMENT = re.findall(r"^ +([0-9]+)  ([a-z.]+) +(-?[0-9,]+) +([0-9,]+)  (\S+)$", TEXT, re.MULTILINE)
INVOICE_TEXT = [
    line.strip() for line in TEXT.partition("    INVOICE 1\n")[2].partition("\n\nThe statement")[0].splitlines()
]
SHOWN = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)]
CHANGES = {"posted_at", "effective_on", "key", "salt", "memo"}
"""What differs from run to run: times, random bytes, and the commitment to the memo."""


class Running:
    """A command of ours that runs until it is told to stop."""

    def __init__(self, folder: Path, *command: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen([*command], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.said: list[str] = []

    def line(self, pattern: str) -> str:
        """The next line that it prints of a form."""
        if self.process.stdout is None:
            raise LookupError("its output is not read")
        for said in self.process.stdout:
            self.said.append(said)
            if re.match(pattern, said):
                return said.strip()
        raise LookupError(f"it ended without printing {pattern}: {self.said}")

    def stop(self) -> int:
        """SIGTERM; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=30)
        return self.process.returncode


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that the server's account can reach, deleted afterwards with all that belongs to it."""
    parent = Path(tempfile.mkdtemp(prefix="chatledger-readme-"))
    if os.name == "posix":
        parent.chmod(0o711)
    yield parent / "data"
    for path in (*EmbeddedPostgres(parent / "data").everything(), parent):
        subprocess.run(["rm", "-rf", path], check=True)


def type_in(command: str, url: str, key: str) -> str:
    """What a command of README prints, with this URL and key in place of those it shows."""
    typed = command.replace("http://127.0.0.1:8080", url).replace("clk_…", key)
    environment = os.environ | {"URL": url, "KEY": key, "no_proxy": "127.0.0.1"}
    done = subprocess.run(["sh", "-c", typed], env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def like(variables: str) -> str:
    """The line of variables without what differs from demo to demo."""
    return re.sub(r":[0-9]+|clk_[\w…]+|\+[^']+", "", variables)


def lasting(value: Any) -> Any:
    """A value without what differs from run to run."""
    if isinstance(value, dict):
        return {name: lasting(each) for name, each in value.items() if name not in CHANGES}
    return value


def test_its_tables_are_those_of_the_code() -> None:
    assert readme.refreshed(TEXT) == TEXT


def test_every_script_it_names_is_there_to_run() -> None:
    for script in set(re.findall(r"(?:\./scripts/|\.ci/)\w+", TEXT)):
        assert os.access(ROOT / script, os.X_OK), script


def test_the_demo_the_first_payment_and_the_shop_do_what_it_shows(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = Running(folder, "./scripts/demo", "--port", "0", "--data", str(folder))
    try:
        url, key = demo.line(r"http://127\.0\.0\.1:\d+$"), demo.line(r"clk_\w+$")
        variables = demo.line("URL=")
        demo.line("The API is described at")
        answered = json.loads(type_in(PAY, url, key))
        assert lasting(answered) == lasting(SHOWN[0])
        entry = httpx.get(
            f"{url}/v1/entries/{answered['entry']}", headers={"Authorization": f"Bearer {key}"}, trust_env=False
        ).json()
        assert entry["postings"] == SHOWN[1]["postings"]
        assert lasting(entry["request"]) == lasting(SHOWN[1]["request"])
        assert like(PAY.splitlines()[0]) == like(variables)
        proven = type_in(f"{variables}\n{PROVE}".replace("receipt-13", str(folder.parent / "receipt")), "", "")
        assert "signed by log    chat-ledger.localhost/log/demo" in proven
        again = type_in(PAY.replace("curl -sS", "curl -sS -D -"), url, key)
        assert "idempotency-replayed: true" in again.lower()
        assert json.loads(again.splitlines()[-1]) == answered
        monkeypatch.chdir(folder.parent)
        said = type_in(SHOP, url, key)
        assert [] == [line for line in INVOICE_TEXT if line not in said.splitlines() and line not in ("", "…")]
        assert (folder.parent / "invoice.svg").read_text(encoding="utf-8").startswith("<?xml")
        assert STATEMENT == [lined(line) for line in json.loads(said.splitlines()[-1])["lines"]]
        explained = json.loads(said.splitlines()[-2])
        assert explained["amount"] == sum(line["amount"] for line in explained["entries"]) == 4486
        checked = subprocess.run(
            [sys.executable, "-m", "ledger", "check", "--ledger", "demo", "--data", str(folder)],
            cwd=ROOT,
            capture_output=True,
            check=False,
        )
        assert checked.returncode == 0
    finally:
        assert demo.stop() == 0


def lined(line: dict[str, Any]) -> tuple[str, ...]:
    """A line of a statement as README shows it."""
    return (
        str(line["entry"]),
        line["kind"],
        f"{line['amount']:,}",
        f"{line['balance']:,}",
        line["counterparty"],
    )


def test_the_service_for_real_use_starts_takes_settings_and_checks_clean(folder: Path) -> None:
    chatledger = (sys.executable, "-m", "ledger")
    service = Running(folder, *chatledger, "up", "--port", "0", "--data", str(folder))
    try:
        url = service.line(r"http://127\.0\.0\.1:\d+$")
        made = subprocess.run(
            [*chatledger, "key", "create", "--name", "backend", "--data", str(folder)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        key = next(line for line in made.stdout.splitlines() if line.startswith("clk_"))
        deadline = time.monotonic() + 10
        while httpx.get(f"{url}/readyz", trust_env=False).status_code != 200 and time.monotonic() < deadline:
            time.sleep(0.05)
        answers = [
            json.loads(line) for line in type_in(SETTINGS.replace("curl", "curl -w '\\n'"), url, key).splitlines()
        ]
        assert [answer["entry"] for answer in answers] == [3, 4, 5]
        checked = subprocess.run(
            [*chatledger, "check", "--data", str(folder)], cwd=ROOT, capture_output=True, check=False
        )
        assert checked.returncode == 0
    finally:
        assert service.stop() == 0
