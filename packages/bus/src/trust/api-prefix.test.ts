/** The API of JetStream has a name of its own: what goes there, and who learns it. */
import { describe, expect, it, test } from 'vitest';
import { BusError } from '../errors.ts';
import {
  agentPermissions,
  apiPrefix,
  collectorPermissions,
  createTrust,
  hostPermissions,
  serverPermissions,
} from '../index.ts';
import { apiPrefixIn, apiPrefixOf, underPrefix, withPlainApi } from './api-prefix.ts';

const PREFIX = `OPMAS_API.${'0123456789abcdef'.repeat(2)}`;

describe('the name', () => {
  it('follows from the account alone', () => {
    const [one, other] = [createTrust(), createTrust()];
    expect(apiPrefix(one)).toMatch(/^OPMAS_API\.[0-9a-f]{32}$/);
    expect(apiPrefix(one)).toBe(apiPrefixOf(one.account.identity.seed));
    expect(apiPrefix(one)).not.toBe(apiPrefix(other));
  });

  it('is told to the server and to hosts alone', () => {
    const told = [serverPermissions(PREFIX), hostPermissions('h', PREFIX)];
    for (const { pub } of told) expect(apiPrefixIn(pub.allow)).toBe(PREFIX);
    const agent = agentPermissions({
      agentName: 'a',
      topics: ['logs.wifi'],
      findingsTopic: 'findings.wifi',
    });
    for (const { pub } of [agent, collectorPermissions('h'), serverPermissions()])
      expect(apiPrefixIn(pub.allow)).toBeUndefined();
  });

  test.each(['OPMAS_API.>', `OPMAS_API.${'0'.repeat(31)}.>`, `x.${PREFIX}.>`, PREFIX])(
    '%s is none',
    (subject) => expect(apiPrefixIn([subject])).toBeUndefined(),
  );
});

test.each([
  ['$JS.API.INFO', `${PREFIX}.INFO`],
  ['$JS.API.STREAM.DELETE.X', `${PREFIX}.STREAM.DELETE.X`],
  ['$JS.API.CONSUMER.CREATE.S.C.logs.>', `${PREFIX}.CONSUMER.CREATE.S.C.logs.>`],
  // The account itself answers these.
  ['$JS.API.CONSUMER.MSG.NEXT.S.C', '$JS.API.CONSUMER.MSG.NEXT.S.C'],
  ['$JS.API.DIRECT.GET.S', '$JS.API.DIRECT.GET.S'],
  ['$JS.ACK.S.C.1', '$JS.ACK.S.C.1'],
  ['logs.wifi', 'logs.wifi'],
])('%s goes to %s', (subject, goal) => {
  expect(underPrefix(subject, PREFIX)).toBe(goal);
  expect(underPrefix(subject, undefined)).toBe(subject);
  expect(withPlainApi(goal)).toBe(subject);
});

test('no error tells it', () => {
  const error = new BusError('OPMAS_FORBIDDEN', `the broker refuses ${PREFIX}.STREAM.INFO.X`);
  expect(error.message).toBe('the broker refuses $JS.API.STREAM.INFO.X');
});
