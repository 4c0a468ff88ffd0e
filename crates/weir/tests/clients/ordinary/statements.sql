-- django: a page of a list
-- masked: email card ssn phone street birth_date
SELECT "customers"."id", "customers"."name", "customers"."email", "customers"."card", "customers"."ssn", "customers"."phone",
  "customers"."street", "customers"."city", "customers"."birth_date", "customers"."credit_limit", "customers"."created_at"
FROM "customers" ORDER BY "customers"."created_at" DESC, "customers"."id" DESC LIMIT 25 OFFSET 50

-- django: get by key
-- masked: email
SELECT "customers"."id", "customers"."name", "customers"."email" FROM "customers" WHERE "customers"."id" = $1::int LIMIT 21
--$ 17

-- django: get by e-mail
-- masked: email
SELECT "customers"."id", "customers"."email", "customers"."city" FROM "customers" WHERE UPPER("customers"."email"::text) LIKE UPPER($1) ORDER BY 1 LIMIT 21
--$ g%@example.com

-- django: does one exist
SELECT 1 AS "a" FROM "customers" WHERE ("customers"."country" = $1 AND "customers"."email" LIKE '%@example.com') LIMIT 1
--$ DE

-- django: count
SELECT COUNT(*) AS "__count" FROM "customers" WHERE "customers"."country" IN ('DE', 'FR')

-- django: count of related, annotated
-- masked: email
SELECT "customers"."id", "customers"."email", COUNT("orders"."id") AS "orders__count" FROM "customers"
LEFT OUTER JOIN "orders" ON ("customers"."id" = "orders"."customer_id") GROUP BY "customers"."id" ORDER BY "orders__count" DESC, 1 ASC LIMIT 10

-- django: aggregate over what is classified
SELECT COUNT("customers"."ssn") AS "n", COUNT(*) FILTER (WHERE "customers"."phone" IS NULL) AS "without" FROM "customers"

-- django: prefetch related
SELECT "orders"."id", "orders"."customer_id", "orders"."status", "orders"."total_cents" FROM "orders"
WHERE "orders"."customer_id" IN (1, 2, 3, 5, 8, 13, 21) ORDER BY "orders"."id" ASC

-- django: select related
-- masked: shipping_address email
SELECT "orders"."id", "orders"."placed_at", "orders"."shipping_address", "customers"."id", "customers"."email", "customers"."city"
FROM "orders" INNER JOIN "customers" ON ("orders"."customer_id" = "customers"."id")
WHERE "orders"."placed_at" >= '2025-01-01T00:00:00+00:00'::timestamptz ORDER BY "orders"."placed_at" ASC, "orders"."id" LIMIT 40

-- django: dates of a hierarchy
SELECT DISTINCT DATE_TRUNC('month', "orders"."placed_at" AT TIME ZONE 'UTC') AS "datefield" FROM "orders"
WHERE "orders"."placed_at" IS NOT NULL ORDER BY "datefield" ASC

-- django: sessions' kind of upsert
INSERT INTO "products" ("id", "sku", "name", "category", "price") VALUES (990001, 'ORD-1', 'A lamp', 'office', '12.50')
ON CONFLICT ("id") DO UPDATE SET "price" = EXCLUDED."price" RETURNING "products"."id", "products"."price"

-- django: bulk update by CASE
UPDATE "products" SET "price" = CASE WHEN ("products"."id" = 1) THEN 1.00 WHEN ("products"."id" = 2) THEN 2.00 ELSE NULL END::numeric
WHERE "products"."id" IN (1, 2)

-- django: delete by key
DELETE FROM "order_items" WHERE "order_items"."order_id" IN (3, 4)

-- django: lock rows for a change
-- masked: email
SELECT "customers"."id", "customers"."email" FROM "customers" WHERE "customers"."id" = 5 FOR UPDATE

-- rails: find
-- masked: email card ssn phone street birth_date
SELECT "customers".* FROM "customers" WHERE "customers"."id" = $1 LIMIT $2
--$ 4
--$ 1

-- rails: find by a token
-- masked: email card ssn phone street birth_date
SELECT "customers".* FROM "customers" WHERE "customers"."public_id" = (SELECT public_id FROM customers WHERE id = 9) LIMIT 1

