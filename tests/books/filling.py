"""SQL for tests that need rows everywhere, whatever they say."""

FILLING = """
    INSERT INTO epochs VALUES ({0}, 2, 'origin {0}', 1);
    INSERT INTO key_sums VALUES ({0}, 'key_1', 'EUR', '2026-01-01', 1);
    INSERT INTO public_keys VALUES ({0}, 'key {0}', 'log', '', sha256(''), now(), NULL, NULL, 1);
    INSERT INTO parties VALUES ({0}, 1, 1, 'ada', 'person', 'open', 'never', NULL, false, NULL, NULL);
    INSERT INTO aliases VALUES ({0}, 'app', 'ada', 1, 'ada', NULL);
    INSERT INTO accounts VALUES ({0}, 1, 'ada', 'available', 'EUR', 0, 0);
    INSERT INTO postings VALUES ({0}, 0, 'EUR', 1, 1, 2, 1, 0, 0, 1, 1);
    INSERT INTO refusals VALUES ({0}, substring(sha256('') FOR 16), now(), 'transfer', '{{}}', NULL, '{{}}');
    INSERT INTO subtrees VALUES ({0}, 1, 0, sha256(''));
    INSERT INTO chats VALUES ({0}, 'x', 1);
    INSERT INTO deposits VALUES ({0}, 1, 1, 'test', 'x', 'ada', 1, 'EUR', 'credited', NULL, 0, NULL);
    INSERT INTO suspense_items VALUES ({0}, 1, 1, 1, 1, 'EUR', 'x', '2026-01-01', 'open', 'test', NULL);
    INSERT INTO receivables VALUES ({0}, 1, 1, 'ada', 1, 1, 'EUR');
    INSERT INTO holds VALUES ({0}, 1, 1, 'ada', 'bob', 1, 'EUR', 0, 0, 'open', now());
    INSERT INTO payment_requests VALUES ({0}, 1, 1, 0, 'ada', 'bob', 1, 'EUR', 'open', NULL, NULL);
    INSERT INTO splits VALUES ({0}, 1, 1, 'ada', 'EUR', 1, 1, 1, 'open');
    INSERT INTO claims VALUES ({0}, 1, 1, 'ada', 1, 'EUR', 'pending_claim', now(), NULL, 'alias:app:bob');
    INSERT INTO invoices SELECT (json_populate_record(NULL::invoices, '{{"ledger_id": {0}, "entry": 1, "changed_by": 1,
        "merchant": "ada", "currency": "EUR", "state": "draft", "subtotal": 1, "tax": 0, "total": 1, "lines_by": 1,
        "tax_inclusive": false, "paid": 0, "credited": 0, "refunded": 0}}')).*;
    INSERT INTO invoice_numbers VALUES ({0}, 1, 1, 'ada', 1);
    INSERT INTO credit_notes VALUES ({0}, 2, 2, 'ada', 1, 1, 1, 'EUR');
    INSERT INTO payments SELECT (json_populate_record(NULL::payments, '{{"ledger_id": {0}, "entry": 1, "changed_by": 1,
        "kind": "capture", "payer": "ada", "payee": "bob", "amount": 1, "currency": "EUR", "fee": 0, "fee_tax": 0,
        "on_refund": "keep", "refunded": 0, "fee_returned": 0, "fee_tax_returned": 0}}')).*;
    INSERT INTO settled_invoices VALUES ({0}, 1, 1);
    INSERT INTO refunds SELECT (json_populate_record(NULL::refunds, '{{"ledger_id": {0}, "entry": 2, "changed_by": 2,
        "of": 1, "of_kind": "capture", "to": "ada", "amount": 1, "currency": "EUR", "fee_returned": 0,
        "fee_tax_returned": 0, "state": "succeeded"}}')).*;
    INSERT INTO payouts VALUES ({0}, 1, 1, 'ada', 1, 'EUR', 'test', 'requested', 0, NULL, 0);
    INSERT INTO outside_moves VALUES ({0}, 1, 1, 'rail.settle', 'test', 'test', NULL, 1, 0, 'EUR', 'x', 'posted');
"""
"""A row of each table that a new ledger leaves empty; {0} is the ledger's id."""
