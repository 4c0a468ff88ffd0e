"""What is stored by who may store tokens and parts alone: in parameters of both formats and in COPY data of all forms, and that no value
gets past it."""

import datetime
import ipaddress
import pathlib
import re
import sys
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "psycopg"))

import psycopg
from psycopg import pq
from ways import directly, failure, refused, run_all, through

DATABASE = "stored"
TOKEN = re.compile(r"tok_[a-z2-7]{16}")
# Of which nothing may be found in the database.
SECRETS = ["512449821", "512-44-9821", "5551234", "sesame"]


def stored(columns, where="true"):
    with directly(DATABASE, autocommit=True) as direct:
        return direct.execute(f"SELECT {columns} FROM persons WHERE {where} ORDER BY id").fetchall()


def clean():
    with directly(DATABASE, autocommit=True) as direct:
        direct.execute("TRUNCATE persons, notes")


def nothing_clear():
    """None of the values that were sent are anywhere."""
    with directly(DATABASE, autocommit=True) as direct:
        for table in ("persons", "notes"):
            for (row,) in direct.execute(f"SELECT {table}::text FROM {table}").fetchall():
                assert not any(secret in row for secret in SECRETS), (table, row)


def test_parameters():
    clean()
    notices = []
    with through("lena", DATABASE, autocommit=True) as weir:
        weir.add_notice_handler(lambda notice: notices.append((notice.message_primary, notice.message_detail)))
        for id, format in ((1, "%s"), (2, "%b"), (3, "%t")):
            weir.execute(f"INSERT INTO persons (id, name, ssn, phone) VALUES (%s, %s, {format}, {format})",
                         (id, "Ada", f"512-44-9821 {id}", "+49 555 1234567"))
        assert notices == [("Weir has stored less than the values that were given",
                            "public.persons.ssn: token, public.persons.phone: partial")] * 3, notices
        weir.execute("SET weir.notices = off")
        weir.execute("UPDATE persons SET phone = %s WHERE id = %s", ("5551234 99", 3))
        assert len(notices) == 3
        weir.execute("INSERT INTO persons (id, ssn) VALUES (%s, %s), (%s, NULL), (%s, DEFAULT)", (4, "512-44-9821 4", 5, 6))
        weir.execute("INSERT INTO persons (id, ssn) VALUES (%s, %s) ON CONFLICT (id) DO UPDATE SET ssn = excluded.ssn", (4, "512-44-9821 5"))
        # What is shown of it is as policy says: Lena sees all.
        shown = weir.execute("INSERT INTO persons (id, ssn) VALUES (7, %s) RETURNING ssn, twice", ("512-44-9821 7",)).fetchone()
        assert TOKEN.fullmatch(shown[0]) and shown[1] == shown[0] * 2, shown
        # The same value is the same token, in every session, so that a unique column stays one.
        with through("lena", DATABASE, autocommit=True) as other:
            error = failure(other.execute, "INSERT INTO persons (id, ssn) VALUES (8, %s)", ("512-44-9821 7",))
            assert error.sqlstate == "23505", error
        # What does not fit the column the server says.
        refused("22001", weir.execute, "INSERT INTO persons (id, short) VALUES (9, %s)", ("sesame",))
        # Prepared, and many of them.
        with weir.cursor() as cursor:
            cursor.executemany("INSERT INTO persons (id, ssn) VALUES (%s, %s)", [(at, f"512-44-9821 {at}") for at in range(20, 40)])
        with weir.pipeline():
            for at in range(40, 60):
                weir.execute("INSERT INTO persons (id, ssn) VALUES (%s, %s)", (at, f"512-44-9821 {at}"), prepare=True)
    rows = stored("id, name, ssn, phone")
    assert [row[0] for row in rows] == [1, 2, 3, 4, 5, 6, 7, *range(20, 60)], rows
    assert all(row[2] is None if row[0] in (5, 6) else TOKEN.fullmatch(row[2]) for row in rows), rows
    assert len({row[2] for row in rows if row[2]}) == len(rows) - 2
    assert rows[0][1] == "Ada" and rows[0][3] == "+** *** *****67" and rows[2][3] == "******* 99", rows[:3]
    nothing_clear()


