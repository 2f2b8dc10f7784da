/** Keeps a router in step with the user's routing file, without ever being left without one. */
import { open } from 'node:fs/promises';
import { ingestLimits } from './limits.ts';
import { createRouter, type Router } from './routing.ts';
import { type CheckedRouting, checkRouting, type RoutingFault } from './routing-rules.ts';

export interface RoutingFileOptions {
  /** `<data>/routing.json`; it need not exist. */
  path: string;
  /** How often a change is looked for. */
  intervalMs?: number;
  onLoad?: (rules: number) => void;
  /** The file is bad: the rules before it stay in force. */
  onFault?: (errors: readonly RoutingFault[]) => void;
}

/** A router that follows its file. */
export interface FollowedRouter extends Router {
  /** Looks at the file now; resolves when a change, if any, is in force. */
  check(): Promise<void>;
  stop(): void;
}

/** Reads the file (a missing one means no rules of the user) and follows it until `stop`. */
export async function followRouting(options: RoutingFileOptions): Promise<FollowedRouter> {
  const { path, intervalMs = 2000, onLoad, onFault } = options;
  let router = createRouter();
  let seen = 'absent';
  let checking: Promise<void> | undefined;
  const look = async () => {
    const { stamp, text } = await readIfChanged(path, seen);
    if (stamp === seen) return;
    seen = stamp;
    const checked: CheckedRouting =
      text instanceof Error
        ? { ok: false, errors: [{ index: -1, message: text.message }] }
        : checkRouting(text);
    if (checked.ok) {
      router = createRouter(checked.rules);
      onLoad?.(checked.rules.length);
    } else onFault?.(checked.errors);
  };
  const check = () => {
    checking ??= look().finally(() => {
      checking = undefined;
    });
    return checking;
  };
  await check();
  const timer = setInterval(() => void check(), intervalMs);
  timer.unref();
  return {
    domainOf: (event) => router.domainOf(event),
    isKnown: (domain) => router.isKnown(domain),
    check,
    stop: () => clearInterval(timer),
  };
}

/** The file's stamp, and its text when the stamp differs from `seen`. An unreadable file is an Error. */
async function readIfChanged(
  path: string,
  seen: string,
): Promise<{ stamp: string; text: string | Error }> {
  try {
    const file = await open(path, 'r');
    try {
      const { size, mtimeMs, ino } = await file.stat();
      const stamp = `${ino}:${size}:${mtimeMs}`;
      if (stamp === seen) return { stamp, text: '' };
      if (size > ingestLimits.routingFileBytes)
        return {
          stamp,
          text: new Error(`is ${size} bytes; at most ${ingestLimits.routingFileBytes}`),
        };
      return { stamp, text: await file.readFile('utf8') };
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      return { stamp: 'absent', text: '[]' };
    const reason = error instanceof Error ? error : new Error(String(error));
    return { stamp: `unreadable: ${reason.message}`, text: reason };
  }
}
