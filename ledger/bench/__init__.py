"""How fast the ledger is: measured beside a textbook service and beside COPY, in one run, on one machine."""
