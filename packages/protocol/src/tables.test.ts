/** The tables a program may rely on: error codes and the agent's life. Changing one is a decision. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Timestamp } from './common.ts';
import { ERRORS } from './errors.ts';
import { AGENT_STATUSES, mayBecome, TRANSITIONS } from './lifecycle.ts';
import { check } from './validate.ts';

test('the error table', () => {
  const table = Object.fromEntries(
    Object.entries(ERRORS).map(([code, { status, grpc }]) => [code, `${status} ${grpc}`]),
  );
  expect(table).toMatchInlineSnapshot(`
    {
      "OPMAS_ACTION_NOT_FOUND": "404 NOT_FOUND",
      "OPMAS_AGENT_CRASHED": "500 INTERNAL",
      "OPMAS_AGENT_NAME_TAKEN": "409 ALREADY_EXISTS",
      "OPMAS_AGENT_NOT_FOUND": "404 NOT_FOUND",
      "OPMAS_API_UNREACHABLE": "503 UNAVAILABLE",
      "OPMAS_BAD_CREDENTIALS": "401 UNAUTHENTICATED",
      "OPMAS_BROKER_UNAVAILABLE": "503 UNAVAILABLE",
      "OPMAS_CODE_WRONG": "403 PERMISSION_DENIED",
      "OPMAS_CONFLICT": "409 FAILED_PRECONDITION",
      "OPMAS_CROSS_ORIGIN": "403 PERMISSION_DENIED",
      "OPMAS_DATABASE_UNAVAILABLE": "503 UNAVAILABLE",
      "OPMAS_DUPLICATE_IDENTITY": "409 FAILED_PRECONDITION",
      "OPMAS_EVENTS_REJECTED": "400 INVALID_ARGUMENT",
      "OPMAS_FINDING_NOT_FOUND": "404 NOT_FOUND",
      "OPMAS_FORBIDDEN": "403 PERMISSION_DENIED",
      "OPMAS_ILLEGAL_TRANSITION": "409 FAILED_PRECONDITION",
      "OPMAS_INTERNAL": "500 INTERNAL",
      "OPMAS_INVALID_CONFIGURATION": "400 INVALID_ARGUMENT",
      "OPMAS_INVALID_FORMAT": "400 INVALID_ARGUMENT",
      "OPMAS_INVALID_REQUEST": "400 INVALID_ARGUMENT",
      "OPMAS_JOB_NOT_FOUND": "404 NOT_FOUND",
      "OPMAS_KEY_REVOKED": "409 FAILED_PRECONDITION",
      "OPMAS_MASTER_KEY_UNUSABLE": "500 INTERNAL",
      "OPMAS_METHOD_NOT_ALLOWED": "405 UNIMPLEMENTED",
      "OPMAS_MISSING_FIELD": "400 INVALID_ARGUMENT",
      "OPMAS_NOT_FOUND": "404 NOT_FOUND",
      "OPMAS_NO_ROLE": "403 PERMISSION_DENIED",
      "OPMAS_PACKAGE_NOT_FOUND": "404 NOT_FOUND",
      "OPMAS_PASSWORD_REFUSED": "400 INVALID_ARGUMENT",
      "OPMAS_PASSWORD_WRONG": "403 PERMISSION_DENIED",
      "OPMAS_PROCESS_PERMISSION": "500 INTERNAL",
      "OPMAS_PROVIDER_UNAVAILABLE": "503 UNAVAILABLE",
      "OPMAS_PUBLISHER_NOT_FOUND": "404 NOT_FOUND",
      "OPMAS_RATE_LIMITED": "429 RESOURCE_EXHAUSTED",
      "OPMAS_RESOURCE_EXHAUSTED": "500 RESOURCE_EXHAUSTED",
      "OPMAS_SECRET_UNREADABLE": "500 INTERNAL",
      "OPMAS_SETUP_DONE": "409 FAILED_PRECONDITION",
      "OPMAS_SYSTEM_ERROR": "500 INTERNAL",
      "OPMAS_TIMEOUT": "504 DEADLINE_EXCEEDED",
      "OPMAS_TOKEN_INVALID": "401 UNAUTHENTICATED",
      "OPMAS_TOO_LARGE": "413 RESOURCE_EXHAUSTED",
      "OPMAS_TOTP_REQUIRED": "401 UNAUTHENTICATED",
      "OPMAS_TYPE_MISMATCH": "400 INVALID_ARGUMENT",
      "OPMAS_UNAUTHENTICATED": "401 UNAUTHENTICATED",
      "OPMAS_UNAVAILABLE": "503 UNAVAILABLE",
      "OPMAS_UNKNOWN_HOST": "421 INVALID_ARGUMENT",
      "OPMAS_UNKNOWN_VERSION": "400 INVALID_ARGUMENT",
      "OPMAS_UNSUPPORTED_MEDIA": "415 INVALID_ARGUMENT",
      "OPMAS_VERSION_CONFLICT": "412 ABORTED",
    }
  `);
});

test('each of the twelve error types of the specification has one code of its own', () => {
  const types = Object.values(ERRORS).flatMap((kind) => ('spec' in kind ? [kind.spec] : []));
  expect(types).toHaveLength(12);
  expect(new Set(types).size).toBe(12);
});

describe('the life of an agent', () => {
  test('is this table and no other', () => {
    const moves = AGENT_STATUSES.map((from) => `${from} → ${TRANSITIONS[from].join(' ')}`);
    expect(moves).toMatchInlineSnapshot(`
      [
        "discovered → registered removed",
        "registered → running stopped failed removed",
        "running → stopped failed removed",
        "stopped → running failed removed",
        "failed → running stopped removed",
        "removed → discovered registered",
      ]
    `);
  });

  test('staying is allowed, and a move is allowed exactly when the table has it', () => {
    for (const from of AGENT_STATUSES) {
      for (const to of AGENT_STATUSES) {
        expect(mayBecome(from, to)).toBe(from === to || TRANSITIONS[from].includes(to));
      }
    }
  });

  test('every state is reached from the first, and none is a dead end', () => {
    const reached = new Set(['discovered']);
    for (let size = 0; size !== reached.size; ) {
      size = reached.size;
      for (const from of AGENT_STATUSES) {
        if (reached.has(from)) for (const to of TRANSITIONS[from]) reached.add(to);
      }
    }
    expect([...reached].sort()).toEqual([...AGENT_STATUSES].sort());
    for (const status of AGENT_STATUSES) expect(TRANSITIONS[status].length).toBeGreaterThan(0);
  });
});

describe('a timestamp', () => {
  test('of any date can be computed with when it is taken', () => {
    fc.assert(
      fc.property(
        fc.date({ noInvalidDate: true, min: new Date('0001-01-01'), max: new Date('9999-12-31') }),
        (date) => {
          expect(check(Timestamp, date.toISOString())).toBe(true);
        },
      ),
    );
    fc.assert(
      fc.property(
        fc.stringMatching(
          /^\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-6]\d:[0-6]\d(\.\d{1,9})?(Z|[+-][0-2]\d:[0-6]\d)$/,
        ),
        (text) => {
          if (check(Timestamp, text)) expect(Date.parse(text)).not.toBeNaN();
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test.each([
    '0000-01-01T00:00:00Z',
    '2016-12-31T23:59:60Z',
    '2026-02-30T00:00:00Z',
    '2026-01-01',
    '',
    'now',
  ])('is not %s', (text) => expect(check(Timestamp, text)).toBe(false));
});
