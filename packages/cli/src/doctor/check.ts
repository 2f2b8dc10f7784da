/** What a check of the doctor says. */
export type CheckStatus = 'ok' | 'warn' | 'fail';

export interface Check {
  check: string;
  status: CheckStatus;
  detail: string;
  /** The next thing to do. */
  fix?: string;
}

export const ok = (check: string, detail: string): Check => ({ check, status: 'ok', detail });

export const warn = (check: string, detail: string, fix: string): Check => ({
  check,
  status: 'warn',
  detail,
  fix,
});

export const fail = (check: string, detail: string, fix: string): Check => ({
  check,
  status: 'fail',
  detail,
  fix,
});
