"""What is found in columns that nobody has classified: by every way on which values come, for who sees nothing, parts, tokens, or all."""

import time
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "clients" / "psycopg"))

import psycopg
from psycopg.pq import ExecStatus
from ways import directly, run_all, through

CANARIES = [b"536-90-4399", b"4539 1488", b"4539148803436467", b"ada.lovelace@", b"grace.hopper@", b"DE893704", b"DE89 3704",
            b"AKIAZ7XQ4LJM2NPT5RWV", b"203.0.113.77", b"AKIAZ7XQ4LJM2NPT5RWV".hex().encode(), b"ada.lovelace@".hex().encode()]
CANARIES += [(4539148803436467).to_bytes(8), b"".join(group.to_bytes(2) for group in (4539, 1488, 343, 6467)), bytes([203, 0, 113, 77])]

QUERIES = [
    "SELECT * FROM notes ORDER BY id",
    "SELECT n.* FROM notes n WHERE id = 1",
    "SELECT id, body || '', code::text, padded::varchar, doc, raw, tags, docs, blob, amount, card_number, page, host FROM notes ORDER BY 1",
    "SELECT doc -> 'iban', doc ->> 'iban', doc -> 'nested', raw ->> 'text' FROM notes ORDER BY id",
    "SELECT body AS order_id, code AS invoice FROM notes UNION ALL SELECT padded, tags::text FROM notes",
    "SELECT string_agg(body, E'\\n'), array_agg(code), jsonb_agg(doc), json_agg(padded) FROM notes",
    "SELECT row_to_json(notes), to_jsonb(notes) FROM notes",
    "SELECT n, (n).body FROM notes n",
    "SELECT ROW(id, body, card_number), ARRAY[code, padded], ARRAY[amount, card_number] FROM notes",
    "SELECT body::bytea, convert_to(code, 'UTF8') FROM notes",
    "SELECT unnest(tags), unnest(docs) FROM notes",
    "SELECT array_agg(card_number), array_agg(amount) FROM notes",
    "SELECT ROW(card_number, amount, host) FROM notes WHERE id = 1",
    "SELECT cards, ARRAY[cards] FROM cards",
    "SELECT d FROM cards",
    "SELECT 'order ' || number || ', sku ' || amount FROM cards",
    "SELECT to_tsvector('simple', padded), padded::name, ('{' || quote_ident(code) || '}')::varchar[] FROM notes",
]


def copy_in(connection, statement, data):
    """What is said against it."""
    try:
        with connection.cursor().copy(statement) as copy:
            for at in range(0, len(data), 7 if len(data) < 1000 else 100_000):
                copy.write(data[at:at + (7 if len(data) < 1000 else 100_000)])
        return ""
    except psycopg.Error as error:
        return str(error)


def bytes_of(connection, query, result_format=None):
    """Every cell, message and name that comes."""
    if result_format is None:
        result = connection.pgconn.exec_(query.encode())
    else:
        result = connection.pgconn.exec_params(query.encode(), [], result_format=result_format)
    assert result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK), (query, result.error_message)
    return [[result.get_value(row, n) for n in range(result.nfields)] for row in range(result.ntuples)]


def none_in(what, cells, allowed=()):
    for row in cells:
        for cell in row:
            found = [canary for canary in CANARIES if cell is not None and canary in cell and canary not in allowed]
            assert not found, (what, cell, found)


FORMATS = (None, 0, 1)


def test_nothing_is_seen_by_who_may_see_nothing():
    with directly("found", autocommit=True) as direct, through("alice", "found", autocommit=True) as weir:
        for query in QUERIES:
            for result_format in FORMATS:
                shown, bare = bytes_of(weir, query, result_format), bytes_of(direct, query, result_format)
                none_in((query, result_format), shown)
                assert [len(row) for row in shown] == [len(row) for row in bare], query
                leaks = any(canary in cell for row in bare for cell in row if cell for canary in CANARIES)
                assert leaks, (query, result_format, "there is nothing to find in it")


