/** What a command gets: its arguments, where to write, and a way to the server made when first used. */
import { resolve } from 'node:path';
import type { Api } from './api/api.ts';
import { usageError } from './errors.ts';
import type { ExitCode } from './exit-codes.ts';
import type { Io } from './io.ts';
import { limits } from './limits.ts';
import type { Output } from './output/output.ts';
import { timeOption } from './output/time.ts';

export interface Run {
  io: Io;
  out: Output;
  args: readonly string[];
  options: Options;
  dataDir: string;
  api(): Promise<Api>;
  /** A path as the caller means it. */
  path(text: string): string;
}

export type Command = (run: Run) => Promise<ExitCode>;

/** The options of one call; names as declared, without dashes. */
export class Options {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  texts(name: string): readonly string[] {
    const value = this.#values[name];
    return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
  }

  /** @throws {CliError} usage when it is no whole number from 1 to `max` */
  count(name: string, max: number): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
    if (value < 1 || value > max) {
      throw usageError(`--${name} ${JSON.stringify(text)} must be a number from 1 to ${max}`);
    }
    return value;
  }

  /** Items asked for with `--limit` or `--all`. */
  limit(): number {
    if (this.flag('all')) return limits.listItems;
    return this.count('limit', limits.listItems) ?? limits.listDefault;
  }

  time(name: string): string | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : timeOption(`--${name}`, text, Date.now());
  }
}

/** Only what is set: an optional field is left out, not undefined. */
export function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

export function pathOf(cwd: string, text: string): string {
  return resolve(cwd, text);
}
