// npm's official @clickhouse/client against `dalgona warehouse`: what passes here works with a server, and the other
// way round.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { createClient, ClickHouseError, ClickHouseLogLevel } from '@clickhouse/client';

const binary = process.env.DALGONA_BIN ?? 'build/release/dalgona';
const password = 'p4ss word';
let home, role, url, client;

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

before(async () => {
  home = await mkdtemp(join(tmpdir(), 'dalgona-client-'));
  const port = await freePort();
  const config = join(home, 'test.yaml');
  await writeFile(config, `warehouse:\n  port: ${port}\n  password: "${password}"\n`, { mode: 0o600 });
  role = spawn(binary, ['warehouse', '--home', home, '--config', config], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  role.stderr.on('data', (piece) => (log += piece));
  url = `http://127.0.0.1:${port}`;
  client = createClient({ url, username: 'default', password, log: { level: ClickHouseLogLevel.OFF } });
  const deadline = Date.now() + 60_000;
  while (!(await client.ping()).success) {
    assert.equal(role.exitCode, null, log);
    assert.ok(Date.now() < deadline, log);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});

after(async () => {
  await client?.close();
  if (role && role.exitCode === null) {
    role.kill('SIGTERM');
    const code = await new Promise((resolve) => role.once('exit', resolve));
    assert.equal(code, 0);
  }
  await rm(home, { recursive: true, force: true });
});

const code = (expected) => (error) => error instanceof ClickHouseError && error.code === expected;

test('ping', async () => {
  assert.deepEqual(await client.ping(), { success: true });
  assert.equal((await client.ping({ select: true })).success, true);
  const away = createClient({ url: 'http://127.0.0.1:1' });
  assert.equal((await away.ping()).success, false);
  await away.close();
});

test('a wrong password is refused', async () => {
  const stranger = createClient({ url, username: 'default', password: 'guess' });
  await assert.rejects(stranger.query({ query: 'SELECT 1' }), code('516'));
  assert.equal((await stranger.ping({ select: true })).success, false);
  await stranger.close();
});

test('DDL', async () => {
  const { query_id, response_headers } = await client.command({
    query: 'CREATE TABLE ddl (id UInt64, name String) ENGINE = MergeTree ORDER BY id',
    clickhouse_settings: { wait_end_of_query: 1 },
  });
  assert.ok(query_id);
  assert.equal(response_headers['x-clickhouse-query-id'], query_id);
  await client.command({ query: 'ALTER TABLE ddl ADD COLUMN age UInt8 DEFAULT 7' });
  const rows = await (await client.query({ query: 'DESCRIBE TABLE ddl', format: 'JSONEachRow' })).json();
  assert.deepEqual(rows.map((row) => row.name), ['id', 'name', 'age']);
  await client.command({ query: 'DROP TABLE ddl SYNC' });
  await assert.rejects(client.query({ query: 'SELECT * FROM ddl' }), code('60'));
});

const table = async (name, columns = 'id UInt64, name String, score Nullable(Float64)') => {
  await client.command({ query: `CREATE TABLE ${name} (${columns}) ENGINE = MergeTree ORDER BY id` });
  return async (select = 'count() AS n, sum(id) AS s') =>
    (await (await client.query({ query: `SELECT ${select} FROM ${name}`, format: 'JSONEachRow' })).json())[0];
};

test('insert an array of JSONEachRow', async () => {
  const read = await table('each_row');
  const { executed, summary } = await client.insert({
    table: 'each_row',
    values: [
      { id: 1, name: 'it\'s "quoted"\n', score: 0.5 },
      { id: 2, name: 'हिन्दी', score: null },
    ],
    format: 'JSONEachRow',
  });
  assert.equal(executed, true);
  assert.equal(summary.written_rows, '2');
  assert.deepEqual(await read(`groupArray((toString(id), name, score)) AS all`), {
    all: [
      ['1', 'it\'s "quoted"\n', 0.5],
      ['2', 'हिन्दी', null],
    ],
  });
});

test('insert columns that are named, and compact rows', async () => {
  const read = await table('named', "id UInt64, name String DEFAULT 'nobody'");
  await client.insert({ table: 'named', values: [{ id: 4 }], columns: ['id'], format: 'JSONEachRow' });
  await client.insert({ table: 'named', values: [['5', 'five']], format: 'JSONCompactEachRow' });
  assert.deepEqual(await read('arraySort(groupArray(name)) AS names'), { names: ['five', 'nobody'] });
});

test('insert a stream of CSV', async () => {
  const read = await table('csv');
  const lines = function* () {
    for (let id = 0; id < 20_000; ++id) yield `${id},"name, ${id}",${id / 8}\n`;
  };
  await client.insert({ table: 'csv', values: Readable.from(lines(), { objectMode: false }), format: 'CSV' });
  assert.deepEqual(await read(), { n: 20000, s: 199990000 });
});

test('insert a stream of objects, compressed both ways', async () => {
  const read = await table('objects');
  const compressing = createClient({ url, password, compression: { request: true, response: true } });
  const rows = function* () {
    for (let id = 0; id < 20_000; ++id) yield { id, name: `n${id}`, score: null };
  };
  await compressing.insert({ table: 'objects', values: Readable.from(rows()), format: 'JSONEachRow' });
  assert.deepEqual(await read(), { n: 20000, s: 199990000 });
  const result = await compressing.query({ query: 'SELECT id, name FROM objects ORDER BY id', format: 'JSON' });
  const json = await result.json();
  assert.equal(json.rows, 20000);
  assert.equal(json.data[19999].name, 'n19999');
  await compressing.close();
});

test('a stream that fails inserts nothing', async () => {
  const read = await table('failing');
  const rows = async function* () {
    yield { id: 1, name: 'a', score: 1 };
    await new Promise((resolve) => setTimeout(resolve, 50));
    throw new Error('the source broke');
  };
  await assert.rejects(client.insert({ table: 'failing', values: Readable.from(rows()), format: 'JSONEachRow' }));
  assert.equal((await read()).n, 0);
});

test('insert with exec and command', async () => {
  const read = await table('executed');
  await client.command({ query: "INSERT INTO executed VALUES (1, 'a', 1), (2, 'b', NULL)" });
  const { stream } = await client.exec({
    query: 'INSERT INTO executed FORMAT TabSeparated',
    values: Readable.from(['3\tc\t\\N\n'], { objectMode: false }),
  });
  stream.destroy();
  assert.deepEqual(await read(), { n: 3, s: 6 });
});

test('select JSON, JSONEachRow and text', async () => {
  const json = await (await client.query({ query: 'SELECT number AS n FROM numbers(3)', format: 'JSON' })).json();
  assert.deepEqual(json.data.map((row) => Number(row.n)), [0, 1, 2]);
  assert.equal(json.meta[0].type, 'UInt64');
  const rows = await client.query({ query: 'SELECT toUInt32(number) AS n FROM numbers(3)', format: 'JSONEachRow' });
  assert.deepEqual(await rows.json(), [{ n: 0 }, { n: 1 }, { n: 2 }]);
  const text = await client.query({ query: "SELECT 1, 'a,b'", format: 'CSV' });
  assert.equal(await text.text(), '1,"a,b"\n');
});

test('select a long stream of rows', async () => {
  const result = await client.query({ query: 'SELECT toUInt32(number) AS n FROM numbers(500000)', format: 'JSONEachRow' });
  let count = 0, sum = 0;
  for await (const rows of result.stream())
    for (const row of rows) {
      ++count;
      sum += row.json().n;
    }
  assert.equal(count, 500_000);
  assert.equal(sum, (500_000 * 499_999) / 2);
});

test('select Parquet, and insert it again', async () => {
  const { stream } = await client.exec({
    query: 'SELECT number AS id, toString(number) AS text FROM numbers(1000) FORMAT Parquet',
  });
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  const bytes = Buffer.concat(pieces);
  assert.equal(bytes.subarray(0, 4).toString(), 'PAR1');
  assert.equal(bytes.subarray(-4).toString(), 'PAR1');
  const read = await table('parquet', 'id UInt64, text String');
  await client.insert({ table: 'parquet', values: Readable.from([bytes], { objectMode: false }), format: 'Parquet' });
  assert.deepEqual(await read('count() AS n, sum(id) AS s, max(text) AS t'), { n: 1000, s: 499500, t: '999' });
});

test('parameters', async () => {
  const result = await client.query({
    query: 'SELECT {n: UInt32} AS n, {s: String} AS s, {a: Array(String)} AS a, {z: Nullable(String)} AS z, {d: DateTime} AS d, {b: Bool} AS b',
    query_params: { n: 42, s: "it's\ta 'test' \\ {n}", a: ['x', "y'z"], z: null, d: new Date('2026-01-02T03:04:05Z'), b: true },
    format: 'JSONEachRow',
  });
  assert.deepEqual(await result.json(), [
    { n: 42, s: "it's\ta 'test' \\ {n}", a: ['x', "y'z"], z: null, d: '2026-01-02 03:04:05', b: true },
  ]);
  await assert.rejects(client.query({ query: 'SELECT {n: UInt32}', query_params: { n: 'x' } }), code('457'));
});

test('error codes', async () => {
  await assert.rejects(client.query({ query: 'SELEKT 1' }), code('62'));
  await assert.rejects(client.query({ query: 'SELECT * FROM nowhere' }), code('60'));
  await assert.rejects(client.query({ query: 'SELECT 1', clickhouse_settings: { no_such_setting: 1 } }), code('115'));
  await assert.rejects(client.command({ query: 'CREATE TABLE t (a Nope) ENGINE = Memory' }), code('50'));
  await assert.rejects(
    client.query({ query: 'SELECT sum(cityHash64(number)) FROM numbers(1e12)', clickhouse_settings: { max_execution_time: 1 } }),
    code('159'));
});

test('an exception in the middle of a stream reaches the reader', async () => {
  const result = await client.query({
    query: 'SELECT number, throwIf(number = 400000) FROM numbers(500000)',
    format: 'JSONEachRow',
    clickhouse_settings: { max_block_size: '1000', http_response_buffer_size: '1000' },
  });
  await assert.rejects(async () => {
    for await (const rows of result.stream()) void rows;
  });
});

test('an aborted query ends on the server', async () => {
  const abort = new AbortController();
  const query_id = 'aborted-1';
  const pending = client.query({
    query: 'SELECT sum(cityHash64(number)) FROM numbers(1000000000000)', query_id, abort_signal: abort.signal,
  });
  const running = async () =>
    (await (await client.query({
      query: `SELECT count() AS n FROM system.processes WHERE Settings['log_comment'] = {id: String}`,
      query_params: { id: query_id }, format: 'JSONEachRow',
    })).json())[0].n;
  while (Number(await running()) === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  abort.abort();
  await assert.rejects(pending);
  const deadline = Date.now() + 10_000;
  while (Number(await running()) !== 0) assert.ok(Date.now() < deadline, 'still running');
});

test('sessions', async () => {
  const session = createClient({ url, password, session_id: 'mine', max_open_connections: 1 });
  await session.command({ query: 'CREATE TEMPORARY TABLE kept (a UInt8)' });
  await session.insert({ table: 'kept', values: [{ a: 5 }], format: 'JSONEachRow' });
  const result = await session.query({ query: 'SELECT a FROM kept', format: 'JSONEachRow' });
  assert.deepEqual(await result.json(), [{ a: 5 }]);
  await session.close();
});

test('many at once', async () => {
  const sums = await Promise.all(
    Array.from({ length: 40 }, async (_, i) =>
      (await (await client.query({ query: `SELECT sum(number) + ${i} AS s FROM numbers(100000)`, format: 'JSONEachRow' })).json())[0].s));
  sums.forEach((s, i) => assert.equal(Number(s), 4999950000 + i));
});
