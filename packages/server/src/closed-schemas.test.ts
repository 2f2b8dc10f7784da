/** Nobody says more than an operation asks for, and no operation tells more than it says: for every one there is. */
import { Type } from '@opmas/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Operation } from './operation.ts';
import { allOperations, type Services } from './operations.ts';
import { holdToSchema } from './testing/declared.ts';
import { type TestDoors, testDoors } from './testing/doors.ts';
import { openObjects, undeclared } from './testing/undeclared.ts';

/** Operations use their services only when they run, and none of these calls gets that far. */
const none: object = new Proxy({}, { get: () => none });
const OPERATIONS = allOperations(none as Services);

/** Fields an attacker would like to set along with what they may set. */
const ASSIGNED = {
  id: 'x',
  is_admin: true,
  created_at: '2026-01-01T00:00:00.000Z',
};
/** By address, so that limits of one do not stop the others. */
const UNLIMITED = { take: async () => 0, close: async () => undefined };

let doors: TestDoors;
beforeAll(async () => {
  doors = await testDoors({ operations: OPERATIONS, limiter: UNLIMITED });
});
afterAll(() => doors.close());

const pathOf = ({ rest }: Operation) =>
  `/api/v1${rest.path.replaceAll(/\{\w+\}/g, '00000000-0000-4000-8000-000000000000')}`;
const withBody = OPERATIONS.filter(
  ({ body, rest }) => body !== undefined && rest.rawBody === undefined,
);

async function faultsOf(answer: Response): Promise<string[]> {
  expect(answer.status).toBe(400);
  const { code, errors } = (await answer.json()) as {
    code: string;
    errors?: { path: string; message: string }[];
  };
  expect(code).toBe('OPMAS_INVALID_REQUEST');
  return (errors ?? []).map(({ path, message }) => `${path}: ${message}`);
}

describe('X17 requests say what is asked for, and nothing else', () => {
  test('there are operations with bodies and with parameters to look at', () => {
    expect(withBody.length).toBeGreaterThan(10);
    expect(OPERATIONS.filter(({ query }) => query !== undefined).length).toBeGreaterThan(5);
  });

  test.each(withBody)('$id: its body is closed at every depth', ({ body }) => {
    expect(openObjects(body as NonNullable<Operation['body']>)).toEqual([]);
  });

  test.each(withBody.filter(({ body }) => (body as { type?: string }).type === 'object'))(
    '$id: fields it does not know are refused by name',
    async (operation) => {
      const { body } = operation;
      const names = Object.keys((body as { properties?: object }).properties ?? {});
      if (Reflect.get(body as object, 'additionalProperties') !== false) {
        // A document of free keys, as a configuration: nothing of it is a field.
        expect(names).toEqual([]);
        return;
      }
      const answer = await doors.call(operation.rest.method, pathOf(operation), {
        body: JSON.stringify(ASSIGNED),
      });
      const faults = (await faultsOf(answer)).join('\n');
      for (const name of Object.keys(ASSIGNED)) {
        if (!names.includes(name)) expect(faults).toContain(name);
      }
    },
  );

  test.each(withBody)('$id: a prototype in the body is refused', async (operation) => {
    for (const body of [
      '{"__proto__":{"polluted":true}}',
      '{"constructor":{"prototype":{"polluted":true}}}',
    ]) {
      await faultsOf(await doors.call(operation.rest.method, pathOf(operation), { body }));
    }
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test.each(OPERATIONS)('$id: a parameter it does not know is refused', async (operation) => {
    for (const name of ['is_admin', '__proto__', 'constructor', 'limit[$gt]', 'Limit']) {
      const path = `${pathOf(operation)}?${encodeURIComponent(name)}=1`;
      const answer = await doors.call(operation.rest.method, path);
      expect(await faultsOf(answer)).toContainEqual(
        `${name}: is not a parameter of this operation`,
      );
    }
  });
});

describe('X17 what a schema does not name is found', () => {
  const schema = Type.Object({
    a: Type.String(),
    list: Type.Array(Type.Union([Type.Object({ b: Type.Number() }), Type.Null()])),
    map: Type.Record(Type.String(), Type.Object({ c: Type.Number() })),
    free: Type.Unknown(),
  });

  test('at every depth', () => {
    const value = {
      a: '',
      list: [{ b: 1 }, null, { b: 2, secret: 1 }],
      map: { x: { c: 1, hash: '' } },
      free: { anything: 1 },
      password: '',
    };
    expect(undeclared(schema, value)).toEqual(['list[].secret', 'map.x.hash', 'password']);
  });

  test('in every answer of 2xx that a test of the whole server gets', () => {
    const page = { items: [], next_cursor: null };
    expect(() => holdToSchema('GET', '/api/v1/agents?limit=1', page)).not.toThrow();
    expect(() => holdToSchema('GET', '/api/v1/agents', { ...page, total: 7 })).toThrow(
      'agents.list answers undeclared fields: total',
    );
  });

  test('and what is open to more is too', () => {
    expect(openObjects(schema)).toEqual(['(body)', '.list[]', '.map.*']);
  });
});
