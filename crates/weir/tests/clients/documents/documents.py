"""Rows and JSON made of columns, by every way: outside of what is masked the bytes are those that the server sends directly, and what
is masked is shown as its column is shown beside it."""

import json
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "psycopg"))

from psycopg.pq import ExecStatus
from ways import directly, run_all, through

V18 = sys.argv[1] == "PostgreSQL 18"

# What Alice does not see clear of a customer. Of the rest nothing is classified, or she sees it.
MASKED = ("email", "card", "ssn", "phone", "street", "birth_date")
FEW = "SELECT id, email, city, ssn, birth_date FROM customers WHERE id < 6 ORDER BY id"

DOCUMENTS = [
    "SELECT row_to_json(c) FROM customers c WHERE id < 9 ORDER BY id",
    "SELECT row_to_json(c, true) FROM customers c WHERE id < 9 ORDER BY id",
    "SELECT to_jsonb(c), to_json(c.*), c.id FROM customers c WHERE id < 9 ORDER BY id",
    f"SELECT json_agg(t) FROM ({FEW}) t",
    f"SELECT jsonb_agg(t), jsonb_agg(to_jsonb(t)), json_agg(row_to_json(t)) FROM ({FEW}) t",
    f"SELECT coalesce(json_agg(t), '[]') FROM ({FEW}) t",
    f"SELECT coalesce(json_agg(t)::jsonb, '[]'::jsonb), to_jsonb(json_agg(t)) FROM ({FEW}) t",
    f"SELECT coalesce(jsonb_agg(t), '[]'::jsonb), coalesce(json_agg(t) FILTER (WHERE t.city < 'M'), '[]'::json) FROM ({FEW}) t",
    "SELECT coalesce(json_agg(t), '[]'), json_agg(t) FROM (SELECT id, email FROM customers WHERE id < 0) t",
    "SELECT json_build_object('id', id, 'email', email, 'city', city), jsonb_build_object('email', email, 'id', id, 'of', city) FROM customers WHERE id < 9",
    "SELECT json_build_object('id', c.id, 'all', json_build_array(c, 1, NULL, 'x')) FROM customers c WHERE id < 4",
    # An ORM with a relation, and one the other way round.
    "SELECT row_to_json(t) FROM (SELECT id, email, (SELECT json_agg(o) FROM (SELECT id AS number, status FROM orders"
    " WHERE customer_id = c.id ORDER BY id) o) AS orders FROM customers c WHERE id < 9 ORDER BY id) t",
    "SELECT jsonb_build_object('number', o.id, 'customer', to_jsonb(c)) FROM orders o LEFT JOIN customers c ON c.id = o.customer_id"
    " WHERE o.id < 9 ORDER BY o.id",
    "SELECT row_to_json(o), row_to_json(c) FROM orders o LEFT JOIN customers c ON c.id = o.customer_id AND c.id < 0 WHERE o.id < 4 ORDER BY o.id",
    # PostgREST and Hasura.
    "WITH pgrst_source AS (SELECT \"public\".\"customers\".\"id\", \"public\".\"customers\".\"email\" FROM \"public\".\"customers\" WHERE id < 9)"
    " SELECT null::bigint AS total_result_set, pg_catalog.count(_postgrest_t) AS page_total, coalesce(json_agg(_postgrest_t), '[]') AS body,"
    " nullif(current_setting('response.headers', true), '') AS response_headers FROM (SELECT * FROM pgrst_source) _postgrest_t",
    "SELECT coalesce(json_agg(\"root\"), '[]') AS \"root\" FROM (SELECT row_to_json((SELECT \"_e\" FROM (SELECT \"_root.base\".\"id\" AS \"id\","
    " \"_root.base\".\"email\" AS \"email\", \"_root.base\".\"city\" AS \"city\") AS \"_e\")) AS \"root\" FROM (SELECT * FROM \"public\".\"customers\""
    " WHERE id < 9 ORDER BY id) AS \"_root.base\") AS \"_root\"",
    # Prisma and Drizzle.
    "SELECT t.id, o.data FROM customers t LEFT JOIN LATERAL (SELECT coalesce(jsonb_agg(d), '[]') AS data FROM (SELECT jsonb_build_object("
    "'id', c.id, 'ssn', c.ssn, 'status', s.status) AS d FROM orders s JOIN customers c ON c.id = s.customer_id WHERE s.customer_id = t.id"
    " ORDER BY s.id) x) o ON true WHERE t.id < 6 ORDER BY t.id",
    "SELECT json_build_array(id, json_build_object('id', id, 'email', email), preferences), json_agg(json_build_array(tags, json_build_object("
    "'id', id, 'ssn', ssn))) OVER (PARTITION BY id) FROM customers WHERE id < 6 ORDER BY id",
    # So long that its row is read as it comes.
    "SELECT json_agg(t) FROM (SELECT c.* FROM customers c, generate_series(1, 4) AS g ORDER BY c.id, g) t",
    # Arrays of documents.
    f"SELECT array_agg(row_to_json(t)), array_agg(to_jsonb(t)), ARRAY(SELECT row_to_json(u) FROM ({FEW}) u) FROM ({FEW}) t",
    f"SELECT to_json(array_agg(t)), array_to_json(ARRAY(SELECT u FROM ({FEW}) u)) FROM ({FEW}) t",
    "SELECT to_jsonb(t) FROM (SELECT 'a \"quoted\" ü \\ name' AS \"e \"\" mäil\\\", id, email FROM customers WHERE id < 4 ORDER BY id) t",
]
if V18:
    DOCUMENTS += [
        "SELECT JSON_OBJECT('id': id, 'email': email, 'city' VALUE city), JSON_ARRAYAGG(JSON_OBJECT('id': id, 'ssn': ssn)) OVER (PARTITION BY id)"
        " FROM customers WHERE id < 6 ORDER BY id",
    ]

