"""Parts and tokens of every type: valid values of their types, the same in text and in binary, and nothing of what is hidden."""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "psycopg"))

from psycopg.pq import ExecStatus
from ways import directly, run_all, through

with directly("sights", autocommit=True) as connection:
    COLUMNS = connection.execute(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
        " WHERE attrelid = 'seen'::regclass AND attnum > 1 ORDER BY attnum").fetchall()

# What the sight `partial` shows of the first row. Every other column is NULL.
PARTS = {
    "card_int4": "9821", "card_int8": "1234", "card_oid": "1234", "card_numeric": "1234", "card_text": "**** **** **** 1234",
    "card_varchar": "****-****-****-1234", "card_char": "************1234", "card_array": "{1234,NULL}",
    "card_grid": "[0:1][2:3]={{1234,9876},{NULL,NULL}}",
    "card_json": '{"number":1234,"*****":null,"all":["**** **** **** 1234",null,0]}',
    "card_jsonb": '{"number": 1234, "************1234": "***** **** **** 1234*"}',
    "card_jsons": '{"{\\"number\\": 1234}",NULL,[]}', "card_range": "[1234,9876)",
    "born_date": "1984-01-01", "born_ts": "1984-01-01 00:00:00", "born_tstz": "1984-01-01 00:00:00+00", "born_text": "1984-01-01",
    "born_dates": "{1984-01-01,NULL,NULL}", "born_ats": '{"1984-01-01 00:00:00+00","1983-01-01 00:00:00+00","1984-01-01 00:00:00+00"}', "born_range": "[1984-01-01,1991-01-01)",
    "born_tsrange": '["1984-01-01 00:00:00","1991-01-01 00:00:00")', "born_tstzrange": '("1984-01-01 00:00:00+00",)',
    "born_multi": "{[1984-01-01,1991-01-01)}", "born_tsmulti": '{["1984-01-01 00:00:00","1991-01-01 00:00:00"]}',
    "born_tstzmulti": '{["1984-01-01 00:00:00+00","1991-01-01 00:00:00+00"]}',
    "born_ranges": '{"[\\"1984-01-01 00:00:00\\",\\"1991-01-01 00:00:00\\")",NULL}',
    "amount_int4": "5000000", "amount_numeric": "5000000.00", "amount_float4": "5e+06", "amount_float8": "5e+300",
    "amount_int4range": "[1000,5000000)", "amount_int8range": "[1000,5000000)", "amount_numrange": "(-1000,5000000]",
    "amount_int4multi": "{[1000,5000),[7000,5000000)}", "amount_int8multi": "{[1000,5000000)}", "amount_nummulti": "{[1000,5000000)}",
    "amount_floats": "{5000000,-0.05,NULL}", "amount_multis": '{"{[1000,5000000)}"}',
    "place_float8": "53", "place_numeric": "-13",
    "host_inet": "203.0.113.0/24", "host_cidr": "203.0.113.0/24", "host_long": "2001:db8:77::/48",
    "host_array": "{203.0.113.0/24,::/48,NULL}", "host_cidrs": "{203.0.113.0/24}", "host_text": "203.0.113.0/24",
    "device_mac": "08:00:2b:00:00:00", "device_mac8": "08:00:2b:00:00:00:00:00", "device_macs": "{08:00:2b:00:00:00,NULL}",
    "device_mac8s": "{08:00:2b:00:00:00:00:00}",
    "mail_text": "j***@e***.com", "mail_name": "j***@e***.com", "mail_array": "{j***@e***.com,[redacted],NULL,[redacted]}",
    "mail_chars": "[3:3]={j***@e***.com}", "mail_names": "{j***@e***.com}", "mail_label": "j***@e***.com",
    "mail_jsonb": '{"n": null, "to": ["j***@e***.com", {"j***@e***.com": "[redacted]"}]}',
    "word_text": "c***", "secret_text": "[redacted]", "secret_jsonb": '{"key": "[redacted]", "canary": ["[redacted]"]}',
}

