/** Reads a secret where nobody else of the machine sees it: from stdin or a prompt, never from an argument. */
import { CliError, interrupted, usageError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import type { Run } from '../run.ts';
import { readInput } from './read-input.ts';

/** The whole of stdin without its last line end, or what is typed, unseen. */
export async function readSecret(run: Run, message: string): Promise<string> {
  const secret =
    run.io.stdin.isTTY === true
      ? await typed(message)
      : (await readInput(run, '-')).replace(/\r?\n$/, '');
  if (secret === '') throw new CliError(EXIT.usage, 'No secret was given');
  return secret;
}

async function typed(message: string): Promise<string> {
  const { isCancel, password } = await import('@clack/prompts');
  // Answers are no data: the prompt goes to stderr.
  const answer = await password({ message, output: process.stderr });
  if (isCancel(answer)) throw interrupted();
  return answer ?? '';
}

/** The one key `--secret` is for. @throws {CliError} usage when a value came with it */
export function secretKey(args: readonly string[]): string {
  const [key, ...more] = args;
  if (key === undefined || more.length > 0) throw usageError('--secret is for one key');
  if (key.includes('=')) {
    throw usageError(
      'A secret in the command line is seen by every user of this machine',
      `Say the key alone; the secret is read from stdin, or asked for: ${key.split('=')[0]} --secret`,
    );
  }
  return key;
}
