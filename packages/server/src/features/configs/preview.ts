/** What a write would do, without doing it. */
import type { ConfigLayer } from '@opmas/protocol';
import { OpmasError } from '../../kernel/errors.ts';
import type { Executor } from '../../platform/ports.ts';
import type { AffectedAgent, Validation } from './config.ts';
import { headOf } from './configs.store.ts';
import { diffConfigs, diffStored, needsProvisioning, needsRestart } from './diff.ts';
import type { StorableDocument } from './documents.ts';
import type { NewConfig, ReceiverRow } from './fleet.store.ts';
import { attempt, distinct, faultsByAgent, judgeChange } from './judge.ts';
import { configLimits } from './limits.ts';
import type { Publisher } from './publisher.ts';
import { isOfOneAgent, type ScopeRef } from './scopes.ts';
import type { LoadStacks, Overlay, Stacks, Told } from './stacks.ts';

/** Never refuses a document: it says what is wrong. */
export async function previewChange(
  db: Executor,
  ref: ScopeRef,
  document: ConfigLayer,
  tools: Pick<Publisher, 'accept' | 'overlayOf' | 'inForce' | 'refuseBadRules'> & {
    load: LoadStacks;
  },
): Promise<Validation> {
  const { accept, refuseBadRules } = tools;
  return previewStored(
    db,
    ref,
    async (current) => {
      const accepted = accept(ref, document, current);
      await refuseBadRules(document);
      return accepted;
    },
    tools,
  );
}

/**
 * The same of a document in its stored form.
 * @param make it of the one in force; what it refuses as invalid is told, and nothing else then
 */
export async function previewStored(
  db: Executor,
  ref: ScopeRef,
  make: (current: ConfigLayer) => Promise<StorableDocument>,
  { overlayOf, inForce, load }: Pick<Publisher, 'overlayOf' | 'inForce'> & { load: LoadStacks },
): Promise<Validation> {
  const head = await headOf(db, ref);
  const current = head?.document ?? {};
  const answer: Validation = {
    valid: false,
    errors: [],
    version: head?.version ?? 0,
    diff: { changes: [], more: 0 },
    affected: [],
    counts: { reached: 0, changed: 0, restart: 0, reprovision: 0, invalid: 0 },
  };
  let wanted: StorableDocument;
  try {
    wanted = await make(current);
  } catch (error) {
    if (!(error instanceof OpmasError) || error.code !== 'OPMAS_INVALID_CONFIGURATION') {
      throw error;
    }
    return { ...answer, errors: [...error.errors] };
  }
  const overlay = await overlayOf(db, ref, wanted);
  const stacks = await load(db, isOfOneAgent(ref) ? [ref.scope_id] : 'all');
  const former = await inForce(db, ref, current);
  const { reached, changed, invalid: refused } = judgeChange(stacks, overlay, former);
  const all = isOfOneAgent(ref)
    ? distinct([
        ...reached.flatMap((agent) => {
          const { result } = stacks.told(agent, { overlay });
          return result.ok ? [] : result.errors;
        }),
        ...refused.flatMap(({ errors }) => errors),
      ])
    : faultsByAgent(refused);
  const affected = affectedAgents(stacks, overlay, changed);
  const { counts } = answer;
  counts.reached = reached.length;
  counts.changed = changed.length;
  counts.invalid = refused.filter(({ agent }) => agent !== undefined).length;
  counts.restart = affected.filter(({ restart }) => restart).length;
  counts.reprovision = affected.filter(({ reprovision }) => reprovision).length;
  return {
    ...answer,
    valid: all.length === 0,
    errors: all,
    diff: diffStored(current, wanted.stored),
    affected: affected.slice(0, configLimits.affectedAgents),
  };
}

/** Of every agent that changes: what, and what that asks of it. */
function affectedAgents(
  stacks: Stacks,
  overlay: Overlay,
  changed: readonly NewConfig[],
): AffectedAgent[] {
  const byId = new Map(stacks.receivers.map((agent) => [agent.id, agent]));
  const known = new Map<Told, Map<Told | undefined, Asked>>();
  return changed.map(({ id, name }) => {
    const agent = byId.get(id) as ReceiverRow;
    const before = attempt(stacks, agent);
    const after = stacks.told(agent, { overlay });
    // Agents with the same layers have the same difference.
    let ofAfter = known.get(after);
    if (ofAfter === undefined) {
      ofAfter = new Map();
      known.set(after, ofAfter);
    }
    let asked = ofAfter.get(before);
    if (asked === undefined) {
      asked = askedOf(before, after);
      ofAfter.set(before, asked);
    }
    return { agent_id: id, name, ...asked };
  });
}

type Asked = Omit<AffectedAgent, 'agent_id' | 'name'>;

/** What it asks is judged by every change, also by those that are only counted. */
function askedOf(before: Told | undefined, after: Told): Asked {
  const { changes } = diffConfigs(readable(before), readable(after), Number.POSITIVE_INFINITY);
  const shown = changes.slice(0, configLimits.affectedChanges);
  return {
    changes: shown,
    more: changes.length - shown.length,
    restart: needsRestart(changes),
    reprovision: needsProvisioning(changes),
  };
}

function readable(told: Told | undefined) {
  return told?.result.ok === true
    ? { config: told.result.value.config as ConfigLayer, secrets: told.secrets }
    : { config: {}, secrets: [] };
}