def test_what_stands_around_it_stays():
    with through("alice", "found", autocommit=True) as weir:
        first = bytes_of(weir, "SELECT body, code, doc, tags, page, raw FROM notes WHERE id = 1")[0]
        assert first[0] == b"her SSN is [redacted], on file", first[0]
        assert first[1] == b"pay [redacted]", first[1]
        assert first[2] == b'{"card": null, "iban": "[redacted]", "nested": [{"email": "[redacted]"}, "fine"]}', first[2]
        assert first[3] == b'{fine,"mail [redacted], please",NULL}', first[3]
        assert first[4] == b'<p to="[redacted]">hello</p>', first[4]
        assert first[5] == b'{"text": "first line\\u000a[redacted] [redacted]", "n": 1.50}', first[5]
        assert bytes_of(weir, "SELECT amount, card_number, blob, host FROM notes WHERE id = 2")[0] == [b"12.50", b"7", b"\\x00ff", None]
        # The server takes what is shown for values of the types.
        with directly("found", autocommit=True) as direct:
            for query in QUERIES[:2]:
                columns = direct.execute(query).description
                for row in bytes_of(weir, query):
                    for column, cell in zip(columns, row):
                        if cell is not None and column.type_display not in ("character", "character varying"):
                            direct.execute(f"SELECT %s::{column.type_display}", [cell.decode()])


def test_types_that_are_written_as_text_are_shown_as_text():
    with through("alice", "found", autocommit=True) as weir, through("rita", "found", autocommit=True) as reader:
        for query in ("SELECT mail FROM accounts", "SELECT a.mail FROM accounts AS a WHERE id = 1", "SELECT max(mail) FROM accounts"):
            for result_format in FORMATS:
                assert bytes_of(weir, query, result_format) == [[b"write to [redacted], please"]], (query, result_format)
        assert copied(weir, "COPY accounts TO STDOUT") == b"1\twrite to [redacted], please\n"
        assert b"write to [redacted], please" in copied(weir, "COPY accounts TO STDOUT (FORMAT binary)")
        for statement in ("INSERT INTO accounts VALUES (2, 'ada.lovelace@example.com')", "UPDATE accounts SET mail = 'to ada.lovelace@example.com'"):
            message = reader.pgconn.exec_(statement.encode()).error_message.decode()
            assert "public.accounts.mail holds" in message and "store Field::" in message, (statement, message)


def test_parts_and_tokens():
    with through("petra", "found", autocommit=True) as weir:
        for result_format in FORMATS:
            row = bytes_of(weir, "SELECT body, code, padded, doc, tags FROM notes WHERE id = 1", result_format)[0]
            assert row[0] == b"her SSN is ***-**-4399, on file", row
            assert row[1] == b"pay **** **** **** 6467" and row[2].rstrip() == b"a***@e***.com", row
            assert b'"card": 6467' in row[3] and b"DE****************3000" in row[3], row
        amounts = bytes_of(weir, "SELECT amount, card_number FROM notes WHERE id = 1")
        assert amounts == [[b"6467", b"6467"]], amounts
    with through("theo", "found", autocommit=True) as weir:
        none_in("tokens", bytes_of(weir, QUERIES[0]))
        one, other = bytes_of(weir, "SELECT padded, doc #>> '{nested,0,email}' FROM notes WHERE id = 1")[0], \
            bytes_of(weir, "SELECT tags[2], padded FROM notes WHERE id = 1")[0]
        assert one[0].startswith(b"tok_") and one[1] in other[0] and one[0].rstrip() == other[1].rstrip(), (one, other)


def test_who_sees_all_gets_what_is_there():
    for database, user in (("found", "clara"), ("off", "alice")):
        with directly("found", autocommit=True) as direct, through(user, database, autocommit=True) as weir:
            for query in QUERIES:
                for result_format in FORMATS:
                    assert bytes_of(direct, query, result_format) == bytes_of(weir, query, result_format), (user, query)


def test_what_is_nothing_is_the_same():
    with directly("found", autocommit=True) as direct, through("alice", "found", autocommit=True) as weir:
        for query in ("SELECT * FROM harmless ORDER BY id", "SELECT id, body || '', doc, raw, tags, blob, amount FROM harmless ORDER BY id"):
            for result_format in FORMATS:
                one, other = bytes_of(direct, query, result_format), bytes_of(weir, query, result_format)
                different = [pair for rows in zip(one, other) for pair in zip(*rows) if pair[0] != pair[1]]
                assert not different, (query, result_format, different[:3])


