/** Golden samples: one file a message, as it stands on the wire; each schema takes its own and no broken one. */
import { readdirSync, readFileSync } from 'node:fs';
import type { TObject } from 'typebox';
import { describe, expect, test } from 'vitest';
import * as protocol from './index.ts';
import { check, faultsOf, isPlainObject, parse } from './index.ts';

const folder = new URL('../samples/', import.meta.url);

interface Golden {
  file: string;
  name: string;
  schema: TObject;
  sample: Record<string, unknown>;
}

const golden: Golden[] = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .map((file) => {
    const read: unknown = JSON.parse(readFileSync(new URL(file, folder), 'utf8'));
    if (!isPlainObject(read) || typeof read['schema'] !== 'string') throw new Error(file);
    const schema: unknown = Reflect.get(protocol, read['schema']);
    const sample = read['sample'];
    if (!isSchema(schema) || !isPlainObject(sample)) throw new Error(`${file}: no such schema`);
    return { file, name: read['schema'], schema, sample };
  });

/** Values that are wrong for a field, whatever else it takes: a field may accept some of them. */
const WRONG: readonly unknown[] = [42, 'x y\u0000', true, null, [], {}, [[]], -1.5, ''];

/** Optional and required fields whose schema takes anything, or any text. */
const ANYTHING = new Set(['data', 'event', 'payload', 'fields', 'context', 'components', 'config']);

test('every message that crosses a process border has a sample', () => {
  expect(golden.map(({ name }) => name)).toEqual(
    expect.arrayContaining([
      'LogEvent',
      'Finding',
      'Heartbeat',
      'AgentStatusReport',
      'MetricsReport',
      'AgentLogLine',
      'DeadLetter',
      'ControlMessage',
      'ControlReply',
      'Rule',
      'AgentConfig',
      'HostReport',
      'DesiredAgent',
      'LaunchRequest',
      'LaunchTicket',
      'CollectorStats',
      'RegistrationRequest',
      'RegistrationAnswer',
      'CredentialsRequest',
      'FeedSubscribe',
      'FeedMessage',
      'StoredEvent',
    ]),
  );
});

describe.each(golden)('$file', ({ schema, sample }) => {
  const required: string[] = [...(schema.required ?? [])];

  test('is taken, whole and with the required fields alone', () => {
    expect(faultsOf(schema, sample)).toEqual([]);
    const bare = Object.fromEntries(required.map((key) => [key, sample[key]]));
    expect(faultsOf(schema, bare)).toEqual([]);
  });

  test('is refused without any one of its required fields, and the field is named', () => {
    expect(required.length).toBeGreaterThan(0);
    for (const key of required) {
      const { [key]: _, ...rest } = sample;
      const result = parse(schema, rest);
      expect(result.ok, key).toBe(false);
      if (!result.ok)
        expect(result.errors.map((e) => `${e.path} ${e.message}`).join()).toContain(key);
    }
  });

  test('is refused with a field of a wrong type, and the field is named', () => {
    for (const key of Object.keys(sample).filter((field) => !ANYTHING.has(field))) {
      const refused = WRONG.filter((wrong) => !check(schema, { ...sample, [key]: wrong }));
      expect(refused.length, `${key} takes almost anything`).toBeGreaterThanOrEqual(6);
      for (const wrong of refused) {
        const faults = faultsOf(schema, { ...sample, [key]: wrong });
        expect(faults.some(({ path }) => path.split('.')[0] === key)).toBe(true);
      }
    }
  });

  test.each([null, 'text', 7, [], undefined])('is not %j', (value) => {
    expect(check(schema, value)).toBe(false);
  });
});

function isSchema(value: unknown): value is TObject {
  return isPlainObject(value) && value['type'] === 'object';
}
