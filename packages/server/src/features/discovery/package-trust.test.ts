/** Nothing of a package runs before it was let: who let it, who vouches for it, and what a racer gains. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  digestOf,
  newSigningKey,
  readTree,
  SIGNATURE_FILE,
  type SigningKey,
  signDigest,
} from '@opmas/keyring';
import { waitFor } from '@opmas/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import { createPublishersService } from '../packages/index.ts';
import {
  type Bench,
  type BenchDatabase,
  benchDatabase,
  discoveryBench,
  packageFiles,
} from './testing.ts';

let database: BenchDatabase;
let bench: Bench;
beforeAll(async () => {
  database = await benchDatabase();
});
beforeEach(async () => {
  bench = await discoveryBench(database);
});
afterEach(() => bench.stop());
afterAll(() => database.stop());

const FOLDER = 'security_agent';
const home = () => join(bench.agentsDir, FOLDER);
const found = () => bench.package(FOLDER);
const becomes = (state: string, timeoutMs = 10_000) =>
  waitFor(async () => ((await found())?.state === state ? found() : undefined), {
    what: `${FOLDER} ${state}`,
    timeoutMs,
  });
const codes = async () => ((await found())?.errors ?? []).map((error) => error.code);
const approve = (by: string) =>
  bench.database.transaction((tx) => bench.discovery.approve(tx, FOLDER, by));

describe('X22 approval', () => {
  /** Everything a judge could be tempted to run. */
  const marking = (marker: string) => {
    const mark = `require('node:fs').writeFileSync(${JSON.stringify(marker)}, 'ran')`;
    const esm = mark.replace("require('node:fs')", '(await import("node:fs"))');
    return {
      ...packageFiles(FOLDER, { code: `${esm};\nexport default {};\n` }),
      [`${FOLDER}/package.json`]: JSON.stringify({
        name: 'x',
        version: '1.0.0',
        type: 'module',
        scripts: Object.fromEntries(
          ['preinstall', 'install', 'postinstall', 'prepare'].map((name) => [
            name,
            `node -e ${JSON.stringify(mark)}`,
          ]),
        ),
        imports: { '#x': './agent.ts' },
      }),
      [`${FOLDER}/.npmrc`]: `node-options=--import=${marker}\n`,
      [`${FOLDER}/index.cjs`]: mark,
      [`${FOLDER}/binding.gyp`]: `{"targets": [{"target_name": "<!(touch ${marker})"}]}`,
      [`${FOLDER}/vitest.config.ts`]: esm,
      [`${FOLDER}/tests/agent.test.ts`]: esm,
      [`${FOLDER}/Dockerfile`]: `FROM scratch\nRUN touch ${marker}\n`,
    };
  };

  test('judging a package runs nothing of it, and a manual approval is asked for every version', async () => {
    const marker = join(bench.agentsDir, '..', 'marker');
    bench.write(marking(marker));
    await bench.start({ approval: 'manual' });
    expect(await becomes('waiting')).toMatchObject({ approved_digest: null, approved_by: null });
    await bench.discovery.scanNow();
    expect(bench.heard).toEqual([]);
    expect(existsSync(marker)).toBe(false);

    const before = Date.now();
    await approve('alice');
    const running = await becomes('running');
    expect(running).toMatchObject({ approved_by: 'alice', approved_digest: running.digest });
    expect(Date.parse(running.approved_at ?? '')).toBeGreaterThanOrEqual(before);

    await expect(
      bench.database.transaction((tx) =>
        bench.discovery.approve(tx, FOLDER, 'bob', 'f'.repeat(64)),
      ),
    ).rejects.toMatchObject({ code: 'OPMAS_CONFLICT' });
    bench.write(packageFiles(FOLDER, { version: '1.1.0' }));
    const waiting = await becomes('waiting');
    expect(waiting.digest).not.toBe(running.digest);
    expect(waiting).toMatchObject({ approved_digest: running.digest, approved_by: 'alice' });
    expect(bench.heard).toEqual([`ready ${FOLDER} 1.0.0`]);
    expect(existsSync(marker)).toBe(false);
  });

  test('what was approved stays written down over a restart', async () => {
    bench.write(packageFiles(FOLDER));
    await bench.start({ approval: 'manual' });
    await becomes('waiting');
    await approve('alice');
    await becomes('running');
    await bench.start({ approval: 'auto' });
    await waitFor(() => bench.ready.length === 2);
    expect(bench.ready[1]?.approvedBy).toBe('alice');
    expect(await found()).toMatchObject({ approved_by: 'alice' });
  });

  test('an approval that OPMAS gave by itself is in the audit log with its digest', async () => {
    bench.write(packageFiles(FOLDER));
    await bench.start();
    const { digest } = await becomes('running');
    expect(await found()).toMatchObject({ approved_by: 'auto', approved_digest: digest });
    expect(bench.audited).toMatchObject([
      { action: 'packages.approve', object: home(), details: { digest, approval: 'auto' } },
    ]);
  });
});

