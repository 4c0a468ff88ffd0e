-- What tests write to. `vault` is closed by policy, `people.born` is classified.
CREATE TABLE ledger (step int, note text);
CREATE TABLE vault (gold int);
INSERT INTO vault VALUES (1);
CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL, born date);
INSERT INTO people VALUES (1, 'Ada', '1815-12-10'), (2, 'Alan', NULL), (3, 'Grace', '1906-12-09');
CREATE TABLE made (id int, twice int GENERATED ALWAYS AS (id * 2) STORED, born date, town text);
CREATE TABLE parents (id int PRIMARY KEY);
CREATE TABLE children (parent int REFERENCES parents DEFERRABLE INITIALLY DEFERRED);
CREATE FUNCTION say(words text) RETURNS text LANGUAGE plpgsql AS
$$ BEGIN RAISE NOTICE 'heard %', words USING DETAIL = 'a detail', HINT = 'a hint'; RETURN words; END $$;