-- rails: pluck
SELECT "customers"."id", "customers"."city" FROM "customers" WHERE "customers"."country" = 'PL' ORDER BY "customers"."id" ASC

-- rails: exists
SELECT 1 AS one FROM "orders" WHERE "orders"."customer_id" = $1 AND "orders"."status" = $2 LIMIT 1
--$ 1
--$ delivered

-- rails: grouped count
SELECT COUNT(*) AS "count_all", "customers"."country" AS "customers_country" FROM "customers" GROUP BY "customers"."country" ORDER BY 1 DESC, 2

-- rails: sum through a join
SELECT SUM("orders"."total_cents") FROM "orders" INNER JOIN "customers" ON "customers"."id" = "orders"."customer_id" WHERE "customers"."country" = 'DE'

-- rails: joins and distinct
SELECT DISTINCT "customers"."id", "customers"."name" FROM "customers" INNER JOIN "orders" ON "orders"."customer_id" = "customers"."id"
INNER JOIN "order_items" ON "order_items"."order_id" = "orders"."id" WHERE "order_items"."quantity" > 1 ORDER BY "customers"."id" LIMIT 20

-- rails: update with a version
UPDATE "customers" SET "city" = 'Ulm', "note" = 'moved' WHERE "customers"."id" = 12 AND "customers"."created_at" IS NOT NULL

-- rails: in batches
SELECT "customers"."id" FROM "customers" WHERE "customers"."id" > 100 ORDER BY "customers"."id" ASC LIMIT 100

-- rails: having
SELECT "orders"."customer_id", SUM("orders"."total_cents") AS spent FROM "orders" GROUP BY "orders"."customer_id"
HAVING SUM("orders"."total_cents") > 20000 ORDER BY spent DESC, 1 LIMIT 15

-- rails: a scope with a subquery
-- masked: email
SELECT "customers"."id", "customers"."email" FROM "customers" WHERE NOT EXISTS (
  SELECT 1 FROM "orders" WHERE "orders"."customer_id" = "customers"."id") ORDER BY "customers"."id" LIMIT 10

-- hibernate: an entity with aliases
-- masked: email1_ phone5_
select c1_0.id as id1_, c1_0.email as email1_, c1_0.city as city2_, c1_0.credit_limit as credit_l3_, c1_0.name as name4_, c1_0.phone as phone5_
from customers c1_0 where c1_0.id=$1
--$ 33

-- hibernate: an entity with a collection
-- masked: email
select c1_0.id, c1_0.email, o1_0.customer_id, o1_0.id, o1_0.status, o1_0.total_cents from customers c1_0
left join orders o1_0 on c1_0.id=o1_0.customer_id where c1_0.id in (1,2,3) order by c1_0.id, o1_0.id

-- hibernate: a page with a count beside it
select count(c1_0.id) from customers c1_0 where c1_0.city like $1 escape '!'
--$ B%

-- hibernate: criteria with coalesce and case
select o1_0.id, coalesce(o1_0.status, 'none'), case when o1_0.total_cents>10000 then 'large' else 'small' end from orders o1_0
where o1_0.placed_at between '2024-01-01' and '2026-01-01' order by o1_0.id offset 5 rows fetch first 10 rows only

-- hibernate: a sequence
select p1_0.id, p1_0.attributes, p1_0.tags from products p1_0 where p1_0.active=true and p1_0.price>=10 order by p1_0.price desc, p1_0.id fetch first 12 rows only

-- sqlalchemy: an entity with labels
-- masked: customers_email customers_birth_date
SELECT customers.id AS customers_id, customers.name AS customers_name, customers.email AS customers_email,
  customers.birth_date AS customers_birth_date FROM customers WHERE customers.country = 'IT' ORDER BY customers.id LIMIT 20

-- sqlalchemy: select in loading
SELECT orders.customer_id AS orders_customer_id, orders.id AS orders_id, orders.status AS orders_status
FROM orders WHERE orders.customer_id IN (4, 5, 6) ORDER BY orders.id

-- sqlalchemy: an anonymous subquery
-- masked: email
SELECT anon_1.id, anon_1.email, anon_1.n FROM (SELECT customers.id AS id, customers.email AS email, count(orders.id) AS n
  FROM customers JOIN orders ON orders.customer_id = customers.id GROUP BY customers.id, customers.email) AS anon_1
WHERE anon_1.n > 5 ORDER BY anon_1.id

