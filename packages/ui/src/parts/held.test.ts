// The refusal of what is under rollout is known by the job that it names, and nothing else is taken for it.
import { expect, test } from 'vitest';
import { ApiError } from '../api/http.ts';
import { heldBy } from './held.ts';

const JOB = '019ad5c1-0000-7000-8000-00000000002a';
const refusal = (status: number, jobId?: string) =>
  new ApiError({ status, code: 'OPMAS_CONFLICT', message: `Job ${JOB} rolls out`, jobId });

test('names the job that holds the layer', () => {
  expect(heldBy(refusal(409, JOB))).toBe(JOB);
  expect(heldBy(refusal(412, JOB))).toBeUndefined();
  expect(heldBy(refusal(409))).toBeUndefined();
  expect(heldBy(new Error(JOB))).toBeUndefined();
});