VALUE = r'"(?:[^"\\]|\\.)*"|null|-?[0-9.]+(?:[eE][-+]?[0-9]+)?'


def outside(cell):
    """The bytes that are outside of what is masked. In an array's text the quotes have backslashes before them."""
    if cell is None:
        return None
    if cell.startswith(b'{"{'):
        cell = re.sub(rb'\\(.)', rb"\1", cell, flags=re.S)
    text = re.sub(rb"[\x00-\x08\x0e-\x1f].{0,4}(?=\x01?\{)", b"#", cell, flags=re.S) if b"\0" in cell else cell
    keys = "|".join([*MASKED, "shipping_address"]).encode()
    # Blanks about what is masked are not kept.
    return re.sub(rb'("(?:%s)"\s*:)\s*(?:%s)\s*' % (keys, VALUE.encode()), rb"\1#", text, flags=re.S)


def masked_in(document, found):
    """Every masked value of a customer: its id, its key, and how it is shown."""
    if isinstance(document, list):
        for item in document:
            masked_in(item, found)
    if isinstance(document, dict):
        for key, value in document.items():
            if key in MASKED and "id" in document:
                found.append((document["id"], key, value))
            masked_in(value, found)


def simple(pg, query):
    return pg.exec_(query.encode())


def extended(pg, query):
    return pg.exec_params(query.encode(), [])


def binary(pg, query):
    return pg.exec_params(query.encode(), [], result_format=1)


def fetched(pg, query, kind=""):
    pg.exec_(b"BEGIN")
    assert pg.exec_(f"DECLARE way {kind} CURSOR FOR {query}".encode()).status == ExecStatus.COMMAND_OK, query
    result = pg.exec_(b"FETCH ALL FROM way")
    pg.exec_(b"ROLLBACK")
    return result


def fetched_binary(pg, query):
    return fetched(pg, query, "BINARY")


def cells(connection, query, way):
    result = way(connection.pgconn, query)
    assert result.status == ExecStatus.TUPLES_OK, (query, result.error_message)
    return [result.ftype(n) for n in range(result.nfields)], [
        [result.get_value(row, n) for n in range(result.nfields)] for row in range(result.ntuples)]


