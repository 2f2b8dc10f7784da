/** Reads what a command is given as a file, as stdin (`-`) or as text, within a bound. */
import { createReadStream } from 'node:fs';
import { usageError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Run } from '../run.ts';

/** The bytes of a file, or of stdin for `-`. */
export function openInput({ io, path }: Run, name: string): NodeJS.ReadableStream {
  return name === '-' ? io.stdin : createReadStream(path(name));
}

/** The whole text. @throws {CliError} usage when it is larger than any body may be */
export async function readInput(run: Run, name: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of readable(run, name)) {
    const buffer = Buffer.from(chunk);
    bytes += buffer.length;
    if (bytes > limits.bodyBytes) {
      throw usageError(`${name} is larger than ${limits.bodyBytes / 1024 / 1024} MiB`);
    }
    chunks.push(buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** @throws {CliError} usage when there is no such file, or it may not be read */
async function* readable(run: Run, name: string): AsyncGenerator<string | Buffer> {
  try {
    yield* openInput(run, name);
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    const code = 'code' in error ? error.code : undefined;
    const why = code === 'ENOENT' ? 'there is no such file' : error.message;
    throw usageError(`${name} cannot be read: ${why}`);
  }
}

/** Parsed JSON. @throws {CliError} usage, saying where it came from */
export function parseJson(text: string, from: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw usageError(`${from} is no JSON: ${error instanceof Error ? error.message : ''}`);
  }
}
