"""Writes rows through Weir in every way there is, for as long as no file `stop` appears in the folder.

usage: load.py FOLDER TOLD

Every id is tried once. What the target has confirmed is written to TOLD, one line each, at once. A connection that is
lost is made again, to the port that FOLDER/port names by then.
"""

import itertools
import os
import sys
import threading
import time

import psycopg

FOLDER, TOLD = sys.argv[1:]
told = os.open(TOLD, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
ids = itertools.count(1)


def take(count):
    return [next(ids) for _ in range(count)]


def ok(*confirmed):
    os.write(told, "".join(f"ok {id}\n" for id in confirmed).encode())


def connect():
    with open(f"{FOLDER}/port") as file:
        port = file.read()
    return psycopg.connect(
        f"host=localhost port={port} dbname=killed user=loader sslmode=verify-full sslrootcert={os.environ['CA']}",
        autocommit=True,
        prepare_threshold=None,
    )


def refused(run):
    try:
        run()
    except psycopg.errors.InsufficientPrivilege:
        return
    raise SystemExit("what is forbidden has succeeded")


def simple(connection):
    [id] = take(1)
    connection.execute(f"INSERT INTO written VALUES ({id}, 'alone')")
    ok(id)
    several = take(2)
    connection.execute("; ".join(f"INSERT INTO written VALUES ({id}, 'several')" for id in several))
    ok(*several)


def bound(connection):
    [id] = take(1)
    connection.execute(f"INSERT INTO written VALUES ({id}, %s)", ["bound"])
    ok(id)


def transaction(connection):
    begun = take(3)
    with connection.transaction():
        for id in begun:
            connection.execute(f"INSERT INTO written VALUES ({id}, 'begun')")
    ok(*begun)


def pipeline(connection):
    pipelined = take(4)
    with connection.pipeline() as line:
        for id in pipelined:
            connection.execute(f"INSERT INTO written VALUES ({id}, %s)", ["pipelined"])
        line.sync()
    ok(*pipelined)


def forbidden(connection):
    [id] = take(1)
    refused(lambda: connection.execute(f"INSERT INTO forbidden VALUES ({id}, 'forbidden')"))
    # Refused whole: what stands before the forbidden one does not run either.
    one, other = take(2)
    both = f"INSERT INTO written VALUES ({one}, 'never'); INSERT INTO forbidden VALUES ({other}, 'never')"
    refused(lambda: connection.execute(both))
    [id] = take(1)
    refused(lambda: connection.execute(f"INSERT INTO forbidden VALUES ({id}, %s)", ["forbidden"]))


def work(kinds):
    connection = None
    for kind in itertools.cycle(kinds):
        if os.path.exists(f"{FOLDER}/stop"):
            return
        try:
            connection = connection or connect()
            kind(connection)
            # The whole log is verified after each kill: what counts is the moment, not the amount.
            time.sleep(0.016)
        except psycopg.OperationalError:
            connection = None
            time.sleep(0.02)


failed = []


def watched(kinds):
    try:
        work(kinds)
    except BaseException as error:
        failed.append(error)
        raise


threads = [
    threading.Thread(target=watched, args=[kinds])
    for kinds in ([simple], [bound, forbidden], [transaction], [pipeline]) * 2
]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
sys.exit(1 if failed else 0)
