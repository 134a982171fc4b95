"""chat-ledger: the payment and order ledger behind a messenger."""

__version__ = "0.1.0"
