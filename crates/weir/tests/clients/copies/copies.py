"""COPY in all forms, simple and extended, both directions: the same bytes as directly where nothing is classified, masked
where something is, and an error in the middle leaves what it leaves directly."""

import datetime
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "psycopg"))

from psycopg import pq
from ways import both, directly, refused, run_all, through

FORMS = [
    "",
    "(DELIMITER '|', NULL '')",
    "(FORMAT csv)",
    "(FORMAT csv, HEADER)",
    "(FORMAT csv, DELIMITER ';', NULL 'none', QUOTE '''', ESCAPE E'\\\\')",
    "(FORMAT csv, FORCE_QUOTE *)",
    "(FORMAT csv, ENCODING 'latin1')",
    "(FORMAT binary)",
]


def exchange(connection, statement, extended, data=(), end=None):
    """One COPY, message by message: its data, and how it ended."""
    pg = connection.pgconn
    if extended:
        pg.send_query_params(statement.encode(), None)
    else:
        pg.send_query(statement.encode())
    seen = []
    while (result := pg.get_result()) is not None:
        if result.status == pq.ExecStatus.COPY_OUT:
            while True:
                size, message = pg.get_copy_data(0)
                if size < 0:
                    break
                seen.append(bytes(message))
        elif result.status == pq.ExecStatus.COPY_IN:
            for piece in data:
                pg.put_copy_data(piece)
            pg.put_copy_end(end)
        elif result.status == pq.ExecStatus.FATAL_ERROR:
            field = result.error_field
            seen.append((field(pq.DiagnosticField.SQLSTATE), field(pq.DiagnosticField.MESSAGE_PRIMARY),
                         field(pq.DiagnosticField.CONTEXT), field(pq.DiagnosticField.STATEMENT_POSITION)))
        else:
            seen.append(result.command_status)
    return seen, pq.TransactionStatus(pg.transaction_status).name


def test_what_is_not_classified_is_copied_out_byte_for_byte():
    def same(database, whats):
        with directly(database, autocommit=True) as direct, through("carol", database, autocommit=True) as weir:
            for extended in (False, True):
                for form in FORMS:
                    for what in whats:
                        statement = f"COPY {what} TO STDOUT {form}"
                        shown = exchange(weir, statement, extended)
                        assert shown == exchange(direct, statement, extended), (statement, extended)
                        # Not every name fits into latin1.
                        assert "latin1" in form or shown[0][-1].startswith(b"COPY "), (statement, shown)

    small = ["products", "products (name, id)", "(VALUES (1, E'a\\tb\\n\\\\', NULL), (2, '\"', ''))", "(SELECT 1 WHERE false)"]
    same("plain", ["orders", "(SELECT * FROM payments ORDER BY id LIMIT 50)", *small])
    same("shop", small)


def test_errors_of_a_copy_are_the_servers_own():
    def copy(connection):
        shown = []
        for extended in (False, True):
            for statement in ["COPY nothing_there TO STDOUT", "COPY orders (nothing_there) TO STDOUT",
                              "COPY (SELECT nothing_there FROM orders) TO STDOUT", "COPY (SELECT 1/0) TO STDOUT",
                              "COPY nothing_there FROM STDIN", *forms]:
                shown.append((statement, exchange(connection, statement, extended)))
        return shown

    forms = ["COPY products TO STDOUT (FORMAT nonsense)"]

    both(copy, database="plain", user="carol", autocommit=True)

    def codes(connection):
        shown = copy(connection)
        return [(statement, [end[0] for end in seen], state) for statement, (seen, state) in shown]

    # Where values are looked at a form that is not known is refused before the server says so.
    with through("carol", "shop", autocommit=True) as connection:
        assert codes(connection)[-1][1] == [b"0A000"]
    forms = []
    both(codes, database="shop", user="carol", autocommit=True)
    both(codes, database="shop", user="carol")


def masked_rows(form):
    columns = "id, name, email, card, ssn, birth_date, city"
    with through("carol", autocommit=True) as connection:
        rows = [exchange(connection, f"COPY {what} TO STDOUT {form}", extended)
                for what in (f"customers ({columns})", f"(SELECT {columns} FROM customers ORDER BY id)")
                for extended in (False, True)]
    assert all(row[0][-1] == b"COPY 300" for row in rows), rows[0][0][-1]
    assert all(row == rows[0] for row in rows)
    return rows[0][0][:-1]


def test_classified_columns_are_masked_in_text_and_csv():
    text = masked_rows("")
    assert text[0] == b"1\tGiuseppe Esposito\tg***@w***.example\t************0836\t[redacted]\t1975-01-01\tRoma\n", text[0]
    csv = masked_rows("(FORMAT csv, HEADER, FORCE_QUOTE (city))")
    assert csv[0] == b"id,name,email,card,ssn,birth_date,city\n", csv[0]
    assert csv[1] == b'1,Giuseppe Esposito,g***@w***.example,************0836,[redacted],1975-01-01,"Roma"\n', csv[1]
    assert len(text) == 300 and len(csv) == 301


