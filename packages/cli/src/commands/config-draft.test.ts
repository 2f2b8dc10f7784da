/** `opmas config draft` and what else changes layers from a shell, against a real server. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Job } from '@opmas/protocol';
import { type TestServer, testServer } from '@opmas/server/testing';
import { tempDir } from '@opmas/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EXIT } from '../exit-codes.ts';
import { addRow, shellFor } from '../testing/real-server.ts';

const place = tempDir('drafts');
let server: TestServer;
const agent = 'wifi-1';
beforeAll(async () => {
  // The agent is a row alone, and confirms nothing.
  server = await testServer({ env: { OPMAS_CONFIG_DEADLINE: '1s' } });
  await addRow(server, { id: agent, name: 'Roof' });
});
afterAll(async () => {
  await server.stop();
  place.remove();
});

const opmas = shellFor(() => server, place);
const config = (...args: string[]) => opmas(['config', ...args]);
const draft = (...args: string[]) => opmas(['config', 'draft', ...args]);
interface Draft {
  draft_id: string;
  version: number;
  base_version: number;
  config: Record<string, unknown>;
}
const created = async (...args: string[]): Promise<Draft> => {
  const made = await draft('create', ...args, '--json');
  expect(made.code, made.err).toBe(EXIT.ok);
  return made.json<Draft>();
};
/** An editor that runs this on the parsed file. */
function editor(name: string, change: string): string {
  const file = join(place.path, name);
  writeFileSync(
    file,
    `import { readFileSync, writeFileSync } from 'node:fs';
     const file = process.argv[2];
     const lines = readFileSync(file, 'utf8').split('\\n').filter((line) => !line.startsWith('//'));
     const json = JSON.parse(lines.join('\\n'));
     ${change};
     writeFileSync(file, JSON.stringify(json));`,
  );
  chmodSync(file, 0o600);
  return `${process.execPath} ${file}`;
}

test('a draft is made, looked at, changed and published from the shell', async () => {
  await config('set', '--fleet', 'own.a=1');
  const made = await draft('create', '--fleet', 'own.b=[1,2]', '--unset', 'own.a', '--reason', 'x');
  expect(made, made.err).toMatchObject({
    code: EXIT.ok,
    out: expect.stringContaining('draft of the fleet on version 1'),
  });
  const [listed] = (await draft('ls', '--json')).json<Draft[]>();
  const id = listed?.draft_id ?? '';
  expect((await draft('ls')).out).toContain('the fleet');
  expect((await draft('ls', '--group', 'none', '--json')).json()).toEqual([]);
  expect((await draft('ls', agent, '--json')).json()).toEqual([]);

  const short = id.slice(0, 6);
  const shown = await draft('show', short);
  expect(shown.code, shown.err).toBe(EXIT.ok);
  expect(shown.out).toContain('reaches 1 agents, 1 change, 0 restart, 0 get other topics');
  expect(shown.out).toContain('+ own.b  [1,2]');
  expect(shown.out).toContain('- own.a  1');
  expect((await draft('show', short, '--json')).json()).toMatchObject({
    valid: true,
    moved: false,
  });
  expect(await draft('diff', short)).toMatchObject({
    code: EXIT.difference,
    out: expect.stringContaining('+ own.b  [1,2]'),
  });

  const EDITOR = editor('batch.mjs', 'json.processing = { batch_size: 0 }');
  const edited = await opmas(['config', 'draft', 'edit', short], { EDITOR });
  expect(edited, edited.err).toMatchObject({
    code: EXIT.ok,
    out: expect.stringContaining('is now version 2'),
    err: expect.stringContaining('not valid yet: processing.batch_size'),
  });
  expect((await draft('publish', short)).code).toBe(EXIT.failed);
  const mend = { EDITOR: editor('mend.mjs', 'delete json.processing') };
  expect((await opmas(['config', 'draft', 'edit', short], mend)).code).toBe(EXIT.ok);
  expect((await draft('publish', short, '--if-version', '2')).code).toBe(EXIT.conflict);
  expect(await draft('publish', short, '--if-version', '3')).toMatchObject({
    code: EXIT.ok,
    out: expect.stringContaining('the fleet: configuration is now version 2, 1 of 1 agents change'),
  });
  expect((await config('get', '--fleet', 'own.b')).out.trim()).toBe('[1,2]');
  const history = (await config('history', '--fleet', '--json')).json<{ reason: string }[]>();
  expect(history[0]?.reason).toBe('x');
  expect((await draft('show', id)).code).toBe(EXIT.notFound);
});

test('a layer that went on is told, and what both changed waits for a decision', async () => {
  await config('set', agent, 'own.a=1', 'own.b=1');
  const { draft_id: id } = await created(agent, 'own.a=2', 'own.b=2');
  await config('set', agent, 'own.a=3');
  const shown = await draft('show', id);
  expect(shown.out).toContain('both changed  own.a  2 (draft), 3 (layer)');
  const refused = await draft('publish', id);
  expect(refused).toMatchObject({
    code: EXIT.conflict,
    err: expect.stringContaining('opmas config draft rebase'),
  });
  expect(await draft('rebase', id)).toMatchObject({
    code: EXIT.conflict,
    err: expect.stringContaining('own.a: 2 in the draft, 3 in the layer'),
  });
  expect((await draft('rebase', id, '--prefer', 'both')).code).toBe(EXIT.usage);
  expect(await draft('rebase', id, '--prefer', 'head')).toMatchObject({
    code: EXIT.ok,
    out: expect.stringContaining('of own.a the head holds'),
  });
  expect((await draft('publish', id)).code).toBe(EXIT.ok);
  expect(JSON.parse((await config('get', agent, 'own')).out)).toEqual({ a: 3, b: 2 });
});

