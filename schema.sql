-- chat-ledger's books in Postgres 15 or newer: the whole truth for a new database, and the product's glossary.
--
-- A ledger is one messenger's books: one sequence of entries, numbered 1, 2, 3 … without gaps. An entry has postings;
-- a posting debits one account and credits another by one positive amount in one currency, so that an unbalanced entry
-- cannot be written. Balance = credits - debits. Amounts are whole minor units.
--
-- Everything is written by the function `commit`, and by nothing else. Constraints are named as the claims they make.

DO $$
DECLARE
    role text;
BEGIN
    -- The owner of everything, who cannot log in; an auditor who reads everything; the service, which reads, and writes
    -- only through the functions that are granted to it at the end of this file.
    FOREACH role IN ARRAY ARRAY['chatledger_owner', 'chatledger_auditor', 'chatledger_service'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', role);
        END IF;
    END LOOP;
    -- SET ROLE needs membership; a superuser has it anyway. USAGE, because from Postgres 16 on whoever creates a role
    -- is a member of it that may administer it and no more.
    IF NOT pg_has_role(current_user, 'chatledger_owner', 'USAGE') THEN
        EXECUTE format('GRANT chatledger_owner TO %I', current_user);
    END IF;
    -- The service's checks become the auditor with SET ROLE. It does not inherit (the service is NOINHERIT, and from
    -- Postgres 16 on a grant goes by that): else it would see every ledger at all times.
    IF NOT pg_has_role('chatledger_service', 'chatledger_auditor', 'MEMBER') THEN
        ALTER ROLE chatledger_service NOINHERIT;
        GRANT chatledger_auditor TO chatledger_service;
    END IF;
    -- Whoever makes the schema may check it, too, unless somebody else made the roles.
    IF NOT pg_has_role(current_user, 'chatledger_auditor', 'USAGE') THEN
        BEGIN
            EXECUTE format('GRANT chatledger_auditor TO %I', current_user);
        EXCEPTION WHEN insufficient_privilege THEN NULL;
        END;
    END IF;
    -- pg_dump refuses whoever row-level security binds. Where only a superuser may give this, he dumps.
    IF NOT (SELECT rolbypassrls FROM pg_roles WHERE rolname = 'chatledger_auditor') THEN
        BEGIN
            ALTER ROLE chatledger_auditor BYPASSRLS;
        EXCEPTION WHEN insufficient_privilege THEN NULL;
        END;
    END IF;
END $$;

CREATE SCHEMA ledger AUTHORIZATION chatledger_owner;
SET ROLE chatledger_owner;
SET search_path = ledger;

-- The version of this file. A service refuses a database of another one; `chatledger upgrade` brings it forward.
CREATE TABLE schema_version (version int NOT NULL CONSTRAINT schema_version_is_known PRIMARY KEY);
INSERT INTO schema_version VALUES (1);

-- A ledger: `name` is how keys and addresses say it; `origin` is its log's name, fixed for ever.
CREATE TABLE ledgers (
    ledger_id int NOT NULL CONSTRAINT ledger_is_unique PRIMARY KEY,
    name text NOT NULL CONSTRAINT ledger_name_is_unique UNIQUE
        CONSTRAINT ledger_name_is_plain CHECK (name ~ '\A[a-z0-9][a-z0-9_-]{0,31}\Z'),
    origin text NOT NULL CONSTRAINT ledger_origin_is_unique UNIQUE
);

-- The head: the one row that every write locks. `version` rises with every commit, `number` with every entry;
-- `root` and `frontier` are the Merkle tree's over the entries' leaves (RFC 6962).
CREATE TABLE heads (
    ledger_id int NOT NULL CONSTRAINT head_is_one_per_ledger PRIMARY KEY
        CONSTRAINT head_is_of_a_ledger REFERENCES ledgers,
    version bigint NOT NULL,
    number bigint NOT NULL CONSTRAINT head_number_counts_entries CHECK (number >= 0),
    accounts bigint NOT NULL CONSTRAINT head_accounts_counts_accounts CHECK (accounts >= 0),
    posted_at timestamptz NOT NULL,
    root bytea NOT NULL CONSTRAINT head_root_is_sha256 CHECK (length(root) = 32),
    frontier bytea NOT NULL CONSTRAINT head_frontier_is_hashes CHECK (length(frontier) % 32 = 0)
) WITH (fillfactor = 10);

-- A log that goes on after a loss that a person has accepted, under a new origin: a log must not contradict its own
-- checkpoints. `entry` is the first one after the loss; it carries the last old checkpoint.
CREATE TABLE epochs (
    ledger_id int NOT NULL,
    epoch bigint NOT NULL CONSTRAINT epoch_counts_from_2 CHECK (epoch >= 2),
    origin text NOT NULL CONSTRAINT epoch_origin_is_unique UNIQUE,
    entry bigint NOT NULL,
    CONSTRAINT epoch_is_unique PRIMARY KEY (ledger_id, epoch)
);

-- A ledger's settings as they are now; `limits` and `fees` are JSON, as with parties.
CREATE TABLE settings (
    ledger_id int NOT NULL CONSTRAINT settings_are_one_per_ledger PRIMARY KEY,
    name text NOT NULL,
    time_zone text NOT NULL,
    currencies text[] NOT NULL,
    request_signatures text NOT NULL
        CONSTRAINT settings_request_signatures_are_known CHECK (request_signatures IN ('optional', 'required')),
    limits text CONSTRAINT settings_limits_are_a_list CHECK (jsonb_typeof(limits::jsonb) = 'array'),
    fees text CONSTRAINT settings_fees_are_a_schedule CHECK (jsonb_typeof(fees::jsonb) = 'object')
);

-- Who may use the HTTP interface: by a text of which only the SHA-256 is here, or by a public key that signs requests.
-- `limits` is a JSON array of {currency, per_payment?, per_day_sum?}; where there are any, other currencies are closed.
CREATE TABLE api_keys (
    ledger_id int NOT NULL,
    id text NOT NULL,
    digest bytea CONSTRAINT api_key_digest_is_sha256 CHECK (length(digest) = 32),
    name text NOT NULL,
    scopes text[] NOT NULL,
    limits text CONSTRAINT api_key_limits_are_a_list CHECK (jsonb_typeof(limits::jsonb) = 'array'),
    valid_until timestamptz,
    revoked_by bigint,
    entry bigint NOT NULL,
    CONSTRAINT api_key_is_unique PRIMARY KEY (ledger_id, id),
    CONSTRAINT api_key_digest_is_unique UNIQUE (digest),
    CONSTRAINT api_key_is_revoked_after_it_was_made CHECK (revoked_by > entry)
);

-- What a key with limits has paid on its last day, by the ledger's calendar.
CREATE TABLE key_sums (
    ledger_id int NOT NULL,
    key text NOT NULL,
    currency text NOT NULL,
    day date NOT NULL,
    amount bigint NOT NULL CONSTRAINT key_sum_is_not_below_zero CHECK (amount >= 0),
    CONSTRAINT key_sum_is_one_a_currency PRIMARY KEY (ledger_id, key, currency)
);

-- A public key, registered once for one purpose: `log` signs checkpoints, `payer` a party's intents, `request` HTTP
-- requests. `id` is its RFC 7638 thumbprint; `owner` is the party, or empty for the ledger itself.
CREATE TABLE public_keys (
    ledger_id int NOT NULL,
    id text NOT NULL,
    purpose text NOT NULL CONSTRAINT public_key_purpose_is_known CHECK (purpose IN ('log', 'payer', 'request')),
    owner text NOT NULL,
    public_key bytea NOT NULL CONSTRAINT public_key_is_ed25519 CHECK (length(public_key) = 32),
    valid_from timestamptz NOT NULL,
    valid_until timestamptz,
    revoked_by bigint,
    entry bigint NOT NULL,
    CONSTRAINT public_key_is_registered_once PRIMARY KEY (ledger_id, id),
    CONSTRAINT public_key_is_revoked_after_it_was_registered CHECK (revoked_by > entry),
    CONSTRAINT public_key_of_a_payer_has_an_owner CHECK ((purpose = 'payer') = (owner <> ''))
);
CREATE INDEX public_keys_of_an_owner ON public_keys (ledger_id, owner);
-- A signed request names its key alone, so the key has to say which ledger is meant.
CREATE UNIQUE INDEX public_key_signs_requests_to_one_ledger ON public_keys (id) WHERE purpose = 'request';

