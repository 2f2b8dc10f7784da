/** Reads a message as JSON without trusting it. */
import type { BusMessage } from '@opmas/bus';
import { limits } from '../../kernel/limits.ts';
import { isDeep, parseStorable } from '../../kernel/storable.ts';

/** Undefined, which no schema takes, when it is not JSON or nested without end. */
export function jsonOf(message: Pick<BusMessage, 'data'>): unknown {
  const text = Buffer.from(message.data).toString('utf8');
  if (isDeep(text, limits.jsonDepth)) return undefined;
  try {
    return parseStorable(text);
  } catch {
    // Said by the caller together with the subject: the schema refuses undefined.
    return undefined;
  }
}