-- sqlalchemy: insert many values with returning
INSERT INTO products (id, sku, name, category, price) SELECT p0::BIGINT, p1::VARCHAR, p2::VARCHAR, p3::VARCHAR, p4::NUMERIC
FROM (VALUES (990011, 'X-1', 'one', 'toys', 1.5), (990012, 'X-2', 'two', 'toys', 2.5)) AS imp_sen(p0, p1, p2, p3, p4)
RETURNING products.id, products.sku, products.active

-- sqlalchemy: a window function
SELECT orders.id, orders.customer_id, row_number() OVER (PARTITION BY orders.customer_id ORDER BY orders.placed_at DESC) AS rn
FROM orders WHERE orders.customer_id < 20 ORDER BY orders.customer_id, rn

-- sqlalchemy: a recursive query
WITH RECURSIVE days(day) AS (SELECT DATE '2026-01-01' UNION ALL SELECT (day + 1)::date FROM days WHERE day < '2026-01-10')
SELECT days.day, count(orders.id) AS n FROM days LEFT JOIN orders ON orders.placed_at::date = days.day GROUP BY days.day ORDER BY days.day

-- prisma: many with nested ids
-- masked: email
SELECT "public"."customers"."id", "public"."customers"."email", "public"."customers"."city" FROM "public"."customers"
WHERE ("public"."customers"."id" = $1 AND 1=1) LIMIT $2 OFFSET $3
--$ 3
--$ 1
--$ 0

-- prisma: relation by lateral json
SELECT "t1"."id", "orders"."__prisma_data__" AS "orders" FROM "public"."customers" AS "t1" LEFT JOIN LATERAL (
  SELECT COALESCE(JSONB_AGG("__prisma_data__"), '[]') AS "__prisma_data__" FROM (
    SELECT JSONB_BUILD_OBJECT('id', "t3"."id", 'status', "t3"."status", 'total', "t3"."total_cents") AS "__prisma_data__"
    FROM (SELECT * FROM "public"."orders" AS "t2" WHERE "t1"."id" = "t2"."customer_id" ORDER BY "t2"."id") AS "t3") AS "t4") AS "orders" ON TRUE
WHERE "t1"."id" < 8 ORDER BY "t1"."id"

-- sequelize: find and count
SELECT count("Customer"."id") AS "count" FROM "customers" AS "Customer" WHERE "Customer"."city" IN ('Berlin', 'Roma', 'Paris')

-- sequelize: include with a subquery
-- masked: email
SELECT "Customer".*, "orders"."id" AS "orders.id", "orders"."status" AS "orders.status" FROM (
  SELECT "Customer"."id", "Customer"."email", "Customer"."city" FROM "customers" AS "Customer" WHERE "Customer"."country" = 'ES'
  ORDER BY "Customer"."id" LIMIT 5) AS "Customer"
LEFT OUTER JOIN "orders" AS "orders" ON "Customer"."id" = "orders"."customer_id" ORDER BY "Customer"."id", "orders"."id"

-- typeorm: an entity with its alias in every name
-- masked: c_email c_card
SELECT "c"."id" AS "c_id", "c"."email" AS "c_email", "c"."card" AS "c_card", "c"."note" AS "c_note" FROM "customers" "c"
WHERE ("c"."city" = $1) AND ("c"."id" IN ($2, $3, $4)) ORDER BY "c"."id"
--$ Roma
--$ 1
--$ 2
--$ 3

-- gorm: first, of what is not deleted
-- masked: email card ssn phone street birth_date
SELECT * FROM "customers" WHERE "customers"."note" IS NULL ORDER BY "customers"."id" LIMIT 1

-- ent: ids by a set of predicates
SELECT DISTINCT "customers"."id" FROM "customers" WHERE "customers"."country" = 'FR' AND ("customers"."credit_limit" > 1000 OR "customers"."tags" @> '{vip}') ORDER BY "customers"."id"

-- diesel: a tuple of columns
SELECT "products"."id", "products"."sku", "products"."price" FROM "products" WHERE ("products"."category" = $1) ORDER BY "products"."price" ASC, "products"."id" LIMIT $2 OFFSET $3
--$ toys
--$ 10
--$ 0

