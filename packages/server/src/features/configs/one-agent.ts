/** One agent's configuration: its layers, and how it is answered. */
import { OpmasError } from '../../kernel/errors.ts';
import type { Executor } from '../../platform/ports.ts';
import type { ConfigAnswer } from './config.ts';
import type { ReceiverRow } from './fleet.store.ts';
import { maskSecrets } from './secret-values.ts';
import { effectiveOf, type LoadStacks, type Stacks, type Told } from './stacks.ts';

/** @throws {OpmasError} OPMAS_AGENT_NOT_FOUND */
export async function loadOne(
  load: LoadStacks,
  db: Executor,
  agentId: string,
): Promise<{ stacks: Stacks; agent: ReceiverRow }> {
  const stacks = await load(db, [agentId]);
  const [agent] = stacks.receivers;
  if (agent === undefined) throw new OpmasError('OPMAS_AGENT_NOT_FOUND', `No agent ${agentId}`);
  return { stacks, agent };
}

/** Secrets are masked, but for the agent itself. @throws {OpmasError} OPMAS_INVALID_CONFIGURATION */
export function answerOf(agent: ReceiverRow, told: Told, { asAgent = false } = {}): ConfigAnswer {
  const { config, hash } = effectiveOf(told);
  return {
    agent_id: agent.id,
    version: agent.config_version,
    hash,
    config: asAgent ? config : maskSecrets(config, told.secrets),
  };
}