describe('X22 signatures and publishers', () => {
  let key: SigningKey;
  beforeEach(() => {
    key = newSigningKey();
  });
  const sign = async (by = key) => {
    const digest = digestOf(await readTree(home()));
    const signature = signDigest(digest, by.privateKey, new Date('2026-05-27T12:00:00.000Z'));
    writeFileSync(join(home(), SIGNATURE_FILE), JSON.stringify(signature));
    return signature;
  };
  const publishers = createPublishersService({ clock: systemClock });
  const trust = async (name = 'Acme', by = key) => {
    const body = { name, public_key: by.publicKey };
    await bench.database.transaction((tx) => publishers.add(tx, body, 'admin'));
    bench.discovery.judgeAgain();
  };

  test('unsigned is accepted when signatures are optional, refused when they are required', async () => {
    bench.write(packageFiles(FOLDER));
    await bench.start();
    expect(await becomes('running')).toMatchObject({ signature: null });
    await bench.start({ signatures: 'required' });
    await becomes('invalid');
    expect(await codes()).toEqual(['signature_missing']);
  });

  test('a signer is shown, by name once trusted; required means trusted', async () => {
    bench.write(packageFiles(FOLDER));
    await sign();
    await bench.start({ signatures: 'required' });
    expect(await becomes('invalid')).toMatchObject({
      signature: { key_id: key.keyId, publisher: null },
    });
    expect(await codes()).toEqual(['signature_untrusted']);
    expect(bench.heard).toEqual([]);
    await trust();
    expect(await becomes('running')).toMatchObject({
      signature: { key_id: key.keyId, publisher: 'Acme', signed_at: '2026-05-27T12:00:00.000Z' },
    });
  });

  test('trust that is withdrawn is judged again; what runs is not stopped', async () => {
    bench.write(packageFiles(FOLDER));
    await sign();
    await bench.start({ signatures: 'required' });
    await trust();
    await becomes('running');
    await bench.database.transaction((tx) => publishers.remove(tx, key.keyId));
    bench.discovery.judgeAgain();
    expect(await becomes('invalid')).toMatchObject({ errors: [{ code: 'signature_untrusted' }] });
    expect(bench.heard).toEqual([`ready ${FOLDER} 1.0.0`]);
  });

  test('trust that is given or withdrawn on another replica is heard of here', async () => {
    const publisher = { name: 'Acme', public_key: key.publicKey };
    bench.write(packageFiles(FOLDER));
    await sign();
    await bench.start({ signatures: 'required' });
    await becomes('invalid');
    await bench.database.transaction((tx) => publishers.add(tx, publisher, 'ada'));
    await becomes('running');
    await bench.database.transaction((tx) => publishers.remove(tx, key.keyId));
    expect(await becomes('invalid')).toMatchObject({ errors: [{ code: 'signature_untrusted' }] });
  });

  test('trust that is withdrawn while a package is judged is not passed over', async () => {
    bench.write(packageFiles(FOLDER));
    await sign();
    const publisher = { name: 'Acme', public_key: key.publicKey };
    await bench.database.transaction((tx) => publishers.add(tx, publisher, 'ada'));
    let withdrawn = false;
    // Recorded after the signature was looked at, and before the judging has ended.
    const record = async () => {
      if (withdrawn) return;
      withdrawn = true;
      await bench.database.transaction((tx) => publishers.remove(tx, key.keyId));
      bench.discovery.judgeAgain();
    };
    await bench.start({ signatures: 'required', audit: { record } });
    expect(await becomes('invalid')).toMatchObject({ errors: [{ code: 'signature_untrusted' }] });
  });

  test('a signature for other files or of another key is never accepted', async () => {
    bench.write(packageFiles(FOLDER));
    const signature = await sign();
    bench.write({ [`${FOLDER}/agent.ts`]: 'export default 1;\n' });
    await bench.start();
    await becomes('invalid');
    expect(await codes()).toEqual(['signature_invalid']);

    await trust();
    const forged = { ...(await sign(newSigningKey())), key_id: signature.key_id };
    writeFileSync(join(home(), SIGNATURE_FILE), JSON.stringify(forged));
    await waitFor(async () =>
      (await found())?.errors[0]?.message.includes('does not match its key'),
    );
    expect(bench.heard).toEqual([]);

    rmSync(join(home(), SIGNATURE_FILE));
    await becomes('running');
  });
});

