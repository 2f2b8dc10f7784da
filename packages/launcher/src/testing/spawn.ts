/** Starts helper processes of the launcher's tests and reads their first line. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { compileCacheEnv } from '@opmas/testkit';

export interface Helper {
  process: ChildProcess;
  /** Its first line of output; empty when it ended without one. */
  firstLine: string;
  kill(signal: NodeJS.Signals): Promise<number | null>;
}

export async function startHelper(
  script: string,
  args: readonly string[] = [],
  env: Record<string, string> = {},
): Promise<Helper> {
  const child = spawn(process.execPath, [join(import.meta.dirname, script), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...compileCacheEnv(), PATH: process.env['PATH'], ...env },
  });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const line = once(lines, 'line').then(([text]) => String(text));
  const firstLine = await Promise.race([line, exited.then(() => '')]);
  return {
    process: child,
    firstLine,
    async kill(signal) {
      child.kill(signal);
      await exited;
      return child.exitCode;
    },
  };
}
