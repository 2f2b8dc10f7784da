/** Changes of the configuration, one after another: each judged whole, then in force whole or not at all. */
import type { AgentConfig, ConfigLayer, Fault } from '@opmas/protocol';
import { type Clock, within } from '../clock.ts';
import { AgentError, faultsIn, messageOf } from '../errors.ts';
import { limits } from '../limits.ts';
import { tooLong } from '../work/worker.ts';
import type { ConfigLedger } from './config-ledger.ts';
import type { ConfigTrial } from './config-trial.ts';
import type { Candidate, ConfigOrigin, Configuration } from './configuration.ts';

export interface ConfigChangePorts {
  clock: Clock;
  configuration: Configuration;
  ledger: ConfigLedger;
  trial: ConfigTrial;
  /** Before the first configuration nothing is read and nothing to be taken back. */
  isRunning(): boolean;
  validate(document: Record<string, unknown>): readonly Fault[];
  /** Fresh credentials, with the rights the server gives now. */
  renewAccess(): Promise<void>;
  /** The one in force is about to give way: what is said of it from now on may be taken for the next one's. */
  ending(): void;
  /** Makes what runs follow the configuration in force; `before` is the one it followed. */
  follow(before: AgentConfig, now: AgentConfig): Promise<void>;
  /** The author's own part of a change. */
  changed(): Promise<void>;
  onError(error: unknown): Promise<void>;
  announce(): void;
}

export class ConfigChanges {
  readonly #ports: ConfigChangePorts;
  #last: Promise<void> = Promise.resolve();

  constructor(ports: ConfigChangePorts) {
    this.#ports = ports;
  }

  /**
   * @throws {AgentError} OPMAS_INVALID_CONFIGURATION with every fault; OPMAS_API_UNREACHABLE when it needs
   * credentials that cannot be had now. The old one is in force then.
   */
  apply(document: ConfigLayer, origin: ConfigOrigin): Promise<void> {
    const turn = this.#last.then(async () => {
      try {
        await this.#apply(document, origin);
      } finally {
        this.#ports.announce();
      }
    });
    // Whoever comes next waits for the end of this one, not for its success.
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #apply(document: ConfigLayer, origin: ConfigOrigin): Promise<void> {
    const { configuration, trial } = this.#ports;
    const candidate = await configuration.propose(document, origin, (d) => this.#ports.validate(d));
    const before = configuration.inForce;
    const wasAdopted = configuration.adopted;
    await this.#provide(before.config.value, candidate.config.value);
    await this.#keep(candidate);
    if (this.#ports.isRunning()) this.#ports.ending();
    configuration.adopt(candidate);
    try {
      await this.#follow(before, candidate);
    } catch (error) {
      // The first one has nothing before it: the agent lives with what it can do of it.
      if (!wasAdopted) await this.#ports.onError(error);
      else await this.#takeBack(candidate, before, error);
    }
    configuration.followedToTheEnd();
    if (before.config.hash !== candidate.config.hash || !wasAdopted) {
      trial.begin(candidate.config.hash);
    }
  }

  /** @throws whatever keeps the agent from following, a time that is over among it */
  async #follow(before: Candidate, now: Candidate): Promise<void> {
    const seconds = limits.followMs / 1_000;
    const late = () =>
      new AgentError('OPMAS_TIMEOUT', `following it took longer than ${seconds} s (configChanged)`);
    const followed = async () => {
      await this.#ports.follow(before.config.value, now.config.value);
      await this.#ports.changed();
    };
    await within(this.#ports.clock, limits.followMs, followed(), late);
  }

  /** The rights to read and write other topics, before anything depends on them. */
  async #provide(before: AgentConfig, now: AgentConfig): Promise<void> {
    const same =
      before.findings_topic === now.findings_topic &&
      JSON.stringify(before.subscribed_topics) === JSON.stringify(now.subscribed_topics);
    if (same || !this.#ports.isRunning()) return;
    const { clock } = this.#ports;
    try {
      const renewed = this.#ports.renewAccess();
      await within(clock, limits.renewWaitMs, renewed, () => tooLong(limits.renewWaitMs / 1000));
    } catch (error) {
      throw new AgentError(
        'OPMAS_API_UNREACHABLE',
        `no credentials for the changed topics: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  async #keep({ config, given }: Candidate): Promise<void> {
    const kept = { version: config.version ?? 0, hash: config.hash, config: given };
    try {
      await this.#ports.ledger.accept(kept);
    } catch (error) {
      throw new AgentError(
        'OPMAS_SYSTEM_ERROR',
        `the configuration cannot be kept: ${messageOf(error)}`,
        { cause: error },
      );
    }
  }

  /** The agent could not follow it: the one before is in force again. */
  async #takeBack(candidate: Candidate, before: Candidate, cause: unknown): Promise<never> {
    const { configuration, ledger } = this.#ports;
    const message = `the agent could not follow it: ${messageOf(cause)}`;
    const faults = faultsIn(new AgentError('OPMAS_INVALID_CONFIGURATION', message));
    configuration.adopt(before);
    configuration.refuse(candidate.config.hash, faults);
    const kept = { version: before.config.version ?? 0, hash: before.config.hash };
    await this.#whateverComes(async () => {
      // What runs is never given up for a second try of itself.
      if (candidate.config.hash !== kept.hash) await ledger.fail(candidate.config.hash, faults);
      await ledger.accept({ ...kept, config: before.given });
    });
    await this.#whateverComes(() => this.#follow(candidate, before));
    throw new AgentError('OPMAS_INVALID_CONFIGURATION', message, { cause, faults });
  }

  /** A step on the way back: the next one is made in any case. */
  async #whateverComes(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      await this.#ports.onError(error);
    }
  }
}