-- ecto: preload by ids
SELECT o0."id", o0."status", o0."total_cents", o0."customer_id", o0."customer_id" FROM "orders" AS o0
WHERE (o0."customer_id" = ANY('{1,2,3}')) ORDER BY o0."customer_id", o0."id"

-- postgrest: a table as json
-- hidden: body
SELECT coalesce(json_agg(_postgrest_t), '[]')::text AS body, pg_catalog.count(_postgrest_t) AS page_total
FROM (SELECT "public"."customers"."id", "public"."customers"."email" FROM "public"."customers" WHERE "id" < 5 ORDER BY "id") _postgrest_t

-- postgrest: a table of nothing classified as json
SELECT coalesce(json_agg(_postgrest_t), '[]')::text AS body, pg_catalog.count(_postgrest_t) AS page_total
FROM (SELECT "public"."customers"."id", "public"."customers"."city" FROM "public"."customers" WHERE "id" < 5 ORDER BY "id") _postgrest_t

-- hasura: a query as json
SELECT coalesce(json_agg("root"), '[]') AS "root" FROM (SELECT row_to_json((SELECT "_e" FROM (SELECT "_root"."id" AS "id", "_root"."status" AS "status") AS "_e")) AS "root"
  FROM (SELECT * FROM "public"."orders" WHERE ("public"."orders"."customer_id") = (('7')::bigint) ORDER BY id) AS "_root") AS "_out"

-- metabase: a table's first rows
-- masked: email ssn phone birth_date
SELECT "public"."customers"."id" AS "id", "public"."customers"."name" AS "name", "public"."customers"."email" AS "email",
  "public"."customers"."ssn" AS "ssn", "public"."customers"."phone" AS "phone", "public"."customers"."birth_date" AS "birth_date",
  "public"."customers"."city" AS "city" FROM "public"."customers" ORDER BY 1 LIMIT 200

-- metabase: a sum by month
SELECT DATE_TRUNC('month', "public"."orders"."placed_at") AS "placed_at", SUM("public"."orders"."total_cents") AS "sum" FROM "public"."orders"
WHERE "public"."orders"."placed_at" >= timestamp with time zone '2025-01-01 00:00:00.000Z' GROUP BY DATE_TRUNC('month', "public"."orders"."placed_at")
ORDER BY DATE_TRUNC('month', "public"."orders"."placed_at") ASC

-- metabase: a join with a nested question
SELECT "source"."country" AS "country", COUNT(*) AS "count", AVG("source"."total") AS "avg" FROM (
  SELECT "c"."country" AS "country", "o"."total_cents" AS "total" FROM "public"."orders" "o"
  LEFT JOIN "public"."customers" "c" ON "o"."customer_id" = "c"."id") AS "source" GROUP BY "source"."country" ORDER BY "count" DESC, 1

-- metabase: fingerprints of a text column
SELECT AVG(LENGTH("source"."city")) AS "length", COUNT(DISTINCT "source"."city") AS "distinct" FROM (
  SELECT "public"."customers"."city" FROM "public"."customers" ORDER BY "public"."customers"."id" LIMIT 10000) AS "source"

-- tableau: an extract's query
SELECT SUM(CAST("orders"."total_cents" AS BIGINT)) AS "sum:total_cents:ok", "customers"."country" AS "country",
  DATE_TRUNC( 'YEAR', CAST("orders"."placed_at" AS TIMESTAMP) ) AS "tyr:placed_at:ok" FROM "public"."orders" "orders"
INNER JOIN "public"."customers" "customers" ON ("orders"."customer_id" = "customers"."id") GROUP BY 2, 3 ORDER BY 2, 3

-- tableau: the domain of a filter
SELECT "customers"."city" AS "city" FROM "public"."customers" "customers" GROUP BY 1 ORDER BY 1 ASC NULLS FIRST

-- tableau: does a column hold anything
SELECT MIN(1) AS "one" FROM "public"."customers" "customers" HAVING (COUNT(1) > 0)

-- power bi: rows of a folded query
-- masked: email
select "rows"."country" as "country", "rows"."email" as "email" from (select "_"."id", "_"."country", "_"."email" from "public"."customers" "_"
where "_"."country" = 'GB' and "_"."country" is not null) "rows" order by "rows"."id" limit 20

-- power bi: group by of a folded query
select "rows"."status" as "status", sum("rows"."total_cents") as "a0", count(distinct "rows"."customer_id") as "a1" from "public"."orders" "rows" group by "status" order by 1