test('X4 rules the engine cannot run in bounded time are refused with their place', async () => {
  const rule = (id: string, pattern: string) => ({
    id,
    name: id,
    severity: 'info',
    action: 'alert',
    kind: 'regex',
    pattern,
  });
  bench.write({
    ...packageFiles(FOLDER),
    [`${FOLDER}/rules.json`]: JSON.stringify([rule('good', 'a+b'), rule('back', '(a+)\\1')]),
  });
  await bench.start();
  const { errors } = await becomes('invalid');
  expect(errors).toMatchObject([{ code: 'invalid_rules' }]);
  expect(errors[0]?.message).toMatch(/^rules\.json\[1\]\.pattern \(rule back\): /);
});

describe('X2 files that change under the judge', () => {
  test('a racer that swaps files all the time gets nothing run that was not approved', async () => {
    bench.write(packageFiles(FOLDER));
    await bench.start({ approval: 'manual' });
    const { digest } = await becomes('waiting');
    const racer = swapping(join(home(), 'agent.ts'));
    try {
      await waitFor(() => readFileSync(join(home(), 'agent.ts'), 'utf8').includes('EVIL'));
      // No settling time: every look judges what is there in that moment.
      await bench.start({ approval: 'manual', settleMs: 0, pollMs: 5 });
      await waitFor(async () => {
        await bench.discovery.scanNow();
        return approveThe(digest);
      });
      for (let i = 0; i < 10; i += 1) await bench.discovery.scanNow();
      await waitFor(() => bench.ready.length > 0);
    } finally {
      racer.kill('SIGKILL');
    }
    for (const ready of bench.ready) {
      expect(ready.digest).toBe(digest);
      expect(digestOf(await readTree(ready.dir))).toBe(digest);
    }
    const base = join(bench.storeDir, FOLDER);
    const copies = readdirSync(base);
    expect(copies).toContain(digest);
    for (const name of copies) expect(digestOf(await readTree(join(base, name)))).toBe(name);
  });

  /** A process that swaps a file for another without pause. */
  function swapping(path: string) {
    const script = `
      const fs = require('node:fs');
      const path = process.argv[1];
      for (let i = 0; ; i += 1) {
        fs.writeFileSync(path + '.new', i % 2 ? 'export default {};\\n' : 'export default "EVIL";');
        fs.renameSync(path + '.new', path);
        // A moment between two, so that either is met; it is never in step with a look.
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, i % 7);
      }`;
    return spawn(process.execPath, ['-e', script, path], { stdio: 'ignore' });
  }

  /** @returns false when by now other files were judged */
  async function approveThe(digest: string | null): Promise<boolean> {
    try {
      await bench.database.transaction((tx) =>
        bench.discovery.approve(tx, FOLDER, 'alice', digest ?? undefined),
      );
      return true;
    } catch (error) {
      if (error instanceof OpmasError && error.code === 'OPMAS_CONFLICT') return false;
      throw error;
    }
  }
});
