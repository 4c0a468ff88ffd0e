"""Runs each statement of statements.sql by both ways, in the simple protocol, and in the extended with results in text and in
binary, each in a transaction that is rolled back. Nothing may be refused, and every cell must be the same, but for the columns
that an entry names:

    -- masked: NAME…     classified: what is shown is never what is there
    -- hidden: NAME…     computed of what is classified: nothing is shown
    -- by: USER          who asks, if not alice

A line `-- name` begins an entry, `--$ value` is a parameter, `--next` another statement of the same transaction."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "psycopg"))

from psycopg import pq
from ways import directly, through

FINE = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)


class Entry:
    def __init__(self, name):
        self.name, self.user, self.steps, self.parameters = name, "alice", [[]], []
        self.masked, self.hidden = set(), set()


def entries():
    found = []
    for line in (pathlib.Path(__file__).parent / "statements.sql").read_text().splitlines():
        if line.startswith("-- masked: "):
            found[-1].masked = set(line.split()[2:])
        elif line.startswith("-- hidden: "):
            found[-1].hidden = set(line.split()[2:])
        elif line.startswith("-- by: "):
            found[-1].user = line.split()[2]
        elif line.startswith("--$ "):
            found[-1].parameters.append(line[4:].encode())
        elif line == "--next":
            found[-1].steps.append([])
        elif line.startswith("-- "):
            found.append(Entry(line[3:]))
        elif line:
            found[-1].steps[-1].append(line)
    return found


def literal(text, parameters):
    for number, value in reversed(list(enumerate(parameters, 1))):
        text = text.replace(b"$%d" % number, b"'%s'" % value)
    return text


WAYS = {
    "simple": lambda pg, text, parameters: pg.exec_(literal(text, parameters)),
    "extended, text": lambda pg, text, parameters: pg.exec_params(text, parameters),
    "extended, binary": lambda pg, text, parameters: pg.exec_params(text, parameters, result_format=1),
}


def ran(connection, entry, way):
    """What each step gives: its columns, tag and rows."""
    given = []
    connection.pgconn.exec_(b"BEGIN")
    for step in entry.steps:
        result = WAYS[way](connection.pgconn, "\n".join(step).encode(), entry.parameters)
        if result.status not in FINE:
            given.append(result.error_message.decode())
            break
        columns = [(result.fname(n).decode(), result.ftype(n), result.fformat(n), result.fmod(n)) for n in range(result.nfields)]
        rows = [[result.get_value(row, n) for n in range(result.nfields)] for row in range(result.ntuples)]
        given.append((columns, result.command_status, rows))
    connection.pgconn.exec_(b"ROLLBACK")
    return given


def differences(entry, direct, weir):
    """What is not as it must be, in words."""
    for number, (one, other) in enumerate(zip(direct, weir), 1):
        if isinstance(one, str) or isinstance(other, str):
            yield f"step {number}: directly {one if isinstance(one, str) else 'fine'}; through Weir {other if isinstance(other, str) else 'fine'}"
            continue
        if one[:2] != other[:2] or len(one[2]) != len(other[2]):
            yield f"step {number}: {one[:2]}, {len(one[2])} rows; through Weir {other[:2]}, {len(other[2])} rows"
            continue
        for at, column in enumerate(one[0]):
            name, clear, shown = column[0], [row[at] for row in one[2]], [row[at] for row in other[2]]
            if name in entry.masked:
                bare = [value for value, cell in zip(clear, shown) if value is not None and value == cell]
                if bare or clear == shown:
                    yield f"step {number}: {name} is shown: {bare[:3]}"
            elif name in entry.hidden:
                if set(shown) - {None, b"[redacted]"}:
                    yield f"step {number}: {name} is shown: {shown[:3]}"
            elif clear != shown:
                pairs = [pair for pair in zip(clear, shown) if pair[0] != pair[1]]
                yield f"step {number}: {name} differs in {len(pairs)} of {len(clear)} rows: {pairs[:2]}"
    if len(direct) != len(weir):
        yield f"{len(direct)} steps directly, {len(weir)} through Weir"


wrong, statements, cells, masked, hidden = [], 0, 0, 0, 0
with directly("shop", autocommit=True) as direct, through(autocommit=True) as alice, through("tessa", autocommit=True) as tessa:
    for entry in entries():
        weir = {"alice": alice, "tessa": tessa}[entry.user]
        statements += len(entry.steps)
        for way in WAYS:
            one, other = ran(direct, entry, way), ran(weir, entry, way)
            wrong += [f"{entry.name} ({way}): {what}" for what in differences(entry, one, other)]
            for columns, _, rows in (step for step in one if not isinstance(step, str)):
                names = [column[0] for column in columns]
                cells += len(rows) * len(names)
                masked += len(rows) * sum(name in entry.masked for name in names)
                hidden += len(rows) * sum(name in entry.hidden for name in names)
assert not wrong, "\n".join(wrong)
assert cells > 10_000 and masked > 1_000, (cells, masked)
print(f"{statements} statements, {cells} cells, {masked} of them masked and {hidden} hidden")