def copied(connection, statement):
    with connection.cursor().copy(statement) as copy:
        return b"".join(bytes(piece) for piece in copy)


def test_copies():
    statements = [f"COPY {what} TO STDOUT {how}" for what in ("notes", "(SELECT * FROM notes)", "notes (id, body, doc, card_number)")
                  for how in ("", "(FORMAT csv, HEADER)", "(FORMAT csv, DELIMITER ';', QUOTE '''')", "(FORMAT binary)")]
    with directly("found", autocommit=True) as direct, through("alice", "found", autocommit=True) as weir, \
            through("clara", "found", autocommit=True) as clara:
        for statement in statements:
            bare, shown = copied(direct, statement), copied(weir, statement)
            none_in(statement, [[shown]])
            assert b"[redacted]" in shown and any(canary in bare for canary in CANARIES), statement
            assert copied(clara, statement) == bare, statement
            harmless = statement.replace("notes (id, body, doc, card_number)", "harmless (id, body, doc, raw)").replace("COPY notes", "COPY harmless (id, body, doc, tags, blob)").replace("SELECT * FROM notes", "SELECT id, body, raw, page, amount FROM harmless")
            assert copied(direct, harmless) == copied(weir, harmless), harmless
        # Among other statements nobody describes it.
        result = weir.pgconn.exec_(b"SELECT 1; COPY notes TO STDOUT; SELECT 2")
        assert result.status == ExecStatus.FATAL_ERROR and b"0A000" == result.error_field(67), result.error_message


def test_cursors():
    with through("alice", "found", autocommit=True) as weir:
        bytes_of(weir, "BEGIN")
        for kind in ("", "BINARY"):
            bytes_of(weir, f"DECLARE c {kind} CURSOR FOR SELECT * FROM notes")
            none_in(kind, bytes_of(weir, "FETCH 1 FROM c") + bytes_of(weir, "FETCH ALL FROM c"))
            bytes_of(weir, "CLOSE c")
        bytes_of(weir, "COMMIT")
        with weir.transaction(), weir.cursor("named") as cursor:
            for row in cursor.execute("SELECT body, doc, blob FROM notes"):
                none_in("named", [[str(row).encode()]])
        bytes_of(weir, "PREPARE p AS SELECT body, code FROM notes")
        none_in("prepared", bytes_of(weir, "EXECUTE p"))


def test_what_is_said_in_words():
    said = []
    with through("alice", "found", autocommit=True) as weir:
        weir.add_notice_handler(lambda notice: said.append(str(notice.message_primary).encode()))
        for statement in ("INSERT INTO kept VALUES (2, 'ada.lovelace@example.com', 1)", "SELECT complain()",
                          "SELECT body::int FROM kept", "SELECT ('x' || body)::date FROM kept", "SELECT doc::int FROM notes"):
            try:
                weir.execute(statement)
                raise SystemExit(f"{statement} did not fail")
            except psycopg.Error as error:
                diag = error.diag
                words = [diag.message_primary, diag.message_detail, diag.message_hint, diag.context, diag.internal_query]
                none_in(statement, [[word and word.encode() for word in words]])
        # A setting is told to the client.
        weir.execute("SELECT set_config('application_name', body, false) FROM kept")
        assert weir.pgconn.parameter_status(b"application_name") == b"[redacted]", weir.pgconn.parameter_status(b"application_name")
        weir.execute("LISTEN news")
        weir.execute("NOTIFY news, 'to ada.lovelace@example.com'")
        (notify,) = weir.notifies(timeout=10, stop_after=1)
        assert notify.payload == "to [redacted]", notify
    none_in("notices", [said])
    assert any(b"seen: [redacted]" in notice for notice in said), said


def test_a_column_that_is_dense_is_hidden_whole():
    with through("petra", "found", autocommit=True) as weir:
        # What stands alone is looked at value by value until enough has been seen.
        first = [row[0] for row in bytes_of(weir, "SELECT contact FROM people WHERE id = 61")]
        assert first == [b"turing at example dot net"], first
        shown = [row[0] for row in bytes_of(weir, "SELECT contact FROM people ORDER BY id")]
        assert shown[:60] == [b"p***@e***.net"] * 60, shown
        assert shown[60:] == [b"[redacted]", None, b"[redacted]"], shown[60:]
    with through("alice", "found", autocommit=True) as weir:
        assert bytes_of(weir, "SELECT contact, remark FROM people WHERE id >= 61 ORDER BY id") == [
            [b"[redacted]", b"call back"], [None, None], [b"[redacted]", b""]]
        assert b"turing" not in copied(weir, "COPY people TO STDOUT")
    with through("clara", "found", autocommit=True) as weir:
        assert bytes_of(weir, "SELECT contact FROM people WHERE id = 61") == [[b"turing at example dot net"]]


