/** Bodies of requests: read when it is known whose they are, bounded each and all together. */
import type { IncomingMessage } from 'node:http';
import { OpmasError } from '../../kernel/errors.ts';
import { isDeep } from '../../kernel/storable.ts';
import { forbiddenKey } from './forbidden-keys.ts';

export interface BodyBounds {
  /** Bytes of bodies held at once, and those of one caller among them. */
  bytes: number;
  bytesOfOne: number;
  /** A body needs room only for what exceeds this: there are no more of those than connections. */
  small: number;
}

export interface Bodies {
  /**
   * Reads a body to its end.
   * @param most bytes it may have
   * @param whose one who may hold `bytesOfOne`
   * @returns the bytes, and what gives their room back: to be called once they are not needed any more
   * @throws {OpmasError} OPMAS_TOO_LARGE, OPMAS_UNAVAILABLE (no room just now), OPMAS_INVALID_REQUEST (it
   * did not arrive whole). What was not read is discarded as it arrives.
   */
  read(request: IncomingMessage, most: number, whose: string): Promise<HeldBody>;
  /** Bytes held now beyond the small ones. */
  held(): number;
}

export interface HeldBody {
  bytes: Buffer;
  release(): void;
}

/** Soon enough to matter, late enough for a body to have gone. */
const RETRY_S = 1;

export function createBodies(bounds: BodyBounds): Bodies {
  const heldBy = new Map<string, number>();
  let held = 0;

  function take(whose: string, bytes: number): void {
    const own = (heldBy.get(whose) ?? 0) + bytes;
    const isFull = held + bytes > bounds.bytes;
    if (isFull || own > bounds.bytesOfOne) {
      const why = isFull ? 'The server holds' : 'You have';
      throw new OpmasError('OPMAS_UNAVAILABLE', `${why} too many bodies under way; try again`, {
        retryAfter: RETRY_S,
      });
    }
    held += bytes;
    heldBy.set(whose, own);
  }

  function give(whose: string, bytes: number): void {
    held -= bytes;
    const own = (heldBy.get(whose) ?? 0) - bytes;
    if (own > 0) heldBy.set(whose, own);
    else heldBy.delete(whose);
  }

  /** One body's room: what it needs beyond the small, until it is released. */
  function room(whose: string) {
    let taken = 0;
    return {
      for: (bytes: number) => {
        const more = Math.max(0, bytes - bounds.small) - taken;
        if (more <= 0) return;
        take(whose, more);
        taken += more;
      },
      release: () => {
        if (taken > 0) give(whose, taken);
        taken = 0;
      },
    };
  }

  return {
    held: () => held,
    read: async (request, most, whose) => {
      if (Number(request.headers['content-length'] ?? 0) > most) throw tooLarge();
      const own = room(whose);
      try {
        const bytes = await collect(request, (length) => {
          if (length > most) throw tooLarge();
          own.for(length);
        });
        return { bytes, release: own.release };
      } catch (error) {
        own.release();
        throw error;
      }
    },
  };
}

/** `arrived` is told of the bytes so far, before they are kept, and throws to have no more of them. */
function collect(request: IncomingMessage, arrived: (length: number) => void): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const fail = (error: unknown) => {
      stop();
      chunks.length = 0;
      reject(error instanceof Error ? error : new Error('a body failed', { cause: error }));
    };
    const onData = (chunk: Buffer) => {
      length += chunk.length;
      try {
        arrived(length);
      } catch (error) {
        fail(error);
        return;
      }
      chunks.push(chunk);
    };
    const onEnd = () => {
      stop();
      resolve(Buffer.concat(chunks, length));
    };
    const onGone = () => fail(cutShort());
    const stop = () => {
      request.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone);
      // An error after this is the connection's, which has its own listeners.
      request.on('error', () => undefined).resume();
    };
    request.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone);
    if (request.destroyed) onGone();
  });
}

/**
 * The value of a JSON body; undefined for an empty one.
 * @throws {OpmasError} OPMAS_INVALID_REQUEST
 */
export function jsonOf(body: Buffer, depth: number): unknown {
  if (body.length === 0) return undefined;
  const text = body.toString('utf8');
  if (isDeep(text, depth)) {
    throw new OpmasError('OPMAS_INVALID_REQUEST', `The body is nested deeper than ${depth} levels`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new OpmasError('OPMAS_INVALID_REQUEST', `The body is not JSON: ${why}`, { cause: error });
  }
  const path = forbiddenKey(value)?.slice(0, 512);
  if (path === undefined) return value;
  const message = 'is a key that no body may have';
  throw new OpmasError('OPMAS_INVALID_REQUEST', `${path} ${message}`, {
    errors: [{ path, message }],
  });
}

function tooLarge(): OpmasError {
  return new OpmasError('OPMAS_TOO_LARGE', 'The body is too large for this operation');
}

function cutShort(): OpmasError {
  return new OpmasError('OPMAS_INVALID_REQUEST', 'The body did not arrive whole');
}
