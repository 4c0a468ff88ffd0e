// The two ways to the server, from the environment: through Weir as a user, and directly as the account that Weir uses.

const assert = require('node:assert')
const fs = require('node:fs')
const { Client, Pool } = require('pg')

const env = process.env

const through = (database, user = 'alice') => ({
  host: 'localhost',
  port: Number(env.WEIR_PORT),
  database,
  user,
  password: env[`TOKEN_${user}`],
  ssl: { ca: fs.readFileSync(env.WEIR_CA, 'utf8') },
})

const directly = (database) => ({
  host: '127.0.0.1',
  port: Number(env.DIRECT_PORT),
  database,
  user: env.DIRECT_USER,
  password: env.DIRECT_PASSWORD,
})

// Runs work with a client, and closes it.
async function withClient(way, work) {
  const client = new Client(way)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

// What a failure says: all of its fields, but for the place in the server's source.
function told(error) {
  const fields = ['name', 'message', 'code', 'severity', 'detail', 'hint', 'position', 'where', 'schema', 'table', 'column',
    'dataType', 'constraint']
  return Object.fromEntries(fields.filter((name) => error[name] !== undefined).map((name) => [name, error[name]]))
}

// The failure that a promise ends with.
async function failure(promise) {
  try {
    await promise
  } catch (error) {
    return told(error)
  }
  assert.fail('it did not fail')
}

// Runs work on both ways, asserts that it gives the same, and gives that.
async function both(name, database, work, user = 'alice') {
  console.log(name)
  const direct = await work(directly(database))
  const weir = await work(through(database, user))
  assert.deepStrictEqual(weir, direct, name)
  return weir
}

function run(main) {
  main().then(
    () => process.exit(0),
    (error) => {
      console.error(error)
      process.exit(1)
    },
  )
}

module.exports = { Client, Pool, assert, through, directly, withClient, told, failure, both, run }
