-- Columns whose values are stored in part or as tokens by whom policy lets store no more.
CREATE TABLE persons (
  id int PRIMARY KEY, name text, ssn varchar(40) UNIQUE, phone text, born date, account numeric(30, 0), number bigint, ref uuid, host inet,
  doc jsonb, ok boolean, short varchar(10), tags text[], note text, twice text GENERATED ALWAYS AS (ssn || ssn) STORED
);
CREATE VIEW people AS SELECT id, ssn AS s FROM persons;
CREATE TABLE notes (id int, body text);
