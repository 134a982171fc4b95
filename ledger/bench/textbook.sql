-- The yardstick's tables: what a textbook on payments would draw. No foreign keys, no history of balances, no proof:
-- it gets every advantage that an honest ledger of this kind could still have.

CREATE TABLE api_keys (ledger_id int NOT NULL, id text PRIMARY KEY, digest bytea NOT NULL UNIQUE, scopes text[] NOT NULL);

-- As the door asks who holds a key.
CREATE FUNCTION holder_of(the_digest bytea) RETURNS TABLE (
    ledger_id int, id text, scopes text[], valid_until timestamptz, revoked_by bigint, request_signatures text
) LANGUAGE sql STABLE AS $$
    SELECT ledger_id, id, scopes, NULL::timestamptz, NULL::bigint, 'optional' FROM api_keys WHERE digest = the_digest
$$;

CREATE TABLE accounts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner text NOT NULL,
    currency text NOT NULL,
    balance bigint NOT NULL CHECK (balance >= 0),
    UNIQUE (owner, currency)
) WITH (fillfactor = 70);

CREATE TABLE transfers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    idempotency_key text NOT NULL UNIQUE,
    payer bigint NOT NULL,
    payee bigint NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL,
    memo text,
    effective_on date NOT NULL DEFAULT current_date,
    posted_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Two a transfer; a transfer's sum to zero.
CREATE TABLE postings (
    transfer bigint NOT NULL,
    account bigint NOT NULL,
    amount bigint NOT NULL,
    PRIMARY KEY (transfer, account)
);
CREATE INDEX postings_of_an_account ON postings (account, transfer);
