/** Which configurations this agent keeps: the one in force, the last one that proved itself, those that failed. */
import type { ConfigFault } from '@opmas/protocol';
import { isoTime } from '../clock.ts';
import { limits } from '../limits.ts';
import type { AgentRuntime, FetchedConfig, KeptConfigs } from '../runtime/runtime.ts';

const NOTHING: KeptConfigs = { current: null, healthy: null, failed: [] };

export class ConfigLedger {
  readonly #runtime: Pick<AgentRuntime, 'cachedConfigs' | 'keepConfigs' | 'clock'>;
  #kept: KeptConfigs = NOTHING;
  #last: Promise<void> = Promise.resolve();

  constructor(runtime: Pick<AgentRuntime, 'cachedConfigs' | 'keepConfigs' | 'clock'>) {
    this.#runtime = runtime;
  }

  /** Reads what an earlier start kept; before anything else. */
  async load(): Promise<void> {
    this.#kept = (await this.#runtime.cachedConfigs()) ?? NOTHING;
  }

  /**
   * What to start with, best first, and this start is counted. A configuration that did not prove itself in
   * several starts is given up for the last one that did, when there is one.
   */
  async starting(): Promise<FetchedConfig[]> {
    const { current, healthy } = this.#kept;
    if (current === null) return [];
    if (current.healthy) return [current];
    if (current.starts >= limits.unprovenStarts && healthy !== null) {
      const message = `the agent ended ${current.starts} times before it was well with this configuration`;
      await this.fail(current.hash, [{ path: '', message }]);
      return [healthy];
    }
    await this.#change((kept) => ({
      ...kept,
      current: { ...current, starts: current.starts + 1 },
    }));
    return healthy === null ? [current] : [current, healthy];
  }

  /** Why this one is not to be taken again; undefined when it did not fail. */
  failureOf(hash: string): readonly ConfigFault[] | undefined {
    return this.#kept.failed.find((each) => each.hash === hash)?.errors;
  }

  /** The last one that proved itself, or, where none has yet, the one to go back to. */
  get healthy(): { hash: string; version: number } | null {
    const { current, healthy } = this.#kept;
    return current?.healthy === true ? current : healthy;
  }

  /** The newest failure, for the report of a start that fell back. */
  get lastFailure(): { hash: string; errors: readonly ConfigFault[] } | undefined {
    return this.#kept.failed.at(-1);
  }

  /**
   * A configuration comes into force, on trial until it is `proven`. What it would be given up for is the last
   * one that was proven; where none was, the one that ran before it.
   */
  accept({ version, hash, config }: FetchedConfig): Promise<void> {
    return this.#change((kept) => {
      const { current, healthy } = kept;
      const proven = current?.healthy === true ? current : wasProven(healthy) ? healthy : null;
      const isProven = current?.hash === hash ? current.healthy : proven?.hash === hash;
      const starts = current?.hash === hash ? current.starts : 1;
      const fallback = proven ?? (current?.hash === hash ? healthy : current);
      return {
        ...kept,
        current: { version, hash, config, healthy: isProven, starts: isProven ? 0 : starts },
        healthy:
          isProven || fallback === null
            ? null
            : {
                version: fallback.version,
                hash: fallback.hash,
                config: fallback.config,
                ...(proven === null ? { proven: false } : {}),
              },
      };
    });
  }

  /** It is well with this one: from now on it is what to fall back to. */
  proven(hash: string): Promise<void> {
    return this.#change(({ current, failed }) => {
      if (current?.hash !== hash || current.healthy) return undefined;
      return {
        current: { ...current, healthy: true, starts: 0 },
        healthy: null,
        failed: failed.filter((each) => each.hash !== hash),
      };
    });
  }

  /** Not taken again until it is forgiven; what it would be given up for takes its place, as proven as it was. */
  fail(hash: string, errors: readonly ConfigFault[]): Promise<void> {
    return this.#change((kept) => {
      const { current, healthy } = kept;
      const failed = [
        ...kept.failed.filter((each) => each.hash !== hash),
        { hash, errors: [...errors], at: isoTime(this.#runtime.clock) },
      ].slice(-limits.failedConfigs);
      const falls = current?.hash === hash && healthy !== null;
      return {
        current: falls ? inForceAgain(healthy) : current,
        healthy: falls ? null : healthy,
        failed,
      };
    });
  }

  /**
   * Gives the one on trial up, if another has proven itself: the next start takes that one.
   * @returns whether there is one
   */
  async giveUp(errors: readonly ConfigFault[]): Promise<boolean> {
    const { current, healthy } = this.#kept;
    if (current === null || current.healthy || healthy === null) return false;
    await this.fail(current.hash, errors);
    return true;
  }

  /** Somebody asked for another try. */
  forgive(): Promise<void> {
    return this.#change((kept) => (kept.failed.length > 0 ? { ...kept, failed: [] } : undefined));
  }

  /** An end in order says nothing against the configuration on trial. */
  ended(): Promise<void> {
    return this.#change((kept) => {
      const { current } = kept;
      if (current === null || current.healthy || current.starts === 0) return undefined;
      return { ...kept, current: { ...current, starts: current.starts - 1 } };
    });
  }

  /** One after another: each is made of what the one before has kept, and no two write at once. */
  #change(made: (kept: KeptConfigs) => KeptConfigs | undefined): Promise<void> {
    const turn = this.#last.then(async () => {
      const kept = made(this.#kept);
      if (kept === undefined) return;
      await this.#runtime.keepConfigs(kept);
      this.#kept = kept;
    });
    // Whoever comes next waits for the end of this one, not for its success.
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

/** Files of versions before do not say: then it was. */
function wasProven(fallback: KeptConfigs['healthy']): boolean {
  return fallback !== null && fallback.proven !== false;
}

function inForceAgain(fallback: NonNullable<KeptConfigs['healthy']>): KeptConfigs['current'] {
  const { version, hash, config } = fallback;
  const healthy = wasProven(fallback);
  return { version, hash, config, healthy, starts: healthy ? 0 : 1 };
}