def test_tokens_that_are_stored_are_none_that_are_shown():
    clean()
    with directly(DATABASE, autocommit=True) as direct:
        direct.execute("INSERT INTO persons (id, ssn) VALUES (1, '512-44-9821')")
    with through("theo", DATABASE, autocommit=True) as theo:
        shown = theo.execute("SELECT ssn FROM persons").fetchone()[0]
    with through("lena", DATABASE, autocommit=True) as lena:
        lena.execute("INSERT INTO persons (id, ssn) VALUES (2, %s)", ("512-44-9821",))
    with through("theo", DATABASE, autocommit=True) as theo:
        both = [row[0] for row in theo.execute("SELECT ssn FROM persons ORDER BY id").fetchall()]
    kept = stored("ssn", "id = 2")[0][0]
    assert all(TOKEN.fullmatch(token) for token in (shown, kept, *both)), (shown, kept, both)
    assert len({shown, kept, *both}) == 4 - (shown == both[0]), (shown, kept, both)
    assert kept not in both
    clean()


def test_types_keep_their_kind():
    clean()
    with through("lena", DATABASE, autocommit=True) as weir:
        for id, format in ((1, "t"), (2, "b")):
            weir.execute(
                f"INSERT INTO persons (id, born, account, number, ref, host) VALUES ({id}, %{format}, %{format}, %{format}, %{format}, %{format})",
                (datetime.date(1984, 7, 9), 512449821, 5124498215124498, uuid.UUID(int=5), ipaddress.ip_address("203.0.113.7")))
        one, two = stored("born, account, number, ref, host")
        assert one == two, (one, two)
        assert one[0] == datetime.date(1984, 1, 1) and one[1] != 512449821 and one[3].version == 8, one
        assert len(str(one[2])) == 18 and str(one[4]).startswith("10."), one
        # What has neither part nor token.
        for column, value in [("ok", True), ("doc", "{\"a\": 1}"), ("tags", ["sesame"]), ("born", "9.7.1984"), ("number", "5e3"),
                              ("account", float(1.5)), ("phone", b"5551234")]:
            refused("42501", weir.execute, f"INSERT INTO persons (id, {column}) VALUES (9, %s)", (value,))
    assert len(stored("id")) == 2
    nothing_clear()


def binary(*rows):
    cell = lambda value: b"\xff\xff\xff\xff" if value is None else len(value).to_bytes(4, "big") + value
    rows = [len(row).to_bytes(2, "big") + b"".join(map(cell, row)) for row in rows]
    return b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"".join(rows) + b"\xff\xff"


def copied(connection, statement, data, size):
    with connection.cursor() as cursor:
        with cursor.copy(statement) as copy:
            for at in range(0, len(data), size):
                copy.write(data[at:at + size])


def test_copy_data():
    secret = b"512-44-9821"
    number = lambda id: id.to_bytes(4, "big")
    for into, data in [
        ("COPY persons (id, ssn, name) FROM STDIN", b"1\t512-44-9821\tx\n2\t\\N\t\\N\n3\t\\x353\\t\ty\n"),
        ("COPY persons (id, ssn, name) FROM STDIN", b"1\t512-44-9821\tx\r\n2\t\\N\t\\N\r\n3\tsesame\ty\r\n"),
        ("COPY persons (id, ssn, name) FROM STDIN", b"1\t512-44-9821\tx\r2\t\\N\t\\N\r3\tsesame\ty\r"),
        ("COPY persons (ssn, id) FROM STDIN", b"512-44-9821\t1\n\\N\t2\nsesame\t3\n\\.\n"),
        ("COPY persons (id, ssn) FROM STDIN (HEADER, DELIMITER '|', NULL '')", b"id|ssn\n1|512-44-9821\n2|\n3|ses\\|ame\n"),
        ("COPY persons (id, ssn) FROM STDIN (FORMAT csv, HEADER match)", b'id,ssn\n1,512-44-9821\n2,\n3,"open\n""sesame"","\n'),
        ("COPY persons (ssn, id) FROM STDIN (FORMAT csv, QUOTE '''', ESCAPE '\\')", b"'512-44-9821',1\n,2\n'ses\\'ame',3"),
        ("COPY persons (id, ssn) FROM STDIN (FORMAT binary)", binary([number(1), secret], [number(2), None], [number(3), b"sesame"])),
    ]:
        for size in (len(data), 1, 7):
            clean()
            with through("lena", DATABASE, autocommit=True) as weir:
                copied(weir, into, data, size)
            rows = stored("id, ssn")
            assert [id for id, _ in rows] == [1, 2, 3] and rows[1][1] is None, (into, rows)
            assert all(TOKEN.fullmatch(ssn) for _, ssn in rows[::2]) and rows[0][1] != rows[2][1], (into, rows)
            nothing_clear()
    # The token of a parameter is that of COPY data.
    before = stored("ssn", "id = 1")
    clean()
    with through("lena", DATABASE, autocommit=True) as weir:
        weir.execute("INSERT INTO persons (id, ssn) VALUES (1, %s)", ("512-44-9821",))
        assert stored("ssn", "id = 1") == before
        clean()
        for into, data in [
            ("COPY persons FROM STDIN", b""),
            ("COPY persons (id, doc) FROM STDIN", b'1\t{"a": "sesame"}\n'),
            ("COPY persons (id, ssn) FROM STDIN (FORMAT csv, FORCE_NULL (ssn))", b"1,sesame\n"),
            ("COPY persons (id, ssn) FROM STDIN (FORMAT csv, FORCE_NOT_NULL (ssn), NULL 'sesame')", b"1,sesame\n"),
            ("COPY people (id, s) FROM STDIN", b"1\tsesame\n"),
            ("COPY persons (id, phone) FROM STDIN (FORMAT binary)", binary([number(1), b"sesame\xff"])),
            ("COPY persons (id, ssn) FROM STDIN", b"1\ttok_abcdefghijklmnop\n"),
            ("COPY persons (id, ssn) FROM STDIN", b"1\t" + b"sesame" * 200_000 + b"\n"),
        ]:
            refused("42501", copied, weir, into, data, 5000)
    assert stored("id") == []
    nothing_clear()


