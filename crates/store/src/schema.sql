-- The index of the decision log. A projection: another version of this is another `user_version`, and is made anew.

-- How far each lane is. `place` is the feeder's own.
CREATE TABLE cursors (lane INTEGER PRIMARY KEY, seq INTEGER NOT NULL, place BLOB NOT NULL);

-- How far other feeders are.
CREATE TABLE marks (source TEXT PRIMARY KEY, mark BLOB NOT NULL) WITHOUT ROWID;

-- Since when sessions can be running: all that began before are over.
CREATE TABLE starts (only INTEGER PRIMARY KEY CHECK (only = 0), at INTEGER NOT NULL);

-- Sessions, and callers that were turned away (`state` 2; those have no `session`).
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, lane INTEGER NOT NULL, seq INTEGER NOT NULL,
    session TEXT, state INTEGER NOT NULL, ended INTEGER, why TEXT,
    principal TEXT, kind TEXT, owner TEXT, act TEXT NOT NULL, groups TEXT NOT NULL, credential TEXT,
    target TEXT, place TEXT, peer TEXT, application TEXT, run TEXT,
    permitted INTEGER NOT NULL, refused INTEGER NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL,
    masked INTEGER NOT NULL, notices INTEGER NOT NULL, recording_deleted INTEGER
);
CREATE UNIQUE INDEX sessions_session ON sessions (session) WHERE session IS NOT NULL;
CREATE INDEX sessions_short ON sessions (substr(session, -8)) WHERE session IS NOT NULL;

-- Decisions, each with how it ended. The lists are those of `lists`.
CREATE TABLE statements (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, lane INTEGER NOT NULL, seq INTEGER NOT NULL,
    session INTEGER NOT NULL, op INTEGER NOT NULL, denied INTEGER NOT NULL, step TEXT NOT NULL, outcome TEXT,
    rows INTEGER NOT NULL, bytes INTEGER NOT NULL, masked INTEGER NOT NULL,
    asks INTEGER NOT NULL, rules INTEGER NOT NULL, classes INTEGER NOT NULL, found INTEGER NOT NULL,
    why TEXT, digest TEXT NOT NULL, text TEXT NOT NULL
);
CREATE INDEX statements_op ON statements (session, op);

-- Lists of words that stand in record after record, as JSON.
CREATE TABLE lists (id INTEGER PRIMARY KEY, json TEXT NOT NULL UNIQUE);

-- What is searched by: a kind, and a value in lower case.
CREATE TABLE facets (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, value TEXT NOT NULL, UNIQUE (kind, value));

-- Chunks of sessions and statements: `id` is 2 * chunk, one more for statements. `termed` of the texts have their frequent
-- words in `sets`; `times` are all `at`, eight bytes each.
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY, entries INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    termed INTEGER NOT NULL, times BLOB NOT NULL
);

-- Who of a chunk has a facet. The number says both: see `facets.rs`.
CREATE TABLE sets (id INTEGER PRIMARY KEY, members BLOB NOT NULL);

-- Words of the texts of statements, already split: every other sign is a blank.
CREATE VIRTUAL TABLE texts USING fts5(
    words, content = '', columnsize = 0, detail = none, tokenize = "ascii tokenchars '_'"
);
INSERT INTO texts (texts, rank) VALUES ('hashsize', 33554432);

-- What an auditor should see, and is no statement.
CREATE TABLE notices (
    session INTEGER NOT NULL, at INTEGER NOT NULL, lane INTEGER NOT NULL, seq INTEGER NOT NULL,
    what TEXT NOT NULL, detail TEXT NOT NULL
);
CREATE INDEX notices_session ON notices (session, at);

-- Which statements showed a value, by its token.
CREATE TABLE subjects (
    token BLOB NOT NULL, statement INTEGER NOT NULL, class TEXT NOT NULL, sight TEXT NOT NULL,
    PRIMARY KEY (token, statement, class, sight)
) WITHOUT ROWID;
-- For those of a session whose recording was deleted.
CREATE INDEX subjects_statement ON subjects (statement);
