"""Where the service's time goes, by py-spy, while it is under load."""

import shutil
import subprocess
import tempfile
import threading
from collections import Counter
from pathlib import Path

from ledger.bench import load
from ledger.bench.load import Requests
from ledger.bench.prepare import TOKEN
from ledger.bench.server import Server

FORMATS = {".svg": "flamegraph", ".json": "speedscope"}
SAMPLES_A_SECOND = 250
FUNCTIONS_SHOWN = 40
_PACKAGES = "site-packages/"


class NoProfiler(Exception):
    """py-spy is not installed. Install it (pip install py-spy), and on macOS run the bench with sudo."""


def profiler() -> str:
    """Where py-spy is. Raises NoProfiler."""
    found = shutil.which("py-spy")
    if found is None:
        raise NoProfiler(NoProfiler.__doc__)
    return found


def record(service: Server, requests: Requests, connections: int, seconds: float, path: Path) -> None:
    """Record the service under load into a file: a flame graph (.svg), for speedscope (.json), else a list as text.

    Only the share of each function counts, since being looked at slows the service. System calls look dearer than they
    are: py-spy stops the process at their ends.
    """
    sending = threading.Thread(
        target=load.run, args=(service.base, TOKEN, requests, connections, seconds + 2), name="load"
    )
    sending.start()
    with tempfile.TemporaryDirectory() as folder:
        kind = FORMATS.get(path.suffix, "raw")
        target = Path(folder) / "raw" if kind == "raw" else path
        command = [profiler(), "record", "--pid", str(service.pid), "--duration", str(round(seconds))]
        command += ["--rate", str(SAMPLES_A_SECOND), "--format", kind, "--output", str(target)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        sending.join()
        if done.returncode:
            raise RuntimeError(f"py-spy failed: {done.stderr}")
        if kind == "raw":
            title = f"{requests.kind} requests of {requests.items} over {connections} connections"
            path.write_text(f"{title}\n{listed(target.read_text(encoding='utf-8'))}", encoding="utf-8")


def listed(raw: str) -> str:
    """Functions by their own time, of py-spy's raw stacks: `outer (file:line);inner (file:line) <samples>`."""
    own: Counter[str] = Counter()
    within: Counter[str] = Counter()
    for line in raw.splitlines():
        stack, _, count = line.rpartition(" ")
        functions = [_function(frame) for frame in stack.split(";")]
        own[functions[-1]] += int(count)
        for function in set(functions):
            within[function] += int(count)
    total = own.total() or 1
    lines = [
        f"{100 * own[name] / total:6.1f} {100 * within[name] / total:7.1f}  {name}" for name, _ in own.most_common()
    ]
    return "\n".join([" own %  with %  function", *lines[:FUNCTIONS_SHOWN], ""])


def _function(frame: str) -> str:
    name, _, place = frame.partition(" (")
    file = place.rpartition(":")[0]
    return f"{name} ({file.rpartition(_PACKAGES)[2]})"
