"""Columns of many types: identical where they may be seen, a valid value of their type or NULL where not."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "psycopg"))

from psycopg.pq import DiagnosticField, ExecStatus
from ways import directly, run_all, through

with directly("shapes", autocommit=True) as connection:
    COLUMNS = connection.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = 'closed'::regclass AND attnum > 1 ORDER BY attnum").fetchall()
    EVERY_TYPE = len(COLUMNS)


# Cells in which there is nothing to hide: no elements in an array, in a document no values.
HOLDS_NOTHING = (b"{}", b"[]", b"null", b"\x01[]", bytes(8) + (23).to_bytes(4), bytes(8) + (25).to_bytes(4))


def raw(connection, query, result_format=0):
    """A result as it came: columns, and cells as bytes. Or the SQLSTATE."""
    result = connection.pgconn.exec_params(query.encode(), [], result_format=result_format)
    if result.status != ExecStatus.TUPLES_OK:
        return result.error_field(DiagnosticField.SQLSTATE).decode()
    columns = [(result.fname(n), result.ftype(n), result.fformat(n), result.fmod(n)) for n in range(result.nfields)]
    rows = [[result.get_value(row, n) for n in range(result.nfields)] for row in range(result.ntuples)]
    return columns, rows


def test_open_columns_are_identical():
    with directly("shapes") as direct, through(database="shapes") as weir:
        for query in ["SELECT * FROM open ORDER BY id", "SELECT o.* FROM open AS o WHERE id = 3",
                      "SELECT some_ints[1], a_jsonb -> 'a', a_text || 'x', (a_place).y, a_float8 * 2 FROM open ORDER BY id",
                      "SELECT array_agg(id), json_agg(o), count(*) FROM open o", "SELECT o FROM open o ORDER BY id"]:
            for result_format in (0, 1):
                one = raw(direct, query, result_format)
                assert isinstance(one, tuple), (query, one)
                assert one == raw(weir, query, result_format), (query, result_format)


def test_classified_columns_are_identical_to_who_sees_them():
    with directly("shapes") as direct, through("clara", "shapes") as weir:
        for query in ["SELECT * FROM closed ORDER BY id", "SELECT a_text || 'x', some_ints[1], md5(a_text) FROM closed ORDER BY id"]:
            for result_format in (0, 1):
                assert raw(direct, query, result_format) == raw(weir, query, result_format), (query, result_format)


def check_masked(user, name, type_name, direct, checker, weir, formats):
    query = f"SELECT id, {name} FROM closed ORDER BY id"
    for result_format in formats:
        columns, clear = raw(direct, query, result_format)
        masked = raw(weir, query, result_format)
        what = f"{name} {type_name} in format {result_format} for {user}"
        assert isinstance(masked, tuple), (what, masked)
        assert masked[0] == columns, (what, masked[0], columns)
        assert len(masked[1]) == len(clear), what
        for cell, original in zip(masked[1], clear):
            assert cell[0] == original[0] and len(cell) == 2, what
            if original[1] is None:
                assert cell[1] is None, (what, "a NULL became", cell[1])
            elif cell[1] is not None:
                if user != "petra" and original[1] not in HOLDS_NOTHING:
                    assert cell[1] != original[1], (what, cell[1], "is shown clear")
                valid = checker.pgconn.exec_params(
                    f"SELECT $1::{type_name}".encode(), [cell[1]], param_formats=[result_format],
                    param_types=[columns[1][1]])
                assert valid.status == ExecStatus.TUPLES_OK, (what, cell[1], valid.error_message)
    return query


def test_masked_columns_hold_a_value_of_their_type_or_null():
    assert EVERY_TYPE > 40
    for user in ("alice", "petra", "theo"):
        with directly("shapes") as direct, directly("shapes", autocommit=True) as checker, through(user, "shapes") as weir:
            for name, type_name in COLUMNS:
                check_masked(user, name, type_name, direct, checker, weir, (0, 1))
            columns, rows = raw(weir, "SELECT * FROM closed ORDER BY id")
            clear = raw(direct, "SELECT * FROM closed ORDER BY id")
            assert columns == clear[0] and [len(row) for row in rows] == [len(columns)] * 3
            assert rows[2] == [b"3"] + [None] * EVERY_TYPE, rows[2]
            # Computed from what is not seen: as many rows and columns, nothing of it.
            query = "SELECT a_text || 'x', a_int4 + 1, upper(a_varchar), some_ints[1] FROM closed ORDER BY id"
            columns, rows = raw(weir, query)
            assert columns == raw(direct, query)[0] and len(rows) == 3
            assert all(cell in (None, b"[redacted]") for row in rows for cell in row), rows


def test_what_each_sight_shows():
    query = "SELECT a_text, a_uuid, a_int4, a_date, a_json, a_bool, a_numeric FROM closed WHERE id = 1"
    expected = {
        "alice": [b"[redacted]", None, None, None, b'"[redacted]"', None, None],
        "petra": ["n***".encode(), None, None, None, b'{"a":[null,null]}', None, None],
    }
    for user, row in expected.items():
        with through(user, "shapes") as weir:
            shown = raw(weir, query)[1][0]
            assert shown == row, (user, shown)
    with through("theo", "shapes") as weir:
        shown = raw(weir, query)[1][0]
        assert shown[0].startswith(b"tok_") and len(shown[0]) == 20 and shown[1][14:15] == b"8", shown
        assert shown == raw(weir, query)[1][0]
        # The same in binary, where the bytes of the format are known.
        text = raw(weir, "SELECT a_text, a_uuid FROM closed WHERE id = 1")[1][0]
        binary = raw(weir, "SELECT a_text, a_uuid FROM closed WHERE id = 1", 1)[1][0]
        assert text == [binary[0], f"{binary[1].hex()[:8]}-{binary[1].hex()[8:12]}-{binary[1].hex()[12:16]}-"
                                   f"{binary[1].hex()[16:20]}-{binary[1].hex()[20:]}".encode()], (text, binary)
    with through("alice", "shapes") as weir:
        rows = raw(weir, "SELECT a_date, a_timestamp, a_timestamptz FROM closed_days ORDER BY id")[1]
        assert rows[0] == [b"1984-01-01", b"1984-01-01 00:00:00", b"1984-01-01 00:00:00+00"], rows
        assert rows[1:] == [[None] * 3] * 2, rows
        # 1984-01-01 is so many days before 2000-01-01.
        rows = raw(weir, "SELECT a_date, a_timestamp, a_timestamptz FROM closed_days ORDER BY id", 1)[1]
        days, micros = (-5844).to_bytes(4, signed=True), (-5844 * 86_400_000_000).to_bytes(8, signed=True)
        assert rows[0] == [days, micros, micros] and rows[1:] == [[None] * 3] * 2, rows


run_all(globals())
