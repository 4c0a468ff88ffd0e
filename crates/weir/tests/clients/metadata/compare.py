"""Runs each statement of statements.sql by both ways, in the simple protocol, and in the extended with results in text and in
binary, and compares every message that libpq traces: RowDescription, DataRow, CommandComplete, notices, errors."""

import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "psycopg"))

from psycopg import pq
from ways import directly, through

SUPPRESS_TIMESTAMPS = pq.Trace.SUPPRESS_TIMESTAMPS


def statements():
    """Name, text and parameters of each: a line `-- name` begins one, `--$ value` is a parameter."""
    found = []
    for line in (pathlib.Path(__file__).parent / "statements.sql").read_text().splitlines():
        if line.startswith("--$ "):
            found[-1][2].append(line[4:].encode())
        elif line.startswith("-- "):
            found.append((line[3:], [], []))
        elif line and found:
            found[-1][1].append(line)
    return [(name, "\n".join(lines).encode(), parameters) for name, lines, parameters in found]


def messages(connection, run):
    """What comes back: its status, and every message that went by as libpq writes it."""
    with tempfile.TemporaryFile() as file:
        connection.pgconn.trace(file.fileno())
        connection.pgconn.set_trace_flags(SUPPRESS_TIMESTAMPS)
        result = run(connection.pgconn)
        connection.pgconn.untrace()
        file.seek(0)
        return result.status, result.ntuples, file.read()


def literal(text, parameters):
    """The text with its parameters written into it, for the simple protocol."""
    for number, value in reversed(list(enumerate(parameters, 1))):
        text = text.replace(b"$%d" % number, b"'%s'" % value)
    return text


def compare(database):
    count, rows = 0, 0
    with directly(database, autocommit=True) as direct, through(database=database, autocommit=True) as weir:
        for name, text, parameters in statements():
            ways = {
                "simple": lambda pg: pg.exec_(literal(text, parameters)),
                "extended, text": lambda pg: pg.exec_params(text, parameters),
                "extended, binary": lambda pg: pg.exec_params(text, parameters, result_format=1),
            }
            for way, run in ways.items():
                one, other = messages(direct, run), messages(weir, run)
                assert one == other, f"{name} ({way}) on {database}:\ndirectly\n{one}\nthrough Weir\n{other}"
                # Some types (aclitem) have no binary form: then the server says so, both ways.
                assert one[0] == pq.ExecStatus.TUPLES_OK or "binary" in way, f"{name} ({way}) on {database} fails: {one}"
                assert b"DataRow" in one[2] or one[1] == 0
            count += 1
            rows += one[1]
    assert rows > 1000, rows
    print(f"{database}: {count} statements, {rows} rows")


for database in sys.argv[1:]:
    compare(database)