-- One account at a bank: `safeguarded` is clients' money, `own` the platform's.
CREATE TABLE banks (
    ledger_id int NOT NULL,
    id text NOT NULL,
    currency text NOT NULL,
    iban text,
    purpose text NOT NULL CONSTRAINT bank_purpose_is_known CHECK (purpose IN ('safeguarded', 'own')),
    entry bigint NOT NULL,
    CONSTRAINT bank_is_unique PRIMARY KEY (ledger_id, id)
);

-- An outside payment system, and the bank to which it pays out.
CREATE TABLE rails (
    ledger_id int NOT NULL,
    id text NOT NULL,
    settles_to text NOT NULL,
    entry bigint NOT NULL,
    CONSTRAINT rail_is_unique PRIMARY KEY (ledger_id, id),
    CONSTRAINT rail_settles_to_a_bank FOREIGN KEY (ledger_id, settles_to) REFERENCES banks
);

-- A person or a merchant. debits_frozen: cannot pay; frozen: neither pay nor be paid; closed: for good. `intents` says
-- of which payments the party's own signature is asked: of none, of those above an amount in minor units, of all;
-- `limits` is a JSON array, `fees` a JSON object; the ledger's hold where they are null.
CREATE TABLE parties (
    ledger_id int NOT NULL,
    entry bigint NOT NULL,
    changed_by bigint NOT NULL,
    id text NOT NULL,
    kind text NOT NULL CONSTRAINT party_kind_is_known CHECK (kind IN ('person', 'merchant')),
    state text NOT NULL CONSTRAINT party_state_is_known CHECK (state IN ('open', 'debits_frozen', 'frozen', 'closed')),
    intents text NOT NULL CONSTRAINT party_intents_are_known CHECK (intents IN ('never', 'above', 'always')),
    intents_above bigint
        CONSTRAINT party_intents_above_is_an_amount CHECK (intents_above BETWEEN 1 AND 9007199254740991),
    receivable_allowed boolean NOT NULL,
    limits text CONSTRAINT party_limits_are_a_list CHECK (jsonb_typeof(limits::jsonb) = 'array'),
    fees text CONSTRAINT party_fees_are_a_schedule CHECK (jsonb_typeof(fees::jsonb) = 'object'),
    CONSTRAINT party_is_unique PRIMARY KEY (ledger_id, id),
    CONSTRAINT party_is_made_by_an_entry_of_its_own UNIQUE (ledger_id, entry),
    CONSTRAINT party_intents_are_above_an_amount CHECK ((intents = 'above') = (intents_above IS NOT NULL))
);
CREATE INDEX parties_in_a_state ON parties (ledger_id, state, entry);

-- Another name for a party, from one entry until another. An erased one that has ended keeps no value.
CREATE TABLE aliases (
    ledger_id int NOT NULL,
    channel text NOT NULL,
    value text NOT NULL,
    entry bigint NOT NULL,
    party text NOT NULL,
    until_entry bigint CONSTRAINT alias_ends_after_it_began CHECK (until_entry > entry),
    CONSTRAINT alias_is_set_once_an_entry PRIMARY KEY (ledger_id, channel, value, entry)
);
CREATE UNIQUE INDEX alias_names_one_party ON aliases (ledger_id, channel, value) WHERE until_entry IS NULL;
CREATE INDEX aliases_of_a_party ON aliases (ledger_id, party);

-- An account: an owner, a role, a currency. `version` counts its postings.
CREATE TABLE accounts (
    ledger_id int NOT NULL,
    number bigint NOT NULL,
    owner text NOT NULL,
    role text NOT NULL,
    currency text NOT NULL CONSTRAINT account_currency_is_a_code CHECK (octet_length(currency) = 3),
    balance bigint NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT account_is_unique PRIMARY KEY (ledger_id, number),
    CONSTRAINT account_opens_once UNIQUE (ledger_id, owner, role, currency),
    CONSTRAINT account_role_is_in_the_chart CHECK (role IN (
        'available', 'held', 'escrow', 'receivable', 'clearing', 'outbound', 'cash', 'suspense', 'fees', 'fee_costs',
        'payable'
    )),
    CONSTRAINT account_liability_is_not_below_zero CHECK (
        balance >= 0 OR role NOT IN ('available', 'held', 'escrow', 'outbound', 'suspense')
    ),
    CONSTRAINT account_asset_is_not_below_zero CHECK (balance <= 0 OR role NOT IN ('receivable')),
    CONSTRAINT account_balance_is_exact_in_json CHECK (balance BETWEEN -9007199254740991 AND 9007199254740991)
) WITH (fillfactor = 70);

-- An entry: what one accepted write left. `body` is canonical JSON and leaf number - 1 of the log, for ever;
-- `private` is the clear text that may be erased. `key` stands for the Idempotency-Key.
CREATE TABLE entries (
    ledger_id int NOT NULL,
    number bigint NOT NULL,
    posted_at timestamptz NOT NULL,
    effective_on date NOT NULL,
    kind text NOT NULL,
    key bytea NOT NULL CONSTRAINT entry_key_is_a_digest CHECK (length(key) = 16),
    leaf bytea NOT NULL CONSTRAINT entry_leaf_is_sha256 CHECK (length(leaf) = 32),
    body text NOT NULL CONSTRAINT entry_body_is_bounded CHECK (octet_length(body) <= 65535),
    private text,
    CONSTRAINT entry_number_is_unique PRIMARY KEY (ledger_id, number),
    CONSTRAINT entry_key_is_unique UNIQUE (ledger_id, key)
);

-- What set the ledger, so that a check finds the last that did without reading the history.
CREATE INDEX entries_that_set_the_ledger ON entries (ledger_id, number) WHERE kind = 'ledger.set';

-- A posting: `amount` from `debit` to `credit`, with both accounts' balance and version after it. No foreign keys:
-- `commit` derives every account's change from these rows and compares it with what was decided.
CREATE TABLE postings (
    ledger_id int NOT NULL,
    n smallint NOT NULL,
    currency text NOT NULL,
    entry bigint NOT NULL,
    debit bigint NOT NULL,
    credit bigint NOT NULL,
    amount bigint NOT NULL CONSTRAINT posting_amount_is_positive CHECK (amount BETWEEN 1 AND 9007199254740991),
    debit_balance bigint NOT NULL,
    credit_balance bigint NOT NULL,
    debit_version bigint NOT NULL,
    credit_version bigint NOT NULL,
    CONSTRAINT posting_is_unique PRIMARY KEY (ledger_id, entry, n),
    CONSTRAINT posting_moves_between_two_accounts CHECK (debit <> credit)
);
CREATE INDEX postings_by_debit ON postings (ledger_id, debit, entry, n);
CREATE INDEX postings_by_credit ON postings (ledger_id, credit, entry, n);

-- A refusal that is remembered under its key: the request with commitments to its private texts, the salt of these with
-- the aliases that it names, and the problem it got.
CREATE TABLE refusals (
    ledger_id int NOT NULL,
    key bytea NOT NULL CONSTRAINT refusal_key_is_a_digest CHECK (length(key) = 16),
    refused_at timestamptz NOT NULL,
    kind text NOT NULL,
    request text NOT NULL,
    private text,
    problem text NOT NULL,
    CONSTRAINT refusal_key_is_unique PRIMARY KEY (ledger_id, key)
);

-- The root of each completed subtree of 256, 65,536 … leaves (level 1, 2 …), for tiles and proofs.
CREATE TABLE subtrees (
    ledger_id int NOT NULL,
    level smallint NOT NULL,
    index bigint NOT NULL,
    root bytea NOT NULL CONSTRAINT subtree_root_is_sha256 CHECK (length(root) = 32),
    CONSTRAINT subtree_is_unique PRIMARY KEY (ledger_id, level, index)
);

-- Agreements. Each row stands, as its last entry `changed_by` left it, in that entry's body, so that a check can tell
-- the state of all of them from the entries alone; `entry` made it and is in its id. What the constraints below claim
-- the rules in ledger/core decide: the database refuses it too.

-- Where in the messenger an entry was made, to be found again.
CREATE TABLE chats (
    ledger_id int NOT NULL,
    conversation text NOT NULL,
    entry bigint NOT NULL,
    CONSTRAINT chat_is_of_an_entry_once PRIMARY KEY (ledger_id, conversation, entry)
);

