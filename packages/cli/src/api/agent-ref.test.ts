/** How an agent may be named. */
import { expect, test } from 'vitest';
import { EXIT } from '../exit-codes.ts';
import { agent } from '../testing/bench.ts';
import { choose } from './agent-ref.ts';

const agents = [
  agent('SecurityAgent', 'security-1111'),
  agent('SecondAgent', 'security-1122'),
  agent('security-11', 'wifi-1'),
] as Parameters<typeof choose>[0];

test.each([
  ['security-1111', 'security-1111'],
  ['SecondAgent', 'security-1122'],
  ['secondagent', 'security-1122'],
  ['security-112', 'security-1122'],
  ['wifi', 'wifi-1'],
])('%s is %s', (ref, id) => {
  expect(choose(agents, ref).agent_id).toBe(id);
});

test('a name wins over the beginning of other ids', () => {
  expect(choose(agents, 'security-11').agent_id).toBe('wifi-1');
});

test('an ambiguous one is a usage error that names the candidates', () => {
  expect(() => choose(agents, 'security-1')).toThrow(
    expect.objectContaining({
      exit: EXIT.usage,
      message: expect.stringMatching(/SecurityAgent \(security-1111\).*SecondAgent/) as string,
    }),
  );
});

test('an unknown one is not found', () => {
  expect(() => choose([], 'x')).toThrow(expect.objectContaining({ exit: EXIT.notFound }));
});
