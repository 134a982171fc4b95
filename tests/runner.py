"""The service as a process of its own, for tests that kill it: python -m tests.runner URL PORT [--unsafe].

`--unsafe` turns synchronous_commit off on the lane's connection: the control of the tests that look for lost payments.
"""

import sys

import uvicorn

from ledger.books import database
from ledger.http.app import make_app
from ledger.http.service import Service


def main() -> None:
    """Serve until killed."""
    url, port = sys.argv[1], int(sys.argv[2])
    if "--unsafe" in sys.argv:
        database._LANE_SETTINGS["synchronous_commit"] = "off"
    app = make_app(Service(url, f"http://127.0.0.1:{port}"))
    uvicorn.run(app, port=port, loop="uvloop", http="httptools", access_log=False, log_level="critical")


if __name__ == "__main__":
    main()
