// Knows the refusal to write what a job is rolling out.
import { ApiError } from '../api/http.ts';

/** The id of the job that holds the layer or the draft; undefined when something else is wrong. */
export function heldBy(error: unknown): string | undefined {
  return error instanceof ApiError && error.status === 409 ? error.jobId : undefined;
}
