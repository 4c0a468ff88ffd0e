"""Parameters, prepared statements, pipelines, transactions, notices: the same as directly."""

import datetime
import decimal
import uuid

import psycopg
from psycopg.types.json import Jsonb
from ways import both, directly, failure, refused, run_all, through


def test_parameters():
    def ask(connection):
        values = [
            1, -(2**40), "it's — \\ \"odd\"", "", None, True, 1.5, decimal.Decimal("12.340"), b"\x00\xff",
            datetime.date(1984, 7, 9), datetime.datetime(2026, 1, 2, 3, 4, 5, 6, datetime.UTC), uuid.UUID(int=7),
            [1, 2, None], ["a", "b,c"], Jsonb({"a": [1, None]}), datetime.timedelta(days=1, seconds=2),
        ]
        rows = [connection.execute("SELECT %s", [value]).fetchone() for value in values]
        rows += [connection.execute("SELECT %b", [value], binary=True).fetchone() for value in values]
        rows += connection.execute("SELECT id, sku FROM products WHERE id = ANY(%s) ORDER BY id", [[1, 5, 9]]).fetchall()
        rows += connection.execute("SELECT %(a)s::int + %(b)s::int", {"a": 1, "b": 2}).fetchall()
        return rows

    assert len(both(ask)) == 36


def test_server_side_prepared_statements():
    for threshold in (0, 5, None):
        def ask(connection):
            connection.prepare_threshold = threshold
            rows = []
            for number in range(1, 13):
                rows += connection.execute("SELECT id, sku, price FROM products WHERE id = %s", [number]).fetchall()
                rows += connection.execute("SELECT count(*) FROM order_items WHERE line > %s", [number % 3]).fetchall()
            named = "SELECT name FROM pg_prepared_statements WHERE statement LIKE 'SELECT id, sku%'"
            return rows, len(connection.execute(named).fetchall())

        rows, prepared = both(ask)
        assert len(rows) == 24 and prepared == (0 if threshold is None else 1), (threshold, prepared)


def test_a_prepared_statement_whose_table_changes():
    def ask(connection):
        connection.autocommit = True
        connection.execute("CREATE TEMP TABLE changing (a int)")
        connection.execute("INSERT INTO changing VALUES (1)")
        query = "SELECT * FROM changing WHERE a = %s"
        outcomes = [connection.execute(query, [1], prepare=True).fetchall() for _ in range(2)]
        connection.execute("ALTER TABLE changing ADD COLUMN b int DEFAULT 2")
        # The server says so once; psycopg forgets the statement then, and prepares it anew.
        for _ in range(3):
            try:
                outcomes.append(connection.execute(query, [1], prepare=True).fetchall())
            except psycopg.Error as error:
                outcomes.append((error.sqlstate, error.diag.message_primary))
        connection.execute("DEALLOCATE ALL")
        return outcomes, connection.execute(query, [1], prepare=False).fetchall()

    both(ask, database="plain")


def test_many_rows_one_by_one_and_at_once():
    def ask(connection):
        cursor = connection.execute("SELECT g, md5(g::text) FROM generate_series(1, 20000) g")
        at_once = cursor.fetchall()
        one_by_one = list(connection.cursor().stream("SELECT g FROM generate_series(1, 2000) g"))
        return at_once, one_by_one

    both(ask)


def test_executemany_and_returning():
    def ask(connection):
        connection.execute("CREATE TEMP TABLE many (a int, b text)")
        connection.commit()
        cursor = connection.cursor()
        cursor.executemany("INSERT INTO many VALUES (%s, %s)", [(n, f"row {n}") for n in range(500)])
        count = cursor.rowcount
        cursor.executemany("INSERT INTO many VALUES (%s, %s) RETURNING a", [(n, None) for n in range(3)], returning=True)
        returned = []
        while True:
            returned.append(cursor.fetchall())
            if not cursor.nextset():
                break
        return count, returned, connection.execute("SELECT count(*), count(b) FROM many").fetchone()

    both(ask, database="work_psycopg")


def test_pipeline():
    def ask(connection):
        connection.autocommit = True
        with connection.pipeline() as pipeline:
            cursors = [connection.execute("SELECT id, sku FROM products WHERE id = %s", [n]) for n in range(1, 40)]
            pipeline.sync()
            more = connection.execute("SELECT 'after'")
            return [cursor.fetchall() for cursor in cursors], more.fetchone()

    assert len(both(ask)[0]) == 39


