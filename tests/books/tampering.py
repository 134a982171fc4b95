"""A small ledger, and the ways to tamper with it that the tests of the checks try one by one."""

# long: one table.

import os

from ledger.core.actors import Limit
from ledger.core.aliases import AddAlias, RemoveAlias
from ledger.core.api_keys import CreateApiKey, RevokeApiKey
from ledger.core.commands import Command
from ledger.core.deposit_returns import ReturnDeposit
from ledger.core.deposits import MakeDeposit
from ledger.core.log import AcceptLoss
from ledger.core.parties import AliasName, CloseParty, CreateParty, FreezeParty, UnfreezeParty
from ledger.core.party_keys import RecoverParty, RegisterPartyKey, SetPolicy
from ledger.core.public_keys import RegisterLogKey
from ledger.core.request_keys import RegisterRequestKey, RevokeRequestKey
from ledger.core.settings import SetLedger
from ledger.core.transfers import Transfer
from tests.books.agreed import AGREED, AGREEMENT_CASES, LAST, NEXT, Case
from tests.books.lanes import pay
from tests.core.devices import FOREVER, Device

PHONE, LOST, FOUND, BACKEND, LOG = (Device(number) for number in range(1, 6))


def deposit(to: str | None, amount: int, **fields: str) -> MakeDeposit:
    return MakeDeposit(to=to, amount=amount, currency="EUR", rail="test", rail_reference=os.urandom(8).hex(), **fields)


STORY: dict[int, Command] = {
    5: CreateParty(id="alice", party_kind="person", name="Alice", aliases=[AliasName("phone", "+4915112345678")]),
    6: CreateParty(id="bob", party_kind="person"),
    7: CreateParty(id="carol", party_kind="merchant", metadata={"till": "4"}),
    8: deposit("alice", 1000),
    9: pay("alice", "bob", 300, memo="lunch"),
    10: deposit(None, 50),
    11: deposit("bob", 100),
    12: pay("bob", "carol", 380),
    13: ReturnDeposit(deposit="deposit_11", reason="recalled"),  # 20 of its 100 are left, 80 bob owes
    14: deposit("nobody", 70, occurred_at="2026-01-01T00:00:00Z"),
    15: ReturnDeposit(deposit="deposit_14", reason="recalled"),
    16: AddAlias(party="alice", channel="chat", value="al"),
    17: AddAlias(party="alice", channel="chat", value="ally", replaces="al"),
    18: AddAlias(party="bob", channel="chat", value="ally", take_over=True),
    19: RemoveAlias(party="bob", channel="chat", value="ally"),
    20: FreezeParty(party="carol", mode="all"),
    21: FreezeParty(party="carol", mode="debits"),
    22: SetLedger(time_zone="Asia/Kolkata"),
    23: CreateParty(id="dora", party_kind="person"),
    24: FreezeParty(party="dora", mode="all"),
    25: UnfreezeParty(party="dora"),
    26: CloseParty(party="dora"),
    27: Transfer(from_="alias:phone:+4915112345678", to="bob", amount=5, currency="EUR"),
    28: RegisterPartyKey(party="alice", public_key=PHONE.public_key, proof=PHONE.proof("payer", "alice")),
    29: SetPolicy(party="alice", intents="above", above=400),
    30: RegisterPartyKey(
        party="bob", public_key=LOST.public_key, proof=LOST.proof("payer", "bob"), valid_until=FOREVER
    ),
    31: RecoverParty(party="bob", public_key=FOUND.public_key, proof=FOUND.proof("payer", "bob")),
    32: CreateApiKey(
        name="till",
        digest="A" * 43,
        scopes=["transfers:write"],
        limits=[Limit("EUR", per_day_sum=100)],
        valid_until=FOREVER,
    ),
    33: RegisterRequestKey(
        name="backend", scopes=["entries:read"], public_key=BACKEND.public_key, proof=BACKEND.proof("request")
    ),
    34: RevokeRequestKey(key_id=BACKEND.key_id),
    35: CreateApiKey(name="old", digest="B" * 42 + "A", scopes=["entries:read"]),
    36: RevokeApiKey(id="key_35"),
    37: RegisterLogKey(public_key=LOG.public_key, proof=LOG.proof("log")),
    38: AcceptLoss(epoch=2, origin="test.invalid/log/test/2", old_checkpoint="", lost_from=38, lost_to=40),
    **AGREED,
}
CLEARING, ALICE, BOB, SUSPENSE, CAROL, OWED_BY_BOB = range(1, 7)
"""The accounts by number, as the story opens them."""
ZOE = "VALUES (1, {0}, {0}, 'zoe', 'person', 'open', 'never', NULL, false, NULL, NULL)"