def test_constants():
    clean()
    secrets = ((1, "512-44-9821"), (2, "512-44-9821 'x'"), (3, "512-44-9821 \\ x"), (4, "512-44-9821 é"))
    with through("lena", DATABASE, autocommit=True) as weir:
        client = psycopg.ClientCursor(weir)
        for id, secret in secrets:
            client.execute("INSERT INTO persons (id, ssn, name) VALUES (%s, %s, %s)", (id, secret, "it's"))
        by_constant = stored("ssn")
        clean()
        for id, secret in secrets:
            weir.execute("INSERT INTO persons (id, ssn) VALUES (%s, %s)", (id, secret))
        assert stored("ssn") == by_constant and len(set(by_constant)) == 4, by_constant
        clean()
        weir.execute("INSERT INTO persons (id, ssn, account, born, phone)"
                     " VALUES (1, $q$512-44-9821$q$, 512449821, '1984-07-09', '5551234 99')")
        client.execute("UPDATE persons SET note = 'y', ssn = E'512\\x2d44-9821' WHERE id = 1; UPDATE persons SET name = 'z' WHERE id = 1")
        row = stored("ssn, account, born, phone, note, name")[0]
        assert row[:1] == by_constant[0] and row[1] != 512449821 and row[2] == datetime.date(1984, 1, 1), row
        assert row[3:] == ("******* 99", "y", "z"), row
        # Prepared once, and run often.
        for _ in range(3):
            weir.execute("UPDATE persons SET ssn = 'sesame' WHERE id = %s", (1,), prepare=True)
        # A place in a text that is another one than the caller's is not told.
        error = failure(client.execute, "UPDATE persons SET ssn = 'sesame', no_such = 1 WHERE id = 1")
        assert error.sqlstate == "42703" and error.diag.statement_position is None, error
    nothing_clear()