def test_what_may_not_be_stored_is_refused():
    with through("rita", "found", autocommit=True) as weir, through("alice", "found", autocommit=True) as alice:
        weir.execute("PREPARE takes (text) AS UPDATE kept SET body = $1 WHERE id = 7")
        for statement, parameters in (
            ("EXECUTE takes('ada.lovelace@example.com')", []),
            ("EXECUTE takes(E'ada.lovelace\\x40example.com')", []),
            ("EXPLAIN ANALYZE EXECUTE takes('ada.lovelace@example.com'::text)", []),
            ("INSERT INTO kept VALUES (7, 'ada.lovelace@example.com', 1)", []),
            ("INSERT INTO kept (id, body) SELECT 7, 'mail ada.lovelace@example.com'", []),
            ("UPDATE kept SET body = 'pay 4539 1488 0343 6467' WHERE id = 7", []),
            ("INSERT INTO kept VALUES (7, $1, 1)", [b"ada.lovelace@example.com"]),
            ("UPDATE kept SET body = $1 WHERE id = 7", [b"ssn 536-90-4399"]),
            ("PREPARE q AS UPDATE kept SET body = 'ada.lovelace@example.com' WHERE id = 7", []),
        ):
            result = weir.pgconn.exec_params(statement.encode(), parameters)
            message = result.error_message.decode()
            assert "public.kept.body holds" in message and "store Field::" in message, (statement, message)
            none_in(statement, [[message.encode()]])
        alice.execute("INSERT INTO kept VALUES (7, 'grace.hopper@example.org', 1)")
        assert weir.execute("SELECT count(*) FROM kept WHERE body LIKE '%%ada%%' OR body LIKE '%%pay%%'").fetchone() == (1,)
        for statement, parameters in (("INSERT INTO kept VALUES (8, 'nothing', 2)", []), ("INSERT INTO kept VALUES (9, $1, 3)", [b"order 12"])):
            assert weir.pgconn.exec_params(statement.encode(), parameters).status == ExecStatus.COMMAND_OK, statement
        weir.execute("EXECUTE takes('nothing at all')")
        for how, data in (
            ("", b"17\tgrace\t1\n18\tgrace.hopper\\x40example.org\t2\n"),
            ("(FORMAT csv)", b'17,grace,1\n18,"""grace.hopper@example.org""",2'),
            ("(FORMAT binary)", b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"\0\3\0\0\0\4\0\0\0\x11\0\0\0\x18grace.hopper@example.org\0\0\0\4\0\0\0\1\xff\xff"),
        ):
            message = copy_in(weir, f"COPY kept FROM STDIN {how}", data)
            assert "public.kept.body holds" in message and "store Field::" in message, (how, message)
            none_in(how, [[message.encode()]])
            assert copy_in(alice, f"COPY kept FROM STDIN {how}", data) == "", how
            alice.execute("DELETE FROM kept WHERE id >= 17")
        message = copy_in(weir, "COPY kept FROM STDIN", b"28\t" + b"x" * 1_100_000 + b"\t2\n")
        assert "can't be looked through" in message, message
        assert copy_in(weir, "COPY kept (id, body) FROM STDIN", b"28\tnothing new\n") == ""
        alice.execute("DELETE FROM kept WHERE id >= 7")