def test_pipeline_with_an_error_in_the_middle():
    def ask(connection):
        connection.autocommit = True
        outcomes = []
        try:
            with connection.pipeline() as pipeline:
                first = connection.execute("SELECT 1")
                connection.execute("SELECT 1/%s", [0])
                # psycopg reads when it likes: this may say already what the statement before it came to.
                connection.execute("SELECT 2")
                pipeline.sync()
        except psycopg.Error as error:
            outcomes.append(error.sqlstate)
        outcomes.append(first.fetchone())
        outcomes.append(connection.info.transaction_status.name)
        outcomes.append(connection.execute("SELECT 3").fetchone())
        return outcomes

    both(ask)


def test_notices():
    def ask(connection):
        connection.execute("CREATE FUNCTION pg_temp.say(words text) RETURNS text LANGUAGE plpgsql AS "
                           "$$ BEGIN RAISE NOTICE 'heard %', words USING DETAIL = 'd', HINT = 'h'; RETURN words; END $$")
        connection.commit()
        heard = []
        connection.add_notice_handler(
            lambda d: heard.append((d.severity, d.sqlstate, d.message_primary, d.message_detail, d.message_hint)))
        connection.execute("SELECT pg_temp.say(%s)", ["hello"])
        connection.execute("DROP TABLE IF EXISTS no_such_table")
        return heard

    heard = both(ask, database="plain")
    assert ("NOTICE", "00000", "heard hello", "d", "h") in heard and len(heard) == 2, heard


def test_transactions():
    def ask(connection):
        connection.execute("TRUNCATE ledger")
        connection.commit()
        states = []
        with connection.transaction():
            connection.execute("INSERT INTO ledger VALUES (1)")
            try:
                with connection.transaction():
                    connection.execute("INSERT INTO ledger VALUES (2)")
                    states.append(connection.info.transaction_status.name)
                    connection.execute("SELECT 1/0")
            except psycopg.errors.DivisionByZero as error:
                states.append(str(error))
            with connection.transaction("named"):
                connection.execute("INSERT INTO ledger VALUES (3)")
            with connection.transaction():
                connection.execute("INSERT INTO ledger VALUES (4)")
                raise psycopg.Rollback()
        states.append(connection.info.transaction_status.name)
        try:
            with connection.transaction():
                connection.execute("INSERT INTO ledger VALUES (5)")
                connection.execute("INSERT INTO nowhere VALUES (5)")
        except psycopg.errors.UndefinedTable as error:
            states.append(error.sqlstate)
        connection.autocommit = True
        connection.execute("INSERT INTO ledger VALUES (6)")
        connection.autocommit = False
        connection.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
        connection.read_only = True
        states.append(failure(connection.execute, "INSERT INTO ledger VALUES (7)").sqlstate)
        states.append(failure(connection.execute, "SELECT 1").sqlstate)
        connection.rollback()
        states.append(connection.execute("SHOW transaction_isolation").fetchone())
        return states, connection.execute("SELECT step FROM ledger ORDER BY 1").fetchall()

    states, steps = both(ask, database="work_psycopg")
    assert [step for step, in steps] == [1, 3, 6], steps


def test_deferred_constraint_fails_at_commit():
    def ask(connection):
        connection.execute("INSERT INTO children VALUES (77)")
        error = failure(connection.commit)
        return error.sqlstate, error.diag.message_primary, connection.info.transaction_status.name

    assert both(ask, database="work_psycopg")[0] == "23503"


def test_two_phase():
    def ask(connection):
        connection.execute("TRUNCATE ledger")
        connection.commit()
        name = connection.xid(1, "weir", "branch")
        connection.tpc_begin(name)
        connection.execute("INSERT INTO ledger VALUES (1)")
        connection.tpc_prepare()
        connection.tpc_commit()
        connection.tpc_begin(connection.xid(1, "weir", "other"))
        connection.execute("INSERT INTO ledger VALUES (2)")
        connection.tpc_prepare()
        with directly("work_psycopg") as other:
            waiting = [xid.gtrid for xid in other.tpc_recover()]
        connection.tpc_rollback()
        return waiting, connection.execute("SELECT step FROM ledger").fetchall()

    assert both(ask, database="work_psycopg") == (["weir"], [(1,)])