def test_no_value_gets_past_it():
    clean()
    with directly(DATABASE, autocommit=True) as direct:
        direct.execute("INSERT INTO persons (id, ssn) VALUES (1, 'x')")
    with through("lena", DATABASE, autocommit=True) as weir:
        for text, values in [
            ("INSERT INTO persons (id, ssn) VALUES (2, 'sesame'::text)", None),
            ("INSERT INTO persons (id, ssn) VALUES (2, 'ses' || 'ame')", None),
            ("INSERT INTO persons (id, ssn) VALUES (2, U&'sesame')", None),
            ("INSERT INTO persons (id, ssn) VALUES (2, N'sesame')", None),
            ("INSERT INTO persons (id, ssn) VALUES (2, 512449821)", None),
            ("INSERT INTO persons (id, account) VALUES (2, -512449821)", None),
            ("INSERT INTO persons (id, ssn) VALUES (2, '[redacted]')", None),
            ("INSERT INTO persons (id, ssn, note) VALUES (2, $1, $1)", ["sesame"]),
            ("INSERT INTO persons (id, ssn) VALUES (2, $1::text)", ["sesame"]),
            ("INSERT INTO persons (id, ssn) VALUES (2, $1::varchar(40))", ["sesame"]),
            ("INSERT INTO persons (id, ssn) VALUES (2, CASE WHEN true THEN $1 END)", ["sesame"]),
            ("INSERT INTO persons (id, ssn) VALUES (2, ($1))", None),
            ("INSERT INTO persons (id, ssn) VALUES (2, coalesce($1, $2))", ["sesame", "sesame"]),
            ("INSERT INTO persons (id, ssn) VALUES (2, (SELECT $1))", ["sesame"]),
            ("INSERT INTO persons (id, ssn) VALUES (2, $1) RETURNING $1", ["sesame"]),
            ("INSERT INTO persons (id, ssn) VALUES (2, $1) ON CONFLICT (id) DO UPDATE SET note = $1", ["sesame"]),
            ("INSERT INTO persons VALUES (2, 'n', $1)", ["sesame"]),
            ("INSERT INTO persons (id, ssn) SELECT 2, $1", ["sesame"]),
            ("INSERT INTO persons (id, ssn) SELECT 2, x FROM (VALUES ($1)) AS v (x)", ["sesame"]),
            ("INSERT INTO people (id, s) VALUES (2, $1)", ["sesame"]),
            ("WITH n AS (INSERT INTO notes VALUES (1, $1) RETURNING body) INSERT INTO persons (id, ssn) SELECT 2, body FROM n", ["sesame"]),
            ("UPDATE persons SET ssn = ('sesame'::varchar) WHERE id = 1", None),
            ("UPDATE persons SET (ssn, note) = ($1, 'x') WHERE id = 1", ["sesame"]),
            ("UPDATE persons SET (ssn, note) = (SELECT $1, 'x') WHERE id = 1", ["sesame"]),
            ("UPDATE persons SET ssn = ssn || $1 WHERE id = 1", ["sesame"]),
            ("UPDATE persons SET tags[1] = $1 WHERE id = 1", ["sesame"]),
            ("MERGE INTO persons USING (SELECT $1 AS v) s ON id = 1 WHEN MATCHED THEN UPDATE SET ssn = s.v", ["sesame"]),
            ("ALTER TABLE persons ALTER ssn SET DEFAULT 'sesame'", None),
            ("PREPARE p AS INSERT INTO persons (id, ssn) VALUES (2, $1)", None),
            ("PREPARE q (text) AS UPDATE persons SET ssn = $1 WHERE id = 1; EXECUTE q('sesame')", None),
            ("DO $$ BEGIN INSERT INTO persons (id, ssn) VALUES (2, 'sesame'); END $$", None),
            ("COPY persons (id, ssn) FROM STDIN; UPDATE persons SET ssn = upper('sesame') WHERE id = 1", None),
            ("COPY (INSERT INTO persons (id, ssn) VALUES (2, 'sesame') RETURNING id) TO STDOUT", None),
            ("COPY (UPDATE persons SET ssn = 'sesame' WHERE id = 1 RETURNING id) TO STDOUT", None),
            ("EXPLAIN ANALYZE UPDATE persons SET ssn = $1 WHERE id = 1", ["sesame"]),
        ]:
            pg = weir.pgconn
            values = None if values is None else [value.encode() for value in values]
            result = pg.exec_params(text.encode(), values) if values is not None else pg.exec_(text.encode())
            code = result.error_field(pq.DiagnosticField.SQLSTATE)
            assert code in (b"42501", b"42P02"), (text, code, result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY))
        # Other declared types.
        for oid, value in ((23, b"512449821"), (17, b"sesame"), (3802, b'"sesame"'), (1009, b"{sesame}"), (19, b"sesame"), (18, b"s")):
            result = weir.pgconn.exec_params(b"INSERT INTO persons (id, ssn) VALUES (2, $1)", [value], [oid])
            assert result.error_field(pq.DiagnosticField.SQLSTATE) == b"42501", oid
        for oid in (0, 25, 1043, 1042, 705):
            result = weir.pgconn.exec_params(b"INSERT INTO persons (id, ssn) VALUES ($1, $2)", [str(100 + oid).encode(), b"sesame %d" % oid], [0, oid])
            assert result.status == pq.ExecStatus.COMMAND_OK, (oid, result.error_message)
        # What is too long to be held.
        refused("42501", weir.execute, "INSERT INTO persons (id, ssn, note) VALUES (2, %s, %s)", ("sesame", "x" * 3_000_000))
    nothing_clear()
    # Who may store nothing at all, and who may store all.
    with through("theo", DATABASE, autocommit=True) as weir:
        refused("42501", weir.execute, "INSERT INTO persons (id, ssn) VALUES (2, %s)", ("sesame",))
    with through("tessa", DATABASE, autocommit=True) as weir:
        weir.execute("INSERT INTO persons (id, ssn) VALUES (2, %s)", ("any",))
    assert stored("ssn", "id = 2") == [("any",)]


run_all(globals())