-- superset: a chart with a limit on its series
SELECT DATE_TRUNC('week', placed_at) AS __timestamp, status AS status, count(*) AS count FROM public.orders
JOIN (SELECT status AS status__, count(*) AS mme_inner__ FROM public.orders GROUP BY status ORDER BY mme_inner__ DESC LIMIT 3) AS series_limit ON status = status__
WHERE placed_at >= '2026-01-01' GROUP BY status, DATE_TRUNC('week', placed_at) ORDER BY 1, 2 LIMIT 1000

-- superset: a sample of a table
-- masked: card_number
SELECT * FROM public.payments ORDER BY id LIMIT 100

-- looker: an explore with a symmetric aggregate
SELECT customers.country AS "customers.country", COUNT(DISTINCT orders.id) AS "orders.count",
  COALESCE(CAST((SUM(DISTINCT (CAST(FLOOR(COALESCE(orders.total_cents, 0) * 1000000.0) AS DECIMAL(38,0))) +
    CAST(STRTOL_LIKE.h AS DECIMAL(38,0))) - SUM(DISTINCT CAST(STRTOL_LIKE.h AS DECIMAL(38,0)))) AS DOUBLE PRECISION) / 1000000.0, 0) AS "orders.total"
FROM orders LEFT JOIN customers ON orders.customer_id = customers.id CROSS JOIN LATERAL (SELECT hashint8(orders.id)::bigint) AS STRTOL_LIKE(h)
GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 500

-- grafana: a time series
SELECT floor(extract(epoch from placed_at) / 86400) * 86400 AS "time", count(*) AS orders FROM orders
WHERE placed_at BETWEEN '2026-01-01T00:00:00Z' AND '2026-09-30T00:00:00Z' GROUP BY 1 ORDER BY 1

-- redash: a cohort
WITH firsts AS (SELECT customer_id, min(placed_at) AS first_at FROM orders GROUP BY customer_id)
SELECT date_trunc('quarter', first_at) AS cohort, count(*) AS customers, avg(n) AS orders_each FROM firsts
JOIN LATERAL (SELECT count(*) AS n FROM orders o WHERE o.customer_id = firsts.customer_id) AS counts ON true GROUP BY 1 ORDER BY 1

-- analyst: revenue by category, with rollup
SELECT coalesce(p.category, 'all') AS category, date_part('year', o.placed_at) AS year, sum(i.quantity * i.unit_price_cents) AS cents
FROM order_items i JOIN products p ON p.id = i.product_id JOIN orders o ON o.id = i.order_id
GROUP BY ROLLUP (p.category, date_part('year', o.placed_at)) ORDER BY 1, 2 NULLS LAST

-- analyst: percentiles
SELECT c.country, percentile_cont(0.5) WITHIN GROUP (ORDER BY o.total_cents) AS median, max(o.total_cents) AS most
FROM orders o JOIN customers c ON c.id = o.customer_id GROUP BY c.country ORDER BY 1

-- analyst: a running total
SELECT month, amount_cents, sum(amount_cents) OVER (ORDER BY month) AS so_far, lag(amount_cents) OVER (ORDER BY month) AS before FROM monthly_revenue ORDER BY month

-- analyst: a view that shows people
-- masked: email
SELECT * FROM customer_orders WHERE customer_id < 10 ORDER BY order_id

-- analyst: preferences by json
SELECT preferences->>'language' AS language, count(*) AS n, count(*) FILTER (WHERE (preferences->>'newsletter')::boolean) AS subscribed
FROM customers GROUP BY 1 ORDER BY 2 DESC, 1

-- analyst: tags unnested
SELECT tag, count(*) FROM customers, unnest(tags) AS tag GROUP BY tag ORDER BY tag

-- analyst: pairs bought together
SELECT a.product_id AS one, b.product_id AS other, count(*) FROM order_items a JOIN order_items b ON a.order_id = b.order_id AND a.product_id < b.product_id
GROUP BY 1, 2 HAVING count(*) > 1 ORDER BY 3 DESC, 1, 2 LIMIT 10

-- analyst: ages by decade are made of what is classified
-- hidden: decade
SELECT extract(year FROM age(birth_date))::int / 10 * 10 AS decade, count(*) AS n FROM customers GROUP BY 1 ORDER BY 2, 1