CASES = [
    Case("numbering", "entry 9", "DELETE FROM entries WHERE number = 9"),
    Case("numbering", f"entry {LAST}", f"DELETE FROM entries WHERE number = {LAST}"),
    Case("numbering", "entry 9", "UPDATE entries SET posted_at = posted_at - interval '1 day' WHERE number = 9"),
    Case("numbering", "entry 0", "UPDATE entries SET number = 0 WHERE number = 9"),
    Case("numbering", "head", "UPDATE heads SET number = number - 1"),
    Case("numbering", "head", "UPDATE heads SET posted_at = posted_at + interval '1 microsecond'"),
    Case("numbering", "entry 1000", "UPDATE postings SET entry = 1000 WHERE entry = 9"),
    Case("numbering", "entry 0", "UPDATE postings SET entry = 0 WHERE entry = 9"),
    Case(
        "request-keys",
        "entry 9",
        """
        ALTER TABLE entries DROP CONSTRAINT entry_key_is_unique;
        UPDATE entries SET key = (SELECT key FROM entries WHERE number = 200) WHERE number = 9
        """,
    ),
    Case("request-keys", "entry 9", "UPDATE refusals SET key = (SELECT key FROM entries WHERE number = 9)"),
    Case("bodies", "entry 9", "UPDATE entries SET kind = 'deposit' WHERE number = 9"),
    Case("bodies", "entry 9", "UPDATE entries SET effective_on = effective_on - 1 WHERE number = 9"),
    Case("bodies", "entry 9", "UPDATE entries SET posted_at = posted_at + interval '1 microsecond' WHERE number = 9"),
    Case("bodies", "entry 9", "UPDATE entries SET key = '\\x00112233445566778899aabbccddeeff' WHERE number = 9"),
    Case(
        "bodies", "entry 9", "UPDATE entries SET body = replace(body, '\"number\":9', '\"number\":8') WHERE number = 9"
    ),
    Case("bodies", "entry 9", "UPDATE entries SET body = replace(body, 'test', 'toast') WHERE number = 9"),
    Case("bodies", "entry 9", "UPDATE entries SET body = replace(body, ':', ': ') WHERE number = 9"),
    Case("bodies", "entry 9", "UPDATE entries SET body = '{' || body WHERE number = 9"),
    Case("bodies", "entry 9", "UPDATE postings SET amount = 301 WHERE entry = 9"),
    Case("bodies", "entry 9", "UPDATE postings SET n = 1 WHERE entry = 9"),
    Case("bodies", "entry 9", "DELETE FROM postings WHERE entry = 9"),
    Case("bodies", "entry 5", f"UPDATE postings SET entry = 5, debit = {CAROL}, n = 0 WHERE entry = 9"),
    Case("private-parts", "entry 9", "UPDATE entries SET private = replace(private, 'lunch', 'rent') WHERE number = 9"),
    Case("private-parts", "entry 9", "UPDATE entries SET private = private::jsonb - 'memo' WHERE number = 9"),
    Case("private-parts", "entry 9", "UPDATE entries SET private = private::jsonb - 'salt' WHERE number = 9"),
    Case("private-parts", "entry 9", "UPDATE entries SET private = '[]' WHERE number = 9"),
    Case("private-parts", "entry 6", 'UPDATE entries SET private = \'{"name":"B","salt":"AAAA"}\' WHERE number = 6'),
    Case(
        "private-parts", "entry 7", "UPDATE entries SET private = replace(private, '\"4\"', '\"5\"') WHERE number = 7"
    ),
    Case("private-parts", "entry 27", "UPDATE entries SET private = replace(private, '678', '679') WHERE number = 27"),
    Case("dates", "entry 9", "UPDATE entries SET effective_on = posted_at::date + 2 WHERE number = 9"),
    Case("leaves", "entry 9", "UPDATE entries SET body = replace(body, '300', '301') WHERE number = 9"),
    Case("leaves", "entry 9", "UPDATE entries SET leaf = sha256('') WHERE number = 9"),
    Case(
        "merkle-root",
        "head",
        """
        UPDATE entries SET body = body || ' ' WHERE number = 9;
        UPDATE entries SET leaf = sha256('\\x00'::bytea || convert_to(body, 'UTF8')) WHERE number = 9
        """,
    ),
    Case("merkle-root", "head", "UPDATE heads SET root = sha256('')"),
    Case("merkle-root", "head", "UPDATE heads SET frontier = substr(frontier, 33)"),
    Case("merkle-root", "entry 256", "UPDATE subtrees SET root = sha256('')"),
    Case("merkle-root", "entry 256", "DELETE FROM subtrees"),
    Case("merkle-root", "subtree 1/1", "INSERT INTO subtrees VALUES (1, 1, 1, sha256(''))"),
    Case(
        "postings",
        "entry 9, posting 0",
        """
        ALTER TABLE postings DROP CONSTRAINT posting_amount_is_positive;
        UPDATE postings SET amount = 0 WHERE entry = 9
        """,
    ),
    Case(
        "postings",
        "entry 9, posting 0",
        """
        ALTER TABLE postings DROP CONSTRAINT posting_moves_between_two_accounts;
        UPDATE postings SET debit = credit WHERE entry = 9
        """,
    ),
    Case("postings", "entry 9, posting 0", "UPDATE postings SET currency = 'INR' WHERE entry = 9"),
    Case("postings", "entry 9, posting 0", "UPDATE postings SET credit = 99 WHERE entry = 9"),
    Case("postings", "entry 8, posting 0", f"DELETE FROM accounts WHERE number = {ALICE}"),
    Case("movements", "entry 9, posting 0", f"UPDATE postings SET credit = {CLEARING} WHERE entry = 9"),
    Case("movements", "entry 13, posting 1", "UPDATE entries SET kind = 'transfer' WHERE number = 13"),
    Case("balances", f"account {ALICE}", f"UPDATE accounts SET balance = balance + 1 WHERE number = {ALICE}"),
    Case("balances", f"account {ALICE}", f"UPDATE accounts SET version = version + 1 WHERE number = {ALICE}"),
    Case(
        "balances",
        f"account {NEXT}",
        f"UPDATE heads SET accounts = {NEXT}; INSERT INTO accounts VALUES (1, {NEXT}, 'a', 'available', 'EUR', 1, 0)",
    ),
    Case("balances", f"account {ALICE}", f"DELETE FROM postings WHERE entry = {LAST}"),
    Case("balances", "entry 9, posting 0", "DELETE FROM postings WHERE entry = 8"),
    Case("balances", "entry 9, posting 0", "UPDATE postings SET amount = 301 WHERE entry = 9"),
    Case("balances", "entry 9, posting 0", "UPDATE postings SET debit_balance = debit_balance + 1 WHERE entry = 9"),
    Case("balances", "entry 9, posting 0", "UPDATE postings SET credit_balance = credit_balance - 1 WHERE entry = 9"),
    Case("balances", "entry 9, posting 0", "UPDATE postings SET debit_version = debit_version + 1 WHERE entry = 9"),
    Case("balances", "entry 9, posting 0", "UPDATE postings SET credit_version = 0 WHERE entry = 9"),
    Case("currencies", "EUR", f"UPDATE accounts SET balance = balance + 1 WHERE number = {ALICE}"),
    Case(
        "currencies",
        "INR",
        f"UPDATE heads SET accounts = {NEXT}; INSERT INTO accounts VALUES (1, {NEXT}, 'a', 'available', 'INR', 1, 0)",
    ),
    Case(
        "below-zero",
        f"account {BOB}",
        f"""
        ALTER TABLE accounts DROP CONSTRAINT account_liability_is_not_below_zero;
        UPDATE accounts SET balance = -1 WHERE number = {BOB}
        """,
    ),
    Case(
        "below-zero",
        f"account {OWED_BY_BOB}",
        f"""
        ALTER TABLE accounts DROP CONSTRAINT account_asset_is_not_below_zero;
        UPDATE accounts SET balance = 1 WHERE number = {OWED_BY_BOB}
        """,
    ),
    Case("below-zero", "entry 12, posting 0", "UPDATE postings SET debit_balance = -1 WHERE entry = 12"),
    Case("below-zero", "entry 13, posting 1", "UPDATE postings SET debit_balance = 1 WHERE entry = 13 AND n = 1"),
    Case(
        "chart",
        f"account {ALICE}",
        f"""
        ALTER TABLE accounts DROP CONSTRAINT account_role_is_in_the_chart;
        UPDATE accounts SET role = 'pocket' WHERE number = {ALICE}
        """,
    ),
    Case("chart", f"account {ALICE}", f"UPDATE accounts SET owner = 'nobody' WHERE number = {ALICE}"),
    Case("chart", f"account {ALICE}", f"UPDATE accounts SET role = 'clearing' WHERE number = {ALICE}"),
    Case("chart", f"account {SUSPENSE}", f"UPDATE accounts SET owner = 'dora' WHERE number = {SUSPENSE}"),
    Case("chart", f"account {CLEARING}", f"UPDATE accounts SET owner = 'rail:toast' WHERE number = {CLEARING}"),
    Case("chart", f"account {ALICE}", f"UPDATE accounts SET currency = 'XYZ' WHERE number = {ALICE}"),
    Case("chart", f"account {ALICE}", f"DELETE FROM accounts WHERE number = {ALICE}"),
    Case("chart", f"account {NEXT - 1}", "UPDATE heads SET accounts = accounts - 1"),
    Case("chart", f"account {NEXT}", "UPDATE heads SET accounts = accounts + 1"),
    Case("suspense", "suspense", "UPDATE suspense_items SET remaining = 49 WHERE entry = 10"),
    Case("suspense", "suspense", "DELETE FROM suspense_items WHERE entry = 10"),
    Case("suspense", "suspense", f"UPDATE accounts SET balance = 0 WHERE number = {SUSPENSE}"),
    Case("receivables", f"account {OWED_BY_BOB}", "UPDATE receivables SET remaining = 79"),
    Case("receivables", f"account {OWED_BY_BOB}", "DELETE FROM receivables"),
    Case("receivables", f"account {OWED_BY_BOB}", "UPDATE receivables SET party = 'carol'"),
    Case("agreements", "deposits 8", "UPDATE deposits SET state = 'returned' WHERE entry = 8"),
    Case("agreements", "deposits 11", "UPDATE deposits SET state = 'credited' WHERE entry = 11"),
    Case("agreements", "deposits 8", "UPDATE deposits SET party = 'bob' WHERE entry = 8"),
    Case("agreements", "deposits 8", "UPDATE deposits SET amount = 999 WHERE entry = 8"),
    Case("agreements", "deposits 8", "UPDATE deposits SET rail_reference = 'another' WHERE entry = 8"),
    Case("agreements", "deposits 10", "UPDATE deposits SET reason = 'another' WHERE entry = 10"),
    Case("agreements", "deposits 8", "DELETE FROM deposits WHERE entry = 8"),
    Case("agreements", "deposits 9", "UPDATE deposits SET entry = 9 WHERE entry = 8"),
    Case(
        "agreements", "suspense_items 10", "UPDATE suspense_items SET remaining = 0, state = 'cleared' WHERE entry = 10"
    ),
    Case(
        "agreements", "suspense_items 14", "UPDATE suspense_items SET remaining = 70, state = 'open' WHERE entry = 14"
    ),
    Case("agreements", "suspense_items 14", "UPDATE suspense_items SET arrived_on = arrived_on - 1 WHERE entry = 14"),
    Case("agreements", "suspense_items 14", "DELETE FROM suspense_items WHERE entry = 14"),
    Case("agreements", "suspense_items 9", "UPDATE suspense_items SET entry = 9 WHERE entry = 10"),
    Case("agreements", "receivables of entry 13", "UPDATE receivables SET amount = 81"),
    Case("agreements", "receivables of entry 13", "DELETE FROM receivables"),
    Case("agreements", "receivables of entry 9", "UPDATE receivables SET entry = 9"),
    Case("agreements", "parties of entry 5", "UPDATE parties SET state = 'frozen' WHERE id = 'alice'"),
    Case("agreements", "parties of entry 7", "UPDATE parties SET state = 'frozen' WHERE id = 'carol'"),
    Case("agreements", "parties of entry 23", "UPDATE parties SET state = 'open' WHERE id = 'dora'"),
    Case("agreements", "parties of entry 5", "UPDATE parties SET kind = 'merchant' WHERE id = 'alice'"),
    Case("agreements", "parties of entry 6", "DELETE FROM parties WHERE id = 'bob'"),
    Case("agreements", "parties of entry 9", f"INSERT INTO parties {ZOE.format(9)}"),
    Case(
        "agreements",
        "parties of entry 5",
        f"""
        ALTER TABLE parties DROP CONSTRAINT party_is_made_by_an_entry_of_its_own;
        INSERT INTO parties {ZOE.format(5)}
        """,
    ),
    Case("aliases", "alias of entry 5", "UPDATE aliases SET party = 'bob' WHERE entry = 5"),
    Case("aliases", "alias of entry 5", "UPDATE aliases SET value = '+4915112345679' WHERE entry = 5"),
    Case("aliases", "alias of entry 5", "UPDATE aliases SET until_entry = 9 WHERE entry = 5"),
    Case("aliases", "alias of entry 9", "UPDATE aliases SET entry = 9 WHERE entry = 5"),
    Case("aliases", "alias of entry 16", "UPDATE aliases SET until_entry = 18 WHERE entry = 16"),
    Case("aliases", "alias of entry 18", "UPDATE aliases SET value = 'all' WHERE entry = 18"),
    Case("aliases", "alias of entry 9", "INSERT INTO aliases VALUES (1, 'chat', 'zz', 9, 'zoe')"),
    Case("aliases", "entry 5", "DELETE FROM aliases WHERE entry = 5"),
    Case("aliases", "entry 17", "DELETE FROM aliases WHERE entry = 16"),
    Case("aliases", "entry 19", "UPDATE aliases SET until_entry = NULL WHERE entry = 18"),
    Case("registrations", "banks of entry 3", "UPDATE banks SET purpose = 'own'"),
    Case("registrations", "rails of entry 9", "UPDATE rails SET entry = 9"),
    Case("registrations", "entry 4", "DELETE FROM rails"),
    Case("api-keys", "api_keys of entry 1", "UPDATE api_keys SET scopes = '{entries:read}'"),
    Case(
        "api-keys",
        "api_keys of entry 9",
        "INSERT INTO api_keys VALUES (1, 'key_9', sha256(''), 'mine', '{}', NULL, NULL, NULL, 9)",
    ),
    Case("api-keys", "api_keys of entry 32", "UPDATE api_keys SET limits = NULL WHERE entry = 32"),
    Case("api-keys", "api_keys of entry 32", "UPDATE api_keys SET valid_until = NULL WHERE entry = 32"),
    Case("api-keys", "api_keys of entry 35", "UPDATE api_keys SET revoked_by = 40 WHERE entry = 35"),
    Case("api-keys", "entry 36", "UPDATE api_keys SET revoked_by = NULL WHERE entry = 35"),
    Case("api-keys", "entry 32", "DELETE FROM api_keys WHERE entry = 32"),
    Case("public-keys", "public key of entry 28", "UPDATE public_keys SET owner = 'bob' WHERE entry = 28"),
    Case("public-keys", "public key of entry 28", "UPDATE public_keys SET owner = 'zzzz' WHERE entry = 28"),
    Case("public-keys", "public key of entry 28", "UPDATE public_keys SET public_key = sha256('') WHERE entry = 28"),
    Case("public-keys", "public key of entry 28", "UPDATE public_keys SET revoked_by = 40 WHERE entry = 28"),
    Case("public-keys", "public key of entry 31", "UPDATE public_keys SET valid_from = now() WHERE entry = 31"),
    Case("public-keys", "public key of entry 30", "UPDATE public_keys SET valid_until = now() WHERE entry = 30"),
    Case("public-keys", "public key of entry 37", "UPDATE public_keys SET public_key = sha256('') WHERE entry = 37"),
    Case("public-keys", "public key of entry 9", "UPDATE public_keys SET entry = 9 WHERE entry = 28"),
    Case("public-keys", "entry 28", "DELETE FROM public_keys WHERE entry = 28"),
    Case("public-keys", "entry 34", "UPDATE public_keys SET revoked_by = NULL WHERE entry = 33"),
    Case(
        "agreements",
        "parties of entry 5",
        "UPDATE parties SET intents = 'never', intents_above = NULL WHERE id = 'alice'",
    ),
    Case("agreements", "parties of entry 5", "UPDATE parties SET intents_above = 4000 WHERE id = 'alice'"),
    Case("agreements", "parties of entry 6", "UPDATE parties SET intents = 'always' WHERE id = 'bob'"),
    Case("key-sums", "sum of key_32 in EUR", "UPDATE key_sums SET amount = amount - 1"),
    Case("key-sums", "sum of key_32 in EUR", "UPDATE key_sums SET day = day - 1"),
    Case("key-sums", "sum of key_32 in EUR", "DELETE FROM key_sums"),
    Case("key-sums", "sum of key_1 in EUR", "UPDATE key_sums SET key = 'key_1'"),
    Case("epochs", "epoch of entry 38", "UPDATE epochs SET origin = 'elsewhere'"),
    Case("epochs", "epoch of entry 38", "UPDATE epochs SET epoch = 3"),
    Case("epochs", "epoch of entry 9", "INSERT INTO epochs VALUES (1, 3, 'elsewhere', 9)"),
    Case("epochs", "entry 38", "DELETE FROM epochs"),
    Case("settings", "settings", "UPDATE settings SET request_signatures = 'required'"),
    Case("settings", "settings", "UPDATE settings SET time_zone = 'UTC'"),
    Case("settings", "settings", "UPDATE settings SET currencies = '{EUR}'"),
    Case("settings", "settings", "DELETE FROM settings"),
    *AGREEMENT_CASES,
]
