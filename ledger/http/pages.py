"""The pages that describe the service: the OpenAPI document, the same to read, and one about each problem.

They need nothing from elsewhere: one style sheet, inside the page, and no script.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec

from ledger.core.errors import FAMILIES, FAMILY_OF, NotFound
from ledger.http import advice, openapi
from ledger.http.docs import docs_page
from ledger.http.markup import code, escape, page, prose
from ledger.http.problems import TITLE_OF, status_of
from ledger.http.replies import Reply
from ledger.http.routes import Asked, Route

HTML = "text/html; charset=utf-8"


def describing(routes: Sequence[Route]) -> tuple[Route, ...]:
    """The routes that describe these routes and themselves."""
    described: list[Route] = list(routes)

    @cache
    def document(base: str) -> dict[str, Any]:
        return openapi.document(described, base)

    @cache
    def encoded(base: str) -> bytes:
        return msgspec.json.encode(document(base))

    @cache
    def readable(base: str) -> bytes:
        return docs_page(document(base))

    async def show_document(asked: Asked) -> Reply:
        """This document, for machines: OpenAPI 3.1."""
        return Reply(200, encoded(asked.service.base))

    async def show_docs(asked: Asked) -> Reply:
        """This document, for people."""
        return _html(readable(asked.service.base))

    described += (
        Route(
            "GET",
            "/openapi.json",
            None,
            show_document,
            summary="Show this document",
            answers=dict,
        ),
        Route("GET", "/docs", None, show_docs, summary="Read this document", answers=str, media_type=HTML),
        Route("GET", "/problems", None, list_problems, summary="Read about problems", answers=str, media_type=HTML),
        Route(
            "GET",
            "/problems/{code}",
            None,
            show_problem,
            summary="Read about a problem: what it means, and what to do next",
            answers=str,
            media_type=HTML,
        ),
        Route("GET", "/", None, go_to_docs, summary="Go to the docs", answers=str, status=307, media_type=HTML),
    )
    return tuple(described[len(routes) :])


async def go_to_docs(asked: Asked) -> Reply:
    """Whoever opens the service in a browser finds the docs."""
    return Reply(307, b"", HTML.encode(), ((b"location", b"/docs"),))


async def list_problems(asked: Asked) -> Reply:
    """All problems there are, by family."""
    return _html(problems_page())


async def show_problem(asked: Asked) -> Reply:
    """One problem."""
    name = asked.path["code"]
    if name not in FAMILY_OF:
        raise NotFound("not_found", f"There is no problem {name:.100}. All there are stand at /problems.")
    return _html(problem_page(name))


@cache
def problems_page() -> bytes:
    """The index of all problems."""
    sections = []
    for family in FAMILIES:
        rows = "".join(
            f'<tr><td class="status">{status_of(name)}</td><td><a href="/problems/{name}">{code(name)}</a></td>'
            f"<td>{escape(title)}</td></tr>"
            for name, title in family.codes.items()
        )
        sections.append(
            f"<section><h2>{escape(family.family.replace('_', ' ').capitalize())}</h2>"
            f'{prose(advice.FAMILIES[family.family])}<table class="index">{rows}</table></section>'
        )
    return page("Problems", f"<h1>Problems</h1>{prose(_INDEX)}{''.join(sections)}")


@cache
def problem_page(name: str) -> bytes:
    """The page of one code."""
    family = FAMILY_OF[name]
    facts = (
        ("Code", code(name)),
        ("Status", str(status_of(name))),
        ("Family", f'<a href="/problems">{escape(family.family.replace("_", " "))}</a>'),
        ("Send the same again?", "yes, under the same key" if family.retryable else "no"),
        ("Remembered under its key?", "yes" if family.remembered else "no"),
    )
    listed = "".join(f"<dt>{escape(label)}</dt><dd>{value}</dd>" for label, value in facts)
    return page(
        TITLE_OF[name],
        f'<p class="crumb"><a href="/problems">Problems</a></p><h1>{escape(TITLE_OF[name])}</h1>'
        f'<dl class="facts">{listed}</dl><h2>What to do</h2>{prose(advice.ADVICE[name])}'
        f"<h2>What this kind of answer means</h2>{prose(advice.FAMILIES[family.family])}",
    )


_INDEX = """\
Whatever goes wrong is answered as `application/problem+json` (RFC 9457). Its `code` is one of these, and its `type` \
leads to the code's page. `retryable: true` means: the same request under the same key."""


def _html(content: bytes) -> Reply:
    return Reply(200, content, HTML.encode(), _HEADERS)


_HEADERS = ((b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),)