test('a draft is rolled out in waves, is the job’s meanwhile, and comes back with the reason', async () => {
  const { draft_id: id } = await created('--fleet', 'own.wave=1', '--reason', 'slowly');
  for (const stray of [['--waves', '1'], ['--watch']]) {
    expect((await draft('publish', id, ...stray)).code).toBe(EXIT.usage);
  }
  const stale = await draft('publish', id, '--rollout', '--if-version', '7');
  expect(stale.code, stale.err).toBe(EXIT.conflict);
  const started = await draft('publish', id.slice(0, 8), '--rollout', '--settle', '600', '--json');
  expect(started.code, started.err).toBe(EXIT.ok);
  const job = started.json<Job>();
  expect(job).toMatchObject({ draft_id: id, purpose: 'slowly', scope: 'fleet' });
  const again = await draft('publish', id, '--rollout', '--json');
  expect(again.code).toBe(EXIT.conflict);
  expect(again.json()).toMatchObject({ code: 'OPMAS_CONFLICT', job_id: job.job_id });
  expect((await draft('discard', id)).err).toContain(`opmas jobs cancel ${job.job_id}`);
  expect((await draft('ls')).out).toContain(`rolled out by ${job.job_id.slice(0, 8)}`);
  expect((await draft('show', id)).out).toContain(job.job_id);
  expect((await opmas(['jobs', 'show', job.job_id])).out).toContain(id);

  expect((await opmas(['jobs', 'cancel', job.job_id])).code).toBe(EXIT.ok);
  await opmas(['jobs', 'watch', job.job_id, '--timeout', '20']);
  expect((await draft('show', id)).out).toMatch(/went back\s.*Cancelled by/);
  const plan = ['--settle', '0', '--waves', '1', '--max-failures', '1'];
  const done = await draft('publish', id, '--rollout', ...plan, '--watch', '--timeout', '20');
  expect(done, done.err).toMatchObject({ code: EXIT.ok });
  expect((await draft('show', id)).code).toBe(EXIT.notFound);
  expect((await config('get', '--fleet', 'own.wave')).out.trim()).toBe('1');

  const one = await created(agent, 'own.wave=1');
  expect((await draft('publish', one.draft_id, '--rollout')).err).toContain('no waves');
});

test('drafts are named by the beginning of their id, and discarded', async () => {
  const { draft_id: id } = await created('--environment', 'staging', 'own.a=1');
  expect((await draft('ls', '--environment', 'staging', '--json')).json()).toHaveLength(1);
  expect((await draft('show', 'no such')).code).toBe(EXIT.usage);
  expect((await draft('show', '../agents')).code).toBe(EXIT.usage);
  expect((await draft('show', 'ffffffff0')).code).toBe(EXIT.notFound);
  expect((await draft('discard', id.slice(0, 8))).code).toBe(EXIT.ok);
  expect(await draft('discard', id)).toMatchObject({
    code: EXIT.conflict,
    err: expect.stringContaining('discarded it'),
  });
});

test('a whole layer comes from a file or stdin, its $schema is not part of it', async () => {
  const document = JSON.stringify({ $schema: './opmas.schema.json', own: { list: ['a', 'b'] } });
  const made = await opmas(
    ['config', 'draft', 'create', agent, '--file', '-', '--json'],
    {},
    document,
  );
  expect(made.json<Draft>().config).toEqual({ own: { list: ['a', 'b'] } });
  expect((await draft('create', agent)).code).toBe(EXIT.usage);
  expect((await draft('create', agent, 'a=1', '--file', 'x')).code).toBe(EXIT.usage);
  const set = await opmas(['config', 'set', agent, '-f', '-'], {}, document);
  expect(set.code, set.err).toBe(EXIT.ok);
  const stored = await config('get', agent, '--database', '--json');
  expect(stored.json()).toMatchObject({ config: { own: { list: ['a', 'b'] } } });
  expect(stored.out).not.toContain('$schema');
  const valid = await opmas(['config', 'validate', agent, '-'], {}, document);
  expect(valid.code, valid.err).toBe(EXIT.ok);
});

test('keys are set and taken out in one version', async () => {
  await opmas(['config', 'set', agent, '-f', '-'], {}, '{"own":{"a":1,"b":1}}');
  const version = async () =>
    (await config('get', agent, '--database', '--json')).json<{ version: number }>().version;
  const before = await version();
  const both = await config('set', agent, 'own.c="5"', '--unset', 'own.a', '--unset', 'own.b');
  expect(both.code, both.err).toBe(EXIT.ok);
  expect(await version()).toBe(before + 1);
  const stored = await config('get', agent, '--database', '--json');
  expect(stored.json()).toMatchObject({ config: { own: { c: '5' } } });
  expect((await config('set', agent, '--unset', 'own.gone')).code).toBe(EXIT.notFound);
  expect((await config('set', agent)).code).toBe(EXIT.usage);
});

test('the schema of what all agents have is there without one', async () => {
  const { out, code } = await config('schema');
  expect(code).toBe(EXIT.ok);
  expect(JSON.parse(out)).toMatchObject({
    properties: { $schema: { type: 'string' }, processing: { type: 'object' } },
    additionalProperties: true,
  });
});
