CREATE TABLE ediint_exchanges (
    -- The order in which they came.
    row bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    outbound boolean NOT NULL,
    recipient text NOT NULL,
    sender text NOT NULL,
    -- The Message-ID without its brackets.
    message_key text NOT NULL,
    partner text NOT NULL,
    state text NOT NULL,
    due_at timestamptz,
    -- Where the file of a queued message is, if not within the reach of all workers.
    place text,
    claimed_until timestamptz,
    finished_at timestamptz,
    -- Evidence only: the id is free again.
    archived boolean NOT NULL,
    -- The whole of it. The other columns repeat what is asked for.
    record bytea NOT NULL
);
CREATE UNIQUE INDEX ediint_exchanges_id ON ediint_exchanges (outbound, recipient, sender, message_key) WHERE NOT archived;
CREATE INDEX ediint_exchanges_message_key ON ediint_exchanges (message_key, row);
CREATE INDEX ediint_exchanges_due ON ediint_exchanges (due_at, row) INCLUDE (partner, place) WHERE due_at IS NOT NULL;
CREATE INDEX ediint_exchanges_unfinished ON ediint_exchanges (row) WHERE finished_at IS NULL;
CREATE INDEX ediint_exchanges_claimed ON ediint_exchanges (claimed_until) WHERE claimed_until IS NOT NULL;
CREATE INDEX ediint_exchanges_finished ON ediint_exchanges (archived, finished_at) WHERE finished_at IS NOT NULL;
CREATE TABLE ediint_signatures (
    signature bytea PRIMARY KEY,
    row bigint NOT NULL REFERENCES ediint_exchanges (row) ON DELETE CASCADE
);
CREATE INDEX ediint_signatures_row ON ediint_signatures (row);
