/** Where the agent's configuration comes from: its cache first, the server always. */
import type { ConfigLayer } from '@opmas/protocol';
import { messageOf } from '../errors.ts';
import type { Logger } from '../logger.ts';
import type { AgentRuntime, FetchedConfig } from '../runtime/runtime.ts';
import type { ConfigOrigin } from './configuration.ts';
import { fetchPatiently } from './fetching.ts';

export interface ConfigSourcePorts {
  runtime: AgentRuntime;
  logger(): Logger;
  /** What runs now. */
  running(): { hash: string; version: number | undefined };
  /** Rejects for a configuration that is refused. */
  update(config: ConfigLayer, origin: ConfigOrigin): Promise<void>;
}

export class ConfigSource {
  readonly #ports: ConfigSourcePorts;

  constructor(ports: ConfigSourcePorts) {
    this.#ports = ports;
  }

  /**
   * The first configuration. With a good cached one the agent works at once and the server is asked
   * meanwhile; else this waits for the server.
   */
  async first(signal: AbortSignal): Promise<void> {
    const { runtime, logger } = this.#ports;
    if (await this.#fromCache()) void this.#refreshLater(signal);
    else await this.#take(await fetchPatiently(runtime, logger(), signal));
  }

  /** Asks the server once and applies what differs. */
  async refresh(signal: AbortSignal): Promise<void> {
    await this.#applyChange(await this.#ports.runtime.fetchConfig(signal));
  }

  async #fromCache(): Promise<boolean> {
    const cached = await this.#ports.runtime.cachedConfig();
    if (cached === undefined) return false;
    try {
      await this.#take(cached);
      return true;
    } catch (error) {
      const context = { error: messageOf(error) };
      this.#ports.logger().warning('the cached configuration is not used', context);
      return false;
    }
  }

  async #refreshLater(signal: AbortSignal): Promise<void> {
    const { runtime, logger } = this.#ports;
    try {
      await this.#applyChange(await fetchPatiently(runtime, logger(), signal));
    } catch (error) {
      if (signal.aborted) return;
      logger().error('the server’s configuration is not applied', { error: messageOf(error) });
    }
  }

  async #applyChange(fetched: FetchedConfig): Promise<void> {
    const { hash, version } = this.#ports.running();
    if (fetched.hash !== hash || fetched.version !== version) await this.#take(fetched);
  }

  async #take({ config, version, hash }: FetchedConfig): Promise<void> {
    await this.#ports.update(config, { replace: true, version, hash });
  }
}