# What tokens look like as the server writes them.
TOK, LARGE, SMALL = r"tok_[a-z2-7]{16}", r"[1-9]\d{17}", r"[1-9]\d{0,9}"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
BYTEA, V4, V6 = r"\\x746f6b5f[0-9a-f]{32}", r"10(\.\d{1,3}){3}", r"fd[0-9a-f:]+"
MAC, MAC8 = r"[0-9a-f][26ae](:[0-9a-f]{2}){5}", r"[0-9a-f][26ae](:[0-9a-f]{2}){7}"
TOKENS = {
    "card_int4": SMALL, "card_int8": LARGE, "card_oid": SMALL, "card_numeric": LARGE, "card_text": TOK, "card_varchar": TOK,
    "card_char": TOK, "card_array": rf"\{{{LARGE},NULL\}}", "card_grid": rf"\[0:1\]\[2:3\]=\{{\{{{LARGE},{LARGE}\}},\{{NULL,{SMALL}\}}\}}",
    "card_json": rf'\{{"number":{LARGE},"{TOK}":null,"all":\["{TOK}",null,{LARGE}\]\}}',
    "card_jsonb": rf'\{{"number": {LARGE}, "{TOK}": "{TOK}"\}}', "card_jsons": rf'\{{"\{{\\"number\\": {LARGE}\}}",NULL,\[\]\}}',
    "born_text": TOK, "amount_int4": SMALL, "place_numeric": LARGE,
    "host_inet": V4 + "/32", "host_cidr": V4 + "/32", "host_long": V6 + "/128", "host_array": rf"\{{{V4},{V6},NULL\}}", "host_cidrs": rf"\{{{V4}/32\}}",
    "host_text": TOK, "device_mac": MAC, "device_mac8": MAC8, "device_macs": rf"\{{{MAC},NULL\}}", "device_mac8s": rf"\{{{MAC8}\}}",
    "mail_text": TOK, "mail_name": TOK, "mail_array": rf"\{{{TOK},{TOK},NULL,{TOK}\}}", "mail_chars": rf"\[3:3\]=\{{{TOK}\}}",
    "mail_names": rf"\{{{TOK}\}}", "mail_label": TOK,
    "mail_jsonb": rf'\{{"n": {LARGE}, "to": \["{TOK}", \{{"{TOK}": "{TOK}"\}}\]\}}',
    "word_text": TOK, "word_uuid": UUID, "word_bytea": BYTEA, "word_uuids": rf"\{{{UUID}\}}",
    "word_byteas": rf'\{{"\\{BYTEA}",NULL\}}', "secret_text": TOK, "secret_jsonb": rf'\{{"key": "{TOK}", "canary": \["{TOK}"\]\}}',
}

# What must be in nothing that is shown, as it is written and as it is sent in binary.
# Long enough to be in no token by chance.
CANARIES = [b"41111111", b"4111 1111", b"4111-1111", b"512449821", b"-07-09", b"12:34:56", b"5234789", b"52.520007", b"13.404954",
            b"203.0.113.77", b"203.0.113.64", b"db8:77:1:2", b"77:78:79", b"jane", b"no, ", b"77777777", b"canary@", b">canary",
            b"63616e617279"]
CANARIES += [n.to_bytes(8) for n in (4111111111111234, 41111111119876)] + [n.to_bytes(4) for n in (512449821, 4111111234, 5234789)]
CANARIES += [bytes([203, 0, 113, 77]), bytes([203, 0, 113, 64]), bytes.fromhex("08002b777879"), bytes.fromhex("77" * 16)]
CANARIES += [(-5654).to_bytes(4, signed=True), b"".join(group.to_bytes(2) for group in (4111, 1111, 1111, 1234))]


def rows(connection, query, result_format=0):
    result = connection.pgconn.exec_params(query.encode(), [], result_format=result_format)
    assert result.status == ExecStatus.TUPLES_OK, (query, result.error_message)
    return result, [[result.get_value(row, n) for n in range(result.nfields)] for row in range(result.ntuples)]


def as_the_server_says(checker, type_name, cell, result_format, oid):
    """A shown cell, read by the server as a value of its type and written again. Fails if it is none."""
    param = oid if result_format else 25
    result = checker.pgconn.exec_params(
        f"SELECT $1::{type_name}::text".encode(), [cell], param_formats=[result_format], param_types=[param])
    assert result.status == ExecStatus.TUPLES_OK, (type_name, cell, result.error_message)
    return result.get_value(0, 0).decode()


def seen(user, settings=()):
    """What a user is shown of each column: texts as the server writes them, checked in both formats."""
    shown = {}
    with through(user, "sights", autocommit=True) as weir, directly("sights", autocommit=True) as checker:
        checker.execute("SET TimeZone = 'UTC'")
        for setting in settings:
            weir.execute(setting)
        for name, type_name in COLUMNS:
            query = f"SELECT id, {name} FROM seen ORDER BY id"
            text, text_rows = rows(weir, query)
            binary, binary_rows = rows(weir, query, 1)
            assert text.ftype(1) == binary.ftype(1) and len(text_rows) == len(binary_rows) == 4, name
            shown[name] = []
            for (_, one), (_, other) in zip(text_rows, binary_rows):
                assert (one is None) == (other is None), (user, name, one, other)
                for cell in (one, other):
                    found = [canary for canary in CANARIES if cell is not None and canary in cell]
                    assert not found, (user, name, cell, found)
                if one is None:
                    shown[name].append(None)
                    continue
                # A limit of a column is not one of what is shown in its place, but for a number's.
                plain = re.sub(r"^(character varying|character|name)\b.*?(\[\])?$", r"text\2", type_name)
                written = [as_the_server_says(checker, plain if plain.startswith("text") else type_name, one, 0, 0),
                           as_the_server_says(checker, type_name if plain == type_name else plain, other, 1, binary.ftype(1))]
                if name == "card_char":
                    written = [value.rstrip(" ") for value in written]
                assert written[0] == written[1], (user, name, written)
                shown[name].append(written[0])
    return shown


