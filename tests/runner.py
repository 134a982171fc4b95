"""The service as a process of its own, for tests that kill it: python -m tests.runner URL PORT [--unsafe] [FOLDER].

`--unsafe` turns synchronous_commit off on the lane's connection: the control of the tests that look for lost payments.
With a folder it signs, with the keys and the witness in there.
"""

import sys
from pathlib import Path

import uvicorn

from ledger.books import database
from ledger.books.signing import Signing
from ledger.http.app import make_app
from ledger.http.service import Service


def main() -> None:
    """Serve until killed."""
    url, port = sys.argv[1], int(sys.argv[2])
    if "--unsafe" in sys.argv:
        database._LANE_SETTINGS["synchronous_commit"] = "off"
    folders = [Path(each) for each in sys.argv[3:] if not each.startswith("--")]
    signing = Signing(folders[0] / "keys", folders[0] / "witness") if folders else None
    app = make_app(Service(url, f"http://127.0.0.1:{port}", signing))
    uvicorn.run(app, port=port, loop="uvloop", http="httptools", access_log=False, log_level="critical")


if __name__ == "__main__":
    main()