def test_outside_of_what_is_masked_every_byte_is_the_servers():
    checked = 0
    with directly(autocommit=True) as direct, through(autocommit=True) as weir:
        names = ", ".join(MASKED)
        shown = {row[0]: dict(zip(MASKED, row[1:])) for row in weir.execute(f"SELECT id, {names} FROM customers WHERE id < 400").fetchall()}
        clear = {row[0]: dict(zip(MASKED, row[1:])) for row in direct.execute(f"SELECT id, {names} FROM customers WHERE id < 400").fetchall()}
        for query in DOCUMENTS:
            for way in (simple, extended, binary, fetched, fetched_binary):
                types, one = cells(direct, query, way)
                also, other = cells(weir, query, way)
                assert types == also and len(one) == len(other), query
                for row, row_of_weir in zip(one, other):
                    for kind, cell, cell_of_weir in zip(types, row, row_of_weir):
                        if kind in (114, 3802) and cell is not None:
                            assert outside(cell) == outside(cell_of_weir), (way.__name__, query, cell, cell_of_weir)
                            found, hidden = [], []
                            masked_in(json.loads(cell_of_weir.lstrip(b"\x01")), found)
                            masked_in(json.loads(cell.lstrip(b"\x01")), hidden)
                            for (customer, key, value), (_, _, was) in zip(found, hidden):
                                is_shown = shown[customer][key]
                                wanted = is_shown if is_shown is None or isinstance(is_shown, str) else is_shown.isoformat()
                                assert value == wanted, (query, customer, key, value, wanted)
                                assert was is None or value != was, (query, customer, key)
                                checked += 1
                        elif kind in (199, 3807):
                            canaries = [value.encode() for row in clear.values() for value in (row["email"], row["ssn"]) if value]
                            assert b"[redacted]" in cell_of_weir and not any(canary in cell_of_weir for canary in canaries), query
                            if way not in (binary, fetched_binary):
                                assert outside(cell) == outside(cell_of_weir), (query, cell, cell_of_weir)
                            checked += 1
                        elif kind not in (114, 3802):
                            assert cell == cell_of_weir, (query, cell, cell_of_weir)
                        else:
                            assert cell_of_weir is None, (query, cell_of_weir)
    assert checked > 1000, checked


def test_copies_show_what_rows_show():
    with through("carol", autocommit=True) as weir:
        for query in DOCUMENTS:
            for way, form in ((simple, "text"), (binary, "binary")):
                types, shown = cells(weir, query, way)
                with weir.cursor().copy(f"COPY ({query}) TO STDOUT (FORMAT {form})") as copy:
                    if form == "binary":
                        copy.set_types(["bytea"] * len(types))
                        copied = [list(row) for row in copy.rows()]
                        assert copied == shown, query
                    else:
                        lines = b"".join(copy).split(b"\n")[:-1]
                        unescape = lambda cell: None if cell == b"\\N" else re.sub(
                            rb"\\(.)", lambda found: {b"n": b"\n", b"t": b"\t"}.get(found[1], found[1]), cell)
                        assert [[unescape(cell) for cell in line.split(b"\t")] for line in lines] == shown, query


def test_a_document_with_something_computed_is_hidden_whole_and_tells_nothing_of_it():
    with through(autocommit=True) as weir:
        for value in [
            "md5(ssn)", "nullif(ssn, ssn)", "length(upper(ssn))", "ssn LIKE '9%'", "ARRAY[ssn]",
            # How a value is written: its blanks, how deep it is, how long it is.
            "(repeat(' ', ascii(ssn)) || '1')::json", "('1' || repeat(' ', ascii(ssn)))::json",
            "(repeat('[', ascii(ssn) + 10) || repeat(']', ascii(ssn) + 10))::json", "repeat('x', (ascii(ssn) - 47) * 120000)",
        ]:
            for query in [
                f"SELECT json_build_object('id', id, 'm', {value}, 'city', city) FROM customers WHERE id < 20 ORDER BY id",
                f"SELECT json_build_array({value}, id) FROM customers WHERE id < 20 ORDER BY id",
                f"SELECT to_json(t) FROM (SELECT id, {value} AS m FROM customers WHERE id < 20 ORDER BY id) t",
                f"SELECT to_json({value}) FROM customers WHERE id < 20 ORDER BY id",
            ]:
                for way in (simple, binary):
                    _, rows = cells(weir, query, way)
                    assert len(rows) == 19 and all(row == [b'"[redacted]"'] for row in rows), (query, rows[:3])