-- Money that arrived over a rail. A rail's reference books once. It was credited to `party`, whom it was for or whose
-- invoices it settled; what was more than was due is the `surplus`, which went to the payer or, if null, to suspense.
CREATE TABLE deposits (
    ledger_id int NOT NULL,
    entry bigint NOT NULL,
    changed_by bigint NOT NULL,
    rail text NOT NULL,
    rail_reference text NOT NULL,
    party text,
    amount bigint NOT NULL CONSTRAINT deposit_amount_is_positive CHECK (amount > 0),
    currency text NOT NULL,
    state text NOT NULL CONSTRAINT deposit_state_is_known CHECK (state IN ('credited', 'suspense', 'returned')),
    reason text,
    surplus bigint NOT NULL CONSTRAINT deposit_surplus_is_within_amount CHECK (surplus BETWEEN 0 AND amount - 1),
    surplus_to text,
    CONSTRAINT deposit_is_unique PRIMARY KEY (ledger_id, entry),
    CONSTRAINT deposit_books_a_reference_once UNIQUE (ledger_id, rail_reference, rail),
    CONSTRAINT deposit_is_credited_to_a_party CHECK (state <> 'credited' OR party IS NOT NULL),
    CONSTRAINT deposit_in_suspense_has_a_reason CHECK (state <> 'suspense' OR reason IS NOT NULL)
);
CREATE INDEX deposits_of_a_party ON deposits (ledger_id, party, state, entry);
CREATE INDEX deposits_with_a_surplus_to ON deposits (ledger_id, surplus_to, state, entry) WHERE surplus_to IS NOT NULL;
CREATE INDEX deposits_in_a_state ON deposits (ledger_id, state, entry);

-- Money that arrived and belongs to someone not yet known, or, as `party` says, to someone who cannot be credited.
-- `allocated` is a JSON array of {party, amount, settlement?}: who got what of it.
CREATE TABLE suspense_items (
    ledger_id int NOT NULL,
    entry bigint NOT NULL,
    changed_by bigint NOT NULL,
    amount bigint NOT NULL CONSTRAINT suspense_amount_is_positive CHECK (amount > 0),
    remaining bigint NOT NULL CONSTRAINT suspense_remaining_within_amount CHECK (remaining BETWEEN 0 AND amount),
    currency text NOT NULL,
    reason text NOT NULL,
    arrived_on date NOT NULL,
    state text NOT NULL CONSTRAINT suspense_state_is_known CHECK (state IN ('open', 'cleared')),
    rail text NOT NULL,
    party text,
    allocated text CONSTRAINT suspense_allocated_is_a_list CHECK (jsonb_typeof(allocated::jsonb) = 'array'),
    CONSTRAINT suspense_item_is_unique PRIMARY KEY (ledger_id, entry),
    CONSTRAINT suspense_is_cleared_when_nothing_remains CHECK ((state = 'cleared') = (remaining = 0))
);
CREATE INDEX suspense_that_is_open ON suspense_items (ledger_id, entry) WHERE state = 'open';

-- What a party owes since an entry took back more than it had.
CREATE TABLE receivables (
    ledger_id int NOT NULL,
    entry bigint NOT NULL,
    changed_by bigint NOT NULL,
    party text NOT NULL,
    amount bigint NOT NULL CONSTRAINT receivable_amount_is_positive CHECK (amount > 0),
    remaining bigint NOT NULL CONSTRAINT receivable_remaining_within_amount CHECK (remaining BETWEEN 0 AND amount),
    currency text NOT NULL,
    CONSTRAINT receivable_is_unique PRIMARY KEY (ledger_id, entry, party)
);
CREATE INDEX receivables_that_remain ON receivables (ledger_id, entry) WHERE remaining > 0;

-- A hold (authorisation): money of the payer's reserved for a payee, taken in parts, and given back when it ends.
CREATE TABLE holds (
    ledger_id int NOT NULL,
    entry bigint NOT NULL,
    changed_by bigint NOT NULL,
    payer text NOT NULL,
    payee text NOT NULL,
    amount bigint NOT NULL CONSTRAINT hold_amount_is_positive CHECK (amount > 0),
    currency text NOT NULL,
    captured bigint NOT NULL CONSTRAINT hold_captured_is_not_negative CHECK (captured >= 0),
    released bigint NOT NULL CONSTRAINT hold_released_is_not_negative CHECK (released >= 0),
    state text NOT NULL CONSTRAINT hold_state_is_known CHECK (state IN ('open', 'captured', 'voided', 'expired')),
    expires_at timestamptz NOT NULL,
    CONSTRAINT hold_is_unique PRIMARY KEY (ledger_id, entry),
    CONSTRAINT hold_moves_between_two_parties CHECK (payer <> payee),
    CONSTRAINT hold_captures_within_amount CHECK (captured + released <= amount),
    CONSTRAINT hold_is_open_while_something_remains CHECK ((state = 'open') = (captured + released < amount))
);
CREATE INDEX holds_of_a_payer ON holds (ledger_id, payer, state, entry);
CREATE INDEX holds_of_a_payee ON holds (ledger_id, payee, state, entry);
CREATE INDEX holds_in_a_state ON holds (ledger_id, state, entry);
CREATE INDEX holds_that_expire ON holds (ledger_id, expires_at) WHERE state = 'open';

-- Money that a payee asks a payer for. `n` is 0, or counts the shares of the split that the same entry made, of which
-- the payee's own is paid from the beginning.
CREATE TABLE payment_requests (
    ledger_id int NOT NULL,
    entry bigint NOT NULL,
    changed_by bigint NOT NULL,
    n bigint NOT NULL,
    payee text NOT NULL,
    payer text NOT NULL,
    amount bigint NOT NULL CONSTRAINT request_amount_is_positive CHECK (amount > 0),
    currency text NOT NULL,
    state text NOT NULL
        CONSTRAINT request_state_is_known CHECK (state IN ('open', 'paid', 'declined', 'cancelled', 'expired')),
    expires_at timestamptz,
    paid_by bigint,
    CONSTRAINT request_is_unique PRIMARY KEY (ledger_id, entry, n),
    CONSTRAINT request_moves_between_two_parties CHECK (payer <> payee OR (n > 0 AND state = 'paid')),
    CONSTRAINT request_is_paid_by_an_entry CHECK ((paid_by IS NOT NULL) = (state = 'paid' AND payer <> payee))
);
CREATE INDEX requests_of_a_payer ON payment_requests (ledger_id, payer, state, entry, n);
CREATE INDEX requests_of_a_payee ON payment_requests (ledger_id, payee, state, entry, n);
CREATE INDEX requests_in_a_state ON payment_requests (ledger_id, state, entry, n);
CREATE INDEX requests_between_two ON payment_requests (ledger_id, payer, payee) WHERE state = 'open';
CREATE INDEX requests_that_expire ON payment_requests (ledger_id, expires_at) WHERE state = 'open';

-- A group's bill, of which everyone is asked for a share; it is settled once nothing is outstanding.
CREATE TABLE splits (
    ledger_id int NOT NULL,
    entry bigint NOT NULL,
    changed_by bigint NOT NULL,
    payee text NOT NULL,
    currency text NOT NULL,
    total bigint NOT NULL CONSTRAINT split_total_is_positive CHECK (total > 0),
    shares bigint NOT NULL CONSTRAINT split_has_shares CHECK (shares > 0),
    outstanding bigint NOT NULL CONSTRAINT split_outstanding_within_shares CHECK (outstanding BETWEEN 0 AND shares),
    state text NOT NULL CONSTRAINT split_state_is_known CHECK (state IN ('open', 'settled', 'cancelled')),
    CONSTRAINT split_is_unique PRIMARY KEY (ledger_id, entry),
    CONSTRAINT split_is_open_while_a_share_is_outstanding CHECK ((state = 'open') = (outstanding > 0))
);
CREATE INDEX splits_of_a_payee ON splits (ledger_id, payee, state, entry);
CREATE INDEX splits_in_a_state ON splits (ledger_id, state, entry);