def test_what_goes_into_a_domain_is_read_as_what_it_is_over():
    nick = "x" * 46 + " 4539148803436467zzz"
    with through("rita", "found", autocommit=True) as weir:
        for column, value, plain in (("price", "45,39,14,88,03,43,64,67", "12.50"), ("counter", "-18442204924906115149", "7"), ("nick", nick, "bob")):
            for statement, parameters in ((f"INSERT INTO priced ({column}) VALUES ('{value}')", []), (f"INSERT INTO priced ({column}) VALUES ($1)", [value.encode()])):
                message = weir.pgconn.exec_params(statement.encode(), parameters).error_message.decode()
                assert f"public.priced.{column} holds" in message, (statement, message)
            assert f"public.priced.{column} holds" in copy_in(weir, f"COPY priced ({column}) FROM STDIN", value.encode() + b"\n"), column
            assert weir.pgconn.exec_(f"INSERT INTO priced ({column}) VALUES ('{plain}')".encode()).status == ExecStatus.COMMAND_OK, column
        for value in (f"upper('{nick}')", f"'{nick}'::varchar(200)", f"coalesce(current_user, '{nick}'::text)"):
            message = weir.pgconn.exec_(f"INSERT INTO priced (nick) VALUES ({value})".encode()).error_message.decode()
            assert "public.priced.nick holds" in message, (value, message)


