"""A service under test, in a process of its own."""

import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

START_SECONDS_MAX = 20
STOP_SECONDS_MAX = 30


OUR_SERVICE = ["ledger", "up", "--port", "0"]
UNLOGGED_SERVICE = ["ledger.bench.unlogged", "up", "--port", "0"]
TEXTBOOK_SERVICE = ["ledger.bench.textbook"]


class Server:
    """A running service, ours or the textbook's. Use it as a context manager; `base` is its URL."""

    def __init__(self, module: list[str], database_url: str) -> None:
        self._log = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115  # closed when the process has ended
        self._folder = tempfile.TemporaryDirectory(prefix="chatledger-bench-")  # for the log's key and its witness
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", *module],
            env=os.environ | {"DATABASE_URL": database_url, "CHATLEDGER_DATA": self._folder.name},
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self.base = self._process.stdout.readline().strip() if self._process.stdout is not None else ""
        if not self.base or not self._answers():
            self._process.kill()
            self._process.wait()
            self._log.seek(0)
            raise RuntimeError(f"{' '.join(module)} did not start:\n{self._log.read()}")

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
        self._folder.cleanup()
        if self._process.stdout is not None:
            self._process.stdout.close()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def memory_peak(self) -> int:
        """The most memory that the process has had resident, in bytes; where that is not told, what it has now."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
            kibibytes = status.partition("VmHWM:")[2].split(maxsplit=1)[0]
        except FileNotFoundError:
            told = subprocess.run(["ps", "-o", "rss=", "-p", str(self.pid)], capture_output=True, text=True, check=True)
            kibibytes = told.stdout
        return int(kibibytes) * 1024

    def _answers(self) -> bool:
        """Whether it answers before long."""
        deadline = time.monotonic() + START_SECONDS_MAX
        while self._process.poll() is None and time.monotonic() < deadline:
            try:
                urllib.request.urlopen(self.base, timeout=1).close()
            except urllib.error.HTTPError:
                return True  # it knows nothing at /, and says so
            except OSError:
                time.sleep(0.05)
            else:
                return True
        return False