-- analyst: people without an address
SELECT count(*) AS without_street, count(phone) AS with_phone FROM customers WHERE street IS NULL OR street IS NOT NULL

-- analyst: set operations
SELECT city FROM customers WHERE country = 'DE' INTERSECT SELECT city FROM customers WHERE credit_limit > 100 ORDER BY 1

-- analyst: distinct on
-- masked: shipping_address
SELECT DISTINCT ON (customer_id) customer_id, id, placed_at, shipping_address FROM orders WHERE customer_id < 30 ORDER BY customer_id, placed_at DESC

-- analyst: a pivot by filters
SELECT date_trunc('year', placed_at) AS year, count(*) FILTER (WHERE status = 'delivered') AS delivered,
  count(*) FILTER (WHERE status = 'refunded') AS refunded FROM orders GROUP BY 1 ORDER BY 1

-- analyst: a temporary table in a transaction
CREATE TEMP TABLE ours AS SELECT id, city, country FROM customers WHERE credit_limit > 1000
--next
CREATE INDEX ON ours (country)
--next
ANALYZE ours
--next
SELECT country, count(*), min(city), md5(max(city)) AS hash FROM ours GROUP BY country ORDER BY country
--next
SELECT o.id, o.city || '!' AS loud, c.name FROM ours o JOIN customers c USING (id) ORDER BY o.id LIMIT 10
--next
DROP TABLE ours

-- analyst: a temporary table of its own
CREATE TEMP TABLE basket (product_id bigint, amount int)
--next
INSERT INTO basket SELECT product_id, sum(quantity) FROM order_items GROUP BY product_id
--next
UPDATE basket SET amount = amount + 1 WHERE product_id < 10
--next
SELECT p.sku, b.amount * p.price AS worth FROM basket b JOIN products p ON p.id = b.product_id ORDER BY p.sku

-- analyst: a temporary table with people in it
-- by: tessa
-- masked: email ssn mail
-- hidden: hash
CREATE TEMP TABLE people AS SELECT id, name, email, ssn, city FROM customers WHERE id < 20
--next
SELECT id, name, email, ssn, city, md5(ssn) AS hash FROM people ORDER BY id
--next
INSERT INTO people SELECT id, name, email, ssn, city FROM customers WHERE id BETWEEN 20 AND 30
--next
SELECT p.city, count(*), count(DISTINCT o.id) AS orders FROM people p LEFT JOIN orders o ON o.customer_id = p.id GROUP BY p.city ORDER BY p.city
--next
ALTER TABLE people RENAME email TO mail
--next
SELECT id, mail, ssn FROM people ORDER BY id

-- analyst: select into
SELECT id, status, total_cents INTO TEMP paid FROM orders WHERE status = 'paid'
--next
SELECT status, count(*), sum(total_cents) FROM paid GROUP BY status

-- rails: a migration in a transaction
CREATE TABLE "coupons" ("id" bigserial primary key, "code" character varying NOT NULL, "cents" integer DEFAULT 0)
--next
CREATE UNIQUE INDEX "index_coupons_on_code" ON "coupons" ("code")
--next
INSERT INTO "coupons" ("code", "cents") SELECT 'C' || products.id, 100 FROM products WHERE id < 5
--next
SELECT "coupons"."code", upper(code) AS loud, "coupons"."cents" * 2 AS double FROM "coupons" ORDER BY code
--next
ALTER TABLE "products" ADD COLUMN "weight" integer
--next
UPDATE "products" SET "weight" = length(name) WHERE id < 5
--next
SELECT id, name, weight * 2 AS twice FROM products WHERE id < 5 ORDER BY id

-- psycopg: a cursor
DECLARE "ours" CURSOR FOR SELECT id, city, upper(city) AS loud FROM customers ORDER BY id
--next
FETCH FORWARD 10 FROM "ours"
--next
CLOSE "ours"

-- dba: how large tables are
SELECT relname, pg_catalog.pg_table_size(oid) > 0 AS some, reltuples::bigint FROM pg_catalog.pg_class WHERE relname IN ('customers', 'orders') ORDER BY 1

-- dba: a plan of nothing classified
EXPLAIN (COSTS OFF) SELECT * FROM products WHERE category = 'toys' ORDER BY price LIMIT 5