def test_what_is_stored_is_read_as_the_server_takes_it():
    card = "4539148803436467"
    spelled = (
        ("j", r'{"a": "\u00345391488 03436467"}'.replace(" ", "")), ("j", r'"4539\u0031488 03436467"'.replace(" ", "")),
        ("j", '"\\\\x' + card.encode().hex() + '"'), ("n", "4.539148803436467e15"), ("n", "4_539_148_803_436_467"), ("n", hex(int(card))),
        ("big", "0o" + oct(int(card))[2:]), ("b", r"\x34 35 33 39 31 34 38 38 30 33 34 33 36 34 36 37"),
        ("tags", r'{a,4539\148803436467}'), ("tags", r'{"x y","4\539148803436467"}'), ("body", r"\x" + card.encode().hex()),
        ("pairs", r'{"(a,\"45391488\\\\03436467\")"}'), ("pairs", '{"(a,45\\"\\"39148803436467)"}'), ("ssn", "536904399"), ("host", "203.0.113.77"),
    )
    with through("rita", "found", autocommit=True) as weir, through("alice", "found", autocommit=True) as alice:
        for column, value in spelled:
            literal = "E'" + value.replace("\\", "\\\\").replace("'", "''") + "'"
            for statement, parameters in (
                (f"INSERT INTO spelled ({column}) VALUES ({literal})", []),
                (f"INSERT INTO spelled ({column}) VALUES ($1)", [value.encode()]),
                (f"UPDATE spelled SET {column} = {literal}", []),
            ):
                message = weir.pgconn.exec_params(statement.encode(), parameters).error_message.decode()
                assert f"public.spelled.{column} holds" in message, (statement, message)
            data = value.replace("\\", "\\\\").encode() + b"\n"
            message = copy_in(weir, f"COPY spelled ({column}) FROM STDIN", data)
            assert f"public.spelled.{column} holds" in message, (column, value, message)
        # Numbers as they stand in a text.
        for number in ("4_539_148_803_436_467", hex(int(card)), "4.539148803436467e15"):
            message = weir.pgconn.exec_(f"INSERT INTO spelled (big) VALUES ({number})".encode()).error_message.decode()
            assert "public.spelled.big holds" in message, (number, message)
        # A binary number of which the server cuts off what it does not show.
        numeric = b"".join(part.to_bytes(2) for part in (5, 3, 0, 0, 4539, 1488, 343, 6467, 1))
        result = weir.pgconn.exec_params(b"INSERT INTO spelled (n) VALUES ($1)", [numeric], param_formats=[1])
        assert "public.spelled.n holds" in result.error_message.decode(), result.error_message
        rows = b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"\0\1" + len(numeric).to_bytes(4) + numeric + b"\xff\xff"
        assert "public.spelled.n holds" in copy_in(weir, "COPY spelled (n) FROM STDIN (FORMAT binary)", rows)
        # What is given to a statement that runs by its name, whatever way it takes.
        weir.execute("PREPARE spells (text) AS INSERT INTO spelled (body) VALUES ($1)")
        for given in ("coalesce('%s')", "CASE WHEN true THEN '%s' END", "(SELECT '%s')", "('%s'::text)::varchar"):
            message = weir.pgconn.exec_(f"EXECUTE spells({given % 'ada.lovelace@example.com'})".encode()).error_message.decode()
            assert "public.spelled.body holds" in message, (given, message)
        # Whatever way a constant or a parameter takes into a column, and into whichever table.
        mail = b"ada.lovelace@example.com"
        for statement, parameters in (
            ("INSERT INTO spelled (body) SELECT p0 FROM (VALUES ($1)) AS v(p0)", [mail]),
            ("INSERT INTO spelled (body) SELECT * FROM unnest($1::text[])", [b"{" + mail + b"}"]),
            ("INSERT INTO spelled (body) SELECT 'a' UNION ALL SELECT 'ada.lovelace@example.com'", []),
            ("UPDATE spelled SET body = v.b FROM (VALUES ('ada.lovelace@example.com')) v(b)", []),
            ("INSERT INTO spelled (body) VALUES (nullif($1, ''))", [mail]),
            ("INSERT INTO spelled (tags) VALUES (ARRAY['a', $1])", [mail]),
            ("INSERT INTO spelled (body) VALUES ('ada.lovelace@example.com' COLLATE \"C\")", []),
            ("INSERT INTO spelled (b) VALUES ($1::bytea)", [rb"\064539148803436467"]),
            ("INSERT INTO spelled (tags) VALUES ($1::text[])", [rb"{4539\148803436467}"]),
            ("WITH v AS (SELECT 'ada.lovelace@example.com' AS a) INSERT INTO spelled (body) SELECT a FROM v", []),
            ("WITH v AS (SELECT 'ada.lovelace@example.com' AS a), i AS (INSERT INTO spelled (body) SELECT a FROM v RETURNING 1) SELECT 1", []),
            ("WITH v(a) AS (VALUES ($1)), i AS (INSERT INTO spelled (body) SELECT a FROM v ON CONFLICT DO NOTHING RETURNING body) TABLE i", [mail]),
            ("WITH v AS (SELECT $1::text AS a), u AS (UPDATE spelled SET body = (SELECT a FROM v) RETURNING 1) TABLE u", [mail]),
            ("INSERT INTO spelled (body) SELECT unnest($1::text[])", [b"{" + mail + b"}"]),
            ("INSERT INTO spelled (body) VALUES (lower($1))", [mail]),
        ):
            for types in ((), (25,) * len(parameters)):
                parsed = weir.pgconn.prepare(b"", statement.encode(), types)
                message = (parsed.error_message or weir.pgconn.exec_prepared(b"", parameters).error_message).decode()
                assert "public.spelled" in message and " holds " in message, (statement, types, message)
        for statement in (
            "CREATE TABLE newest AS SELECT 'ada.lovelace@example.com' AS a",
            "SELECT 'ada.lovelace@example.com' AS a INTO newest",
            "CREATE TABLE newest (a text DEFAULT 'ada.lovelace@example.com')",
            "ALTER TABLE spelled ADD COLUMN added text DEFAULT 'ada.lovelace@example.com'",
            "CREATE TABLE newest (a text); INSERT INTO newest VALUES ('ada.lovelace@example.com')",
            "CREATE TABLE newest (a text); INSERT INTO newest (a) SELECT 'ada.lovelace@example.com'",
            "ALTER TABLE kept ADD COLUMN added text; INSERT INTO kept VALUES (9, 'x', 1, 'ada.lovelace@example.com')",
        ):
            message = weir.pgconn.exec_(statement.encode()).error_message.decode()
            assert " holds " in message, (statement, message)
        # Many of them, many times, take no time and no memory.
        weir.execute("PREPARE often (text) AS INSERT INTO spelled (body) VALUES " + ", ".join(["($1)"] * 5000))
        many = ", ".join(f"'n{at}'" for at in range(5000))
        assert weir.pgconn.exec_(f"EXECUTE often(coalesce({many}))".encode()).status == ExecStatus.COMMAND_OK
        alice.execute("DELETE FROM spelled")
        # The end of the data within a line ends the row before it, for servers that take it so.
        message = copy_in(weir, "COPY spelled (body) FROM STDIN", b"x\\.\n")
        assert "does not stand alone" in message, message
        assert alice.execute("SELECT count(*) FROM spelled").fetchone() == (0,)
        # Nor do they where what can't be read, or is much, may go into any of many columns.
        rows = ", ".join(f"('v{at}')" for at in range(20_000))
        columns = ", ".join(f"c{at}" for at in range(1600))
        wide = f"INSERT INTO nosuch ({columns}) SELECT {', '.join(['x || 1'] * 1600)} FROM (VALUES {rows}) v(x)"
        unread = f"INSERT INTO nosuch ({columns}) SELECT {', '.join(['x || 1'] * 1600)} FROM (VALUES {', '.join(['($1::bytea)'] * 200)}) v(x)"
        for statement, parameters in ((wide, []), (unread, [b"\\" * 70])):
            begun = time.monotonic()
            message = weir.pgconn.exec_params(statement.encode(), parameters).error_message.decode()
            assert "nosuch" in message or "more into columns than Weir looks through" in message, message
            assert time.monotonic() - begun < 60, statement[:60]
        # Nothing of this is in the way of what is ordinary.
        for column, value in (("j", r'{"a": "\u00e9", "b": [1, 2.5e3]}'), ("n", "-1.5e3"), ("b", r"\x00 ff"), ("tags", '{"a b", c, NULL}'),
                              ("tags", "[0:1]={a,b}"), ("j", r'["\ud83d\ude00"]'), ("body", "0x1020a5e2b1f0b3"), ("pairs", '{"(a,\\"b c\\")"}'), ("body", r"C:\x86\"quoted\""), ("big", "+12")):
            result = weir.pgconn.exec_params(f"INSERT INTO spelled ({column}) VALUES ($1)".encode(), [value.encode()])
            assert result.status == ExecStatus.COMMAND_OK, (column, value, result.error_message)
            data = value.replace("\\", "\\\\").encode() + b"\n"
            assert copy_in(weir, f"COPY spelled ({column}) FROM STDIN", data) == "", (column, value)
        alice.execute("DELETE FROM spelled")