def test_listen_and_notify():
    def ask(connection):
        connection.autocommit = True
        connection.execute("LISTEN news")
        with directly("work_psycopg", autocommit=True) as other:
            other.execute("NOTIFY news, 'from outside'")
        # It comes while the session does nothing.
        heard = [next(connection.notifies(timeout=20)).payload]
        connection.execute("SELECT pg_notify('news', %s)", ["from itself"])
        heard += [notify.payload for notify in connection.notifies(timeout=20, stop_after=1)]
        connection.execute("UNLISTEN *")
        connection.execute("NOTIFY news, 'to nobody'")
        heard += [notify.payload for notify in connection.notifies(timeout=0.2)]
        return heard

    assert both(ask, database="work_psycopg") == ["from outside", "from itself"]


def test_parameters_of_the_session():
    def ask(connection):
        info = connection.info
        names = ["server_version", "server_encoding", "client_encoding", "DateStyle", "IntervalStyle", "TimeZone",
                 "integer_datetimes", "standard_conforming_strings", "is_superuser", "in_hot_standby", "application_name"]
        before = [info.parameter_status(name) for name in names]
        connection.execute("SET TimeZone = 'Asia/Kolkata'")
        connection.execute("SET application_name = 'other'")
        return before, info.parameter_status("TimeZone"), info.parameter_status("application_name"), info.encoding

    both(ask, application_name="test", options="-c DateStyle=ISO -c TimeZone=Europe/Rome")


def test_large_values_both_ways():
    def ask(connection):
        text = "weir " * 1_000_000
        row = connection.execute("SELECT %s, length(%s), repeat('x', 3000000)", [text, text]).fetchone()
        return row[0] == text, row[1], len(row[2])

    assert both(ask) == (True, 5_000_000, 3_000_000)


def test_thousand_rapid_queries():
    with through() as connection:
        connection.autocommit = True
        for number in range(1000):
            assert connection.execute("SELECT %s::int", [number]).fetchone() == (number,)
        for number in range(200):
            assert connection.execute(f"SELECT {number}").fetchone() == (number,)


def test_refusals_leave_the_connection_usable():
    with through(database="work_psycopg", autocommit=True) as connection:
        for _ in range(3):
            error = refused("42501", connection.execute, "SELECT * FROM vault")
            assert error.diag.message_primary == "Nobody opens the vault.", error
            assert "Rule vault" in error.diag.message_detail, error
            error = refused("42501", connection.execute, "SELECT * FROM vault WHERE gold = %s", [1])
            assert error.diag.message_primary == "Nobody opens the vault.", error
            assert connection.execute("SELECT %s::int", [1]).fetchone() == (1,)


def test_server_side_cursors():
    def ask(connection):
        outcomes = []
        for more in [{}, {"scrollable": True}, {"withhold": True}]:
            cursor = connection.cursor(name="big", **more)
            cursor.itersize = 7
            cursor.execute("SELECT g, g::text FROM generate_series(1, %s) g", [20])
            outcomes.append((cursor.fetchone(), cursor.fetchmany(3), [column.name for column in cursor.description]))
            if "scrollable" in more:
                cursor.scroll(-2)
                outcomes.append(cursor.fetchone())
            if "withhold" in more:
                connection.commit()
            outcomes.append(list(cursor))
            cursor.close()
        return outcomes

    both(ask)
    both(ask, database="plain")


def test_copy_is_refused_as_an_error_in_the_transaction():
    with through(database="work_psycopg") as connection:

        def copy(statement):
            with connection.cursor().copy(statement) as copy:
                list(copy)

        for statement in ["COPY ledger TO STDOUT", "COPY (SELECT 1) TO STDOUT (FORMAT binary)", "COPY ledger FROM STDIN"]:
            connection.execute("INSERT INTO ledger VALUES (99)")
            refused("42501", copy, statement)
            refused("25P02", connection.execute, "SELECT 1")
            connection.rollback()
        assert connection.execute("SELECT 1 FROM ledger WHERE step = 99").fetchall() == []


run_all(globals())
