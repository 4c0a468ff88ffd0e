"""psycopg's copy(), both ways, in text and binary: the same as directly; what is classified stays hidden."""

import datetime
import decimal
import uuid

import psycopg
from ways import both, failure, run_all, through

ROWS = [
    (n, f"row {n}\t\\ \n\"" if n % 3 else None, decimal.Decimal(n) / 8, datetime.date(2026, 1, 1) + datetime.timedelta(n), n % 2 == 0,
     uuid.UUID(int=n), [n, None], bytes([n % 256, 0, 10]))
    for n in range(2000)
]
TABLE = "CREATE TEMP TABLE filled (n int, t text, d numeric, day date, yes bool, u uuid, many int[], b bytea)"
TYPES = ["int4", "text", "numeric", "date", "bool", "uuid", "int4[]", "bytea"]


def test_rows_in():
    for how in ("text", "binary"):
        def ask(connection):
            connection.execute(TABLE)
            connection.commit()
            with connection.cursor().copy(f"COPY filled FROM STDIN (FORMAT {how})") as copy:
                copy.set_types(TYPES)
                for row in ROWS:
                    copy.write_row(row)
            return connection.execute("SELECT * FROM filled ORDER BY n").fetchall()

        for database in ("plain", "work_psycopg"):
            assert both(ask, database, "carol") == ROWS


def test_rows_out():
    for how in ("text", "binary"):
        def ask(connection):
            with connection.cursor().copy(f"COPY (SELECT id, sku, price, tags, active, attributes FROM products ORDER BY id) TO STDOUT (FORMAT {how})") as copy:
                raw = b"".join(copy)
            with connection.cursor().copy(f"COPY products (id, name, price) TO STDOUT (FORMAT {how})") as copy:
                copy.set_types(["int8", "text", "numeric"])
                return raw, list(copy.rows())

        for database in ("plain", "shop"):
            raw, rows = both(ask, database, "carol")
            assert len(rows) == 600 and len(raw) > 20000


def test_blocks_of_any_size():
    """Data that is cut anywhere, and much of it at once."""
    def ask(connection):
        connection.execute("CREATE TEMP TABLE texts (n int, t text)")
        data = b"".join(b"%d\t%s\n" % (n, b"x" * (n % 700)) for n in range(9000))
        told = []
        for size in (1, 7, 8192, len(data)):
            part = data[: 3000 if size < 10 else len(data)]
            part = part[: part.rindex(b"\n") + 1]
            with connection.cursor().copy("COPY texts FROM STDIN") as copy:
                for at in range(0, len(part), size):
                    copy.write(part[at:at + size])
            told += connection.execute("SELECT count(*), sum(length(t)), max(n) FROM texts").fetchall()
            connection.execute("TRUNCATE texts")
        return told

    both(ask, "plain", "carol")


def test_what_goes_wrong():
    def ask(connection):
        told = []
        connection.execute("CREATE TEMP TABLE numbers (n int CHECK (n < 1000))")
        connection.commit()

        def attempt(statement, *pieces, stop=None):
            try:
                with connection.cursor().copy(statement) as copy:
                    for piece in pieces:
                        copy.write(piece)
                    if stop:
                        raise stop
                told.append("done")
            except (psycopg.Error, ZeroDivisionError) as error:
                told.append((type(error).__name__, getattr(error, "sqlstate", None), str(getattr(error, "diag", error) and error)))
            told.append(connection.info.transaction_status.name)
            connection.rollback()
            told.append(connection.execute("SELECT count(*) FROM numbers").fetchone())
            connection.rollback()

        attempt("COPY numbers FROM STDIN", b"1\n2\n", b"three\n", *[b"4\n" * 20000] * 20)
        attempt("COPY numbers FROM STDIN", b"1\n5000\n")
        attempt("COPY numbers FROM STDIN", b"1\n2\n", stop=ZeroDivisionError("ours"))
        attempt("COPY numbers FROM STDIN (FORMAT binary)", b"not binary at all")
        attempt("COPY no_such_table FROM STDIN", b"1\n")
        try:
            with connection.cursor().copy("COPY (SELECT 10 / (5 - g) FROM generate_series(1, 9) g) TO STDOUT") as copy:
                told.append([bytes(part) for part in copy])
        except psycopg.Error as error:
            told.append((error.sqlstate, str(error)))
        connection.rollback()
        # Left in the middle: psycopg cancels and reads what still comes.
        try:
            with connection.cursor().copy("COPY (SELECT g FROM generate_series(1, 200000) g) TO STDOUT") as copy:
                told.append([copy.read_row() for _ in range(3)])
                raise ZeroDivisionError("ours")
        except ZeroDivisionError:
            connection.rollback()
        told.append(connection.execute("SELECT 1").fetchone())
        return told

    both(ask, "plain", "carol")


