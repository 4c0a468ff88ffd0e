-- One table of many types, three times: open to all, classified, and classified where dates keep their year.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN label AS text;
CREATE TYPE place AS (x int, y text);
CREATE TABLE open (
    id int PRIMARY KEY, a_bool bool, a_int2 int2, a_int4 int4, a_int8 int8, a_oid oid, a_numeric numeric, a_price numeric(10, 2),
    a_float4 float4, a_float8 float8, a_text text, a_varchar varchar(20), a_bpchar char(8), a_name name, a_char "char",
    a_date date, a_time time, a_timetz timetz, a_timestamp timestamp, a_timestamptz timestamptz, a_interval interval,
    a_uuid uuid, a_json json, a_jsonb jsonb, some_ints int[], some_texts text[], a_mood mood, some_moods mood[],
    a_bytea bytea, an_inet inet, a_cidr cidr, a_mac macaddr, a_positive positive, a_label label, a_place place,
    a_range int4range, some_ranges int4multirange, a_point point, a_bit bit varying, a_vector tsvector, a_money money, a_xml xml
);
INSERT INTO open VALUES
(1, true, -7, 42, 9007199254740993, 4294967295, 12345678901234567890.0123456789, 19.99, 1.5, 0.1, 'naïve 👋 "quoted" \back',
 'varchar', 'char', 'a name', 'c', '1984-07-09', '12:34:56.789', '12:34:56+02', '1984-07-09 12:34:56.789',
 '1984-07-09 12:34:56+02', '1 year 2 mons 3 days 04:05:06', '0f8fad5b-d9cb-469f-a165-70867728950e', '{"a": [1, 2]}',
 '{"b": null, "a": "x"}', '{1,NULL,3}', '{"a b","c,d",NULL}', 'happy', '{sad,ok}', '\xdeadbeef00', '10.1.2.3/8', '10.0.0.0/8',
 '08:00:2b:01:02:03', 5, 'label', '(1,"two words")', '[1,10)', '{[1,3),[5,7)}', '(1,2)', B'1011', 'a fat cat', '12.34', '<a>b</a>'),
(2, false, 32767, -2147483648, -9223372036854775808, 0, 'NaN', 0.00, 'Infinity', '-Infinity', '', '', '', '', '', 'infinity',
 '00:00', '24:00:00+00', '-infinity', 'infinity', '-1 day', '00000000-0000-0000-0000-000000000000', 'null', '[]', '{}', '{{a,b},{c,d}}',
 'sad', '{}', '', '::1', '::/0', '00:00:00:00:00:00', 1, '', '(,)', 'empty', '{}', '(0,0)', B'', '', '0', ''),
(3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
 NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE closed AS TABLE open;
CREATE TABLE closed_days (id int, a_date date, a_timestamp timestamp, a_timestamptz timestamptz);
INSERT INTO closed_days SELECT id, a_date, a_timestamp, a_timestamptz FROM open;