def test_other_encodings_hide_what_is_masked_and_no_more():
    with directly(autocommit=True, client_encoding="latin1") as direct, through(autocommit=True, client_encoding="latin1") as weir:
        both = [cells(connection, "SELECT json_build_object('word', chr(252), 'email', email) FROM customers WHERE id = 1", simple)[1][0][0]
                for connection in (direct, weir)]
        assert outside(both[0]) == outside(both[1]) and b"\xfc" in both[1] and b"***" in both[1], both


def test_who_sees_all_of_it_sees_the_servers_own():
    with directly(autocommit=True) as direct, through("clara", autocommit=True) as weir:
        for query in DOCUMENTS:
            for way in (simple, binary):
                assert cells(direct, query, way) == cells(weir, query, way), query


def test_what_is_done_with_a_document_hides_all_of_it():
    with through(autocommit=True) as weir:
        for query, wanted in [
            ("SELECT row_to_json(c)::text FROM customers c WHERE id = 1", "[redacted]"),
            ("SELECT to_jsonb(c) - 'email' FROM customers c WHERE id = 1", "[redacted]"),
            ("SELECT to_jsonb(c) || '{}' FROM customers c WHERE id = 1", "[redacted]"),
            ("SELECT to_jsonb(c) ->> 'city' FROM customers c WHERE id = 1", "[redacted]"),
            ("SELECT row_to_json(c) FROM customers AS c(a, b) WHERE a = 1", "[redacted]"),
            ("SELECT json_build_object('a', 1, 'a', ssn) FROM customers WHERE id = 1", "[redacted]"),
            ("SELECT json_agg(c ORDER BY ssn) FROM customers c", "[redacted]"),
            ("SELECT json_agg(c) FROM customers c, generate_series(1, 100)", "[redacted]"),  # Longer than what is masked.
        ]:
            assert weir.execute(query).fetchall() == [(wanted,)], query


def test_keys_that_are_constants_share_nothing_with_other_keys():
    """Texts that differ in a constant share what was found out about them, but for where the constant is a key."""
    with through(autocommit=True) as weir:
        for key in ("a", "b", "email"):
            for city in ("x", "y"):
                row = weir.execute(f"SELECT json_build_object('{key}', email, 'city', '{city}') FROM customers WHERE id = 1").fetchone()[0]
                assert list(row) == [key, "city"] and row["city"] == city and "***" in row[key], row


# Types of users' are not read, and a domain is one: nothing is shown of them in documents.
UNREAD = ("mail_label",)


def test_values_of_every_type_are_shown_as_their_columns():
    with directly("sights", autocommit=True) as direct:
        columns = direct.execute(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = 'seen'::regclass AND attnum > 1 ORDER BY attnum").fetchall()
        direct.execute("SET TimeZone = 'UTC'")
        same = 0
        for user in ("alice", "petra", "theo", "tess"):
            with through(user, "sights", autocommit=True) as weir:
                weir.execute("SET TimeZone = 'UTC'")
                for name, kind in columns:
                    query = f"SELECT {name}, row_to_json(t), jsonb_build_object('i', id, 'v', {name}) FROM seen t ORDER BY id"
                    _, shown = cells(weir, query, simple)
                    # A limit of a column is not one of what is shown in its place.
                    plain = re.sub(r"^(character varying|character|name)\b.*?(\[\])?$", r"text\2", kind)
                    for column, row, built in shown:
                        in_row, in_built = json.loads(row)[name], json.loads(built)["v"]
                        assert in_row == in_built, (user, name, in_row, in_built)
                        wanted = None
                        if column is not None and name not in UNREAD:
                            wanted = direct.execute(f"SELECT to_json(%s::text::{plain})", [column.decode()]).fetchone()[0]
                        if isinstance(wanted, str) and isinstance(in_row, str):
                            wanted, in_row = wanted.rstrip(" "), in_row.rstrip(" ")
                        # Where nothing is seen of a document, nor is that it is missing: it may be a null itself.
                        if column is None and kind in ("json", "jsonb") and in_row == "[redacted]":
                            continue
                        # Nor is how many digits a number may have.
                        if column is None and kind.startswith("numeric(") and isinstance(in_row, int):
                            continue
                        assert in_row == wanted or (isinstance(in_row, list) and not any(in_row) and wanted is None), (
                            user, name, in_row, wanted)
                        same += wanted is not None
    assert same > 200, same


run_all(globals())
