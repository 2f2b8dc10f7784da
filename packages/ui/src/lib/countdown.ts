// Counts down to when the server will listen again.
import { useEffect, useState } from 'react';
import { ApiError } from '../api/http.ts';
import { useNow } from './clock.ts';

/** Whole seconds left of what the server asked to wait when it answered `error`; 0 when there is nothing to wait for. */
export function useRetryAfter(error: unknown): number {
  const now = useNow();
  const [until, setUntil] = useState(0);
  const seconds = error instanceof ApiError ? (error.retryAfter ?? 0) : 0;
  useEffect(() => setUntil(seconds > 0 ? Date.now() + seconds * 1000 : 0), [error, seconds]);
  return Math.max(0, Math.ceil((until - now) / 1000));
}
