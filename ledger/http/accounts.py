"""Accounts over HTTP: a balance, now or as of a time or an entry."""

import msgspec

from ledger.books import accounts as kept
from ledger.books.accounts import StoredAccount
from ledger.core import shape
from ledger.core.chart import ROLES, owner_kind
from ledger.core.errors import Invalid, NotFound
from ledger.http.cursors import PageQuery, cursor_at, place_at
from ledger.http.periods import AsOfQuery, as_of_number
from ledger.http.replies import Reply
from ledger.http.routes import Asked, Route


class AccountAnswer(msgspec.Struct):
    """An account. `balance` is in minor units, in the natural sign of the account's class; `version` counts the
    postings; both are as the entry `as_of_entry` left them. An account that was never used has 0 and 0."""

    owner: str
    role: str
    currency: str
    balance: int
    version: int
    as_of_entry: int


class AccountPage(msgspec.Struct):
    """Accounts in the order in which they were opened."""

    data: list[AccountAnswer]
    next_cursor: str | None


class Place(msgspec.Struct):
    """Where the list goes on: after the account of this number."""

    after: int


async def list_accounts(asked: Asked) -> Reply:
    """All accounts that were ever used, page by page."""
    query: PageQuery = asked.query
    after = place_at("accounts", query, Place).after if query.cursor is not None else 0
    accounts = await kept.page(asked.pool, asked.ledger_id, after, query.limit)
    next_cursor = cursor_at("accounts", Place(accounts[-1].number)) if len(accounts) == query.limit else None
    return Reply(200, AccountPage([_shown(account) for account in accounts], next_cursor))


def _shown(account: StoredAccount) -> AccountAnswer:
    return AccountAnswer(account.owner, account.role, account.currency, account.balance, account.version, account.head)


async def show(asked: Asked) -> Reply:
    """One account's balance."""
    account = await account_of(asked)
    entry = await as_of_number(asked.pool, asked.ledger_id, asked.query, account.head)
    if entry < account.head:
        account = await kept.as_of(asked.pool, asked.ledger_id, account, entry)
    return Reply(200, _shown(account))


async def account_of(asked: Asked) -> StoredAccount:
    """The account that a path names, as it is now. Raises not_found, currency_invalid, party_unknown, rail_unknown."""
    owner, role, currency = (asked.path[name] for name in ("owner", "role", "currency"))
    kind = owner_kind(owner)
    roles = [each.name for each in ROLES.values() if each.owner == kind]
    if role not in roles:
        raise NotFound("not_found", f"There is no account {owner}/{role}. Of {owner}: {', '.join(roles) or 'none'}.")
    fault = shape.currency(currency)
    if fault is not None:
        raise Invalid(fault.code, fault.detail, [fault])
    account = await kept.account(asked.pool, asked.ledger_id, owner, role, currency)
    if account.number == 0 and not await kept.owner_exists(asked.pool, asked.ledger_id, owner):
        code = {"party": "party_unknown", "rail": "rail_unknown"}.get(kind, "not_found")
        raise NotFound(code, f"There is no {kind} {owner.removeprefix(f'{kind}:')}, so it has no accounts.")
    return account


ROUTES = (
    Route(
        "GET",
        "/v1/accounts",
        "entries:read",
        list_accounts,
        summary="List all accounts with their balances",
        query=PageQuery,
        answers=AccountPage,
    ),
    Route(
        "GET",
        "/v1/accounts/{owner}/{role}/{currency}",
        "entries:read",
        show,
        summary="Show an account's balance, now or as of a time or an entry",
        query=AsOfQuery,
        answers=AccountAnswer,
    ),
)
