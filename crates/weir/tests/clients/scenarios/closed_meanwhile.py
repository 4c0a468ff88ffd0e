"""A statement that was prepared while policy permitted it, and is executed when policy no longer does.

The policies are replaced by the file beside them, whose path is the argument.
"""

import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "psycopg"))

from psycopg.pq import DiagnosticField, ExecStatus
from ways import directly, refused, through

policies, closing = sys.argv[1:]


def play(connection, close):
    """Prepares while it is open; the rest when `close` has closed it."""
    raw = connection.pgconn
    raw.prepare(b"insert", b"INSERT INTO ledger VALUES ($1::int)")
    raw.prepare(b"p", b"SELECT 1 / (2 - $1::int) FROM people WHERE id = 1")
    told = [ExecStatus(raw.exec_prepared(b"p", [b"1"]).status).name]
    close(connection)
    raw.enter_pipeline_mode()
    sent = ["insert 1", "p 2", "insert 3", "sync", "insert 4", "sync", "p 2", "sync", "insert 5", "sync"]
    for step in sent:
        if step == "sync":
            raw.pipeline_sync()
        else:
            name, value = step.split()
            raw.send_query_prepared(name.encode(), [value.encode()])
    while raw.flush():
        raw.consume_input()
    for step in sent:
        result = raw.get_result()
        code = result.error_field(DiagnosticField.SQLSTATE)
        told.append("FAILED" if code in (b"42501", b"22012") else ExecStatus(result.status).name)
        if step != "sync":
            assert raw.get_result() is None
    raw.exit_pipeline_mode()
    with directly("work_meanwhile", autocommit=True) as aside:
        told.append(aside.execute("SELECT step FROM ledger ORDER BY 1").fetchall())
        aside.execute("TRUNCATE ledger")
    return told


def replace_policies(connection):
    os.rename(closing, policies)
    until = time.monotonic() + 20
    while connection.pgconn.exec_(b"SELECT id FROM people").status == ExecStatus.TUPLES_OK:
        assert time.monotonic() < until, "the new policies never came into force"
        time.sleep(0.02)


with directly("work_meanwhile", autocommit=True) as aside:
    aside.execute("TRUNCATE ledger")
with directly("work_meanwhile", autocommit=True) as connection:
    direct = play(connection, lambda _: None)
with through(database="work_meanwhile", autocommit=True) as connection:
    weir = play(connection, replace_policies)
    refused("42501", connection.execute, "SELECT 1 FROM people")
assert direct == weir, f"directly     {direct}\nthrough Weir {weir}"
assert direct[-1] == [(4,), (5,)] and direct.count("FAILED") == 2, direct
