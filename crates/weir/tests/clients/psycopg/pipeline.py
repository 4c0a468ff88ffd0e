"""psycopg's pipeline mode: many statements in flight, errors in the middle, parameters and results in binary."""

import psycopg
from psycopg import pq
from ways import both, run_all, through


def test_many_in_flight():
    def ask(connection):
        with connection.pipeline():
            cursors = [connection.execute("SELECT %s::int * 2, md5(%s::text)", [n, n], binary=n % 2 == 0) for n in range(300)]
            return [cursor.fetchall() for cursor in cursors]

    for database in ("plain", "shop"):
        assert len(both(ask, database)) == 300


def test_executemany_in_a_pipeline():
    def ask(connection):
        connection.execute("CREATE TEMP TABLE many (a int, b text)")
        with connection.pipeline():
            cursor = connection.cursor()
            cursor.executemany("INSERT INTO many VALUES (%s, %s) RETURNING a", [(n, f"row {n}") for n in range(400)], returning=True)
            returned = [cursor.fetchone()[0]]
            while cursor.nextset():
                returned.append(cursor.fetchone()[0])
        return returned, connection.execute("SELECT count(*), sum(a), max(b) FROM many").fetchall()

    returned, _ = both(ask, "plain")
    assert returned == list(range(400))


def test_an_error_skips_the_rest_up_to_its_sync():
    def ask(connection):
        connection.autocommit = True
        told = []
        connection.execute("CREATE TEMP TABLE ran (n int)")
        try:
            # Where the error comes up depends on when it is read; what has run does not.
            with connection.pipeline() as pipeline:
                connection.execute("INSERT INTO ran VALUES (1)")
                pipeline.sync()
                connection.execute("INSERT INTO ran VALUES (2)")
                connection.execute("SELECT 1 / %s::int", [0])
                connection.execute("INSERT INTO ran VALUES (3)")
                pipeline.sync()
        except psycopg.Error as error:
            told.append((type(error).__name__, error.sqlstate, error.diag.message_primary))
        told += connection.execute("SELECT n FROM ran").fetchall()
        with connection.pipeline():
            told.append(connection.execute("SELECT 3").fetchone())
        return told

    assert both(ask, "plain")[0][1] == "22012"
    both(ask, "shop")


def test_transactions_in_a_pipeline():
    def ask(connection):
        connection.execute("CREATE TEMP TABLE steps (n int)")
        connection.commit()
        told = []
        for fail in (False, True):
            try:
                with connection.pipeline(), connection.transaction():
                    for n in range(5):
                        connection.execute("INSERT INTO steps VALUES (%s)", [n])
                    if fail:
                        connection.execute("SELECT 1 / 0")
                        connection.execute("INSERT INTO steps VALUES (99)")
            except psycopg.Error as error:
                told.append(error.sqlstate)
            told.append(connection.execute("SELECT count(*), sum(n) FROM steps").fetchall())
            connection.rollback()
        return told

    both(ask, "plain")


def test_each_sync_is_a_transaction_of_its_own():
    """libpq's own pipeline: the order of results, one by one, with Flush and with Syncs at once."""
    def ask(connection):
        connection.autocommit = True
        pg = connection.pgconn
        pg.enter_pipeline_mode()
        texts = [b"SELECT 1", b"SELECT 1 / 0", b"SELECT 2", None, b"SELECT 3", None, None, b"SELECT $1::int", None]
        for text in texts:
            if text is None:
                pg.pipeline_sync()
            else:
                pg.send_query_params(text, [b"7"] if b"$1" in text else [], result_format=1)
        while pg.flush():
            pass
        told = []
        syncs = 0
        while syncs < texts.count(None):
            result = pg.get_result()
            if result is None:
                told.append(None)
                continue
            syncs += result.status == pq.ExecStatus.PIPELINE_SYNC
            told.append((pq.ExecStatus(result.status).name, result.get_value(0, 0) if result.ntuples else None, result.error_field(pq.DiagnosticField.SQLSTATE)))
        pg.exit_pipeline_mode()
        return told

    both(ask, "plain")
    both(ask, "shop")


def test_refused_in_the_middle():
    """A refusal in a pipeline counts as a failed statement: what is before it stands, what is behind it is skipped."""
    with through(database="work_psycopg", autocommit=True) as connection:
        try:
            with connection.pipeline() as pipeline:
                before = connection.execute("SELECT 1")
                connection.execute("SELECT gold FROM vault WHERE gold = %s", [1])
                connection.execute("INSERT INTO ledger VALUES (77, 'never')")
                pipeline.sync()
        except psycopg.errors.InsufficientPrivilege as error:
            assert error.sqlstate == "42501" and "vault" in str(error), error
        else:
            raise AssertionError("the vault is open")
        assert before.fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM ledger WHERE step = 77").fetchone() == (0,)
        with connection.pipeline():
            assert connection.execute("SELECT 3").fetchone() == (3,)


def test_masked_in_a_pipeline():
    with through() as connection, connection.pipeline():
        query = "SELECT id, email, ssn FROM customers WHERE id = %s"
        cursors = [connection.execute(query, [1], binary=n % 2 == 0, prepare=n > 3) for n in range(20)]
        assert all(cursor.fetchall() == [(1, "g***@w***.example", "[redacted]")] for cursor in cursors)


run_all(globals())
