"""Function calls by the fast path, through libpq's own PQfn."""

import ctypes
import ctypes.util
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "psycopg"))

from ways import ENV, run_all

libpq = ctypes.CDLL(ctypes.util.find_library("pq") or "libpq.so.5")
for function in ("PQconnectdb", "PQfn", "PQexec"):
    getattr(libpq, function).restype = ctypes.c_void_p
libpq.PQresultErrorField.restype = libpq.PQerrorMessage.restype = ctypes.c_char_p

VERSION, PG_BACKEND_PID, LO_CREAT, LO_IMPORT = 89, 2026, 957, 764


class Arg(ctypes.Structure):
    _fields_ = [("len", ctypes.c_int), ("isint", ctypes.c_int), ("integer", ctypes.c_long)]


def connect(user, database):
    info = (f"host=localhost port={ENV['WEIR_PORT']} dbname={database} user={user} password={ENV[f'TOKEN_{user}']}"
            f" sslmode=verify-full sslrootcert={ENV['WEIR_CA']}")
    connection = ctypes.c_void_p(libpq.PQconnectdb(info.encode()))
    assert libpq.PQstatus(connection) == 0, libpq.PQerrorMessage(connection)
    return connection


def call(connection, function, *integers):
    """The bytes that a function returns, or the SQLSTATE it ends with."""
    buffer, length = ctypes.create_string_buffer(4096), ctypes.c_int(-2)
    args = (Arg * len(integers))(*[Arg(4, 1, integer) for integer in integers])
    result = ctypes.c_void_p(libpq.PQfn(connection, function, buffer, ctypes.byref(length), 0, args, len(integers)))
    if libpq.PQresultStatus(result) != 1:
        return libpq.PQresultErrorField(result, ord("C")).decode()
    return None if length.value == -1 else buffer.raw[:length.value]


def alive(connection):
    return libpq.PQresultStatus(ctypes.c_void_p(libpq.PQexec(connection, b"SELECT 1"))) == 2


def test_what_is_known_or_permitted_is_called():
    connection = connect("carol", "plain")
    assert call(connection, VERSION).startswith(b"PostgreSQL ")
    assert len(call(connection, PG_BACKEND_PID)) == 4
    assert len(call(connection, LO_CREAT, -1)) == 4
    assert call(connection, 999_999) == "42883"
    assert alive(connection)


def test_the_result_of_an_unknown_function_is_not_shown_where_something_is_classified():
    connection = connect("carol", "work_dbt")
    assert call(connection, VERSION) is None
    assert len(call(connection, LO_CREAT, -1)) == 4
    assert alive(connection)


def test_what_is_not_permitted_is_refused_and_the_session_goes_on():
    for user, database, function in [("alice", "plain", LO_CREAT), ("alice", "plain", VERSION), ("carol", "shop", VERSION),
                                     ("carol", "plain", LO_IMPORT)]:
        connection = connect(user, database)
        assert call(connection, function, -1) == "42501", (user, database, function)
        assert alive(connection)


run_all(globals())