def test_classified_columns_are_masked_in_binary():
    with through("carol", autocommit=True) as connection:
        with connection.cursor() as cursor:
            with cursor.copy("COPY customers (id, email, ssn, city) TO STDOUT (FORMAT binary)") as copy:
                copy.set_types(["int8", "text", "varchar", "text"])
                rows = list(copy.rows())
    assert rows[0] == (1, "g***@w***.example", "[redacted]", "Roma") and len(rows) == 300, rows[0]


def test_a_whole_table_shows_what_a_select_shows():
    with through("carol", autocommit=True) as connection:
        lines = exchange(connection, "COPY customers TO STDOUT", False)[0][:-1]
        cells = [line.rstrip(b"\n").split(b"\t") for line in lines]
        pg = connection.pgconn
        result = pg.exec_(b"SELECT * FROM customers")
        shown = [[result.get_value(row, column) for column in range(result.nfields)] for row in range(result.ntuples)]
        plain = [[b"\\N" if cell is None else cell for cell in row] for row in shown]
        assert [row[:4] for row in cells] == [row[:4] for row in plain]
        assert sorted(map(len, cells)) == sorted(map(len, plain))


def test_generated_columns_are_left_out():
    with directly("work_copies", autocommit=True) as connection:
        connection.execute("TRUNCATE made")
        connection.execute("INSERT INTO made VALUES (4, DEFAULT, '1912-06-23', 'London')")
    with through("carol", "work_copies", autocommit=True) as connection:
        shown, _ = exchange(connection, "COPY made TO STDOUT", False)
        assert shown == [b"4\t1912-01-01\tLondon\n", b"COPY 1"], shown


def test_everything_is_there_for_who_may_see_it():
    with directly(autocommit=True) as direct, through("clea", autocommit=True) as weir:
        # What an error says may hold a value, so Weir words it itself: not the form that does not take every name.
        for form in [form for form in FORMS if "latin1" not in form]:
            statement = f"COPY customers TO STDOUT {form}"
            assert exchange(direct, statement, True) == exchange(weir, statement, True), form


def test_what_is_copied_in_is_what_was_sent():
    rows = [(at, f"note {at}\t\\ \"'", None if at % 3 else datetime.date(2026, 1, 1 + at % 28)) for at in range(5000)]

    def copy(connection):
        connection.execute("CREATE TEMP TABLE taken (step int, note text, on_day date)")
        connection.commit()
        left = []
        for form in ("", "(FORMAT binary)"):
            with connection.cursor() as cursor:
                with cursor.copy(f"COPY taken FROM STDIN {form}") as copy:
                    if form:
                        copy.set_types(["int4", "text", "date"])
                    for row in rows:
                        copy.write_row(row)
            left.append((cursor.rowcount, connection.info.transaction_status.name))
            connection.commit()
        big = b"x" * 3_000_000
        for extended in (False, True):
            left.append(exchange(connection, "COPY taken (step, note) FROM STDIN (FORMAT csv)", extended,
                                 [b"1,", big[:1_500_000], big[1_500_000:], b"\n", b"2,y\n3", b",z\n"]))
            connection.commit()
        left.append(connection.execute("SELECT count(*), sum(length(note)), max(on_day) FROM taken").fetchall())
        return left

    shown = both(copy, database="work_copies", user="carol")
    assert shown[-1][0][0] == 10_006, shown[-1]


def test_a_copy_that_fails_in_the_middle_leaves_what_it_leaves_directly():
    def copy(connection):
        connection.execute("DELETE FROM ledger WHERE true")
        connection.commit()
        left = []
        for extended in (False, True):
            for data, end in [([b"1\tone\n", b"two\ttwo\n"] + [b"3\tthree\n" * 5000] * 40, None), ([b"1\tone\n"], b"changed my mind"),
                              ([b"1\n"], None), ([], None), ([b"\\.\n", b"more"], None)]:
                left.append(exchange(connection, "COPY ledger FROM STDIN", extended, data, end))
                left.append(connection.execute("SELECT count(*) FROM ledger").fetchone() if
                            connection.pgconn.transaction_status != pq.TransactionStatus.INERROR else "in error")
                connection.rollback()
        # Several in one text, of which the second fails.
        left.append(exchange(connection, "COPY ledger FROM STDIN; SELECT 1; COPY ledger FROM STDIN", False, [b"5\tfive\n"]))
        connection.rollback()
        return left

    both(copy, database="work_copies", user="carol")


