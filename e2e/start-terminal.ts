/** `opmas up` in a real terminal, made by script(1): so that Ctrl-C and a closed window are the real thing. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { waitFor } from '@opmas/testkit';
import { limits } from './limits.ts';
import { CLI, ROOT } from './product.ts';

export interface Terminal {
  /** As it was shown. */
  url: string;
  /** The code of the set-up link; undefined when none was shown. */
  setupCode: string | undefined;
  /** The key, as the terminal driver turns it into a signal to everything in the foreground. */
  ctrlC(): void;
  /** The window is gone: everything in it gets SIGHUP, and every further output fails. */
  close(): void;
  /** The exit code of what ran in it; null when the terminal itself was closed. */
  ended: Promise<number | null>;
}

/** Starts it in a terminal of its own, and returns when it is ready. */
export async function startInTerminal(env: Record<string, string>): Promise<Terminal> {
  const command = `exec ${quoted(process.execPath)} ${quoted(CLI)} up`;
  const child = spawn('script', ['-qefc', command, '/dev/null'], {
    cwd: ROOT,
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...env, SHELL: '/bin/sh', TERM: 'dumb' },
  });
  const ended = once(child, 'exit').then(([code]) => (typeof code === 'number' ? code : null));
  const ctrlC = () => void child.stdin.write('\u0003');
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output = (output + chunk.toString('utf8')).slice(-limits.outputChars);
  });
  try {
    await waitFor(() => output.includes('syslog in: ') || child.exitCode !== null, {
      timeoutMs: limits.startMs,
      pollMs: 50,
      what: 'the ready line in the terminal',
    });
    const url = /OPMAS is ready: (\S+)/.exec(output)?.[1];
    if (url === undefined) throw new Error('it shows no ready line');
    const setupCode = /\/setup\?code=(\S+)/.exec(output)?.[1];
    return { url, setupCode, ctrlC, close: () => void child.kill('SIGKILL'), ended };
  } catch (cause) {
    ctrlC();
    throw new Error(`not ready; shown was:\n${output}`, { cause });
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
