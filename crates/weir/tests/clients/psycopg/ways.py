"""The two ways to the server, from the environment: through Weir as a user, and directly as the account that Weir uses."""

import os

import psycopg

ENV = os.environ


def through(user="alice", database="shop", **more):
    return psycopg.connect(
        host="localhost", port=ENV["WEIR_PORT"], dbname=database, user=user, password=ENV[f"TOKEN_{user}"],
        sslmode="verify-full", sslrootcert=ENV["WEIR_CA"], **more,
    )


def directly(database="shop", **more):
    return psycopg.connect(
        host="127.0.0.1", port=ENV["DIRECT_PORT"], dbname=database, user=ENV["DIRECT_USER"],
        password=ENV["DIRECT_PASSWORD"], sslmode="disable", **more,
    )


def both(test, database="shop", user="alice", **more):
    """Runs a test on both ways, asserts that it returns the same, and returns that."""
    results = []
    for connect in (directly, lambda *a, **k: through(user, *a, **k)):
        with connect(database, **more) as connection:
            results.append(test(connection))
    direct, weir = results
    assert direct == weir, f"{test.__name__}:\ndirectly     {direct!r}\nthrough Weir {weir!r}"
    return weir


def failure(what, *arguments, **more):
    """The error that a call ends with."""
    try:
        what(*arguments, **more)
    except psycopg.Error as error:
        return error
    raise AssertionError(f"{arguments} did not fail")


def refused(code, what, *arguments, **more):
    error = failure(what, *arguments, **more)
    assert error.sqlstate == code, f"{arguments}: {error.sqlstate} {error}"
    return error


def run_all(names):
    """Runs the tests of a script: every function named test_…"""
    for name, test in list(names.items()):
        if name.startswith("test_"):
            print(name, flush=True)
            test()
