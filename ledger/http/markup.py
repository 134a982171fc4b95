"""What every page is made of: the frame, the style sheet, and texts in which `words` are code."""

import re
from html import escape
from pathlib import Path

__all__ = ["code", "escape", "page", "prose", "spans"]

_STYLE = Path(__file__).with_name("pages.css").read_text(encoding="utf-8")


def page(title: str, content: str, aside: str = "") -> bytes:
    """A whole page of HTML. `aside` stands beside the content."""
    kind = "with-aside" if aside else "alone"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)} · chat-ledger</title><style>{_STYLE}</style></head><body class={kind}>"
        f'<header><a class="brand" href="/docs">chat-ledger</a><nav><a href="/docs">Docs</a>'
        f'<a href="/problems">Problems</a><a href="/openapi.json">OpenAPI</a></nav></header>'
        f"{aside}<main>{content}</main></body></html>"
    ).encode()


def prose(text: str) -> str:
    """Paragraphs, of a text with an empty line between them."""
    return "".join(f"<p>{spans(paragraph)}</p>" for paragraph in text.split("\n\n"))


def spans(text: str) -> str:
    """One paragraph's text."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))


def code(text: str) -> str:
    """A word of the interface."""
    return f"<code>{escape(text)}</code>"
