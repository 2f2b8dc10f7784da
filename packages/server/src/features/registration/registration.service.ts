/** From a judged package to an agent with an identity. */
import type { ConfigLayer, Manifest, Rule } from '@opmas/protocol';
import { OpmasError } from '../../kernel/errors.ts';
import type { Executor } from '../../platform/ports.ts';
import { type AgentRow, formerAgent, insertAgent, livingAgentByName } from '../agents/index.ts';
import { type AuditLog, SYSTEM } from '../audit/index.ts';
import { createEnrollment, type EnrollmentOptions } from './enrollment.service.ts';
import * as store from './registration.store.ts';

export interface ReadyPackage {
  path: string;
  folder: string;
  manifest: Manifest;
  digest: string;
  /** This version in the package store. */
  dir: string;
  entry: 'code' | 'rules';
  rules: Rule[];
  /** What its own configuration keys may be, as JSON Schema. */
  configSchema: Record<string, unknown> | undefined;
  approvedBy: string;
}

export interface RegistrationOptions extends EnrollmentOptions {
  audit: AuditLog;
  hostId: string;
}

export function createRegistrationService(options: RegistrationOptions) {
  const { audit, database, agents, configs, slots, broker, clock, ids } = options;

  async function create(db: Executor, pkg: ReadyPackage): Promise<string> {
    const { manifest } = pkg;
    const id = `${manifest.type}-${ids.uuid()}`;
    await insertAgent(db, {
      id,
      name: manifest.name,
      type: manifest.type,
      version: manifest.version,
      description: manifest.description,
      tags: manifest.tags,
      status: 'discovered',
      reason: `Found in ${pkg.folder}`,
      at: new Date(clock.now()),
    });
    await audit.record(db, {
      caller: SYSTEM,
      action: 'agents.discovered',
      object: id,
      outcome: 'ok',
      details: { package: pkg.folder, digest: pkg.digest, approved_by: pkg.approvedBy },
    });
    return id;
  }

  /** Defaults that come with the package: topics and rules. */
  function packageLayer(pkg: ReadyPackage): ConfigLayer {
    return {
      subscribed_topics: pkg.manifest.subscribed_topics,
      findings_topic: pkg.manifest.findings_topic,
      rules: pkg.rules,
    };
  }

  async function adopt(db: Executor, pkg: ReadyPackage, existing: AgentRow | undefined) {
    const { manifest } = pkg;
    if (existing !== undefined && existing.package_path === null) {
      throw new OpmasError(
        'OPMAS_AGENT_NAME_TAKEN',
        `An agent on another machine is called ${manifest.name}; remove it, or name the package otherwise`,
      );
    }
    const id = existing?.id ?? (await create(db, pkg));
    const isNew =
      existing === undefined || existing.status === 'discovered' || existing.status === 'removed';
    const changed = existing?.package_digest !== pkg.digest;
    const limits = manifest.resources;
    await agents.change(db, id, {
      ...(isNew
        ? {
            status: 'registered' as const,
            reason: 'Registered; waiting for its first start',
            desired: 'running' as const,
          }
        : {}),
      bump: existing !== undefined && (changed || existing.status === 'removed'),
      set: {
        version: manifest.version,
        // Later versions leave alone what people may have written since.
        ...(isNew ? { description: manifest.description, tags: manifest.tags } : {}),
        package_path: pkg.path,
        package_digest: pkg.digest,
        package_dir: pkg.dir,
        entry: pkg.entry,
        host_id: existing?.host_id ?? options.hostId,
        default_config: JSON.stringify(packageLayer(pkg)),
        config_schema: pkg.configSchema === undefined ? null : JSON.stringify(pkg.configSchema),
        limits: JSON.stringify({
          ...(limits.max_memory_bytes === undefined
            ? {}
            : { memory_bytes: limits.max_memory_bytes }),
          ...(limits.cpu_limit === undefined ? {} : { cpus: limits.cpu_limit }),
        }),
      },
    });
    const answer = await configs.refreshHash(db, id);
    return { id, changed, running: existing?.status === 'running', answer };
  }

  return {
    /**
     * Makes or updates the agent of an approved package; the same package again changes nothing.
     * Its consumers exist before it returns, so nothing published from then on is missed.
     */
    async packageReady(pkg: ReadyPackage): Promise<{ agent_id: string }> {
      const result = await database.transaction(async (tx) => {
        await store.lockName(tx, pkg.manifest.name);
        return adopt(
          tx,
          pkg,
          (await livingAgentByName(tx, pkg.manifest.name)) ??
            (await formerAgent(tx, pkg.manifest.name, pkg.path)),
        );
      });
      const { subscribed_topics: topics } = result.answer.config as { subscribed_topics: string[] };
      await broker.ensureConsumers(pkg.manifest.name, topics);
      options.onAgent(result.id);
      return { agent_id: result.id };
    },

    /** The package's folder is gone: its agent is stopped and marked. */
    async packageGone(agentId: string): Promise<void> {
      await database.transaction(async (tx) => {
        const agent = await agents.get(tx, agentId);
        if (agent.status === 'removed') return;
        await agents.change(tx, agentId, {
          status: 'removed',
          reason: 'Its package was removed from the agents directory',
          desired: 'stopped',
          bump: true,
          set: { pid: null, instance_id: null },
        });
        await slots.unregister(tx, agentId, 'its package was removed');
      });
      options.onAgent(agentId);
    },

    ...createEnrollment(options),
  };
}

export type RegistrationService = ReturnType<typeof createRegistrationService>;