def test_parts():
    for settings in [(), ["SET TimeZone = 'Asia/Kathmandu'", "SET bytea_output = escape", "SET extra_float_digits = 0"],
                     ["SET TimeZone = 'America/St_Johns'"]]:
        shown = seen("petra", settings)
        for name, values in shown.items():
            assert values[0] == PARTS.get(name), (name, values[0], PARTS.get(name))
            assert values[3] is None, (name, values[3])
        second = {name: values[1] for name, values in shown.items() if values[1] is not None}
        assert second == {"amount_numeric": "0.00", "card_array": "{}", "card_json": "{}", "mail_array": "{}",
                          "mail_text": "[redacted]"}, second
        third = {name: values[2] for name, values in shown.items() if values[2] is not None}
        assert third == {"amount_numeric": "-0.01", "amount_float8": "0", "amount_nummulti": "{(,1)}", "card_array": "{NULL}",
                         "card_json": '""', "mail_array": "{[redacted]}", "mail_text": "[redacted]"}, third


def test_tokens():
    for settings in [(), ["SET TimeZone = 'Asia/Kathmandu'", "SET bytea_output = escape"]]:
        shown = seen("tess", settings)
        for name, values in shown.items():
            wanted = TOKENS.get(name)
            assert (values[0] is None) == (wanted is None), (name, values[0])
            assert wanted is None or re.fullmatch(wanted, values[0]), (name, values[0], wanted)
        first = {name: values[0] for name, values in shown.items()}
        number = first["card_int8"]
        assert number == first["card_numeric"] and number in first["card_array"] and number in first["card_json"]
        assert first["card_jsonb"].count(number) == 1 and number in first["card_grid"]
        for name in ("mail_name", "mail_label", "mail_chars", "mail_names", "mail_array", "mail_jsonb"):
            assert first["mail_text"] in first[name], name
        for name in ("host_array", "device_macs", "device_mac8s", "word_uuids", "word_byteas"):
            one = {"host_array": "host_long", "device_macs": "device_mac", "device_mac8s": "device_mac8",
                   "word_uuids": "word_uuid", "word_byteas": "word_bytea"}[name]
            assert name == "host_array" or first[one] in first[name], name


def test_a_text_that_is_not_read_is_not_seen():
    with through("petra", "sights", autocommit=True) as weir:
        for style in ("German", "SQL", "Postgres"):
            weir.execute(f"SET DateStyle = '{style}'")
            _, shown = rows(weir, "SELECT born_date, born_ts, born_tstz, born_range, born_multi FROM seen WHERE id = 1")
            assert shown == [[None] * 5], (style, shown)


def test_nothing_is_a_text_or_null():
    with through("alice", "sights", autocommit=True) as weir:
        for result_format in (0, 1):
            for name, type_name in COLUMNS:
                if name.startswith(("card", "mail", "born")):
                    continue  # Alice sees parts of these.
                cell = rows(weir, f"SELECT {name} FROM seen WHERE id = 1", result_format)[1][0][0]
                wanted = {"text": b"[redacted]", "jsonb": b'\x01"[redacted]"' if result_format else b'"[redacted]"'}
                assert cell == wanted.get(type_name), (name, cell)


def test_copies_show_what_rows_show():
    names = [name for name, _ in COLUMNS]
    for user in ("carol", "tess"):
        copies_show_what_rows_show(user, names)


def copies_show_what_rows_show(user, names):
    with through(user, "sights", autocommit=True) as weir:
        for result_format, form in ((0, "text"), (1, "binary")):
            _, shown = rows(weir, f"SELECT {', '.join(names)} FROM seen WHERE id = 1", result_format)
            with weir.cursor().copy(f"COPY (SELECT {', '.join(names)} FROM seen WHERE id = 1) TO STDOUT (FORMAT {form})") as copy:
                copy.set_types(["bytea"] * len(names)) if form == "binary" else None
                copied = list(copy.rows())[0] if form == "binary" else b"".join(copy)
            if form == "binary":
                assert list(copied) == shown[0], (copied, shown[0])
            else:
                cells = [cell.replace(b"\\\\", b"\\") if cell != b"\\N" else None for cell in copied.rstrip(b"\n").split(b"\t")]
                assert cells == shown[0], (cells, shown[0])


run_all(globals())