-- A transfer to someone without an account: it waits for an alias to be registered, and goes back after a time.
CREATE TABLE claims (
    ledger_id int NOT NULL,
    entry bigint NOT NULL,
    changed_by bigint NOT NULL,
    giver text NOT NULL,
    amount bigint NOT NULL CONSTRAINT claim_amount_is_positive CHECK (amount > 0),
    currency text NOT NULL,
    state text NOT NULL CONSTRAINT claim_state_is_known CHECK (state IN ('pending_claim', 'claimed', 'returned')),
    expires_at timestamptz NOT NULL,
    claimer text,
    waits_for text CONSTRAINT claim_waits_for_is_an_alias CHECK (waits_for LIKE 'alias:%'),
    CONSTRAINT claim_is_unique PRIMARY KEY (ledger_id, entry),
    CONSTRAINT claim_moves_between_two_parties CHECK (claimer <> giver),
    CONSTRAINT claim_is_claimed_by_a_party CHECK ((state = 'claimed') = (claimer IS NOT NULL)),
    CONSTRAINT claim_that_is_pending_waits_for_an_alias CHECK ((state = 'pending_claim') = (waits_for IS NOT NULL))
);
CREATE INDEX claims_waiting_for_an_alias ON claims (ledger_id, waits_for) WHERE waits_for IS NOT NULL;
CREATE INDEX claims_that_expire ON claims (ledger_id, expires_at) WHERE state = 'pending_claim';
CREATE INDEX claims_of_a_giver ON claims (ledger_id, giver, state, entry);
CREATE INDEX claims_of_a_claimer ON claims (ledger_id, claimer, entry) WHERE claimer IS NOT NULL;

-- An invoice of a merchant's. Its lines stand in the entry `lines_by`, its memo, if it has one, in `memo_by`; `number`
-- counts per merchant from finalisation.
CREATE TABLE invoices (
    ledger_id int NOT NULL,
    entry bigint NOT NULL,
    changed_by bigint NOT NULL,
    merchant text NOT NULL,
    customer text,
    currency text NOT NULL,
    state text NOT NULL
        CONSTRAINT invoice_state_is_known CHECK (state IN ('draft', 'open', 'paid', 'void', 'uncollectible')),
    subtotal bigint NOT NULL CONSTRAINT invoice_subtotal_is_not_negative CHECK (subtotal >= 0),
    tax bigint NOT NULL CONSTRAINT invoice_tax_is_not_negative CHECK (tax >= 0),
    total bigint NOT NULL CONSTRAINT invoice_total_is_positive CHECK (total > 0),
    lines_by bigint NOT NULL,
    tax_inclusive boolean NOT NULL,
    memo_by bigint CONSTRAINT invoice_memo_is_of_an_entry_of_its_own CHECK (memo_by BETWEEN entry AND changed_by),
    number bigint CONSTRAINT invoice_number_is_positive CHECK (number > 0),
    finalized_on date,
    due_at timestamptz,
    external_ref text,
    paid bigint NOT NULL CONSTRAINT invoice_is_paid_within_its_total CHECK (paid BETWEEN 0 AND total),
    credited bigint NOT NULL CONSTRAINT invoice_is_credited_within_its_total CHECK (credited BETWEEN 0 AND total),
    refunded bigint NOT NULL CONSTRAINT invoice_is_refunded_within_what_was_paid CHECK (refunded BETWEEN 0 AND paid),
    CONSTRAINT invoice_is_unique PRIMARY KEY (ledger_id, entry),
    CONSTRAINT invoice_total_is_with_tax CHECK (subtotal + tax = total),
    CONSTRAINT invoice_number_is_unique UNIQUE (ledger_id, merchant, number),
    CONSTRAINT invoice_is_to_somebody_else CHECK (customer IS NULL OR customer <> merchant),
    CONSTRAINT invoice_has_a_number_unless_a_draft
        CHECK (CASE state WHEN 'draft' THEN number IS NULL WHEN 'void' THEN true ELSE number IS NOT NULL END),
    CONSTRAINT invoice_has_a_date_with_its_number CHECK ((number IS NULL) = (finalized_on IS NULL)),
    CONSTRAINT invoice_is_not_paid_while_a_draft CHECK (state NOT IN ('draft', 'void') OR (paid = 0 AND credited = 0)),
    CONSTRAINT invoice_is_paid_when_nothing_is_due CHECK (
        CASE state WHEN 'paid' THEN paid + credited >= total
                   WHEN 'open' THEN paid + credited < total
                   WHEN 'uncollectible' THEN paid + credited < total ELSE true END
    )
);
CREATE INDEX invoices_of_a_merchant ON invoices (ledger_id, merchant, state, entry);
CREATE INDEX invoices_of_a_customer ON invoices (ledger_id, customer, state, entry) WHERE customer IS NOT NULL;
CREATE INDEX invoices_in_a_state ON invoices (ledger_id, state, entry);
-- The oldest between two parties, for a payment that names none.
CREATE INDEX invoices_to_be_paid ON invoices (ledger_id, customer, merchant, currency, due_at, entry)
    WHERE state IN ('open', 'uncollectible');
-- Of indexes that begin alike each says what is always true and only its own queries repeat: so none is taken for another.
CREATE UNIQUE INDEX invoice_external_ref_is_unique ON invoices (ledger_id, external_ref, merchant)
    WHERE external_ref IS NOT NULL AND merchant <> '';
CREATE INDEX invoices_of_a_customer_by_external_ref ON invoices (ledger_id, external_ref, customer, state, entry)
    WHERE external_ref IS NOT NULL AND customer <> '';
CREATE INDEX invoices_by_external_ref ON invoices (ledger_id, external_ref, state, entry)
    WHERE external_ref IS NOT NULL AND entry > 0;

-- The last number of each merchant's series of invoices and credit notes, which has no gaps.
CREATE TABLE invoice_numbers (
    ledger_id int NOT NULL,
    entry bigint NOT NULL,
    changed_by bigint NOT NULL,
    merchant text NOT NULL,
    last bigint NOT NULL CONSTRAINT invoice_numbers_count_from_1 CHECK (last > 0),
    CONSTRAINT invoice_numbers_are_one_series_a_merchant PRIMARY KEY (ledger_id, merchant)
);
-- What the entries of a stretch began, so that a check finds it without reading all series.
CREATE INDEX invoice_numbers_by_entry ON invoice_numbers (ledger_id, entry);

-- What an invoice was lowered by, after it was issued.
CREATE TABLE credit_notes (
    ledger_id int NOT NULL,
    entry bigint NOT NULL,
    changed_by bigint NOT NULL,
    merchant text NOT NULL,
    invoice bigint NOT NULL CONSTRAINT credit_note_is_of_an_invoice_before_it CHECK (invoice < entry),
    number bigint NOT NULL CONSTRAINT credit_note_number_is_positive CHECK (number > 0),
    amount bigint NOT NULL CONSTRAINT credit_note_amount_is_positive CHECK (amount > 0),
    currency text NOT NULL,
    CONSTRAINT credit_note_is_unique PRIMARY KEY (ledger_id, entry),
    CONSTRAINT credit_note_number_is_unique UNIQUE (ledger_id, merchant, number)
);
CREATE INDEX credit_notes_of_a_merchant ON credit_notes (ledger_id, merchant, entry);
CREATE INDEX credit_notes_of_an_invoice ON credit_notes (ledger_id, invoice, entry);

-- What was paid and can be refunded: a capture, a settlement, and, from their first refund on, a transfer or deposit.
-- `allocations` is a JSON array of {invoice, amount, refunded}, in the order in which they were settled.
CREATE TABLE payments (
    ledger_id int NOT NULL,
    entry bigint NOT NULL,
    changed_by bigint NOT NULL,
    kind text NOT NULL
        CONSTRAINT payment_kind_is_known CHECK (kind IN ('transfer', 'capture', 'settlement', 'deposit')),
    payer text,
    payee text NOT NULL,
    amount bigint NOT NULL CONSTRAINT payment_amount_is_positive CHECK (amount > 0),
    currency text NOT NULL,
    rail text,
    fee bigint NOT NULL,
    fee_tax bigint NOT NULL,
    tax_code text,
    on_refund text NOT NULL CONSTRAINT payment_on_refund_is_known CHECK (on_refund IN ('keep', 'proportional')),
    allocations text CONSTRAINT payment_allocations_are_a_list CHECK (jsonb_typeof(allocations::jsonb) = 'array'),
    refunded bigint NOT NULL CONSTRAINT payment_is_refunded_within_amount CHECK (refunded BETWEEN 0 AND amount),
    fee_returned bigint NOT NULL CONSTRAINT payment_fee_returned_is_within_fee CHECK (fee_returned BETWEEN 0 AND fee),
    fee_tax_returned bigint NOT NULL
        CONSTRAINT payment_tax_returned_is_within_tax CHECK (fee_tax_returned BETWEEN 0 AND fee_tax),
    reversed_by bigint,
    CONSTRAINT payment_is_unique PRIMARY KEY (ledger_id, entry),
    CONSTRAINT payment_is_reversed_as_a_whole
        CHECK (reversed_by IS NULL OR (reversed_by > entry AND refunded = amount)),
    CONSTRAINT payment_has_a_payer_or_a_rail CHECK (payer IS NOT NULL OR rail IS NOT NULL),
    CONSTRAINT payment_moves_between_two_parties CHECK (payer IS NULL OR payer <> payee),
    CONSTRAINT payment_settles_what_is_allocated CHECK ((kind = 'settlement') = (allocations IS NOT NULL)),
    CONSTRAINT payment_fees_are_within_amount CHECK (fee >= 0 AND fee_tax >= 0 AND fee + fee_tax <= amount)
);
CREATE INDEX payments_of_a_payer ON payments (ledger_id, kind, payer, entry) WHERE payer IS NOT NULL;
CREATE INDEX payments_of_a_payee ON payments (ledger_id, kind, payee, entry);
CREATE INDEX payments_of_a_kind ON payments (ledger_id, kind, entry);

