/** `opmas config` and `groups` against a real server: layers of many agents, editor, validation, runtime. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestServer, testServer } from '@opmas/server/testing';
import { tempDir } from '@opmas/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EXIT } from '../exit-codes.ts';
import { addRow, shellFor } from '../testing/real-server.ts';

const place = tempDir('layers');
let server: TestServer;
let agent: string;
beforeAll(async () => {
  server = await testServer();
  agent = 'wifi-1';
  await addRow(server, { id: agent, name: 'Roof', tags: ['site=berlin'] });
});
afterAll(async () => {
  await server.stop();
  place.remove();
});

const opmas = shellFor(() => server, place);
const written = (name: string, text: string, mode = 0o600) => {
  const file = join(place.path, name);
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
};

test('groups are made, changed, listed and deleted', async () => {
  const made = await opmas(['groups', 'create', 'berlin', 'site=berlin', '--priority', '5']);
  expect(made, made.err).toMatchObject({ code: EXIT.ok, out: expect.stringContaining('1 agents') });
  expect((await opmas(['groups', 'create', 'berlin', 'site=x'])).code).toBe(EXIT.conflict);
  expect((await opmas(['groups', 'create', 'bad', 'site='])).code).not.toBe(EXIT.ok);
  expect((await opmas(['groups', 'set', 'berlin'])).code).toBe(EXIT.usage);
  const set = await opmas(['groups', 'set', 'berlin', '--description', 'roof', '--json']);
  expect(set.json()).toMatchObject({ selector: 'site=berlin', priority: 5, description: 'roof' });
  expect((await opmas(['groups', 'ls', '--json'])).json()).toMatchObject([
    { name: 'berlin', agents: 1 },
  ]);
  expect((await opmas(['groups', 'show', 'berlin'])).out).toContain('site=berlin');
  await opmas(['groups', 'create', 'gone', 'site=gone']);
  expect((await opmas(['groups', 'rm', 'gone'])).code).toBe(EXIT.ok);
  expect((await opmas(['groups', 'rm', 'gone'])).code).toBe(EXIT.notFound);
});

test('a selector is tried before it holds', async () => {
  const fresh = await opmas(['groups', 'preview', 'type=wifi']);
  expect(fresh, fresh.err).toMatchObject({ code: EXIT.ok, err: 'Valid; nothing is stored.' });
  expect(fresh.out).toBe('+ Roof\nin it: 1; 1 join, 0 leave, 0 change, 0 refuse it');
  const moved = await opmas(['groups', 'preview', 'site=rome', '--group', 'berlin', '--json']);
  expect(moved.json()).toMatchObject({
    valid: true,
    leaves: [{ name: 'Roof' }],
    counts: { agents: 0, joins: 0, leaves: 1 },
  });
  expect((await opmas(['groups', 'preview', 'x=y', '--group', 'none'])).code).toBe(EXIT.notFound);
  const unread = await opmas(['groups', 'preview', 'site=']);
  expect(unread.code).not.toBe(EXIT.ok);
  expect(unread.err).toContain('selector');
  expect((await opmas(['groups', 'show', 'berlin'])).out).toContain('site=berlin');
});

test('each layer is set by itself, and the whole tells where a value comes from', async () => {
  expect(await opmas(['config', 'set', '--fleet', 'own.a=1', 'own.b=1'])).toMatchObject({
    code: EXIT.ok,
    out: expect.stringContaining('the fleet: configuration is now version 1, 1 of 1 agents change'),
  });
  expect((await opmas(['config', 'set', '--group', 'berlin', 'own.b=2'])).code).toBe(EXIT.ok);
  const environment = await opmas(['config', 'set', '--environment', 'production', 'own.c=0']);
  expect(environment.code).toBe(EXIT.ok);
  expect((await opmas(['config', 'set', '--environment', 'prod', 'own.c=0'])).code).toBe(
    EXIT.usage,
  );
  expect((await opmas(['config', 'set', '--fleet', '--group', 'x', 'a=1'])).code).toBe(EXIT.usage);
  expect((await opmas(['config', 'get', agent, '--origin'])).out).toMatch(
    /own\.b +2 {2}\(group:berlin 1 by local owner\)/,
  );
  expect((await opmas(['config', 'get', agent, 'own.b', '--origin'])).out.trim()).toBe(
    'own.b  2  (group:berlin 1 by local owner)',
  );
  const part = await opmas(['config', 'get', agent, 'own', '--origin', '--json']);
  expect(part.json()).toMatchObject({
    value: { a: 1, b: 2 },
    origins: { 'own.a': 'fleet 1 by local owner', 'own.b': 'group:berlin 1 by local owner' },
  });
  expect((await opmas(['config', 'get', '--group', 'berlin', 'own.b'])).out.trim()).toBe('2');
  expect((await opmas(['config', 'unset', '--group', 'berlin', 'own.b'])).code).toBe(EXIT.ok);
  expect((await opmas(['config', 'get', agent, 'own.b'])).out.trim()).toBe('1');
  expect((await opmas(['config', 'history', '--group', 'berlin', '--json'])).json()).toHaveLength(
    2,
  );
  const diff = await opmas(['config', 'diff', '--group', 'berlin']);
  expect(diff).toMatchObject({ code: EXIT.difference, out: expect.stringContaining('- own.b  2') });
  expect((await opmas(['config', 'rollback', '--group', 'berlin', '1'])).code).toBe(EXIT.ok);
  expect((await opmas(['config', 'get', agent, 'own.b'])).out.trim()).toBe('2');
});

test('a file is checked before it is in force, and the agents that change are told', async () => {
  const file = written('fleet.json', JSON.stringify({ nats: { url: 'nats://x' }, own: { a: 2 } }));
  const valid = await opmas(['config', 'validate', '--fleet', file]);
  expect(valid).toMatchObject({ code: EXIT.ok });
  expect(valid.out).toContain('reaches 1 agents, 1 change, 1 restart, 0 get other topics');
  expect(valid.out).toContain('~ own.a  1 -> 2');
  expect((await opmas(['config', 'get', agent, 'own.a'])).out.trim()).toBe('1');
  const bad = await opmas(['config', 'validate', agent, '-'], {}, '{"batch_size":0}');
  expect(bad).toMatchObject({
    code: EXIT.failed,
    out: expect.stringContaining('error  processing.batch_size'),
  });
});

test('the editor gets the file again with its errors, until it is valid or given up', async () => {
  // Breaks the file the first time and mends it the second.
  const script = written(
    'editor.mjs',
    `import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
     const file = process.argv[2];
     const text = readFileSync(file, 'utf8');
     appendFileSync('seen.txt', text + '=====\\n');
     const errors = text.startsWith('// ');
     const json = JSON.parse(text.split('\\n').filter((line) => !line.startsWith('//')).join('\\n'));
     if (process.env.GIVE_UP && errors) process.exit(0);
     json.processing = { batch_size: errors ? 8 : 0 };
     writeFileSync(file, (errors ? '// kept\\n' : '') + JSON.stringify(json));`,
  );
  const EDITOR = `${process.execPath} ${script}`;
  const cwd = process.cwd();
  process.chdir(place.path);
  try {
    const edited = await opmas(['config', 'edit', agent, '--reason', 'by hand'], { EDITOR });
    expect(edited, edited.err).toMatchObject({ code: EXIT.ok });
    expect((await opmas(['config', 'get', agent, 'processing.batch_size'])).out.trim()).toBe('8');
    const seen = await opmas(['config', 'get', agent, '--database', '--json']);
    expect(seen.json()).toMatchObject({ config: { processing: { batch_size: 8 } } });
    const before = seen.json<{ version: number }>().version;
    const given = await opmas(['config', 'edit', agent], { EDITOR, GIVE_UP: '1' });
    expect(given).toMatchObject({ code: EXIT.ok, err: expect.stringContaining('Nothing changed') });
    const after = await opmas(['config', 'get', agent, '--database', '--json']);
    expect(after.json<{ version: number }>().version).toBe(before);
  } finally {
    process.chdir(cwd);
  }
  const shown = readFileSync(join(place.path, 'seen.txt'), 'utf8').split('=====\n');
  expect(shown[0]).toContain('"$schema": "./schema.json"');
  expect(shown[1]).toMatch(/^\/\/ Not valid[^\n]*\n\/\/ processing\.batch_size: /);
  expect(existsSync(join(place.path, 'schema.json'))).toBe(false);
  expect((await opmas(['config', 'edit', agent])).code).toBe(EXIT.usage);
  expect((await opmas(['config', 'edit', agent], { EDITOR: 'false' })).code).toBe(EXIT.failed);
  expect((await opmas(['config', 'edit', agent], { EDITOR: '/no/such' })).code).toBe(EXIT.failed);
});

test('the schema is printed for editors', async () => {
  const { out, code } = await opmas(['config', 'schema', agent]);
  expect(code).toBe(EXIT.ok);
  expect(JSON.parse(out)).toMatchObject({ properties: { processing: { type: 'object' } } });
});

test('a runtime layer is validated from a file, and a key of the prototype is none', async () => {
  const loud = written('loud.json', '{"log_level": "LOUD"}');
  const told = await opmas(['config', 'validate', agent, loud, '--runtime']);
  expect(told.code).toBe(EXIT.failed);
  expect(told.out).toContain('error  monitoring.log_level: must be one of DEBUG');
  const debug = await opmas(
    ['config', 'validate', agent, '-', '--runtime'],
    {},
    '{"log_level":"DEBUG"}',
  );
  expect(debug.code, debug.err).toBe(EXIT.ok);
  expect(debug.out).toContain('~ monitoring.log_level  "INFO" -> "DEBUG"');
  const set = await opmas(['config', 'set', agent, '__proto__.x=1']);
  expect(set).toMatchObject({
    code: EXIT.usage,
    err: expect.stringContaining('__proto__ is a key that no configuration may have'),
  });
  const file = await opmas(
    ['config', 'set', agent, '--file', '-'],
    {},
    '{"own":{"__proto__":{"x":1}}}',
  );
  expect(file.code).not.toBe(EXIT.ok);
  expect(file.err).toContain('own.__proto__ is a key that no body may have');
});

test('a runtime change lies over everything, and can be kept', async () => {
  const set = [
    'config',
    'set',
    agent,
    '--runtime',
    '--expires',
    '600',
    'monitoring.log_level=DEBUG',
  ];
  expect((await opmas(set)).code).toBe(EXIT.ok);
  expect((await opmas(['config', 'get', agent, '--origin'])).out).toMatch(
    /monitoring\.log_level +"DEBUG" {2}\(runtime 1 by local owner\)/,
  );
  expect((await opmas(['config', 'get', agent, '--runtime', '--json'])).json()).toMatchObject({
    expires_at: expect.any(String),
  });
  expect((await opmas(['config', 'history', agent, '--runtime'])).code).toBe(EXIT.usage);
  expect((await opmas(['config', 'keep', agent])).code).toBe(EXIT.ok);
  expect((await opmas(['config', 'get', agent, 'monitoring.log_level'])).out.trim()).toBe('DEBUG');
  expect((await opmas(['config', 'keep', agent])).code).toBe(EXIT.conflict);
});
