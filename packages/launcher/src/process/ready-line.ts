/** Reads the one JSON line by which a child says that it is ready. */
import type { Readable } from 'node:stream';

/** What the line says besides `ready`; checked further by whoever knows the child. */
export type ReadyDetails = Readonly<Record<string, unknown>>;

/**
 * Resolves with the details of `{"ready":true,…}`.
 * @throws when the line is longer than `maxBytes`, is something else, or the stream ends first
 */
export function readReadyLine(stream: Readable, maxBytes: number): Promise<ReadyDetails> {
  return new Promise((resolve, reject) => {
    let text = '';
    const done = (end: () => void) => {
      stream.off('data', onData);
      stream.resume(); // the child keeps it open; whatever follows is not ours
      end();
    };
    const onData = (chunk: Buffer) => {
      text += chunk.toString('utf8');
      const end = text.indexOf('\n');
      if (end >= 0) done(() => settle(text.slice(0, end), resolve, reject));
      else if (text.length > maxBytes) done(() => reject(new Error('its ready line is too long')));
    };
    stream.on('data', onData);
    stream.once('end', () => reject(new Error('it closed its ready pipe without a ready line')));
    stream.once('error', reject);
  });
}

function settle(
  line: string,
  resolve: (details: ReadyDetails) => void,
  reject: (error: Error) => void,
): void {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    value = undefined;
  }
  if (typeof value === 'object' && value !== null && 'ready' in value && value.ready === true) {
    const { ready: _, ...details } = value;
    resolve(details);
  } else reject(new Error(`its ready line is not {"ready":true,…}: ${line.slice(0, 200)}`));
}
