/** Errors as RFC 9457 problem documents. */
import { ERRORS, type Problem } from '@opmas/protocol';
import type { OpmasError } from '../../kernel/errors.ts';

export const PROBLEM_TYPE = 'application/problem+json';

export function toProblem(error: OpmasError, requestId: string): Problem {
  return {
    type: `/docs/reference/errors#${error.code}`,
    title: ERRORS[error.code].title,
    status: error.status,
    code: error.code,
    detail: error.message,
    request_id: requestId,
    ...(error.errors.length > 0
      ? { errors: error.errors.map(({ path, message }) => ({ path, message })) }
      : {}),
    ...(error.jobId === undefined ? {} : { job_id: error.jobId }),
  };
}
