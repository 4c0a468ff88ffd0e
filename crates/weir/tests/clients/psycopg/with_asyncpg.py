"""asyncpg: binary only, never describes a portal, resets its pooled connections with a text of several statements."""

import asyncio
import datetime
import ssl

import asyncpg
from ways import ENV

PRODUCTS = "SELECT id, sku, price, attributes, tags, active FROM products WHERE id = ANY($1) ORDER BY id"


async def through(database="shop", user="alice"):
    context = ssl.create_default_context(cafile=ENV["WEIR_CA"])
    return await asyncpg.create_pool(
        host="localhost", port=int(ENV["WEIR_PORT"]), database=database, user=user, password=ENV[f"TOKEN_{user}"],
        ssl=context, min_size=1, max_size=3)


async def directly(database="shop"):
    return await asyncpg.create_pool(
        host="127.0.0.1", port=int(ENV["DIRECT_PORT"]), database=database, user=ENV["DIRECT_USER"],
        password=ENV["DIRECT_PASSWORD"], ssl=False, min_size=1, max_size=3)


async def ask(pool):
    told = []
    for _ in range(3):
        async with pool.acquire() as connection:
            told += [tuple(row) for row in await connection.fetch(PRODUCTS, [1, 2, 3])]
            statement = await connection.prepare("SELECT $1::int / $2::int AS part")
            told += [await statement.fetchval(7, 2), await statement.fetchval(9, 3)]
            try:
                await statement.fetchval(1, 0)
            except asyncpg.PostgresError as error:
                told.append((error.sqlstate, str(error)))
            async with connection.transaction():
                cursor = connection.cursor("SELECT g FROM generate_series(1, 500) g", prefetch=20)
                told.append(sum([row["g"] async for row in cursor]))
            try:
                async with connection.transaction():
                    await connection.execute("SELECT 1 / $1::int", 0)
            except asyncpg.PostgresError as error:
                told.append(error.sqlstate)
            try:
                await asyncio.wait_for(connection.execute("SELECT pg_sleep(60)"), 0.5)
            except asyncio.TimeoutError:
                told.append("cancelled")
            told.append(await connection.fetchval("SELECT now() - now()"))
    return told


async def main():
    async with await directly() as direct, await through() as weir:
        expected, told = await ask(direct), await ask(weir)
        assert expected == told, f"directly     {expected}\nthrough Weir {told}"
    async with await through() as weir:
        query = "SELECT id, name, email, ssn FROM customers WHERE id = $1"
        for _ in range(3):
            row = tuple(await weir.fetchrow(query, 1))
            assert row == (1, "Giuseppe Esposito", "g***@w***.example", "[redacted]"), row
            born = await weir.fetchval("SELECT birth_date FROM customers WHERE id = $1", 1)
            assert born == datetime.date(1975, 1, 1), born
            assert await weir.fetchval("SELECT count(nullif(ssn, '')) FROM customers") is None
            assert await weir.fetchval("SELECT count(*) FROM customers") > 1
    async with await through(user="clara") as weir:
        assert await weir.fetchval("SELECT birth_date FROM customers WHERE id = $1", 1) > datetime.date(1975, 1, 1)


if __name__ == "__main__":
    asyncio.run(main())
