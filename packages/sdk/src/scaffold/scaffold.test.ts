import { execFile } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { compileCacheEnv, tempDir } from '@opmas/testkit';
import { expect, test } from 'vitest';
import { AgentError, agentNames, scaffoldAgent } from '../index.ts';
import { readPackage } from '../runner/package.ts';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));

async function ownTests(dir: string): Promise<string> {
  const bin = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const { stdout } = await promisify(execFile)(process.execPath, [bin, 'run', '--root', dir], {
    cwd: dir,
    env: { ...compileCacheEnv(), PATH: process.env['PATH'] ?? '', NO_COLOR: '1' },
  });
  return stdout;
}

test('new packages of both kinds pass their own tests at once', async () => {
  using dir = tempDir('scaffold');
  for (const kind of ['code', 'rules'] as const) {
    const made = scaffoldAgent({ name: `${kind}_agent`, dir: dir.path, kind });
    const agentName = kind === 'code' ? 'CodeAgent' : 'RulesAgent';
    expect(made).toMatchObject({ agentName, agentType: kind, topic: 'logs.system' });
    const { manifest } = readPackage(made.path);
    expect(manifest).toMatchObject({
      name: agentName,
      type: kind,
      subscribed_topics: ['logs.system'],
      findings_topic: `findings.${kind}`,
    });
    expect(existsSync(join(made.path, 'agent.ts'))).toBe(kind === 'code');
    for (const file of made.files) {
      expect(readFileSync(join(made.path, file), 'utf8'), file).not.toMatch(/__[A-Z_]+__/);
    }
  }
  symlinkSync(join(ROOT, 'node_modules'), join(dir.path, 'node_modules'));
  const report = await ownTests(dir.path);
  expect(report).toMatch(/✓ code_agent\/.+ \(2 tests\)/);
  expect(report).toMatch(/✓ rules_agent\/.+ \(1 test\)/);
}, 60_000);

test('names are checked and turned into the specification’s forms', () => {
  expect(agentNames('security_agent')).toEqual({
    agentName: 'SecurityAgent',
    agentType: 'security',
  });
  expect(agentNames('wan2')).toEqual({ agentName: 'Wan2', agentType: 'wan2' });
  for (const name of ['', 'Door', 'door-agent', '_door', 'door__agent', '../x', 'a'.repeat(65)]) {
    expect(() => agentNames(name), name).toThrow(AgentError);
  }
});

test('an existing folder is left alone', () => {
  using dir = tempDir('scaffold');
  scaffoldAgent({ name: 'door_agent', dir: dir.path, kind: 'rules' });
  expect(() => scaffoldAgent({ name: 'door_agent', dir: dir.path, kind: 'code' })).toThrow(
    /exists/,
  );
  expect(existsSync(join(dir.path, 'door_agent', 'agent.ts'))).toBe(false);
});
