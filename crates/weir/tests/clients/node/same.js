// What a Node program does all day: the same through Weir as directly.

const Cursor = require('pg-cursor')
const { Pool, assert, both, failure, run, withClient } = require('./ways')

// Rows with what is known of their columns.
const whole = (result) => ({
  rows: result.rows,
  count: result.rowCount,
  command: result.command,
  fields: result.fields.map(({ name, tableID, columnID, dataTypeID, dataTypeSize, dataTypeModifier, format }) =>
    [name, tableID, columnID, dataTypeID, dataTypeSize, dataTypeModifier, format]),
})

async function queries(client) {
  const told = []
  const ask = async (...query) => told.push(whole(await client.query(...query)))
  await ask('SELECT id, sku, name, price, attributes, tags, active FROM products WHERE id < 20 ORDER BY id')
  await ask('SELECT $1::int AS a, $2::text AS b, $3::jsonb AS c, $4::date AS d, $5::bytea AS e, $6::int[] AS f',
    [7, "it's — odd", { deep: [1, null] }, '2026-11-25', Buffer.from([0, 255, 10]), [1, 2, null]])
  await ask('SELECT NULL AS nothing, true AS yes, 1.5::float8 AS float, 10::int8 AS big, now() - now() AS never')
  await ask({ text: 'SELECT order_id, line, quantity FROM order_items WHERE order_id = $1 ORDER BY line', values: [3], rowMode: 'array' })
  await ask({ text: 'SELECT id, price, active, tags FROM products WHERE id = $1', values: [5], binary: true })
  for (const id of [1, 2, 3, 4, 5, 6, 7]) {
    await ask({ name: 'one product', text: 'SELECT id, sku, price FROM products WHERE id = $1', values: [id] })
  }
  const several = await client.query('SELECT 1 AS a; SELECT 2 AS b, 3 AS c; SELECT WHERE false')
  told.push(several.map(whole))
  await ask('')
  // Asked at once: the client waits for none of them before it sends the next.
  const queued = await Promise.all([1, 2, 3, 4, 5].map((n) => client.query('SELECT $1::int * 2 AS twice', [n])))
  told.push(queued.map((result) => result.rows[0].twice))
  return told
}

async function failures(client) {
  const told = [
    await failure(client.query('SELEC 1')),
    await failure(client.query('SELECT no_such_column FROM products')),
    await failure(client.query('SELECT 1 / $1::int', [0])),
    await failure(client.query({ name: 'broken', text: 'SELECT $1::no_such_type', values: [1] })),
    await failure(client.query('SELECT $1::int', ['seven'])),
  ]
  await client.query('CREATE TEMP TABLE held (id int PRIMARY KEY, age int CONSTRAINT grown CHECK (age > 17), name text NOT NULL)')
  await client.query("INSERT INTO held VALUES (1, 20, 'x')")
  told.push(await failure(client.query("INSERT INTO held VALUES (1, 30, 'y')")))
  told.push(await failure(client.query("INSERT INTO held VALUES (2, 3, 'y')")))
  told.push(await failure(client.query('INSERT INTO held VALUES ($1, $2, $3)', [3, 33, null])))
  await client.query('BEGIN')
  told.push(await failure(client.query('SELECT 1 / 0')))
  told.push(await failure(client.query('SELECT 1')))
  told.push((await client.query('COMMIT')).command)
  const notices = []
  client.on('notice', ({ message, severity, code, detail, hint }) => notices.push({ message, severity, code, detail, hint }))
  await client.query("DO $$ BEGIN RAISE NOTICE 'heard %', 7 USING DETAIL = 'a detail', HINT = 'a hint'; END $$")
  await client.query('DROP TABLE IF EXISTS no_such_table')
  told.push(notices)
  return told.map((failed) => {
    // The temporary schema's number is the session's own.
    if (failed.schema) failed.schema = failed.schema.replace(/\d+/, 'N')
    return failed
  })
}

