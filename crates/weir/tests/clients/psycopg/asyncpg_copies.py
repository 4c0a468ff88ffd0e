"""asyncpg's COPY, which is binary where it can be, and its cache of prepared statements: the same as directly."""

import asyncio
import datetime
import decimal
import io

import asyncpg
from with_asyncpg import directly, through

RECORDS = [(n, f"row {n}" if n % 7 else None, decimal.Decimal(n) / 4, datetime.date(2026, 1, 1), [n, n]) for n in range(800)]


async def copies(pool):
    told = []
    async with pool.acquire() as connection:
        await connection.execute("CREATE TEMP TABLE filled (n int, t text, d numeric, day date, many int[])")
        told.append(await connection.copy_records_to_table("filled", records=RECORDS))
        told.append([tuple(row) for row in await connection.fetch("SELECT * FROM filled ORDER BY n")] == RECORDS)
        for form in ({"format": "text"}, {"format": "csv", "header": True}, {"format": "binary"}):
            file = io.BytesIO()
            told.append(await connection.copy_from_query("SELECT * FROM filled WHERE n < $1 ORDER BY n", 500, output=file, **form))
            told.append(file.getvalue())
            file.seek(0)
            told.append(await connection.copy_to_table("filled", source=file, **form))
        file = io.BytesIO()
        told.append(await connection.copy_from_table("products", columns=["id", "sku", "price"], output=file, format="binary"))
        told.append(file.getvalue())
        for source in (b"1\tx\n", b"nonsense"):
            try:
                await connection.copy_to_table("filled", source=io.BytesIO(source), format="text")
            except asyncpg.PostgresError as error:
                told.append((error.sqlstate, str(error)))
            told.append(await connection.fetchval("SELECT count(*) FROM filled"))

        async def broken():
            yield b"1\tx\t1\t2026-01-01\t{}\n"
            raise ZeroDivisionError

        try:
            await connection.copy_to_table("filled", source=broken(), format="text")
        except ZeroDivisionError:
            told.append("given up")
        async with connection.transaction():
            told.append(await connection.copy_records_to_table("filled", records=RECORDS[:3]))
        told.append(await connection.fetchval("SELECT count(*) FROM filled"))
    return told


async def cache(pool):
    """More statements than the cache holds, each some times, in binary; and a table that changes under them."""
    told = []
    async with pool.acquire() as connection:
        for _ in range(2):
            for n in range(105):
                told.append(await connection.fetchval(f"SELECT $1::int + {n}", n))
        await connection.execute("CREATE TEMP TABLE changing (a int)")
        await connection.execute("INSERT INTO changing VALUES (1)")
        for change in ("SELECT 1", "ALTER TABLE changing ADD COLUMN b date DEFAULT '2026-11-25'", "ALTER TABLE changing ALTER a TYPE text"):
            await connection.execute(change)
            for _ in range(3):
                try:
                    told.append([tuple(row) for row in await connection.fetch("SELECT * FROM changing")])
                except asyncpg.PostgresError as error:
                    told.append((error.sqlstate, str(error)))
        await connection.executemany("INSERT INTO changing VALUES ($1)", [(str(n),) for n in range(300)])
        told.append(await connection.fetchval("SELECT count(*) FROM changing"))
    return told


async def main():
    for test in (copies, cache):
        async with await directly("plain") as direct, await through("plain", "carol") as weir:
            expected, told = await test(direct), await test(weir)
            assert expected == told, f"{test.__name__}:\ndirectly     {str(expected)[:2000]}\nthrough Weir {str(told)[:2000]}"
    async with await through("shop", "carol") as weir:
        file = io.BytesIO()
        await weir.copy_from_query("SELECT id, name, email, ssn FROM customers WHERE id = 1", output=file, format="csv")
        assert file.getvalue() == "1,Giuseppe Esposito,g***@w***.example,[redacted]\n".encode(), file.getvalue()
    async with await through("work_psycopg", "carol") as weir:
        for attempt in (weir.copy_from_table("vault", output=io.BytesIO()), weir.copy_records_to_table("vault", records=[(2,)])):
            try:
                await attempt
            except asyncpg.InsufficientPrivilegeError as error:
                assert "Nobody opens the vault." in str(error), error
            else:
                raise AssertionError("the vault is open")
        assert await weir.fetchval("SELECT 1") == 1


asyncio.run(main())