-- Which invoices a settlement pays: what its allocations name, to be found by the invoice.
CREATE TABLE settled_invoices (
    ledger_id int NOT NULL,
    invoice bigint NOT NULL,
    entry bigint NOT NULL,
    CONSTRAINT settled_invoice_is_unique PRIMARY KEY (ledger_id, invoice, entry)
);

-- Money given back of a payment, or of a suspense item.
CREATE TABLE refunds (
    ledger_id int NOT NULL,
    entry bigint NOT NULL,
    changed_by bigint NOT NULL,
    of bigint NOT NULL,
    of_kind text NOT NULL CONSTRAINT refund_of_kind_is_known
        CHECK (of_kind IN ('transfer', 'capture', 'settlement', 'deposit', 'suspense')),
    party text,
    "to" text,
    rail text,
    amount bigint NOT NULL CONSTRAINT refund_amount_is_positive CHECK (amount > 0),
    currency text NOT NULL,
    fee_returned bigint NOT NULL,
    fee_tax_returned bigint NOT NULL,
    state text NOT NULL CONSTRAINT refund_state_is_known CHECK (state IN ('requested', 'succeeded', 'failed')),
    allocations text CONSTRAINT refund_allocations_are_a_list CHECK (jsonb_typeof(allocations::jsonb) = 'array'),
    credit_note bigint,
    rail_reference text,
    CONSTRAINT refund_is_unique PRIMARY KEY (ledger_id, entry),
    CONSTRAINT refund_is_of_what_came_before_it CHECK (of < entry),
    CONSTRAINT refund_of_suspense_is_nobodys CHECK (of_kind <> 'suspense' OR (party IS NULL AND rail IS NOT NULL)),
    CONSTRAINT refund_returns_fees_within_its_amount
        CHECK (fee_returned >= 0 AND fee_tax_returned >= 0 AND fee_returned + fee_tax_returned <= amount),
    CONSTRAINT refund_is_to_a_party_or_a_rail CHECK (("to" IS NULL) <> (rail IS NULL)),
    CONSTRAINT refund_over_a_rail_alone_takes_time CHECK (state = 'succeeded' OR rail IS NOT NULL)
);
CREATE INDEX refunds_of_a_payment ON refunds (ledger_id, of, entry);
CREATE INDEX refunds_by_a_party ON refunds (ledger_id, party, state, entry) WHERE party IS NOT NULL;
CREATE INDEX refunds_to_a_party ON refunds (ledger_id, "to", state, entry) WHERE "to" IS NOT NULL;
CREATE INDEX refunds_by_a_party_and_rail_reference ON refunds (ledger_id, rail_reference, party, state, entry)
    WHERE rail_reference IS NOT NULL AND party <> '';
CREATE INDEX refunds_by_rail_reference ON refunds (ledger_id, rail_reference, state, entry)
    WHERE rail_reference IS NOT NULL AND entry > 0;
CREATE INDEX refunds_in_a_state ON refunds (ledger_id, state, entry);

-- Money on its way out to its owner, over a rail.
CREATE TABLE payouts (
    ledger_id int NOT NULL,
    entry bigint NOT NULL,
    changed_by bigint NOT NULL,
    party text NOT NULL,
    amount bigint NOT NULL CONSTRAINT payout_amount_is_positive CHECK (amount > 0),
    currency text NOT NULL,
    rail text NOT NULL,
    state text NOT NULL
        CONSTRAINT payout_state_is_known CHECK (state IN ('requested', 'in_transit', 'paid', 'failed', 'returned')),
    after_entry bigint NOT NULL CONSTRAINT payout_pays_what_came_before_it CHECK (after_entry < entry),
    rail_reference text,
    returned bigint NOT NULL CONSTRAINT payout_is_returned_within_amount CHECK (returned BETWEEN 0 AND amount),
    CONSTRAINT payout_is_unique PRIMARY KEY (ledger_id, entry),
    CONSTRAINT payout_is_returned_once_something_came_back CHECK ((state = 'returned') = (returned > 0))
);
CREATE INDEX payouts_of_a_party ON payouts (ledger_id, party, state, entry);
CREATE INDEX payouts_in_a_state ON payouts (ledger_id, state, entry);
CREATE INDEX payouts_in_their_order ON payouts (ledger_id, party, currency, entry);
CREATE INDEX payouts_of_a_party_by_rail_reference ON payouts (ledger_id, rail_reference, party, state, entry)
    WHERE rail_reference IS NOT NULL AND party <> '';
CREATE INDEX payouts_by_rail_reference ON payouts (ledger_id, rail_reference, state, entry)
    WHERE rail_reference IS NOT NULL AND entry > 0;

-- A movement outside of the parties' money: a rail pays out to a bank or is paid in advance, a bank to another one.
CREATE TABLE outside_moves (
    ledger_id int NOT NULL,
    entry bigint NOT NULL,
    changed_by bigint NOT NULL,
    kind text NOT NULL
        CONSTRAINT outside_move_kind_is_known CHECK (kind IN ('rail.settle', 'rail.prefund', 'bank.move')),
    rail text,
    bank text NOT NULL,
    to_bank text,
    amount bigint NOT NULL CONSTRAINT outside_move_amount_is_positive CHECK (amount > 0),
    fee bigint NOT NULL CONSTRAINT outside_move_fee_is_not_negative CHECK (fee >= 0),
    currency text NOT NULL,
    reference text NOT NULL,
    state text NOT NULL CONSTRAINT outside_move_state_is_known CHECK (state IN ('posted', 'reversed')),
    CONSTRAINT outside_move_is_unique PRIMARY KEY (ledger_id, entry),
    CONSTRAINT outside_move_names_a_rail_or_two_banks CHECK ((rail IS NULL) = (kind = 'bank.move')
        AND (to_bank IS NULL) = (kind <> 'bank.move'))
);
-- A reversed one was booked in error: its reference may be booked again.
CREATE UNIQUE INDEX outside_move_books_a_reference_once ON outside_moves (ledger_id, kind, rail, bank, reference)
    NULLS NOT DISTINCT WHERE state = 'posted';

-- One function a noun: write the rows as the commit's entries left them. Of what is there already only the columns that
-- may change are set. Another ledger's rows the policies at the end of this file refuse.