// A portal that is read in pieces, left in the middle, and run beside other statements of its transaction.
async function cursors(client) {
  const told = []
  const cursor = client.query(new Cursor('SELECT g, md5(g::text) AS hash FROM generate_series(1, $1) g', [250]))
  for (;;) {
    const rows = await cursor.read(100)
    told.push([rows.length, rows.at(-1)])
    if (rows.length === 0) break
  }
  const left = client.query(new Cursor('SELECT id FROM products ORDER BY id'))
  told.push(await left.read(3))
  await left.close()
  told.push((await client.query('SELECT 1 AS after')).rows)
  const failing = client.query(new Cursor('SELECT 10 / (3 - g) AS part FROM generate_series(1, 5) g'))
  told.push(await failing.read(2))
  told.push(await failure(failing.read(2)))
  told.push((await client.query('SELECT 2 AS after')).rows)
  return told
}

async function transactions(client) {
  await client.query('DELETE FROM ledger WHERE true')
  await client.query('BEGIN ISOLATION LEVEL SERIALIZABLE')
  const inserted = await client.query('INSERT INTO ledger VALUES ($1, $2), (2, $3) RETURNING *', [1, 'one', null])
  await client.query('SAVEPOINT half')
  await client.query("UPDATE ledger SET note = 'changed' WHERE step = 1")
  await client.query('ROLLBACK TO half')
  await client.query('COMMIT')
  await client.query('BEGIN')
  await client.query('DELETE FROM ledger WHERE step > $1', [0])
  await client.query('ROLLBACK')
  const left = await client.query('SELECT * FROM ledger ORDER BY step')
  return [inserted.rows, inserted.rowCount, left.rows]
}

async function notifications(way) {
  return withClient(way, (listener) => withClient(way, async (speaker) => {
    const heard = []
    const all = new Promise((resolve) => listener.on('notification', ({ channel, payload }) => {
      heard.push([channel, payload])
      if (heard.length === 4) resolve()
    }))
    await listener.query('LISTEN doings')
    await listener.query('LISTEN "Other doings"')
    await speaker.query('NOTIFY doings')
    await speaker.query("NOTIFY doings, 'with words'")
    await speaker.query('SELECT pg_notify($1, $2)', ['Other doings', 'x'.repeat(5000)])
    await listener.query("NOTIFY doings, 'to myself'")
    await all
    await listener.query('UNLISTEN *')
    return heard
  }))
}

async function pools(way) {
  const pool = new Pool({ ...way, max: 4 })
  const sums = await Promise.all(Array.from({ length: 60 }, async (_, n) =>
    (await pool.query('SELECT sum(g)::int AS sum FROM generate_series(1, $1) g', [n])).rows[0].sum))
  const broken = await failure(pool.query('SELECT 1 / 0'))
  const after = (await pool.query('SELECT 1 AS one')).rows
  await pool.end()
  return [sums, broken, after]
}

// The pg_cancel_backend of another session, by the process id that the client was told.
async function cancel(way) {
  return withClient(way, (sleeper) => withClient(way, async (other) => {
    const sleeping = failure(sleeper.query('SELECT pg_sleep(60)'))
    let cancelled = false
    while (!cancelled) {
      const found = await other.query(
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND wait_event = 'PgSleep'", [sleeper.processID])
      cancelled = found.rowCount === 1
    }
    return [await sleeping, (await sleeper.query('SELECT 1 AS one')).rows]
  }))
}

run(async () => {
  for (const database of ['plain', 'shop']) {
    await both(`queries on ${database}`, database, (way) => withClient(way, queries))
    await both(`cursors on ${database}`, database, (way) => withClient(way, cursors))
    await both(`pools on ${database}`, database, pools)
  }
  const told = await both('failures', 'plain', (way) => withClient(way, failures))
  assert.equal(told[0].code, '42601')
  await both('transactions', 'work_node', (way) => withClient(way, transactions))
  await both('notifications', 'plain', notifications)
  const [cancelled] = await both('cancel', 'plain', cancel)
  assert.equal(cancelled.code, '57014')
})
