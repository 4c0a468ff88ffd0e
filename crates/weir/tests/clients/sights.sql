-- A column of every type that has a part or a token, and of some that have neither. The first word of a name is its class.
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN label AS text;
CREATE TYPE pair AS (x int, y text);
CREATE TABLE seen (
    id int PRIMARY KEY,
    card_int2 int2, card_int4 int4, card_int8 int8, card_oid oid, card_numeric numeric, card_text text, card_varchar varchar(19),
    card_char char(22), card_array int8[], card_grid numeric[], card_json json, card_jsonb jsonb, card_jsons jsonb[], card_range int8range,
    born_date date, born_ts timestamp, born_tstz timestamptz, born_text text, born_dates date[], born_ats timestamptz[], born_range daterange,
    born_tsrange tsrange, born_tstzrange tstzrange, born_multi datemultirange, born_tsmulti tsmultirange, born_tstzmulti tstzmultirange,
    born_ranges tsrange[], born_time time, born_timetz timetz, born_interval interval,
    amount_int4 int4, amount_numeric numeric(10, 2), amount_float4 float4, amount_float8 float8, amount_money money,
    amount_int4range int4range, amount_int8range int8range, amount_numrange numrange, amount_int4multi int4multirange,
    amount_int8multi int8multirange, amount_nummulti nummultirange, amount_floats float8[], amount_multis int4multirange[],
    place_float8 float8, place_numeric numeric, place_point point,
    host_inet inet, host_cidr cidr, host_long inet, host_array inet[], host_cidrs cidr[], host_text text,
    device_mac macaddr, device_mac8 macaddr8, device_macs macaddr[], device_mac8s macaddr8[],
    mail_text text, mail_name name, mail_array text[], mail_chars varchar(30)[], mail_names name[], mail_label label, mail_jsonb jsonb,
    word_text text, word_uuid uuid, word_bytea bytea, word_uuids uuid[], word_byteas bytea[], word_bool bool, word_bools bool[],
    word_bit bit(8), word_varbit varbit, word_xml xml, word_mood mood, word_moods mood[], word_pair pair, word_vector tsvector,
    word_path jsonpath, word_lsn pg_lsn, word_qchar "char",
    secret_text text, secret_jsonb jsonb
);
INSERT INTO seen VALUES (
    1, 12345, 512449821, 4111111111111234, 4111111234, 4111111111111234.00, '4111 1111 1111 1234', '4111-1111-1111-1234',
    '4111111111111234', '{4111111111111234,NULL}', '[0:1][2:3]={{4111111111111234,41111111119876},{NULL,5}}',
    '{"number": 4111111111111234, "is ok": true, "all": ["4111 1111 1111 1234", null, 4.1e15]}',
    '{"number": 4111111111111234, "4111111111111234": "\"4111 1111 1111 1234\""}',
    ARRAY['{"number": 4111111111111234}', NULL, '[]']::jsonb[], '[4111111111111234,4111111111119876)',
    '1984-07-09', '1984-07-09 12:34:56.789', '1984-07-09 12:34:56.789+02', '1984-07-09', '{1984-07-09,NULL,infinity}',
    '{"1984-07-09 12:34:56+02","1983-12-31 20:00:00+00","1984-01-01 02:00:00+00"}', '[1984-07-09,1991-07-09)', '["1984-07-09 12:34:56","1991-07-09 12:34:56")', '("1984-07-09 12:34:56+02",)',
    '{[1984-07-09,1991-07-09)}', '{["1984-07-09 12:34:56","1991-07-09 12:34:56"]}', '{["1984-07-09 12:34:56+02","1991-07-09 12:34:56+02"]}',
    ARRAY['["1984-07-09 12:34:56","1991-07-09 12:34:56")', NULL]::tsrange[], '07:09:19.84', '07:09:19.84+02', '19 years 84 days',
    5234789, 5234789.89, 5234789.5, 5.234789e+300, 5234789.89, '[1234,5234789)', '[1234,5234789)', '(-1234.5,5234789.89]', '{[1234,5678),[7777,5234789)}',
    '{[1234,5234789)}', '{[1234.5,5234789.89)}', '{5234789.5,-0.0523478989,NaN}', ARRAY['{[1234,5234789)}']::int4multirange[],
    52.520007, -13.404954, '(52.520007,13.404954)',
    '203.0.113.77', '203.0.113.64/27', '2001:db8:77:1:2::3', '{203.0.113.77/25,::1,NULL}', '{203.0.113.64/27}', '203.0.113.77',
    '08:00:2b:77:78:79', '08:00:2b:77:78:79:7a:7b', '{08:00:2b:77:78:79,NULL}', '{08:00:2b:77:78:79:7a:7b}',
    'jane.canary@example.com', 'jane.canary@example.com', '{jane.canary@example.com,"no, \"mail\" \\at all",NULL,"NULL"}',
    '[3:3]={jane.canary@example.com}', '{jane.canary@example.com}', 'jane.canary@example.com',
    '{"to": ["jane.canary@example.com", {"jane.canary@example.com": "other"}], "n": 4111111111111234}',
    'canary', '77777777-7777-4777-a777-777777777777', 'canary', '{77777777-7777-4777-a777-777777777777}', '{canary,NULL}', true, '{t,f}',
    B'10110111', B'10110111', '<a>canary</a>', 'ok', '{ok,sad}', '(7777,canary)', 'canary', '$."canary"', '7777/7777', 'c',
    'canary', '{"key": "canary", "canary": ["canary"]}'
);
-- What has no part: at the edges of types, empty, and missing.
INSERT INTO seen (id, card_numeric, born_date, born_ts, born_tstz, born_range, amount_float8, amount_numeric, amount_numrange,
    amount_nummulti, card_array, card_json, mail_array, word_bytea, mail_text) VALUES
(2, 'NaN', 'infinity', '0044-03-15 12:00 BC', '-infinity', 'empty', 'Infinity', 0, '(,)', '{}', '{}', '{}', '{}', '', ''),
(3, 0.00001, '10000-01-01', '10000-01-01', '10000-01-01', '[1984-07-09,1984-07-11)', -0.0, -0.01, '[1.5,1.6)', '{(,1.5)}', '{NULL}', '""',
 '{""}', '\x00', '@'),
(4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