def test_copies_both_ways_in_one_text():
    text = "CREATE TEMP TABLE taken (a int); COPY (SELECT 1) TO STDOUT; COPY taken FROM STDIN; SELECT 2"

    def copy(connection):
        left = []
        for data in (b"x\n", b"7\n"):
            left.append(exchange(connection, text, False, [data]))
            connection.rollback()
        return left

    both(copy, database="plain", user="carol")
    # Where something is classified, a copy out must be described before it runs, and there it can't be.
    with through("carol", "work_copies") as connection:
        seen, state = exchange(connection, "SELECT 1; COPY ledger TO STDOUT", False)
        assert [end[0] for end in seen] == [b"0A000"] and state == "IDLE", (seen, state)


def test_copying_is_refused_to_whom_it_is_not_permitted():
    with through("alice", "work_copies", autocommit=True) as connection:
        for extended in (False, True):
            for statement in ["COPY ledger TO STDOUT", "COPY (SELECT 1) TO STDOUT", "COPY ledger FROM STDIN"]:
                seen, state = exchange(connection, statement, extended)
                assert [end[0] for end in seen] == [b"42501"] and state == "IDLE", (statement, seen, state)
    with through("carol", "work_copies", autocommit=True) as connection:
        for statement in ["COPY vault TO STDOUT", "COPY (SELECT gold FROM vault) TO STDOUT", "COPY vault FROM STDIN",
                          "COPY ledger TO PROGRAM 'cat'", "COPY ledger FROM '/etc/passwd'"]:
            refused("42501", connection.execute, statement)


def binary(*rows):
    cell = lambda value: b"\xff\xff\xff\xff" if value is None else len(value).to_bytes(4, "big") + value
    rows = [len(row).to_bytes(2, "big") + b"".join(map(cell, row)) for row in rows]
    return b"PGCOPY\n\xff\r\n\0" + bytes(8) + b"".join(rows) + b"\xff\xff"


def test_masks_are_not_copied_back_into_classified_columns():
    into = "COPY customers (id, public_id, name, email, ssn, note, country) FROM STDIN"
    number = (1_000_001).to_bytes(8, "big")

    def line(ssn, between="\t", id=1_000_001):
        public = "00000000-0000-0000-0000-000000000001"
        return between.join([str(id), public, "N", "n@example.com", ssn, "[redacted]", "NO"]).encode() + b"\n"

    def row(ssn):
        return [number, bytes(16), b"N", b"n@example.com", ssn, b"[redacted]", b"NO"]

    masked = [
        ("", line("[redacted]")),
        ("", line("***-**-9821")),
        ("", line("x", id=1_000_002) * 300 + line("tok_abcdefghijklmnop")),
        ("", line("\\x5bre\\144acted\\]")),
        ("", line("[redacted]").replace(b"\n", b"\r")),
        ("", line("x").replace(b"\n", b"\r") + line("[redacted]").replace(b"\n", b"\r")),
        ("", line("x").replace(b"\n", b"\r\n") + line("[redacted]").replace(b"\n", b"\r\n")),
        ("", line("x" * 200_000 + "***")),
        ("(FORMAT csv)", line('"[red"acted"]"', ",")),
        ("(FORMAT csv, DELIMITER ';', QUOTE '''', ESCAPE '\\')", line("'[redacted]\\''", ";")),
        ("(FORMAT csv, HEADER)", b"a,b,c,d,e,f,g\n" + line("[redacted]", ",")),
        ("(FORMAT csv, NULL 'none', FORCE_NOT_NULL (ssn))", line("none", ",") + line("[redacted]", ",", 1_000_002)),
        ("(ENCODING 'latin1')", line("e***").replace(b"e***", b"\xe9***")),
        ("(FORMAT binary)", binary(row(b"512"), row(b"[redacted]"))),
        ("(FORMAT binary)", binary(row(None), row(b"{tok_abcdefghijklmnop}"))),
    ]
    with directly(autocommit=True) as direct, through("cody", autocommit=True) as weir:
        count = lambda: direct.execute("SELECT count(*) FROM customers").fetchone()
        before = count()
        for form, data in masked:
            for extended in (False, True):
                for size in (len(data), 997, 1 if len(data) < 1000 else 64):
                    pieces = [data[at:at + size] for at in range(0, len(data), size)]
                    seen, state = exchange(weir, f"{into} {form}", extended, pieces)
                    assert [end[0] for end in seen] == [b"42501"] and state == "IDLE", (form, data[:200], seen, state)
                    assert b"customers.ssn" in seen[0][1], seen
                    assert count() == before, (form, data[:200])
        for form, data in [("", line("512-44-9821")), ("(FORMAT csv)", line("512-44-9821", ",")), ("(FORMAT binary)", binary(row(b"512")))]:
            weir.execute("BEGIN")
            seen, _ = exchange(weir, f"{into} {form}", True, [data[:9], data[9:]])
            assert seen == [b"COPY 1"], (form, seen)
            weir.execute("ROLLBACK")
        assert count() == before


run_all(globals())
