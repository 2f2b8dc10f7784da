/** Cuts a file of events, NDJSON or one JSON array, into NDJSON bodies the server takes. */
import { createInterface } from 'node:readline';
import { usageError } from '../errors.ts';
import { limits } from '../limits.ts';
import { parseJson } from './read-input.ts';

export interface Batch {
  /** NDJSON. */
  body: string;
  /** Index of its first event in the whole file. */
  first: number;
}

/** Reads as it goes: the file may be larger than memory, unless it is one array. */
export async function* batchesOf(
  input: NodeJS.ReadableStream,
  name: string,
): AsyncGenerator<Batch> {
  let batch: string[] = [];
  let bytes = 0;
  let first = 0;
  for await (const line of eventLines(input, name)) {
    const size = Buffer.byteLength(line) + 1;
    if (
      batch.length > 0 &&
      (batch.length >= limits.sendEvents || bytes + size > limits.sendBytes)
    ) {
      yield { body: `${batch.join('\n')}\n`, first };
      first += batch.length;
      batch = [];
      bytes = 0;
    }
    batch.push(line);
    bytes += size;
  }
  if (batch.length > 0) yield { body: `${batch.join('\n')}\n`, first };
}

async function* eventLines(input: NodeJS.ReadableStream, name: string): AsyncGenerator<string> {
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  let array: string[] | undefined;
  let arrayBytes = 0;
  let seen = false;
  for await (const line of lines) {
    if (line.trim() === '') continue;
    if (!seen && line.trimStart().startsWith('[')) array = [];
    seen = true;
    if (array === undefined) {
      yield line;
      continue;
    }
    arrayBytes += Buffer.byteLength(line);
    if (arrayBytes > limits.bodyBytes) {
      throw usageError(
        `${name} is one JSON array larger than ${limits.bodyBytes / 1024 / 1024} MiB`,
        'Write one event a line (NDJSON): then any size is taken.',
      );
    }
    array.push(line);
  }
  if (array === undefined) return;
  const events = parseJson(array.join('\n'), name);
  if (!Array.isArray(events)) throw usageError(`${name} is neither NDJSON nor a JSON array`);
  for (const event of events) yield JSON.stringify(event);
}