CREATE FUNCTION write_settings(rows settings[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO settings SELECT r.* FROM unnest(rows) r
    ON CONFLICT (ledger_id) DO UPDATE SET
        name = excluded.name, time_zone = excluded.time_zone, currencies = excluded.currencies,
        request_signatures = excluded.request_signatures, limits = excluded.limits, fees = excluded.fees
$$;

CREATE FUNCTION write_api_keys(rows api_keys[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO api_keys SELECT r.* FROM unnest(rows) r
    ON CONFLICT (ledger_id, id) DO UPDATE SET revoked_by = excluded.revoked_by
$$;

CREATE FUNCTION write_key_sums(rows key_sums[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO key_sums SELECT r.* FROM unnest(rows) r
    ON CONFLICT (ledger_id, key, currency) DO UPDATE SET day = excluded.day, amount = excluded.amount
$$;

CREATE FUNCTION write_public_keys(rows public_keys[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO public_keys SELECT r.* FROM unnest(rows) r
    ON CONFLICT (ledger_id, id) DO UPDATE SET revoked_by = excluded.revoked_by
$$;

CREATE FUNCTION write_epochs(rows epochs[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO epochs SELECT r.* FROM unnest(rows) r
$$;

CREATE FUNCTION write_banks(rows banks[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO banks SELECT r.* FROM unnest(rows) r
$$;

CREATE FUNCTION write_rails(rows rails[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO rails SELECT r.* FROM unnest(rows) r
$$;

CREATE FUNCTION write_aliases(rows aliases[]) RETURNS void LANGUAGE sql AS $$
    -- Those that end go first: `alias_names_one_party` is judged row by row.
    INSERT INTO aliases SELECT r.* FROM unnest(rows) r ORDER BY r.until_entry NULLS LAST
    ON CONFLICT (ledger_id, channel, value, entry) DO UPDATE SET until_entry = excluded.until_entry
$$;

CREATE FUNCTION write_parties(rows parties[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO parties SELECT r.* FROM unnest(rows) r
    ON CONFLICT (ledger_id, id) DO UPDATE SET
        changed_by = excluded.changed_by, state = excluded.state, intents = excluded.intents,
        intents_above = excluded.intents_above, receivable_allowed = excluded.receivable_allowed,
        limits = excluded.limits, fees = excluded.fees
$$;

CREATE FUNCTION write_chats(rows chats[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO chats SELECT r.* FROM unnest(rows) r
$$;

CREATE FUNCTION write_deposits(rows deposits[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO deposits SELECT r.* FROM unnest(rows) r
    ON CONFLICT (ledger_id, entry) DO UPDATE SET changed_by = excluded.changed_by, state = excluded.state
$$;

CREATE FUNCTION write_suspense_items(rows suspense_items[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO suspense_items SELECT r.* FROM unnest(rows) r
    ON CONFLICT (ledger_id, entry) DO UPDATE SET
        changed_by = excluded.changed_by, remaining = excluded.remaining, state = excluded.state,
        allocated = excluded.allocated
$$;

CREATE FUNCTION write_receivables(rows receivables[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO receivables SELECT r.* FROM unnest(rows) r
    ON CONFLICT (ledger_id, entry, party) DO UPDATE SET changed_by = excluded.changed_by, remaining = excluded.remaining
$$;

CREATE FUNCTION write_holds(rows holds[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO holds SELECT r.* FROM unnest(rows) r
    ON CONFLICT (ledger_id, entry) DO UPDATE SET
        changed_by = excluded.changed_by, amount = excluded.amount, captured = excluded.captured,
        released = excluded.released, state = excluded.state
$$;

CREATE FUNCTION write_payment_requests(rows payment_requests[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO payment_requests SELECT r.* FROM unnest(rows) r
    ON CONFLICT (ledger_id, entry, n) DO UPDATE SET
        changed_by = excluded.changed_by, state = excluded.state, paid_by = excluded.paid_by
$$;

CREATE FUNCTION write_splits(rows splits[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO splits SELECT r.* FROM unnest(rows) r
    ON CONFLICT (ledger_id, entry) DO UPDATE SET
        changed_by = excluded.changed_by, outstanding = excluded.outstanding, state = excluded.state
$$;

CREATE FUNCTION write_claims(rows claims[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO claims SELECT r.* FROM unnest(rows) r
    ON CONFLICT (ledger_id, entry) DO UPDATE SET
        changed_by = excluded.changed_by, state = excluded.state, claimer = excluded.claimer,
        waits_for = excluded.waits_for
$$;

CREATE FUNCTION write_invoices(rows invoices[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO invoices SELECT r.* FROM unnest(rows) r
    ON CONFLICT (ledger_id, entry) DO UPDATE SET
        changed_by = excluded.changed_by, customer = excluded.customer, state = excluded.state,
        subtotal = excluded.subtotal, tax = excluded.tax, total = excluded.total, lines_by = excluded.lines_by,
        tax_inclusive = excluded.tax_inclusive, memo_by = excluded.memo_by, currency = excluded.currency,
        number = excluded.number, finalized_on = excluded.finalized_on, due_at = excluded.due_at,
        external_ref = excluded.external_ref, paid = excluded.paid, credited = excluded.credited,
        refunded = excluded.refunded
$$;

CREATE FUNCTION write_invoice_numbers(rows invoice_numbers[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO invoice_numbers SELECT r.* FROM unnest(rows) r
    ON CONFLICT (ledger_id, merchant) DO UPDATE SET changed_by = excluded.changed_by, last = excluded.last
$$;

CREATE FUNCTION write_credit_notes(rows credit_notes[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO credit_notes SELECT r.* FROM unnest(rows) r
$$;

CREATE FUNCTION write_payments(rows payments[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    gone record;
BEGIN
    -- One by one, so that each is found by the index whatever the planner believes of the table: it happens seldom.
    FOR gone IN
        SELECT r.ledger_id, r.entry, (each ->> 'invoice')::bigint AS invoice FROM unnest(rows) r, LATERAL (
            SELECT allocations FROM payments WHERE ledger_id = r.ledger_id AND entry = r.entry OFFSET 0
        ) before, jsonb_array_elements(before.allocations::jsonb) each
        WHERE before.allocations <> r.allocations
          AND NOT r.allocations::jsonb @> jsonb_build_array(jsonb_build_object('invoice', each -> 'invoice'))
    LOOP
        DELETE FROM settled_invoices
        WHERE ledger_id = gone.ledger_id AND invoice = gone.invoice AND entry = gone.entry;
    END LOOP;
    INSERT INTO settled_invoices
    SELECT r.ledger_id, (each ->> 'invoice')::bigint, r.entry
    FROM unnest(rows) r, jsonb_array_elements(r.allocations::jsonb) each
    ON CONFLICT DO NOTHING;
    INSERT INTO payments SELECT r.* FROM unnest(rows) r
    ON CONFLICT (ledger_id, entry) DO UPDATE SET
        changed_by = excluded.changed_by, allocations = excluded.allocations, refunded = excluded.refunded,
        fee_returned = excluded.fee_returned, fee_tax_returned = excluded.fee_tax_returned,
        reversed_by = excluded.reversed_by;
END $$;

CREATE FUNCTION write_refunds(rows refunds[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO refunds SELECT r.* FROM unnest(rows) r
    ON CONFLICT (ledger_id, entry) DO UPDATE SET
        changed_by = excluded.changed_by, state = excluded.state, rail_reference = excluded.rail_reference
$$;

CREATE FUNCTION write_payouts(rows payouts[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO payouts SELECT r.* FROM unnest(rows) r
    ON CONFLICT (ledger_id, entry) DO UPDATE SET
        changed_by = excluded.changed_by, state = excluded.state, rail_reference = excluded.rail_reference,
        returned = excluded.returned
$$;

CREATE FUNCTION write_outside_moves(rows outside_moves[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO outside_moves SELECT r.* FROM unnest(rows) r
    ON CONFLICT (ledger_id, entry) DO UPDATE SET changed_by = excluded.changed_by, state = excluded.state
$$;

CREATE FUNCTION micros(at timestamptz) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT (extract(epoch FROM at) * 1000000)::bigint
$$;

CREATE FUNCTION from_micros(micros bigint) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT timestamptz 'epoch' + micros * interval '1 microsecond'
$$;

-- The one way to write: everything that a batch decided, in one statement.
--
-- Answers 'moved' if another commit came first, and 'known' with those keys that were seen before; nothing is written
-- then. `known_keys` are of all commands of the batch, also of those that were refused. The balances are not taken at
-- their word: they are derived here from the postings, and compared.
--
-- The plan may not depend on statistics, which are wrong on a fresh or fast-growing table: OFFSET 0 keeps the planner
-- from turning a look-up by index, key after key, into a join that reads the whole table.
CREATE FUNCTION commit(
    the_ledger int,
    expected_version bigint,
    known_keys bytea[],
    entry_times bigint[],
    entry_dates date[],
    entry_kinds text[],
    entry_keys bytea[],
    entry_leaves bytea[],
    entry_bodies text[],
    entry_privates text[],
    posting_ns smallint[],
    posting_currencies text[],
    posting_entries bigint[],
    posting_debits bigint[],
    posting_credits bigint[],
    posting_amounts bigint[],
    posting_debit_balances bigint[],
    posting_credit_balances bigint[],
    posting_debit_versions bigint[],
    posting_credit_versions bigint[],
    opened_owners text[],
    opened_roles text[],
    opened_currencies text[],
    decided_accounts bigint[],
    decided_balances bigint[],
    decided_versions bigint[],
    new_root bytea,
    new_frontier bytea,
    subtree_levels smallint[],
    subtree_indexes bigint[],
    subtree_roots bytea[],
    new_refusals refusals[],
    new_settings settings[],
    new_api_keys api_keys[],
    new_key_sums key_sums[],
    new_public_keys public_keys[],
    new_epochs epochs[],
    new_banks banks[],
    new_rails rails[],
    new_parties parties[],
    new_aliases aliases[],
    new_chats chats[],
    new_deposits deposits[],
    new_suspense_items suspense_items[],
    new_receivables receivables[],
    new_holds holds[],
    new_payment_requests payment_requests[],
    new_splits splits[],
    new_claims claims[],
    new_invoices invoices[],
    new_invoice_numbers invoice_numbers[],
    new_credit_notes credit_notes[],
    new_payments payments[],
    new_refunds refunds[],
    new_payouts payouts[],
    new_outside_moves outside_moves[],
    OUT answer text,
    OUT seen bytea[],
    OUT clock bigint
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE
    head heads;
    entry_count int := cardinality(entry_times);
    derived_accounts bigint[];
    derived_balances bigint[];
    derived_versions bigint[];
BEGIN
    SELECT * INTO STRICT head FROM heads WHERE ledger_id = the_ledger FOR UPDATE;
    clock := micros(clock_timestamp());
    IF head.version <> expected_version THEN
        answer := 'moved';
        RETURN;
    END IF;

    SELECT array_agg(found.key) INTO seen FROM (
        SELECT k.key FROM unnest(known_keys) AS k (key), LATERAL (
            SELECT FROM entries e WHERE e.ledger_id = the_ledger AND e.key = k.key OFFSET 0
        ) e
        UNION ALL
        SELECT k.key FROM unnest(known_keys) AS k (key), LATERAL (
            SELECT FROM refusals r WHERE r.ledger_id = the_ledger AND r.key = k.key OFFSET 0
        ) r
    ) found;
    IF seen IS NOT NULL THEN
        answer := 'known';
        RETURN;
    END IF;

    answer := 'ok';
    IF entry_count = 0 AND new_refusals IS NULL THEN
        RETURN;
    END IF;
    IF new_refusals IS NOT NULL THEN
        INSERT INTO refusals
        SELECT the_ledger, r.key, r.refused_at, r.kind, r.request, r.private, r.problem FROM unnest(new_refusals) r;
    END IF;

    IF entry_count > 0 THEN
        IF from_micros(entry_times[1]) <= head.posted_at THEN
            RAISE EXCEPTION 'time must strictly increase along the entries' USING ERRCODE = 'check_violation';
        END IF;
        INSERT INTO entries
        SELECT the_ledger, head.number + e.n, from_micros(e.at), e.day, e.kind, e.key, e.leaf, e.body, e.private
        FROM unnest(
            entry_times, entry_dates, entry_kinds, entry_keys, entry_leaves, entry_bodies, entry_privates
        ) WITH ORDINALITY AS e (at, day, kind, key, leaf, body, private, n);
        INSERT INTO accounts
        SELECT the_ledger, head.accounts + a.n, a.owner, a.role, a.currency, 0, 0
        FROM unnest(opened_owners, opened_roles, opened_currencies) WITH ORDINALITY AS a (owner, role, currency, n);

        WITH booked AS (
            INSERT INTO postings
            SELECT the_ledger, p.* FROM unnest(
                posting_ns, posting_currencies, posting_entries, posting_debits, posting_credits, posting_amounts,
                posting_debit_balances, posting_credit_balances, posting_debit_versions, posting_credit_versions
            ) p
            RETURNING debit, credit, amount, currency
        ), change AS (
            SELECT c.account, c.currency, sum(c.delta)::bigint AS delta, count(*) AS times
            FROM (
                SELECT debit AS account, currency, -amount AS delta FROM booked
                UNION ALL
                SELECT credit, currency, amount FROM booked
            ) c
            GROUP BY c.account, c.currency
        ), place AS (
            SELECT a.row, c.delta, c.times FROM change c, LATERAL (
                SELECT ctid AS row FROM accounts
                WHERE ledger_id = the_ledger AND number = c.account AND currency = c.currency OFFSET 0
            ) a
        ), changed AS (
            UPDATE accounts a SET balance = a.balance + p.delta, version = a.version + p.times
            FROM place p WHERE a.ctid = p.row
            RETURNING a.number, a.balance, a.version
        )
        SELECT
            coalesce(array_agg(number ORDER BY number), '{}'),
            coalesce(array_agg(balance ORDER BY number), '{}'),
            coalesce(array_agg(version ORDER BY number), '{}')
        INTO derived_accounts, derived_balances, derived_versions FROM changed;
        IF (derived_accounts, derived_balances, derived_versions)
            IS DISTINCT FROM (decided_accounts, decided_balances, decided_versions)
        THEN
            RAISE EXCEPTION 'the balances that were decided are not those that follow from the postings'
                USING ERRCODE = 'check_violation';
        END IF;
        INSERT INTO subtrees
        SELECT the_ledger, s.* FROM unnest(subtree_levels, subtree_indexes, subtree_roots) s;
    END IF;

    IF new_settings IS NOT NULL THEN PERFORM write_settings(new_settings); END IF;
    IF new_api_keys IS NOT NULL THEN PERFORM write_api_keys(new_api_keys); END IF;
    IF new_key_sums IS NOT NULL THEN PERFORM write_key_sums(new_key_sums); END IF;
    IF new_public_keys IS NOT NULL THEN PERFORM write_public_keys(new_public_keys); END IF;
    IF new_epochs IS NOT NULL THEN PERFORM write_epochs(new_epochs); END IF;
    IF new_banks IS NOT NULL THEN PERFORM write_banks(new_banks); END IF;
    IF new_rails IS NOT NULL THEN PERFORM write_rails(new_rails); END IF;
    IF new_parties IS NOT NULL THEN PERFORM write_parties(new_parties); END IF;
    IF new_aliases IS NOT NULL THEN PERFORM write_aliases(new_aliases); END IF;
    IF new_chats IS NOT NULL THEN PERFORM write_chats(new_chats); END IF;
    IF new_deposits IS NOT NULL THEN PERFORM write_deposits(new_deposits); END IF;
    IF new_suspense_items IS NOT NULL THEN PERFORM write_suspense_items(new_suspense_items); END IF;
    IF new_receivables IS NOT NULL THEN PERFORM write_receivables(new_receivables); END IF;
    IF new_holds IS NOT NULL THEN PERFORM write_holds(new_holds); END IF;
    IF new_payment_requests IS NOT NULL THEN PERFORM write_payment_requests(new_payment_requests); END IF;
    IF new_splits IS NOT NULL THEN PERFORM write_splits(new_splits); END IF;
    IF new_claims IS NOT NULL THEN PERFORM write_claims(new_claims); END IF;
    IF new_invoices IS NOT NULL THEN PERFORM write_invoices(new_invoices); END IF;
    IF new_invoice_numbers IS NOT NULL THEN PERFORM write_invoice_numbers(new_invoice_numbers); END IF;
    IF new_credit_notes IS NOT NULL THEN PERFORM write_credit_notes(new_credit_notes); END IF;
    IF new_payments IS NOT NULL THEN PERFORM write_payments(new_payments); END IF;
    IF new_refunds IS NOT NULL THEN PERFORM write_refunds(new_refunds); END IF;
    IF new_payouts IS NOT NULL THEN PERFORM write_payouts(new_payouts); END IF;
    IF new_outside_moves IS NOT NULL THEN PERFORM write_outside_moves(new_outside_moves); END IF;

    UPDATE heads SET
        version = head.version + 1,
        number = head.number + entry_count,
        accounts = head.accounts + cardinality(opened_owners),
        posted_at = CASE WHEN entry_count > 0 THEN from_micros(entry_times[entry_count]) ELSE head.posted_at END,
        root = new_root,
        frontier = new_frontier
    WHERE ledger_id = the_ledger;
END $$;

-- Wait for the head's lock and hold it until the transaction ends; for a writer that another one has overtaken.
CREATE FUNCTION lock_head(the_ledger int) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    SELECT FROM heads WHERE ledger_id = the_ledger FOR UPDATE
$$;

-- A new, empty ledger. The root of an empty tree is the SHA-256 of nothing (RFC 6962 section 2.1).
CREATE FUNCTION create_ledger(new_name text, new_origin text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE
    new_id int;
BEGIN
    LOCK TABLE ledgers IN EXCLUSIVE MODE;
    SELECT coalesce(max(ledger_id), 0) + 1 INTO new_id FROM ledgers;
    INSERT INTO ledgers VALUES (new_id, new_name, new_origin);
    PERFORM set_config('chatledger.ledger_id', new_id::text, true);
    INSERT INTO heads VALUES (new_id, 0, 0, 0, 'epoch', sha256(''), '');
    INSERT INTO settings VALUES (new_id, new_name, 'UTC', '{}', 'optional', NULL, NULL);
    RETURN new_id;
END $$;

-- Empty the private part of an entry, and the values of aliases that it set and that have ended. What is in use stays:
-- a live alias, and what a transfer that waits to be claimed says. Nothing else changes: every proof still holds.
CREATE FUNCTION erase(the_ledger int, the_entry bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
BEGIN
    UPDATE aliases SET value = 'erased ' || gen_random_uuid()
    WHERE ledger_id = the_ledger AND entry = the_entry AND until_entry IS NOT NULL;
    UPDATE entries SET private = NULL WHERE ledger_id = the_ledger AND number = the_entry AND private IS NOT NULL
    AND NOT EXISTS (SELECT FROM claims WHERE ledger_id = the_ledger AND entry = the_entry AND waits_for IS NOT NULL);
    RETURN FOUND;
END $$;

-- Empty the private parts of refused requests that name a party in one of the fields `naming`, by its id or by an alias
-- it has or had, also among the shares of a split. What was wrong may quote an alias, so of that only the code stays.
-- How many they were.
CREATE FUNCTION erase_refusals(the_ledger int, the_party text, naming text[]) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    WITH named AS (
        SELECT array_agg('alias:' || channel || ':' || value) || the_party AS names FROM aliases
        WHERE ledger_id = the_ledger AND party = the_party
    ), erased AS (
        UPDATE refusals SET private = NULL, problem = json_build_object(
            'code', problem::json -> 'code', 'detail', 'The detail was erased.', 'instance', problem::json -> 'instance'
        )
        FROM named
        WHERE ledger_id = the_ledger AND private IS NOT NULL AND (
            EXISTS (SELECT FROM json_each_text(request::json) f WHERE f.key = ANY (naming) AND f.value = the_party)
            OR private::jsonb -> 'names' ?| names
        )
        RETURNING 1
    )
    SELECT count(*) FROM erased
$$;

-- The last entry posted before a time; 0 if there is none. Times increase along the numbers, so halving finds it.
CREATE FUNCTION last_entry_before(the_ledger int, at timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = ledger, pg_temp AS $$
DECLARE
    low bigint := 0;
    high bigint;
    middle bigint;
BEGIN
    SELECT number INTO high FROM heads WHERE ledger_id = the_ledger;
    WHILE low < high LOOP
        middle := (low + high + 1) / 2;
        IF (SELECT posted_at FROM entries WHERE ledger_id = the_ledger AND number = middle) < at THEN
            low := middle;
        ELSE
            high := middle - 1;
        END IF;
    END LOOP;
    RETURN low;
END $$;

-- Which of these public keys sign requests already, to whichever ledger.
CREATE FUNCTION request_keys_taken(ids text[]) RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    SELECT array_agg(id) FROM public_keys WHERE purpose = 'request' AND id = ANY (ids)
$$;

-- Which of these digests of API keys' texts are known already, in whichever ledger.
CREATE FUNCTION digests_taken(digests bytea[]) RETURNS bytea[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    SELECT array_agg(digest) FROM api_keys WHERE digest = ANY (digests)
$$;

-- Who holds the text of an API key, by its SHA-256. Only then is it known which ledger is meant.
CREATE FUNCTION holder_of(the_digest bytea) RETURNS TABLE (
    ledger_id int,
    id text,
    scopes text[],
    limits text,
    valid_until timestamptz,
    revoked_by bigint,
    request_signatures text
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    SELECT k.ledger_id, k.id, k.scopes, k.limits, k.valid_until, k.revoked_by, s.request_signatures
    FROM api_keys k JOIN settings s USING (ledger_id) WHERE k.digest = the_digest
$$;

-- The same by a public key that signs requests.
CREATE FUNCTION signer_of(key_id text) RETURNS TABLE (
    ledger_id int,
    id text,
    public_key bytea,
    scopes text[],
    limits text,
    valid_from timestamptz,
    valid_until timestamptz,
    revoked_by bigint,
    request_signatures text
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    SELECT k.ledger_id, k.id, p.public_key, k.scopes, k.limits, p.valid_from, k.valid_until, k.revoked_by,
        s.request_signatures
    FROM public_keys p JOIN api_keys k USING (ledger_id, id) JOIN settings s USING (ledger_id)
    WHERE p.id = key_id AND p.purpose = 'request'
$$;

-- The keys that sign or signed checkpoints, of all ledgers: everybody may see them, and the guard needs them all.
CREATE FUNCTION log_keys() RETURNS TABLE (
    ledger_id int,
    ledger text,
    id text,
    public_key bytea,
    valid_from timestamptz,
    valid_until timestamptz,
    revoked_by bigint,
    entry bigint
) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    SELECT p.ledger_id, l.name, p.id, p.public_key, p.valid_from, p.valid_until, p.revoked_by, p.entry
    FROM public_keys p JOIN ledgers l USING (ledger_id) WHERE p.purpose = 'log' ORDER BY p.ledger_id, p.entry
$$;

-- The number of each ledger's last entry: one ledger after the other, since the owner, too, sees only one at a time.
CREATE FUNCTION heads_of_all() RETURNS TABLE (ledger text, number bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE
    before text := current_setting('chatledger.ledger_id', true);
    each ledgers;
BEGIN
    FOR each IN SELECT * FROM ledgers ORDER BY ledger_id LOOP
        PERFORM set_config('chatledger.ledger_id', each.ledger_id::text, true);
        RETURN QUERY SELECT each.name, h.number FROM heads h WHERE h.ledger_id = each.ledger_id;
    END LOOP;
    PERFORM set_config('chatledger.ledger_id', coalesce(before, ''), true);
END $$;

-- A session is turned to one ledger by the setting chatledger.ledger_id, and neither the service nor the functions
-- above, which run as the owner, see or write another one's rows. Where it was never set, or is empty, a policy raises
-- and does not let through zero rows: of six natural ways to set it in the same statement four silently found nothing.
-- The auditor, who can write nothing, sees all.
--
-- No index serves IS NOT DISTINCT FROM, which is the same here: else, on a fresh table, `commit` would not fetch the
-- accounts by their ctid but read all of the ledger, and with it a batch cost four times as much.
DO $$
DECLARE
    the_table name;
BEGIN
    FOR the_table IN
        SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind = 'r' AND a.attname = 'ledger_id'
        AND c.relname <> 'ledgers'
    LOOP
        EXECUTE format(
            'ALTER TABLE %1$I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
            CREATE POLICY one_ledger_at_a_time ON %1$I TO chatledger_service
                USING (ledger_id = current_setting(''chatledger.ledger_id'')::int);
            CREATE POLICY owner_writes_one_ledger_at_a_time ON %1$I TO chatledger_owner
                USING (ledger_id IS NOT DISTINCT FROM current_setting(''chatledger.ledger_id'')::int);
            CREATE POLICY auditor_sees_all_ledgers ON %1$I FOR SELECT TO chatledger_auditor USING (true)',
            the_table
        );
    END LOOP;
END $$;

-- What has to be found before it is known which ledger is meant: `holder_of`, `signer_of`, `log_keys`, and
-- which keys are taken. The owner still writes only to the ledger that is set.
CREATE POLICY owner_finds_the_ledger ON api_keys FOR SELECT TO chatledger_owner USING (true);
CREATE POLICY owner_finds_the_ledger ON public_keys FOR SELECT TO chatledger_owner USING (true);
CREATE POLICY owner_finds_the_ledger ON settings FOR SELECT TO chatledger_owner USING (true);

-- Who may what. Nobody is given INSERT, UPDATE or DELETE: entries and postings are append-only by privilege.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledger FROM PUBLIC;
GRANT USAGE ON SCHEMA ledger TO chatledger_service, chatledger_auditor;
GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO chatledger_service, chatledger_auditor;
GRANT EXECUTE ON FUNCTION commit, lock_head, last_entry_before, micros, request_keys_taken, digests_taken,
    holder_of, signer_of, log_keys, heads_of_all TO chatledger_service;
GRANT EXECUTE ON FUNCTION last_entry_before, micros TO chatledger_auditor;
RESET ROLE;
