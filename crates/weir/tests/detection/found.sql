-- Nothing in here is classified. Each canary is the only one of its value.
CREATE TABLE notes (
    id int PRIMARY KEY, body text, code varchar(80), padded char(40), doc jsonb, raw json, tags text[], docs jsonb[],
    blob bytea, amount numeric, card_number int8, page xml, host inet, born date
);
INSERT INTO notes VALUES
(1, 'her SSN is 536-90-4399, on file', 'pay 4539 1488 0343 6467', 'ada.lovelace@example.com',
    '{"iban": "DE89370400440532013000", "card": 4539148803436467, "nested": [{"email": "grace.hopper@example.org"}, "fine"]}',
    '{"text": "first line\n536-90-4399 \u0061da.lovelace@example.com", "n": 1.50}',
    '{fine,"mail grace.hopper@example.org, please",NULL}', ARRAY['{"a": "ada.lovelace@example.com"}', '[]']::jsonb[],
    'key AKIAZ7XQ4LJM2NPT5RWV, and ada.lovelace@example.com', 4539148803436467, 4539148803436467,
    '<p to="ada.lovelace@example.com">hello</p>', '203.0.113.77', '1984-07-09'),
(2, 'AKIAZ7XQ4LJM2NPT5RWV', 'DE89 3704 0044 0532 0130 00', 'é grace.hopper@example.org', '["536-90-4399"]', '"4539 1488 0343 6467"',
    '{AKIAZ7XQ4LJM2NPT5RWV}', '{}', '\x00ff', 12.50, 7, '<a/>', NULL, NULL);

-- Numbers alone, in a row of a type of its own and in a domain.
CREATE DOMAIN card AS int8;
CREATE TABLE cards (id int, number int8, amount numeric, d card);
INSERT INTO cards VALUES (1, 4539148803436467, 4539148803436467, 4539148803436467);

-- A type of an extension, of which every value is written as that of text.
CREATE EXTENSION citext;
CREATE TABLE accounts (id int PRIMARY KEY, mail citext);
INSERT INTO accounts VALUES (1, 'write to Ada.lovelace@example.com, please');

-- What looks like something and is nothing.
CREATE TABLE harmless (
    id int PRIMARY KEY, body text, doc jsonb, raw json, tags text[], blob bytea, amount numeric, big int8, page xml, day date, at timestamptz,
    key uuid, flag bool, ratio float8
);
INSERT INTO harmless SELECT n,
    (ARRAY['order 1000-22-33', 'sha1 da39a3ee5e6b4b0d3255bfef95601890afd80709', 'build 10.4.2-17, step 3 of 12', 'logo@2x.png', '', ' ',
           'epoch 1767225600123', 'a "quoted" \ text {with}, signs', 'é ü ß 中文', 'tracking 1Z999AA10123456784'])[1 + n % 10],
    jsonb_build_object('n', n, 'version', '1.2.3', 'at', '2026-11-26T10:00:00Z', 'path', 'C:\temp', 'lines', E'a\nb'),
    ('{"n":   ' || n || ', "s" : "a\u00e9\/b", "list":[1,2.50, -3e5 , null, true]}')::json,
    ARRAY['a', 'b c', NULL, '"', '\'], decode(md5(n::text), 'hex'), n * 1.25, n * 1000, '<p>text</p>',
    date '2026-01-01' + n, timestamptz '2026-01-01 10:00:00+00' + n * interval '1 hour',
    md5(n::text)::uuid, n % 2 = 0, n / 3.0
FROM generate_series(1, 40) AS n;

CREATE TABLE people (id int PRIMARY KEY, contact text, remark text);
INSERT INTO people SELECT n, 'person' || n || '@example.net', 'nothing here' FROM generate_series(1, 60) AS n;
INSERT INTO people VALUES (61, 'turing at example dot net', 'call back'), (62, NULL, NULL), (63, '', '');

CREATE TABLE kept (id int PRIMARY KEY, body text UNIQUE, n int);
INSERT INTO kept VALUES (1, 'ada.lovelace@example.com', 1);
CREATE TYPE cardish AS (label text, number text);
CREATE TABLE spelled (j jsonb, n numeric, b bytea, tags text[], big bigint, body text, pairs cardish[], ssn text, host inet);
CREATE DOMAIN amount AS money;
CREATE DOMAIN price AS amount;
CREATE DOMAIN counter AS xid8;
CREATE DOMAIN nick AS name;
CREATE TABLE priced (price price, counter counter, nick nick);
CREATE FUNCTION complain() RETURNS int LANGUAGE plpgsql AS $$
BEGIN RAISE NOTICE 'seen: %', (SELECT body FROM kept); RAISE EXCEPTION 'not %', (SELECT body FROM kept); END $$;
CREATE TABLE long (id int PRIMARY KEY, body text, blob bytea);
INSERT INTO long SELECT 1, repeat('nothing of interest. ', 60000), NULL;
INSERT INTO long SELECT 2, repeat('nothing of interest. ', 60000) || 'grace.hopper@example.org' || repeat(' and so on', 1000),
    convert_to(repeat('nothing of interest. ', 60000) || 'AKIAZ7XQ4LJM2NPT5RWV' || repeat(' and so on', 1000), 'UTF8');