def test_between_other_statements():
    def ask(connection):
        connection.execute("CREATE TEMP TABLE here (n int)")
        with connection.cursor().copy("COPY here FROM STDIN") as copy:
            copy.write_row([1])
        with connection.transaction():
            with connection.cursor().copy("COPY here FROM STDIN") as copy:
                copy.write("2\n3\n")
            connection.execute("INSERT INTO here SELECT 4")
        cursor = connection.cursor()
        with cursor.copy("COPY here TO STDOUT") as copy:
            rows = list(copy.rows())
        return rows, cursor.rowcount, cursor.statusmessage, connection.execute("SELECT sum(n) FROM here").fetchall()

    both(ask, "plain", "carol")


def test_what_is_classified_stays_hidden():
    columns = "id, name, email, card, ssn, city"
    shown = ("1", "Giuseppe Esposito", "g***@w***.example", "************0836", "[redacted]", "Roma")
    with through("carol") as connection:
        for how in ("text", "csv"):
            for source in (f"customers ({columns})", f"(SELECT {columns} FROM customers WHERE id = 1)"):
                with connection.cursor().copy(f"COPY {source} TO STDOUT (FORMAT {how})") as copy:
                    line = b"".join(copy).decode().splitlines()[0]
                assert line == ("\t" if how == "text" else ",").join(shown), line
        with connection.cursor().copy(f"COPY (SELECT {columns}, birth_date FROM customers WHERE id = 1) TO STDOUT (FORMAT binary)") as copy:
            copy.set_types(["int8", "text", "text", "text", "text", "text", "date"])
            (row,) = copy.rows()
        assert row[1:6] == shown[1:] and row[6] in (None, datetime.date(1975, 1, 1)), row
        with connection.cursor().copy("COPY (SELECT upper(ssn), id FROM customers WHERE id = 1) TO STDOUT") as copy:
            assert b"".join(copy) == b"[redacted]\t1\n"


def test_refused():
    def copy(connection, statement, data=None):
        with connection.cursor().copy(statement) as copy:
            if data:
                copy.write(data)
            return b"".join(copy) if "TO" in statement else None

    with through("carol", "work_psycopg", autocommit=True) as connection:
        for statement in ("COPY vault TO STDOUT", "COPY vault FROM STDIN", "COPY (SELECT gold FROM vault) TO STDOUT"):
            error = failure(copy, connection, statement, b"2\n" if "FROM" in statement else None)
            assert error.sqlstate == "42501" and "Nobody opens the vault." in str(error), error
            assert connection.execute("SELECT 1").fetchone() == (1,)
        for statement in ("COPY ledger TO PROGRAM 'cat'", "COPY ledger FROM '/etc/passwd'"):
            assert failure(connection.execute, statement).sqlstate == "42501"
        assert connection.execute("SELECT count(*) FROM ledger WHERE note LIKE 'root%'").fetchone() == (0,)
    # Alice may read, and not carry away.
    with through("alice", autocommit=True) as connection:
        assert failure(copy, connection, "COPY products TO STDOUT").sqlstate == "42501"
        assert connection.execute("SELECT 1").fetchone() == (1,)


run_all(globals())
