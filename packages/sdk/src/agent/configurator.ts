/** An agent's configuration as a whole: where it comes from, how it changes, what is kept of it, on trial or proven. */
import type { AgentConfig, ConfigLayer, Fault } from '@opmas/protocol';
import { messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { AgentRuntime } from '../runtime/runtime.ts';
import { ConfigChanges } from './config-changes.ts';
import { ConfigLedger } from './config-ledger.ts';
import { ConfigSource, type Offer } from './config-source.ts';
import { ConfigTrial } from './config-trial.ts';
import type { ConfigOrigin, Configuration } from './configuration.ts';

export interface ConfiguratorPorts {
  runtime: AgentRuntime;
  configuration: Configuration;
  logger(): Logger;
  isRunning(): boolean;
  /** The author's demands and those of every agent, on a whole document. */
  validate(document: Record<string, unknown>): readonly Fault[];
  /** An author may have put something before `apply`. */
  update(config: ConfigLayer, origin: ConfigOrigin): Promise<void>;
  /** The configuration in force is about to give way to another. */
  ending(): void;
  /** Makes what runs follow the configuration in force. */
  follow(before: AgentConfig, now: AgentConfig): Promise<void>;
  /** The author's own part of a change. */
  changed(): Promise<void>;
  onError(error: unknown): Promise<void>;
  announce(): void;
}

export class Configurator {
  readonly #ports: ConfiguratorPorts;
  readonly #ledger: ConfigLedger;
  readonly #trial: ConfigTrial;
  readonly #changes: ConfigChanges;
  readonly #source: ConfigSource;

  constructor(ports: ConfiguratorPorts) {
    const { runtime, configuration } = ports;
    const { clock } = runtime;
    this.#ports = ports;
    this.#ledger = new ConfigLedger(runtime);
    this.#trial = new ConfigTrial(clock, (hash) => this.#proven(hash));
    this.#changes = new ConfigChanges({
      clock,
      configuration,
      ledger: this.#ledger,
      trial: this.#trial,
      isRunning: () => ports.isRunning(),
      validate: (document) => ports.validate(document),
      renewAccess: () => runtime.renewAccess(),
      ending: () => ports.ending(),
      follow: (before, now) => ports.follow(before, now),
      changed: () => ports.changed(),
      onError: (error) => ports.onError(error),
      announce: () => ports.announce(),
    });
    this.#source = new ConfigSource({
      runtime,
      logger: () => ports.logger(),
      ledger: this.#ledger,
      configuration,
      update: (config, origin) => ports.update(config, origin),
      announce: () => ports.announce(),
    });
  }

  /** The first one, kept or fetched; waits for a server that is away. */
  first(signal: AbortSignal): Promise<void> {
    return this.#source.first(signal);
  }

  /** Judged whole, then in force whole or not at all. @throws {AgentError} see ConfigChanges */
  apply(document: ConfigLayer, origin: ConfigOrigin): Promise<void> {
    return this.#changes.apply(document, origin);
  }

  /** What a control message offers; given up at its deadline (epoch ms). */
  offered(offer: Offer, deadline: number | undefined, signal: AbortSignal): Promise<void> {
    if (deadline === undefined) return this.#source.offered(offer, signal);
    const left = Math.max(0, deadline - this.#ports.runtime.clock.now());
    return this.#source.offered(offer, AbortSignal.any([signal, AbortSignal.timeout(left)]));
  }

  /** Something went wrong with the configuration in force. */
  failed(): void {
    this.#trial.failed();
  }

  /** Events were processed with the configuration in force. */
  succeeded(): void {
    this.#trial.succeeded();
  }

  /** Nothing that happens from now on says anything of the configuration. */
  stopTrial(): void {
    this.#trial.end();
  }

  /** An end that somebody wanted is no sign against a configuration on trial. */
  async endInOrder(): Promise<void> {
    try {
      await this.#ledger.ended();
    } catch (error) {
      this.#ports.logger().error('the end in order cannot be kept', { error: messageOf(error) });
    }
  }

  /** What the agent would go back to. */
  get healthy(): { hash: string; version: number } | null {
    return this.#ledger.healthy;
  }

  #proven(hash: string): void {
    const told = this.#ledger.proven(hash).then(() => this.#ports.announce());
    told.catch((error: unknown) => {
      const context = { error: messageOf(error) };
      this.#ports.logger().error('a proven configuration cannot be kept', context);
    });
  }
}
