/** Where the agent's configuration comes from: what it kept first, the server always. */
import type { ConfigLayer } from '@opmas/protocol';
import { AgentError, faultsIn, messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { AgentRuntime, FetchedConfig } from '../runtime/runtime.ts';
import type { ConfigLedger } from './config-ledger.ts';
import type { ConfigOrigin, Configuration } from './configuration.ts';
import { askPatiently } from './fetching.ts';

export interface ConfigSourcePorts {
  runtime: AgentRuntime;
  logger(): Logger;
  ledger: ConfigLedger;
  configuration: Configuration;
  /** Rejects for a configuration that is refused. */
  update(config: ConfigLayer, origin: ConfigOrigin): Promise<void>;
  announce(): void;
}

/** What a control message says of the configuration it offers. */
export interface Offer {
  config?: ConfigLayer;
  version?: number;
  hash?: string;
  /** Somebody asked for another try of what failed. */
  retry?: boolean;
}

export class ConfigSource {
  readonly #ports: ConfigSourcePorts;
  #last: Promise<void> = Promise.resolve();

  constructor(ports: ConfigSourcePorts) {
    this.#ports = ports;
  }

  /**
   * The first configuration. With one that was kept the agent works at once and the server is asked
   * meanwhile; else this waits for the server.
   */
  async first(signal: AbortSignal): Promise<void> {
    const { runtime, logger, ledger } = this.#ports;
    await ledger.load();
    if (await this.#fromKept()) void this.#refreshLater(signal);
    else {
      const ask = () => runtime.fetchConfig(signal);
      await this.#take(await askPatiently(ask, runtime, logger(), signal));
    }
  }

  /**
   * Takes what is offered: a whole document with its hash, a part to be merged over the present one, or
   * nothing but the news that the server has another one.
   * @throws {AgentError} OPMAS_INVALID_CONFIGURATION for one that failed here before, and as `update`
   */
  offered(offer: Offer, signal: AbortSignal): Promise<void> {
    return this.#inTurn(() => this.#offered(offer, signal));
  }

  /**
   * One after another, the asking of the server too: what was asked for first may be answered last, and an older
   * configuration must not take the place of a newer one.
   */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#last.then(work);
    // Whoever comes next waits for the end of this one, not for its success.
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #offered({ config, version, hash, retry }: Offer, signal: AbortSignal): Promise<void> {
    const { ledger, configuration } = this.#ports;
    if (retry === true) await ledger.forgive();
    if (hash !== undefined) {
      if (configuration.adopted && configuration.config.hash === hash) {
        if (version === undefined || version === configuration.config.version) {
          return this.#confirm();
        }
      }
      this.#refuseFailed(hash);
    }
    if (config === undefined) return this.#refresh(signal);
    await this.#ports.update(config, {
      ...(version === undefined ? {} : { version }),
      ...(hash === undefined ? {} : { hash, replace: true }),
    });
  }

  async #fromKept(): Promise<boolean> {
    const { ledger, logger, configuration } = this.#ports;
    const before = ledger.lastFailure?.hash;
    for (const kept of await ledger.starting()) {
      try {
        await this.#take(kept);
        const failure = ledger.lastFailure;
        // A start that fell back says what it fell back from.
        if (failure !== undefined && failure.hash !== before) {
          configuration.refuse(failure.hash, failure.errors);
        }
        return true;
      } catch (error) {
        logger().warning('a kept configuration is not used', { error: messageOf(error) });
        if (isVerdict(error)) await ledger.fail(kept.hash, faultsIn(error));
      }
    }
    return false;
  }

  async #refreshLater(signal: AbortSignal): Promise<void> {
    const { runtime, logger, announce } = this.#ports;
    try {
      // While the server is away, what it offers has its turn in between.
      const ask = () => this.#inTurn(() => this.#refresh(signal));
      await askPatiently(ask, runtime, logger(), signal);
    } catch (error) {
      if (signal.aborted) return;
      logger().error('the server’s configuration is not applied', { error: messageOf(error) });
      announce();
    }
  }

  /** @throws {AgentError} OPMAS_INVALID_CONFIGURATION with what was wrong with it then */
  #refuseFailed(hash: string): void {
    const { ledger, configuration } = this.#ports;
    const faults = ledger.failureOf(hash);
    // Without anything else to run, it is tried again.
    if (faults === undefined || !configuration.adopted) return;
    configuration.refuse(hash, faults);
    const message = `this configuration failed here before: ${faults[0]?.message ?? ''}`;
    throw new AgentError('OPMAS_INVALID_CONFIGURATION', message, { faults });
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    const fetched = await this.#ports.runtime.fetchConfig(signal);
    this.#refuseFailed(fetched.hash);
    const { hash, version } = this.#ports.configuration.config;
    if (fetched.hash !== hash || fetched.version !== version) await this.#take(fetched);
    else this.#confirm();
  }

  /** What runs is what is wanted. */
  #confirm(): void {
    const { configuration, announce } = this.#ports;
    if (configuration.confirm()) announce();
  }

  async #take({ config, version, hash }: FetchedConfig): Promise<void> {
    await this.#ports.update(config, { replace: true, version, hash });
  }
}

function isVerdict(error: unknown): boolean {
  return error instanceof AgentError && error.code === 'OPMAS_INVALID_CONFIGURATION';
}
