"""Classified columns in both formats, and the bigger things: cancelling, many connections."""

import datetime
import threading
import time

import psycopg
from psycopg.rows import dict_row
from ways import both, directly, failure, refused, run_all, through


def test_binary_results_of_open_columns():
    def ask(connection):
        query = "SELECT id, sku, name, price, attributes, tags, active FROM products ORDER BY id"
        rows = connection.cursor(binary=True).execute(query).fetchall()
        again = [connection.execute(query, binary=True, prepare=True).fetchall() for _ in range(3)]
        return rows, again, connection.cursor(row_factory=dict_row).execute(query).fetchall()

    both(ask)


def test_open_columns_of_a_classified_table_in_binary():
    def ask(connection):
        query = "SELECT id, public_id, city, credit_limit, preferences, tags, created_at FROM customers ORDER BY id"
        return connection.cursor(binary=True).execute(query).fetchall()

    assert len(both(ask)) == 300


def test_masked_text_in_both_formats():
    query = "SELECT id, name, email, card, ssn, city FROM customers WHERE id = %s"
    expected = (1, "Giuseppe Esposito", "g***@w***.example", "************0836", "[redacted]", "Roma")
    with through() as connection:
        for prepare_threshold in (0, 5):
            connection.prepare_threshold = prepare_threshold
            for binary in (False, True) * 4:
                row = connection.execute(query, [1], binary=binary).fetchone()
                assert row == expected, (prepare_threshold, binary, row)
        with connection.pipeline():
            rows = [connection.execute(query, [1], binary=binary) for binary in (False, True) * 10]
            assert all(row.fetchone() == expected for row in rows)


def test_masked_dates_and_numbers_are_the_same_in_both_formats():
    with through(autocommit=True) as connection:
        for prepare in (False, True, True):
            for binary in (False, True):
                query = "SELECT id, birth_date FROM customers WHERE id = %s"
                row = connection.execute(query, [1], binary=binary, prepare=prepare).fetchone()
                assert row == (1, datetime.date(1975, 1, 1)), (prepare, binary, row)
        for binary in (False, True):
            for query in ("SELECT max(birth_date) FROM customers", "SELECT count(nullif(ssn, '')) FROM customers"):
                assert connection.execute(query, binary=binary).fetchone() == (None,), (query, binary)
            for query in ("SELECT count(*) FROM customers", "SELECT count(ssn) FROM customers"):
                assert connection.execute(query, binary=binary).fetchone()[0] > 1, (query, binary)


def test_who_sees_clear_gets_what_is_there():
    def ask(connection):
        query = "SELECT * FROM customers WHERE id <= %s ORDER BY id"
        return [connection.execute(query, [50], binary=binary).fetchall() for binary in (False, True)]

    both(ask, user="clara")


def test_descriptions_are_the_servers_own():
    def ask(connection):
        cursor = connection.execute("SELECT * FROM customers LIMIT 0")
        result = cursor.pgresult
        return [(c.name, c.type_code, c.internal_size, result.ftable(n), result.ftablecol(n))
                for n, c in enumerate(cursor.description)]

    assert len(both(ask)) == 17


def test_errors_about_the_text_are_the_servers_own():
    queries = [
        "SELECT nam FROM customers", "SELECT email FROM customers WHERE", "SELECT lenght(email) FROM customers",
        "SELECT email + 1 FROM customers", "SELECT email FROM customer", "SELECT id FROM customers GROUP BY city",
        "SELECT email, 'x'::int FROM customers", "SELECT email FROM customers JOIN orders ON id = customer_id",
        "SELECT email FROM customers WHERE birth_date = 'yesteryear'", "SELECT email AS nix FROM customers WHERE nix = 'x'",
    ]

    def ask(connection):
        def said(query, **how):
            diag = failure(connection.execute, query, **how).diag
            return diag.sqlstate, diag.message_primary, diag.message_detail, diag.message_hint, diag.statement_position

        return [said(query, **how) for query in queries for how in ({}, {"prepare": True}, {"binary": True})]

    assert len(both(ask, autocommit=True)) == 30


def test_errors_of_constraints_keep_names_and_no_values():
    def ask(connection):
        diag = [failure(connection.execute, query).diag for query in (
            "UPDATE customers SET id = 2 WHERE id = 1", "UPDATE customers SET country = NULL WHERE id = 1")]
        return [(d.sqlstate, d.message_primary, d.schema_name, d.table_name, d.column_name, d.constraint_name) for d in diag]

    rows = both(ask, autocommit=True)
    assert [row[5] for row in rows] == ["customers_pkey", None] and rows[1][4] == "country", rows
    with through(autocommit=True) as connection:
        for query in ("UPDATE customers SET country = NULL WHERE id = 1", "SELECT ssn::int FROM customers WHERE id = 1"):
            said = str(failure(connection.execute, query))
            assert "Failing row" not in said and "input syntax" not in said and "withholds" in said, said


def test_cancel_ends_one_statement_and_no_more():
    with through(autocommit=True) as victim, through(autocommit=True) as bystander:
        for cancel in ("cancel", "cancel_safe"):
            ended = []

            def sleep(connection, seconds):
                try:
                    connection.execute("SELECT pg_sleep(%s) AS victim", [seconds])
                    ended.append("slept")
                except psycopg.errors.QueryCanceled as error:
                    ended.append(error.sqlstate)

            sleepers = [threading.Thread(target=sleep, args=(victim, 60)), threading.Thread(target=sleep, args=(bystander, 2))]
            begun = time.monotonic()
            for sleeper in sleepers:
                sleeper.start()
            with directly(autocommit=True) as watcher:
                running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(%) AS victim' AND state = 'active'"
                while watcher.execute(running).fetchone()[0] < 2:
                    assert time.monotonic() < begun + 20
            getattr(victim, cancel)()
            for sleeper in sleepers:
                sleeper.join()
            assert ended == ["57014", "slept"], (cancel, ended)
            assert time.monotonic() < begun + 20
            assert victim.execute("SELECT 1").fetchone() == (1,)
        # Nothing runs: nothing happens.
        victim.cancel_safe()
        assert victim.execute("SELECT 1").fetchone() == (1,)


def test_twenty_connections_at_once():
    wrong = []

    def work(number):
        try:
            with through("alice" if number % 2 else "clara", autocommit=True) as connection:
                for step in range(30):
                    assert connection.execute("SELECT %s::int, %s::int", [number, step]).fetchone() == (number, step)
                    ssn, = connection.execute("SELECT ssn FROM customers WHERE id = %s", [step + 1]).fetchone()
                    assert (ssn == "[redacted]") == bool(number % 2), (number, ssn)
        except Exception as error:
            wrong.append((number, error))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_wrong_token_is_refused():
    error = failure(psycopg.connect, host="localhost", port=__import__("os").environ["WEIR_PORT"], dbname="shop",
                    user="alice", password="weir_wrong", sslmode="require")
    assert "FATAL" in str(error), error


run_all(globals())
