"""`python -m ledger` is the command `chatledger`."""

from ledger.cli.main import main

if __name__ == "__main__":
    main()
