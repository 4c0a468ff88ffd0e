-- Ways around masking and guardrails, one statement a line. Each was tried against somebody; none may show the canary.
-- New ones are added as they are found. The number is the row of the catalogue of techniques.
-- 1 alias
SELECT ssn AS note FROM customers
SELECT c.ssn AS "city" FROM customers AS c
SELECT x.a FROM customers AS x(i, a, b, c, d, e)
-- 2, 3 stars and joins
SELECT * FROM customers
SELECT created, c.* FROM customers c
SELECT c.*, o.* FROM customers c JOIN orders o ON o.customer_id = c.id
SELECT * FROM customers JOIN orders USING (id)
SELECT * FROM customers NATURAL JOIN orders
SELECT orders.*, customers.* FROM orders, customers
TABLE customers
-- 4, 5 functions, casts, bricks
SELECT md5(ssn), ssn || '', upper(ssn), lower(ssn), concat(ssn), ssn::varchar, CAST(ssn AS char(20)) FROM customers
SELECT substr(ssn, 1, 1), substr(ssn, 2, 1), left(ssn, 5), right(ssn, 5), split_part(ssn, '-', 2) FROM customers
SELECT reverse(ssn), translate(ssn, '0123456789', 'abcdefghij'), replace(ssn, '-', '') FROM customers
SELECT encode(ssn::bytea, 'hex'), encode(ssn::bytea, 'base64'), convert_to(ssn, 'UTF8') FROM customers
SELECT ascii(substr(ssn, 1, 1)), to_hex(ascii(ssn)), length(ssn), ssn = '903-77-4141' FROM customers
SELECT format('%s', ssn), quote_literal(ssn), quote_ident(ssn), repeat(ssn, 2), lpad(ssn, 20) FROM customers
SELECT COALESCE(ssn, ''), NULLIF(ssn, ''), GREATEST(ssn, ''), CASE WHEN true THEN ssn END FROM customers
SELECT replace(ssn, '-', '')::bigint + 1 FROM customers
SELECT regexp_replace(ssn, '(.)(.*)', '\2\1'), regexp_matches(ssn, '.+'), regexp_split_to_table(ssn, '-') FROM customers
SELECT (ssn), (ssn)::text COLLATE "C" FROM customers
-- 6 aggregates, JSON, XML, rows
SELECT json_agg(c) FROM customers c
SELECT row_to_json(c), to_jsonb(c), c::text, c FROM customers c
SELECT string_agg(ssn, ','), array_agg(ssn), min(ssn), max(ssn), json_agg(ssn), jsonb_object_agg(id, ssn) FROM customers
SELECT xmlagg(xmlelement(name s, ssn)), xmlforest(max(ssn)) FROM customers
SELECT ROW(ssn, 1), ARRAY[ssn], (SELECT array_agg(c) FROM customers c) FROM customers
SELECT json_build_object('s', ssn), jsonb_build_array(ssn), json_object(ARRAY['s', ssn]) FROM customers
SELECT (c).ssn, (c.*)::text FROM customers c
SELECT (ROW(ssn)).* FROM customers
SELECT query_to_xml('SELECT ssn FROM customers', true, true, '')
SELECT table_to_xml('customers', true, true, ''), database_to_xml(true, true, '')
SELECT mode() WITHIN GROUP (ORDER BY ssn), percentile_disc(0.5) WITHIN GROUP (ORDER BY ssn) FROM customers
-- 7 set-returning and lateral
SELECT jsonb_array_elements(jsonb_build_array(ssn)) FROM customers
SELECT e.value FROM customers c, jsonb_each_text(to_jsonb(c)) AS e
SELECT u FROM customers, unnest(ARRAY[ssn]) AS u
SELECT g FROM customers, generate_series(1, length(ssn)) AS g
SELECT l.s FROM orders o, LATERAL (SELECT ssn AS s FROM customers c WHERE c.id = o.customer_id) AS l
-- 8, 9, 10 subqueries, CTEs, set operations
SELECT (SELECT ssn FROM customers LIMIT 1)
SELECT id, (SELECT c.ssn FROM customers c WHERE c.id = o.customer_id) AS s FROM orders o
SELECT a FROM (SELECT ssn AS a FROM customers) AS s
WITH x(a) AS (SELECT ssn FROM customers) SELECT a FROM x
WITH RECURSIVE r(a, n) AS (SELECT ssn, 1 FROM customers UNION ALL SELECT a, n + 1 FROM r WHERE n < 2) SELECT a FROM r
WITH x AS MATERIALIZED (SELECT * FROM customers) SELECT x.* FROM x
SELECT city FROM customers UNION SELECT ssn FROM customers
SELECT a FROM (SELECT status AS a FROM orders UNION ALL SELECT ssn FROM customers) AS s
SELECT status FROM orders UNION ALL SELECT ssn FROM customers ORDER BY 1
SELECT 'x' UNION SELECT ssn FROM customers
SELECT ssn FROM customers INTERSECT SELECT ssn FROM customers
SELECT ssn FROM customers EXCEPT SELECT 'nothing'
VALUES ((SELECT ssn FROM customers LIMIT 1))
SELECT * FROM (VALUES ((SELECT max(ssn) FROM customers))) AS v(a)
SELECT v.column5 FROM customers c, LATERAL (VALUES (c.*, 1, 2, 3, 4)) v
SELECT v.column2 FROM (SELECT id, ssn FROM customers) c, LATERAL (VALUES (c.*, 1, 2)) v
SELECT (SELECT column2 FROM (VALUES (c.*, 1, 2)) v) FROM (SELECT id, ssn FROM customers) c
SELECT v.* FROM customers c, LATERAL (VALUES (c.*, 1), ((c).*, 2)) v
WITH x AS (SELECT id, ssn FROM customers) SELECT v.column2 FROM x, LATERAL (SELECT column2 FROM (VALUES (x.*)) w) v
-- 11 views
SELECT * FROM customer_view
SELECT s FROM customer_view
SELECT * FROM nested_view
SELECT * FROM old_copy
SELECT * FROM shuffled
SELECT a || '', b || '', x FROM shuffled
SELECT * FROM counted
SELECT n || '', r FROM counted
SELECT * FROM joined
SELECT j.ssn || '', upper(j.name) FROM joined j
SELECT x || '' FROM lateral_view
SELECT l.x FROM (SELECT lateral_view AS l FROM lateral_view) s(l)
UPDATE ruled SET status = 'x' WHERE id = 1 RETURNING *
UPDATE ruled SET status = 'x' WHERE id = 1 RETURNING status || ''
UPDATE plain_ruled SET a = 'x' WHERE id = 1 RETURNING a, a || ''
WITH u AS (UPDATE plain_ruled SET a = 'x' WHERE id = 1 RETURNING a) SELECT a || '' FROM u
SELECT made, reverse(made) FROM generated
INSERT INTO generated SELECT 'x' RETURNING made
-- names as lineage could mistake them
SELECT s.ts_stat FROM concat('select to_tsvector(''simple'', ssn) from customers') s
SELECT concat.ts_stat FROM concat('select to_tsvector(''simple'', ssn) from customers')
SELECT s.leak_text FROM concat('x') s
SELECT (s).leak_text, leak_text(s) FROM concat('x') s
SELECT (SELECT oid FROM orders LIMIT 1) FROM (SELECT ssn AS oid FROM customers) c
SELECT (SELECT ctid FROM orders o CROSS JOIN orders p LIMIT 1) FROM (SELECT ssn AS ctid FROM customers) c
SELECT (SELECT xmin FROM orders o JOIN orders p ON true LIMIT 1) FROM (SELECT ssn AS xmin FROM customers) c
SELECT (SELECT public.customers.ssn FROM (SELECT 1 AS ssn) AS customers) FROM customers
SELECT (SELECT row(public.customers.*)::text FROM (SELECT 1 AS x) customers) FROM customers
WITH RECURSIVE r(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM r WHERE id < 1) SEARCH DEPTH FIRST BY id SET seq SELECT b || '' FROM (SELECT r.*, c.ssn FROM r, customers c) AS s(a, b)
WITH RECURSIVE r(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM r WHERE id < 1) CYCLE id SET m USING p SELECT b || '' FROM (SELECT r.*, c.ssn FROM r, customers c) AS s(a, b)
SELECT (SELECT "unnest".x FROM ROWS FROM (coalesce(1), unnest(ARRAY[2]))) FROM (SELECT ssn AS x FROM customers) "unnest"
SELECT (SELECT "?column?" FROM (SELECT 1) s) FROM (SELECT ssn AS "?column?" FROM customers) c
SELECT made FROM generated_parent
SELECT coalesce(nullif(ssn, '903-77-4142'), ssn) FROM customers
SELECT x.city FROM customers AS x(id, name, city, ssn)
SELECT city || '' FROM customers AS x(id, name, city, ssn)
SELECT s.city || '' FROM (SELECT ssn, city FROM customers) s(city, ssn)
WITH orders AS (SELECT ssn AS status FROM customers) SELECT status || '' FROM orders
WITH orders AS (SELECT ssn AS status FROM customers) SELECT o.status FROM public.orders p, orders o
SELECT (SELECT status || '' FROM (SELECT ssn AS status FROM customers LIMIT 1) s) FROM orders
SELECT (SELECT o.status || '' FROM orders p, LATERAL (SELECT c.ssn AS status) o LIMIT 1) FROM customers c
SELECT status || '' FROM orders JOIN (SELECT 1 AS id, ssn FROM customers) x(id, status) USING (id, status)
SELECT status || '' FROM (SELECT id, ssn AS status FROM customers) x LEFT JOIN orders USING (id, status)
SELECT k.status || '' FROM (SELECT id, ssn AS status FROM customers) x LEFT JOIN orders USING (id, status) AS k
SELECT status || '' FROM (SELECT id, ssn AS status FROM customers) x NATURAL FULL JOIN orders
SELECT "?column?" || '' FROM (SELECT ssn || '' FROM customers) s
SELECT "case" || '' FROM (SELECT CASE WHEN true THEN ssn || '' END FROM customers) s
SELECT xmlelement::text, city FROM (SELECT xmlelement(name x, ssn), 'a' AS city FROM customers) s
SELECT status || '' FROM (SELECT * FROM (SELECT ssn FROM customers) a, (SELECT 1) b) s(status)
SELECT count(*) FILTER (WHERE ssn = '903-77-4141'), 903774141 * count(*) FILTER (WHERE ssn LIKE '903-77-4141') FROM customers
SELECT repeat('903-77-4141', count(nullif(ssn, '903-77-4142'))::int) FROM customers WHERE id = 2
SELECT num_nulls(nullif(ssn, 'x')), octet_length(repeat('x', replace(ssn, '-', '')::int)) FROM customers
SELECT octet_length(c), char_length(c) FROM (SELECT ssn AS octet_length FROM customers) c
SELECT (SELECT a.x FROM (SELECT ssn || '' AS x FROM customers) a UNION SELECT 'z' LIMIT 1)
WITH RECURSIVE r(a, b) AS (SELECT '', ssn FROM customers UNION ALL SELECT b, a FROM r WHERE a = '') SELECT a || '' FROM r
WITH RECURSIVE r(a, b, c) AS (SELECT '', '', ssn FROM customers UNION ALL SELECT b, c, c FROM r WHERE a = '') SELECT a || '', b || '' FROM r
VALUES ((SELECT max(ssn) || '' FROM customers))
SELECT v.column1 || '' FROM (VALUES ('x'), ((SELECT max(ssn) FROM customers))) v
SELECT array_agg(city ORDER BY ssn), string_agg(name, '' ORDER BY ssn) FROM customers
SELECT g, (ssn || '')::text FROM customers, generate_series(1, 1) g
SELECT d FROM customers, regexp_split_to_table(ssn, 'x') AS d
SELECT t.a FROM customers, json_to_recordset(json_build_array(json_build_object('a', ssn))) AS t(a text)
SELECT x FROM customers, xmltable('/a' PASSING xmlelement(name a, ssn) COLUMNS x text PATH '.') t
SELECT 1::wrapped, (1::wrapped).a, CAST(1 AS wrapped)::text
SELECT city::text, 1::wrapped::text FROM customers
SELECT DISTINCT upper(ssn) FROM customers
SELECT lower(x) FROM (SELECT ssn x FROM customers UNION ALL SELECT status FROM orders) u
SELECT coalesce(o.status || '', c.ssn) FROM orders o FULL JOIN customers c ON false
MERGE INTO orders o USING customers c ON o.id = c.id WHEN MATCHED THEN DO NOTHING
-- 12, 33 copies and writes
CREATE TABLE copied AS SELECT ssn AS a FROM customers
SELECT ssn AS a INTO copied2 FROM customers
CREATE TEMP TABLE t AS TABLE customers
CREATE VIEW v AS SELECT ssn AS a FROM customers
CREATE MATERIALIZED VIEW mv AS SELECT ssn AS a FROM customers
INSERT INTO notes (body) SELECT ssn FROM customers
UPDATE customers SET city = ssn
UPDATE orders SET status = c.ssn FROM customers c WHERE c.id = orders.customer_id
WITH x AS (SELECT ssn AS q FROM customers) INSERT INTO notes (body) SELECT q FROM x
MERGE INTO notes n USING customers c ON n.id = c.id WHEN NOT MATCHED THEN INSERT (body) VALUES (c.ssn)
SELECT * FROM notes
SELECT a FROM copied
SELECT city FROM customers
-- 14, 15 code
DO $$ BEGIN RAISE NOTICE '%', (SELECT ssn FROM customers LIMIT 1); END $$
CREATE FUNCTION leak() RETURNS text LANGUAGE sql AS 'SELECT max(ssn) FROM customers'
SELECT leak_ssn()
SELECT * FROM leak_all()
SELECT leak_ssn() FROM orders
CALL leak_notice()
SELECT 1 <~> 1
SELECT ts_stat('SELECT to_tsvector(ssn) FROM customers')
SELECT cursor_to_xml('c', 1, true, true, '')
-- 16, 17, 18 copies, cursors, prepared statements
COPY customers TO STDOUT
COPY (SELECT ssn FROM customers) TO STDOUT
COPY customers (name, ssn) TO STDOUT (FORMAT csv)
COPY customers TO STDOUT (FORMAT csv, HEADER, FORCE_QUOTE *)
COPY customers TO STDOUT (FORMAT csv, DELIMITER '9', QUOTE '-', ESCAPE '0')
COPY customers TO STDOUT (FORMAT csv, DELIMITER '-', NULL '903-77-4141')
COPY customers TO STDOUT (DELIMITER '-')
COPY customers TO STDOUT (NULL '903-77-4141')
COPY customers TO STDOUT (FORMAT binary)
COPY BINARY customers TO STDOUT
COPY (SELECT ssn, city FROM customers) TO STDOUT (FORMAT csv, QUOTE E'\n')
COPY (SELECT ssn, city FROM customers, generate_series(1, 150000)) TO STDOUT (FORMAT csv, QUOTE E'\n')
COPY customers TO STDOUT (ENCODING 'SJIS')
COPY customers TO STDOUT (ENCODING 'latin1')
COPY public."customers" (city, ssn) TO STDOUT WITH CSV HEADER
COPY old_copy TO STDOUT
COPY typed TO STDOUT
COPY typed TO STDOUT (FORMAT binary)
COPY (SELECT * FROM customer_view) TO STDOUT (FORMAT binary)
COPY (SELECT c FROM customers c) TO STDOUT
COPY (SELECT c FROM customers c) TO STDOUT (FORMAT binary)
COPY (TABLE customers) TO STDOUT (FORMAT csv)
COPY (VALUES ((SELECT max(ssn) FROM customers))) TO STDOUT
COPY (SELECT upper(ssn), md5(ssn), ssn || '' FROM customers) TO STDOUT (FORMAT binary)
COPY (SELECT leak_ssn()) TO STDOUT
COPY (UPDATE customers SET city = 'Leeds' WHERE id = 1 RETURNING ssn) TO STDOUT
COPY (WITH x(a) AS (SELECT ssn FROM customers) SELECT a FROM x) TO STDOUT (FORMAT csv)
COPY (SELECT ssn::int FROM customers) TO STDOUT
SELECT 1\; COPY customers TO STDOUT
SET client_min_messages = debug5\; COPY (SELECT ssn FROM customers) TO STDOUT (FORMAT csv)
BEGIN; ALTER TABLE customers RENAME city TO x; ALTER TABLE customers RENAME ssn TO city; COPY customers (city) TO STDOUT
BEGIN; ALTER TABLE customers ADD extra text GENERATED ALWAYS AS (ssn) STORED; COPY customers TO STDOUT
CREATE TEMP TABLE taken (a text); COPY (SELECT ssn FROM customers) TO STDOUT
COPY customers TO PROGRAM 'cat > /dev/null'
COPY customers TO '/tmp/weir-leak'
DECLARE c CURSOR WITH HOLD FOR SELECT ssn FROM customers; FETCH ALL FROM c
FETCH ALL FROM c
PREPARE p AS SELECT ssn AS a, md5(ssn), ssn || '', customers FROM customers; EXECUTE p
EXECUTE p
PREPARE p AS SELECT upper(ssn) FROM customers; EXPLAIN ANALYZE EXECUTE p; CREATE TEMP TABLE e AS EXECUTE p; SELECT * FROM e
PREPARE p AS SELECT ssn AS a FROM customers; CREATE TABLE e AS EXECUTE p; SELECT * FROM e
PREPARE p(text) AS SELECT $1; EXECUTE p(leak_ssn())
PREPARE p(text) AS INSERT INTO notes (body) VALUES ($1) RETURNING body; EXECUTE p(leak_ssn())
PREPARE p AS SELECT status FROM orders; DEALLOCATE p; PREPARE p AS SELECT max(ssn) FROM customers; EXECUTE p
PREPARE p AS SELECT status FROM orders; DEALLOCATE ALL; PREPARE p AS SELECT max(ssn) FROM customers; EXECUTE p
BEGIN; DECLARE c CURSOR FOR SELECT ssn, upper(ssn), c FROM customers c; FETCH ALL c
BEGIN; DECLARE c BINARY CURSOR FOR SELECT ssn, upper(ssn) FROM customers; FETCH ALL c
BEGIN; DECLARE c SCROLL CURSOR FOR SELECT max(ssn) FROM customers; MOVE LAST c; FETCH BACKWARD 0 c; FETCH FIRST c
BEGIN; SELECT open_ssn('c'); FETCH ALL c
BEGIN; SELECT open_ssn(NULL); FETCH ALL "<unnamed portal 1>"; FETCH ALL "<unnamed portal 2>"
BEGIN; DECLARE c CURSOR FOR SELECT status FROM orders; CLOSE c; SELECT open_ssn('c'); FETCH ALL c
BEGIN; DECLARE c CURSOR FOR SELECT status FROM orders; COMMIT; BEGIN; SELECT open_ssn('c'); FETCH ALL c
BEGIN; DECLARE c CURSOR FOR SELECT status FROM orders\; COMMIT AND CHAIN; SELECT open_ssn('c'); FETCH ALL c
BEGIN; SAVEPOINT s; DECLARE c CURSOR FOR SELECT status FROM orders; ROLLBACK TO s; SELECT open_ssn('c'); FETCH ALL c
BEGIN\; DECLARE c CURSOR FOR SELECT max(ssn) FROM customers\; FETCH 1 FROM c\; COMMIT
PREPARE p AS SELECT max(ssn) FROM customers\; EXECUTE p
BEGIN; DECLARE c CURSOR FOR SELECT * FROM customers FOR UPDATE; FETCH c; UPDATE customers SET city = ssn WHERE CURRENT OF c RETURNING city
SELECT cursor_to_xml(open_ssn('c'), 1, true, true, '')
-- 19, 21, 22 several statements, comments, escapes
SELECT 1; SELECT ssn FROM customers
/* SELECT 1 */ SELECT /**/ ssn /**/ FROM -- here
SELECT "ssn", U&"s\0073n", "public"."customers"."ssn" FROM "customers"
SELECT SSN, sSn FROM CUSTOMERS
-- 23 names and roles
SET search_path = hidden, public; SELECT * FROM customers
SET ROLE postgres
SET SESSION AUTHORIZATION postgres
SELECT set_config('role', 'postgres', false)
SET standard_conforming_strings = off
-- 27, 28 errors and notices
SELECT ssn::int FROM customers
SELECT ssn::date FROM customers
SELECT 1 / (length(ssn) - 11) FROM customers
SELECT ssn::regclass FROM customers
INSERT INTO customers (id, name, ssn) VALUES (1, 'again', 'x')
INSERT INTO customers (id, name, ssn) VALUES (99, 'same', '903-77-4141')
UPDATE customers SET name = NULL WHERE id = 1
SELECT pg_notify('weir', ssn) FROM customers
SELECT set_config('application_name', ssn, false) FROM customers
SELECT set_config('weir.x', max(ssn), false) FROM customers
SHOW weir.x
-- 29, 30, 31 plans, statistics, activity
EXPLAIN SELECT * FROM customers WHERE ssn > '903'
EXPLAIN (ANALYZE, VERBOSE) SELECT ssn FROM customers
SELECT most_common_vals, histogram_bounds FROM pg_stats WHERE tablename = 'customers'
SELECT * FROM pg_stats WHERE tablename = 'customers'
SELECT stavalues1 FROM pg_statistic
SELECT most_common_vals::text FROM pg_stats
SELECT query FROM pg_stat_activity
SELECT pg_stat_get_activity(NULL)
SELECT rolpassword FROM pg_authid
SELECT * FROM pg_shadow
-- 32 RETURNING
UPDATE customers SET city = 'Leeds' WHERE id = 1 RETURNING ssn, city, upper(ssn)
WITH x AS (UPDATE customers SET city = 'Leeds' WHERE id = 1 RETURNING *) SELECT * FROM x
DELETE FROM customers WHERE id = 12345 RETURNING *
INSERT INTO notes (body) VALUES ('x') RETURNING (SELECT max(ssn) FROM customers)
-- 34 large objects, files
SELECT lo_from_bytea(0, ssn::bytea) FROM customers
SELECT lo_get(1)
SELECT pg_read_file('PG_VERSION')
SELECT pg_ls_dir('.')
-- 25 order, windows, grouping
SELECT first_value(ssn) OVER (ORDER BY id), lag(ssn) OVER (ORDER BY id) FROM customers
SELECT ssn, count(*) FROM customers GROUP BY ssn
SELECT DISTINCT ssn FROM customers
SELECT DISTINCT ON (id) ssn FROM customers
SELECT ssn FROM customers GROUP BY GROUPING SETS ((ssn), ())
SELECT ssn FROM customers FOR UPDATE
SELECT ssn FROM ONLY customers TABLESAMPLE SYSTEM (100)
SELECT ssn FROM customers FETCH FIRST 1 ROW ONLY
-- 37 types
SELECT ARRAY(SELECT ssn FROM customers), ARRAY(SELECT c FROM customers c)
SELECT hstore(c) FROM customers c
SELECT ssn_array, ssn_json, ssn_row FROM typed
-- what code returns, stored where it can be read
INSERT INTO notes (body) SELECT leak_ssn()
INSERT INTO notes (body) SELECT x.ssn FROM leak_all() AS x
UPDATE notes SET body = leak_ssn() WHERE id > 0
CREATE TABLE coded AS SELECT leak_ssn() AS a
CREATE TABLE defaulted (id int, a text DEFAULT leak_ssn())
INSERT INTO defaulted (id) VALUES (1)
CREATE MATERIALIZED VIEW coded_view AS SELECT leak_ssn() AS a
SELECT a FROM coded_view
INSERT INTO notes (body) SELECT a FROM coded_view
SELECT a FROM coded UNION ALL SELECT a FROM defaulted
SELECT body FROM notes
-- names that change what they mean
BEGIN; ALTER TABLE orders RENAME TO o; ALTER TABLE customers RENAME TO orders; SELECT upper(ssn) FROM orders; ROLLBACK
BEGIN; ALTER TABLE customers RENAME city TO x; ALTER TABLE customers RENAME ssn TO city; SELECT city, upper(city) FROM customers; ROLLBACK
BEGIN; ALTER SCHEMA public RENAME TO x; SELECT upper(ssn) FROM x.customers; ROLLBACK
BEGIN; ALTER FUNCTION leak_ssn() RENAME TO version; SET search_path = public, pg_catalog; SELECT version(); ROLLBACK
BEGIN; CREATE TABLE parent (LIKE customers); ALTER TABLE customers INHERIT parent; SELECT upper(ssn) FROM parent; ROLLBACK
-- names that older servers read otherwise
SELECT system_user FROM (SELECT ssn AS "system_user" FROM customers) x
UPDATE customers c SET city = system_user FROM (SELECT id, ssn AS "system_user" FROM customers) x WHERE x.id = c.id
SELECT city FROM customers
-- 12 temporary tables of the session, which may hold it and never show it
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; SELECT a, reverse(a) FROM t
CREATE TEMP TABLE t AS SELECT ssn AS city FROM customers; SELECT city, reverse(city) FROM t
CREATE TABLE pg_temp.t AS SELECT ssn AS a FROM customers; SELECT reverse(a) FROM pg_temp.t
SELECT ssn AS a INTO TEMP t FROM customers; SELECT reverse(a) FROM t
SELECT ssn AS a INTO TEMP t FROM customers UNION SELECT 'x'; SELECT reverse(a) FROM t
BEGIN; CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; SELECT reverse(a) FROM t; COMMIT; SELECT reverse(a) FROM t
BEGIN; CREATE TEMP TABLE t ON COMMIT DROP AS SELECT ssn AS a FROM customers; SELECT reverse(a) FROM t
BEGIN ISOLATION LEVEL REPEATABLE READ; CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; SELECT reverse(a) FROM t
BEGIN ISOLATION LEVEL SERIALIZABLE; CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; COMMIT; SELECT reverse(a) FROM t
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers \; SELECT reverse(a) FROM t
CREATE TEMP TABLE t (a text) \; INSERT INTO t SELECT ssn FROM customers \; SELECT reverse(a) FROM t
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; ALTER TABLE t RENAME a TO city; SELECT reverse(city) FROM t
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; ALTER TABLE t RENAME TO u; CREATE TEMP TABLE t (a text); SELECT reverse(a) FROM u
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers \; ALTER TABLE t RENAME TO u \; CREATE TEMP TABLE t (a text); SELECT reverse(a) FROM u
BEGIN; CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; SAVEPOINT s; ALTER TABLE t RENAME a TO b; ROLLBACK TO s; SELECT reverse(a) FROM t
BEGIN; SAVEPOINT s; CREATE TEMP TABLE t (a text); SELECT a FROM t; ROLLBACK TO s; CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; SELECT reverse(a) FROM t
CREATE TEMP TABLE tttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt AS SELECT ssn AS a FROM customers; SELECT reverse(a) FROM tttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt
CREATE TEMP TABLE t (a text); INSERT INTO t SELECT ssn FROM customers; SELECT reverse(a) FROM t
CREATE TEMP TABLE t (b text, a text); INSERT INTO t (a) SELECT ssn FROM customers; SELECT b, reverse(a) FROM t
CREATE TEMP TABLE t (a text, b text GENERATED ALWAYS AS (reverse(a)) STORED); INSERT INTO t (a) SELECT ssn FROM customers; SELECT a, b FROM t
CREATE TEMP TABLE t (id int, a text); INSERT INTO t VALUES (1, 'x'); UPDATE t SET a = reverse(ssn) FROM customers c WHERE c.id = t.id; SELECT a FROM t
CREATE TEMP TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'x'); INSERT INTO t SELECT id, reverse(ssn) FROM customers ON CONFLICT (id) DO UPDATE SET a = excluded.a; SELECT a FROM t
CREATE TEMP TABLE t (id int, a text); INSERT INTO t VALUES (1, 'x'); MERGE INTO t USING customers c ON c.id = t.id WHEN MATCHED THEN UPDATE SET a = reverse(ssn); SELECT a FROM t
CREATE TEMP TABLE t (a text); PREPARE p AS INSERT INTO t SELECT reverse(ssn) FROM customers; EXECUTE p; SELECT a FROM t
CREATE TEMP TABLE t (a text); PREPARE p AS INSERT INTO t SELECT reverse(ssn) FROM customers; EXPLAIN ANALYZE EXECUTE p; SELECT a FROM t
PREPARE p AS SELECT reverse(ssn) AS a FROM customers; CREATE TEMP TABLE t AS EXECUTE p; SELECT a FROM t
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; UPDATE t SET a = reverse(a); SELECT a FROM t
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; ALTER TABLE t ADD b text; UPDATE t SET b = reverse(a); SELECT b FROM t
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; ALTER TABLE t ALTER a TYPE varchar USING reverse(a); SELECT a FROM t
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; ALTER TABLE t ADD b text GENERATED ALWAYS AS (reverse(a)) STORED; SELECT b FROM t
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; CREATE TEMP TABLE u AS SELECT reverse(a) AS b FROM t; SELECT b FROM u
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; CREATE TEMP VIEW v AS SELECT reverse(a) AS b FROM t; SELECT b FROM v
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; CREATE TEMP TABLE u (a text) INHERITS (t); SELECT reverse(a) FROM u; SELECT reverse(a) FROM ONLY t
CREATE TEMP TABLE t () INHERITS (orders); INSERT INTO t (id, status) SELECT id, reverse(ssn) FROM customers; SELECT status FROM orders
CREATE TEMP TABLE t (id int NOT NULL, customer_id int, status text); INSERT INTO t (id, status) SELECT id, reverse(ssn) FROM customers; ALTER TABLE t INHERIT orders; SELECT status FROM orders
CREATE TEMP TABLE t (a text) PARTITION BY LIST (a); CREATE TEMP TABLE t1 PARTITION OF t DEFAULT; INSERT INTO t SELECT reverse(ssn) FROM customers; SELECT a FROM t1; SELECT a FROM t
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; INSERT INTO notes (body) SELECT reverse(a) FROM t; SELECT body FROM notes
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; CREATE TABLE kept AS SELECT reverse(a) AS b FROM t; SELECT b FROM kept
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; COPY t TO STDOUT
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; COPY (SELECT reverse(a) FROM t) TO STDOUT
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; SELECT row_to_json(t), t, t::text, to_jsonb(t.*) FROM t
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; TABLE t
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; DELETE FROM t RETURNING reverse(a)
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; BEGIN; DECLARE c CURSOR FOR SELECT reverse(a) FROM t; FETCH ALL FROM c
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; SET search_path = public, pg_temp; SELECT reverse(a) FROM t
CREATE TEMP TABLE orders AS SELECT id, reverse(ssn) AS status FROM customers; SELECT status FROM orders
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; ANALYZE t; SELECT * FROM pg_stats WHERE tablename = 't'
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; CREATE UNIQUE INDEX ON t (a); INSERT INTO t SELECT ssn FROM customers
CREATE TEMP TABLE t (a text CHECK (a < '1')); INSERT INTO t SELECT ssn FROM customers
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; EXPLAIN ANALYZE VERBOSE SELECT reverse(a) FROM t WHERE a > '9'
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; DISCARD PLANS; SELECT reverse(max(a)) FROM t
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; DISCARD TEMP; CREATE TEMP TABLE t AS SELECT reverse(ssn) AS a FROM customers; SELECT a FROM t
BEGIN; CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; SELECT 1 / 0; ROLLBACK; CREATE TEMP TABLE t AS SELECT reverse(ssn) AS a FROM customers; SELECT a FROM t
-- what a transaction has changed and nobody else sees
BEGIN; ALTER TABLE customers RENAME ssn TO a; SELECT reverse(a) FROM customers
BEGIN; ALTER TABLE customers RENAME city TO c; ALTER TABLE customers RENAME ssn TO city; SELECT reverse(city) FROM customers
BEGIN; ALTER TABLE orders RENAME TO o; ALTER TABLE customers RENAME TO orders; SELECT reverse(ssn) FROM orders
BEGIN; CREATE SCHEMA s; ALTER TABLE customers SET SCHEMA s; SELECT reverse(ssn) FROM s.customers
BEGIN; CREATE SCHEMA s; CREATE VIEW s.v AS SELECT reverse(ssn) AS r FROM customers; SELECT r FROM s.v
BEGIN; CREATE TABLE k (a text); INSERT INTO k SELECT reverse(ssn) FROM customers; SELECT a FROM k
BEGIN; ALTER TABLE orders ADD a text; UPDATE orders SET a = reverse(ssn) FROM customers c WHERE c.id = customer_id; SELECT a FROM orders
-- what the bounds of a partition are computed of
CREATE TABLE p (a text) PARTITION BY RANGE (a); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (leak_ssn()) TO ('')
CREATE TABLE q (a text) PARTITION BY LIST (a); CREATE TABLE q1 PARTITION OF q FOR VALUES IN (leak_ssn()); SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = 'q1'
CREATE TABLE r (a text) PARTITION BY LIST (a); CREATE TABLE r1 (a text); ALTER TABLE r ATTACH PARTITION r1 FOR VALUES IN (leak_ssn()); SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = 'r1'
-- what was computed and is kept as it is
BEGIN; ALTER TABLE generated ALTER made DROP EXPRESSION; SELECT made FROM generated
BEGIN; CREATE TEMP TABLE t (a text, b text GENERATED ALWAYS AS (reverse(a)) STORED); INSERT INTO t (a) SELECT ssn FROM customers; ALTER TABLE t ALTER b DROP EXPRESSION; SELECT b FROM t
CREATE TEMP TABLE t AS SELECT ssn AS a, city AS c FROM customers; SELECT 1 FROM t; ALTER TABLE t ALTER c TYPE text USING reverse(a); SELECT c FROM t
-- temporary tables by the side of transactions
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT a FROM t
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; BEGIN ISOLATION LEVEL REPEATABLE READ; COPY t TO STDOUT
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; BEGIN ISOLATION LEVEL REPEATABLE READ; INSERT INTO notes (body) SELECT a FROM t; COMMIT; SELECT body FROM notes
CREATE TEMP TABLE orders AS SELECT ssn AS status FROM customers \; INSERT INTO notes (body) SELECT status FROM orders; SELECT body FROM notes
BEGIN; CREATE TEMP TABLE t (a text); INSERT INTO t SELECT ssn FROM customers RETURNING a, reverse(a)
BEGIN; CREATE TEMP TABLE t (a text); SELECT a FROM t; INSERT INTO t SELECT ssn FROM customers \; SELECT a, reverse(a) FROM t
CREATE TEMP TABLE t AS SELECT ssn AS a FROM customers; SELECT 1 FROM t; BEGIN; DROP TABLE t; SELECT count(*) FROM orders; ROLLBACK; SELECT a, reverse(a) FROM t
BEGIN; ALTER TABLE notes RENAME TO n2; CREATE TEMP TABLE notes (body text); SELECT 1 FROM notes; ROLLBACK \; INSERT INTO notes (body) SELECT ssn FROM customers; SELECT body FROM notes
BEGIN; ALTER TABLE customers RENAME TO c2; CREATE TEMP TABLE customers (id int, name text, ssn text, city text); SELECT 1 FROM customers; ROLLBACK \; SELECT row_to_json(x) FROM customers x
-- documents by key: names that are another column's, in every order
SELECT json_agg(t) FROM (SELECT ssn AS city, city AS ssn FROM customers) t
SELECT jsonb_agg(t) FROM (SELECT ssn AS city, city AS ssn FROM customers) t
SELECT to_jsonb(c) FROM customers AS c(id, name, city, ssn)
SELECT row_to_json(c) FROM customers AS c(id, name, city, ssn)
SELECT jsonb_agg(c) FROM customers AS c(ssn, name, id, city, created)
SELECT to_jsonb(t) FROM (SELECT c.* FROM customers AS c(id, name, city, ssn)) t
SELECT to_jsonb(t) FROM (SELECT c FROM customers AS c(id, name, city, ssn)) t
SELECT to_jsonb(t) FROM (SELECT ssn, city FROM customers) t(city, ssn)
WITH q(city, ssn) AS (SELECT ssn, city FROM customers) SELECT to_jsonb(q) FROM q
WITH q(a, b) AS (SELECT ssn, city FROM customers) SELECT to_jsonb(r) FROM q r(city, ssn)
SELECT jsonb_build_object('city', ssn, 'ssn', city) FROM customers
SELECT json_build_object('a', city, 'a', ssn), json_build_object('a', ssn, 'a', city), jsonb_build_object('a', city, 'a', ssn) FROM customers
SELECT json_build_object('ssn', 1, 'x', c) FROM customers c
SELECT row_to_json(row(ssn, city)), row_to_json(row(city, ssn)), to_jsonb((city, ssn, id)) FROM customers
SELECT to_jsonb(row(c.*)), to_jsonb(row((c).*, 1)), to_jsonb(row(c)) FROM customers c
SELECT to_jsonb(j) FROM (customers a JOIN orders o USING (id)) AS j
SELECT to_jsonb(j) FROM (customers a JOIN orders o USING (id)) AS j(id, city, name, ssn)
SELECT row_to_json(j) FROM customers a JOIN customers b USING (id, ssn) AS j
SELECT to_jsonb(c), to_jsonb(o) FROM orders o LEFT JOIN customers c ON c.id = o.id
SELECT row_to_json(v), to_jsonb(v), json_agg(w) FROM customer_view v JOIN nested_view w USING (id) GROUP BY v
SELECT to_jsonb(v) FROM customer_view v(s, id, u)
SELECT to_jsonb(s), row_to_json(s) FROM shuffled s
SELECT to_jsonb(n), json_agg(n) FROM counted n GROUP BY n
SELECT to_jsonb(m), row_to_json(g), to_jsonb(g) FROM old_copy m, generated g
SELECT to_jsonb(p), row_to_json(p) FROM generated_parent p
SELECT to_jsonb(t), row_to_json(t), json_agg(t), jsonb_build_object('row', t.ssn_row, 'a', t.ssn_array, 'j', t.ssn_json) FROM typed t GROUP BY t, t.ssn_row, t.ssn_array, t.ssn_json
SELECT to_jsonb(t.ssn_row), row_to_json(t.ssn_row), to_jsonb(ROW((t.ssn_row).*)), to_jsonb(u) FROM typed t, LATERAL (SELECT (t.ssn_row).*) u
SELECT json_agg(t) FROM (SELECT id, (SELECT jsonb_agg(o) FROM (SELECT c.city AS ssn, c.ssn AS city) o) AS inner_rows FROM customers c) t
SELECT json_agg(r) FROM (SELECT row_to_json((SELECT e FROM (SELECT c.id AS ssn, c.ssn AS id) AS e)) AS r FROM customers c) s
SELECT ARRAY(SELECT row_to_json(t) FROM (SELECT ssn AS id, id AS ssn FROM customers) t), array_agg(to_jsonb(c)) FROM customers c
SELECT to_json(array_agg(c)), to_jsonb(ARRAY(SELECT c FROM customers c)), array_to_json(array_agg(ssn)), to_jsonb(array_agg(c)) FROM customers c
SELECT json_agg(x) FROM (SELECT ARRAY[ssn, city] AS x FROM customers) t
-- documents by key: what is done with them
SELECT row_to_json(c)::text, to_jsonb(c)::text, json_agg(c)::jsonb, (row_to_json(c))::json FROM customers c GROUP BY c
SELECT to_jsonb(c) - 'city', to_jsonb(c) || '{"city": 1}', '{}'::jsonb || to_jsonb(c), jsonb_set(to_jsonb(c), '{city}', to_jsonb(c.ssn)) FROM customers c
SELECT to_jsonb(c) -> 'ssn', row_to_json(c) ->> 'ssn', to_jsonb(c) #> '{ssn}', (to_jsonb(c))['ssn'], jsonb_path_query(to_jsonb(c), '$.ssn') FROM customers c
SELECT json_strip_nulls(row_to_json(c)), jsonb_strip_nulls(to_jsonb(c)), jsonb_pretty(to_jsonb(c)), json_typeof(row_to_json(c)) FROM customers c
SELECT CASE WHEN id = 1 THEN row_to_json(c) ELSE json_build_object('id', id) END, CASE WHEN id = 1 THEN jsonb_build_object('a', ssn, 'b', city) ELSE jsonb_build_object('a', city, 'b', ssn) END FROM customers c
SELECT json_build_object('a', city, 'b', 1) FROM customers UNION ALL SELECT json_build_object('a', ssn, 'b', 2) FROM customers
SELECT jsonb_build_object('a', city, 'b', ssn) FROM customers UNION ALL SELECT jsonb_build_object('a', ssn, 'b', city) FROM customers
SELECT coalesce(json_build_object('a', nullif(city, city)), json_build_object('a', ssn)), coalesce(json_agg(city), json_agg(ssn)) FROM customers GROUP BY city, ssn
SELECT coalesce((SELECT json_agg(city) FROM customers WHERE false), json_agg(ssn)), greatest(to_jsonb(min(city)), to_jsonb(max(ssn))) FROM customers
SELECT json_build_object('m', reverse(ssn), 'n', md5(ssn) IS NULL, 'o', ARRAY[ssn], 'p', (ssn || '')::text) FROM customers
SELECT json_agg(city ORDER BY ssn), json_agg(ssn ORDER BY city), json_agg(t) OVER (PARTITION BY t.id) FROM customers c JOIN (SELECT id, ssn AS x FROM customers) t USING (id) GROUP BY t.id, t
SELECT json_object_agg(ssn, city), jsonb_object_agg(city, ssn), json_object(array_agg(city), array_agg(ssn)), json_build_object(ssn, city), json_build_object(VARIADIC ARRAY['city', ssn]) FROM customers GROUP BY ssn, city
SELECT json_build_array(city, ssn, c), jsonb_build_array(c.id, c, c.ssn) FROM customers c
SELECT to_json(ssn), to_jsonb(ssn), to_json(c.ssn_row), to_jsonb(c.ssn_json), to_json(reverse(ssn)) FROM customers, typed c
WITH RECURSIVE r AS (SELECT json_build_object('id', 1, 'd', city) AS d, ssn, 1 AS n FROM customers UNION ALL SELECT json_build_object('id', d, 'd', ssn), ssn, n + 1 FROM r WHERE n < 3) SELECT d FROM r
WITH RECURSIVE r AS (SELECT city AS a, ssn AS b, 1 AS n FROM customers UNION ALL SELECT b, a, n + 1 FROM r WHERE n < 3) SELECT to_jsonb(r) FROM r
UPDATE customers SET city = city RETURNING to_jsonb(customers), row_to_json(customers)
BEGIN; INSERT INTO customers (id, name, ssn) SELECT id + 20, name, NULL FROM customers RETURNING (SELECT json_agg(c) FROM customers c), row_to_json(customers)
UPDATE ruled SET status = 'x' RETURNING to_jsonb(ruled), row_to_json(ruled), json_build_object('status', status, 'id', id)
UPDATE plain_ruled SET a = 'x' RETURNING to_jsonb(plain_ruled), json_build_object('a', a, 'id', id)
BEGIN; CREATE VIEW documents AS SELECT id, row_to_json(c) AS doc, to_jsonb(c) AS city FROM customers c; SELECT doc, city FROM documents; SELECT to_jsonb(d) FROM documents d
CREATE TEMP TABLE t AS SELECT id, ssn AS city, city AS ssn FROM customers; SELECT to_jsonb(t), json_agg(t) FROM t GROUP BY t
CREATE TEMP TABLE t AS SELECT to_jsonb(c) AS d FROM customers c; SELECT d, to_jsonb(t), json_agg(d) FROM t GROUP BY d, t
-- documents by key: how a value is written that is not seen (what it tells holds no canary: see clients/documents)
SELECT json_build_object('a', (repeat(' ', ascii(ssn)) || '1')::json, 'b', (repeat('[', ascii(ssn) + 10) || repeat(']', ascii(ssn) + 10))::json) FROM customers
SELECT json_agg(json_build_array(city, (repeat(' ', ascii(ssn)) || to_json(ssn)::text)::json)), to_json((' ' || to_json(ssn)::text)::json) FROM customers GROUP BY ssn
SET client_encoding = 'latin1'; SELECT json_build_object('a', chr(252) || ssn, 'b', ssn, 'c', chr(252)), array_agg(json_build_object('s', ssn, 'c', chr(252))) FROM customers GROUP BY ssn
-- documents by key: names that are not what they were
BEGIN; ALTER TABLE customers RENAME city TO x; ALTER TABLE customers RENAME ssn TO city; ALTER TABLE customers RENAME x TO ssn; SELECT to_jsonb(c), jsonb_build_object('city', city) FROM customers c
PREPARE d AS SELECT to_jsonb(c), jsonb_build_object('city', c.city) FROM customers c; EXECUTE d; BEGIN; ALTER TABLE customers RENAME city TO x; ALTER TABLE customers RENAME ssn TO city; ALTER TABLE customers RENAME x TO ssn; EXECUTE d
BEGIN; CREATE FUNCTION pg_temp.row_to_json(anyelement) RETURNS json LANGUAGE sql AS 'SELECT json_build_object(''city'', (SELECT max(ssn) FROM customers), ''ssn'', 1)'; SELECT pg_temp.row_to_json(t) FROM (SELECT city, ssn FROM customers) t
BEGIN; CREATE FUNCTION public.row_to_json(customers) RETURNS json LANGUAGE sql AS 'SELECT json_build_object(''id'', 1, ''name'', $1.ssn, ''ssn'', 1, ''city'', 1, ''created'', 1)'; SELECT public.row_to_json(c) FROM customers c
BEGIN; ALTER TABLE customers ADD extra text; UPDATE customers SET extra = ssn; SELECT to_jsonb(c), json_agg(c) FROM customers c GROUP BY c
SELECT JSON_OBJECT('city': ssn, 'ssn': city), JSON_ARRAYAGG(ssn), JSON_OBJECT('a': c) FROM customers c GROUP BY c, ssn, city
SELECT JSON_OBJECT('a': city, 'b': ssn ABSENT ON NULL), JSON_ARRAY(city, ssn), JSON_ARRAYAGG(t RETURNING text) FROM (SELECT ssn AS city, city AS ssn FROM customers) t GROUP BY city, ssn