def test_tables_of_the_same_transaction_are_known():
    with through("rita", "found") as weir:
        for isolation in ("READ COMMITTED", "REPEATABLE READ"):
            for change, statement, data in (
                ("CREATE TABLE newer (note text)", "COPY newer FROM STDIN", b"ada.lovelace@example.com\n"),
                ("ALTER TABLE kept ADD COLUMN note text", "COPY kept (id, note) FROM STDIN", b"77\tada.lovelace@example.com\n"),
                ("CREATE TABLE newer (note text)", "INSERT INTO newer VALUES ('ada.lovelace@example.com')", None),
                ("ALTER TABLE kept ADD COLUMN note text", "UPDATE kept SET note = 'ada.lovelace@example.com'", None),
                ("ALTER TABLE kept ADD COLUMN note text", "INSERT INTO kept VALUES (9, 'x', 1, 'ada.lovelace@example.com')", None),
            ):
                weir.execute("SET TRANSACTION ISOLATION LEVEL " + isolation)
                weir.execute(change)
                message = weir.pgconn.exec_(statement.encode()).error_message.decode() if data is None else copy_in(weir, statement, data)
                assert " holds " in message or isolation != "READ COMMITTED" and "COPY" in message, (change, statement, message)
                weir.rollback()
                weir.execute(change)
                weir.execute("SELECT 1")
                weir.rollback()


def test_long_values():
    with directly("found", autocommit=True) as direct, through("alice", "found", autocommit=True) as weir, \
            through("clara", "found", autocommit=True) as clara:
        for query in ("SELECT id, body FROM long ORDER BY id", "SELECT body, id, blob FROM long ORDER BY id"):
            for result_format in FORMATS:
                none_in(query, bytes_of(weir, query, result_format))
                assert bytes_of(direct, query, result_format) == bytes_of(clara, query, result_format)
                # What is hidden is overwritten: what stands around it is there.
                body = bytes_of(weir, query, result_format)[1]
                bare = bytes_of(direct, query, result_format)[1]
                assert [len(cell or b"") for cell in body] == [len(cell or b"") for cell in bare], query
        for how in ("", "(FORMAT csv)", "(FORMAT binary)"):
            shown, bare = (copied(connection, f"COPY long TO STDOUT {how}") for connection in (weir, direct))
            none_in(how, [[shown]])
            assert len(shown) == len(bare) and shown != bare and shown[:100_000] == bare[:100_000], how
            assert copied(clara, f"COPY long TO STDOUT {how}") == bare, how


if os.environ.get("ONLY"):
    globals()[os.environ["ONLY"]]()
else:
    run_all(dict(globals()))
