// What is classified stays hidden from a Node program, and a refusal is an ordinary error.

const Cursor = require('pg-cursor')
const { assert, failure, run, through, withClient } = require('./ways')

const SHOWN = { id: '1', name: 'Giuseppe Esposito', email: 'g***@w***.example', card: '************0836', ssn: '[redacted]', city: 'Roma' }
const QUERY = 'SELECT id, name, email, card, ssn, city FROM customers WHERE id = $1'

run(async () => {
  await withClient(through('shop'), async (client) => {
    const notices = []
    client.on('notice', (notice) => notices.push(notice.message))
    assert.deepStrictEqual((await client.query(QUERY.replace('$1', '1'))).rows, [SHOWN])
    assert.deepStrictEqual((await client.query(QUERY, [1])).rows, [SHOWN])
    for (let n = 0; n < 7; n++) {
      assert.deepStrictEqual((await client.query({ name: 'customer', text: QUERY, values: [1] })).rows, [SHOWN])
    }
    const cursor = client.query(new Cursor(QUERY, [1]))
    assert.deepStrictEqual(await cursor.read(10), [SHOWN])
    await cursor.close()
    const [born] = (await client.query({ text: 'SELECT birth_date::date FROM customers WHERE id = 1', types: { getTypeParser: () => String } })).rows
    assert.ok(born.birth_date === null || born.birth_date === '1975-01-01', born)
    assert.equal(notices.filter((text) => text.startsWith('Weir shows some columns masked')).length, 1)
  })
  await withClient(through('shop', 'clara'), async (client) => {
    const [row] = (await client.query(QUERY, [1])).rows
    assert.match(row.ssn, /^\d{3}-\d{2}-\d{4}$/)
  })
  await withClient(through('work_node'), async (client) => {
    for (const query of [['SELECT gold FROM vault'], ['SELECT gold FROM vault WHERE gold = $1', [1]], [{ name: 'vault', text: 'SELECT gold FROM vault' }]]) {
      const refused = await failure(client.query(...query))
      assert.equal(refused.code, '42501')
      assert.equal(refused.message, 'Nobody opens the vault.')
      assert.match(refused.detail, /vault/)
      assert.deepStrictEqual((await client.query('SELECT 1 AS one')).rows, [{ one: 1 }])
    }
    const refused = await failure(client.query(new Cursor('SELECT gold FROM vault')).read(1))
    assert.equal(refused.code, '42501')
    // Queued behind one that is refused: those before and after it run.
    const outcomes = await Promise.allSettled(['SELECT 1 AS n', 'SELECT gold FROM vault', 'SELECT 2 AS n'].map((text) => client.query(text)))
    assert.deepStrictEqual(outcomes.map(({ status, value, reason }) => status === 'fulfilled' ? value.rows[0].n : reason.code), [1, '42501', 2])
    await client.query('BEGIN')
    await failure(client.query('SELECT gold FROM vault'))
    assert.equal((await failure(client.query('SELECT 1'))).code, '25P02')
    assert.equal((await client.query('COMMIT')).command, 'ROLLBACK')
    assert.deepStrictEqual((await client.query('SELECT 1 AS one')).rows, [{ one: 1 }])
  })
})
