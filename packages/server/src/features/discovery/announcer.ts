/** Tells registration of approved packages and of folders that are gone, until it has heard. */
import { OpmasError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { PackageRow, PackageStore, PackagesService } from '../packages/index.ts';
import type { DiscoveryEvents, ReadyPackage } from './discovery.ts';
import { readContent } from './judge.ts';

export interface Announcer {
  /** Tells of an approved package once a start, and whenever its agent is not known (any more). */
  announce(row: PackageRow): Promise<void>;
  /** Tells that the folder is gone; its row follows once that was heard. */
  remove(path: string): Promise<void>;
}

export function createAnnouncer(options: {
  packages: PackagesService;
  store: PackageStore;
  events: DiscoveryEvents;
  logger: Logger;
}): Announcer {
  const { packages, store, events, logger } = options;
  /** The digest that registration was last told of, by path. */
  const announced = new Map<string, string>();
  /** Lost copies that were complained of, by path. */
  const lost = new Map<string, string>();

  async function readyPackage(row: PackageRow): Promise<ReadyPackage | undefined> {
    const { path, folder, approved_digest: digest } = row;
    if (digest === null) return undefined;
    const dir = store.dirOf(folder, digest);
    const whole = await store.verify(folder, digest);
    const content = whole ? await readContent(dir, folder) : undefined;
    if (content === undefined) {
      if (lost.get(path) !== digest) {
        logger.error(
          { folder, digest },
          'the approved copy is lost or altered; approve the package again',
        );
      }
      lost.set(path, digest);
      return undefined;
    }
    lost.delete(path);
    const { manifest, entry, rules, configSchema } = content;
    const approvedBy = row.approved_by ?? 'earlier';
    return { path, folder, manifest, digest, dir, entry, rules, configSchema, approvedBy };
  }

  /** @returns the agent's id; undefined when there is nothing to register, or no longer */
  async function register(row: PackageRow): Promise<string | undefined> {
    const ready = await readyPackage(row);
    if (ready === undefined) return undefined;
    const { agent_id } = await events.packageReady(ready);
    // The new version has another name: it is another agent.
    if (row.agent_id !== null && row.agent_id !== agent_id) await events.packageGone(row.agent_id);
    const outcome = await packages.markRegistered(row.path, ready.digest, agent_id);
    if (outcome === 'withdrawn') await events.packageGone(agent_id);
    if (outcome !== 'registered') return undefined;
    announced.set(row.path, ready.digest);
    await store.prune(row.folder, new Set([ready.digest, row.digest ?? ready.digest]));
    return agent_id;
  }

  /** An agent may exist although its id was never written down: registering again gives it. */
  async function registeredAnyway(row: PackageRow): Promise<string | null> {
    try {
      return (await register(row)) ?? null;
    } catch (error) {
      if (isRefusal(error)) return null;
      throw error;
    }
  }

  return {
    announce: async (row) => {
      if (row.approved_digest === null) announced.delete(row.path);
      else if (row.agent_id === null || announced.get(row.path) !== row.approved_digest) {
        try {
          await register(row);
        } catch (error) {
          if (isRefusal(error)) {
            const fault = { code: 'registration_refused', message: error.message };
            await packages.markRefused(row.path, fault);
          }
          throw error;
        }
      }
    },
    remove: async (path) => {
      const rows = await packages.all();
      const row = rows.find((one) => one.path === path && one.present);
      announced.delete(path);
      if (row === undefined) return;
      const agentId = row.agent_id ?? (await registeredAnyway(row));
      const moved =
        agentId !== null &&
        rows.some((other) => other.path !== path && other.present && other.agent_id === agentId);
      if (agentId !== null && !moved) await events.packageGone(agentId);
      await packages.markGone(path, { moved });
      announced.delete(path);
      lost.delete(path);
      logger.info({ path, moved }, 'package gone');
    },
  };
}

/** An answer that a person must act on, not a fault of the moment. */
function isRefusal(error: unknown): error is OpmasError {
  return error instanceof OpmasError && error.status < 500;
}
