/**
 * What agents are told: for each its layers in order, merged and validated. Agents with the same layers
 * are worked out once, and documents are remembered by their content, so that ten thousand agents cost
 * little more than one.
 */
import type { ConfigLayer } from '@opmas/protocol';
import { OpmasError } from '../../kernel/errors.ts';
import type { Executor, Vault } from '../../platform/ports.ts';
import { boundedCache } from './bounded-cache.ts';
import { openSecrets } from './config-secrets.ts';
import * as store from './configs.store.ts';
import { packagesOf, type ReceiverRow, receivers } from './fleet.store.ts';
import {
  type Effective,
  type EffectiveResult,
  effectiveConfig,
  type NamedLayer,
} from './layers.ts';
import { configLimits } from './limits.ts';
import { type PackageSchema, packageSchema } from './package-schema.ts';
import {
  agentScope,
  environmentScope,
  FLEET,
  groupScope,
  labelOf,
  runtimeScope,
  type ScopeRef,
  scopeKey,
  secretOwner,
} from './scopes.ts';
import {
  type PlainSecret,
  revealStored,
  revealWritten,
  type StoredSecret,
  storedSecrets,
} from './secret-values.ts';
import { matchesSelector, parseSelector, type Selector } from './selector.ts';

/** A layer in plain text. */
export interface PlainLayer {
  plain: ConfigLayer;
  secrets: readonly PlainSecret[];
}

/** A layer as if it were in force already. */
export interface Overlay extends PlainLayer {
  ref: ScopeRef;
  /** Names the content. */
  hash: string;
}

export interface Told {
  result: EffectiveResult;
  layers: readonly NamedLayer[];
  /** Every secret of the layers, the highest layer last. */
  secrets: readonly PlainSecret[];
  /** What the agent's package says of its own keys. */
  schema: PackageSchema | undefined;
}

export interface ViewOptions {
  overlay?: Overlay | undefined;
  /** As if the agent saw the newest version of every scope, or of this one. */
  ignorePins?: boolean | ScopeRef;
}

/** A group as if it had been changed already. */
export interface Regrouped {
  name: string;
  selector: string;
  priority: number;
}

/** What some agents, or all, are told at one moment. */
export interface Stacks {
  receivers: readonly ReceiverRow[];
  /** Stored layers of the agent, the lowest first; never written ones left out. */
  headsOf(agent: ReceiverRow): store.HeadRow[];
  /** Does the scope reach the agent? */
  reaches(ref: ScopeRef, agent: ReceiverRow): boolean;
  isPinned(ref: ScopeRef, agent: ReceiverRow): boolean;
  /** @throws {OpmasError} OPMAS_SECRET_UNREADABLE */
  told(agent: ReceiverRow, options?: ViewOptions): Told;
}

interface StoredDocument {
  document: ConfigLayer;
  secrets: readonly StoredSecret[];
}

interface PackageContent extends PlainLayer {
  schema: PackageSchema | undefined;
}

/** How often agents are read whose packages change meanwhile; what was read once is remembered. */
const PACKAGE_READS = 10;

interface Group {
  ref: ScopeRef;
  selector: Selector;
}

export type LoadStacks = (
  db: Executor,
  agentIds: readonly string[] | 'all',
  regrouped?: Regrouped,
) => Promise<Stacks>;

export function createStacks(options: {
  vault: Vault;
  /** `OPMAS_ENV`. */
  environment: string;
  /** The layer of `OPMAS_AGENT_*`. */
  variables: PlainLayer;
}): LoadStacks {
  const { vault, variables } = options;
  const environment = environmentScope(options.environment);
  const documents = boundedCache<StoredDocument>(configLimits.cachedChars);
  const packages = boundedCache<PackageContent>(configLimits.cachedChars);
  const selectors = boundedCache<Selector>(configLimits.cachedSelectors);

  function selectorOf(text: string): Selector {
    const known = selectors.get(text);
    if (known !== undefined) return known;
    const selector = parseSelector(text);
    selectors.set(text, selector, 1);
    return selector;
  }

  async function documentsFor(
    db: Executor,
    heads: Iterable<store.HeadRow>,
  ): Promise<Map<string, StoredDocument>> {
    const found = new Map<string, StoredDocument>();
    const missing = new Map<string, store.HeadRow>();
    for (const head of heads) {
      if (head.hash === null || found.has(head.hash)) continue;
      const known = documents.get(head.hash);
      if (known === undefined) missing.set(head.hash, head);
      else found.set(head.hash, known);
    }
    if (missing.size === 0) return found;
    for (const { hash, text } of await store.documentsOf(db, [...missing.values()])) {
      const document = JSON.parse(text) as ConfigLayer;
      const entry = { document, secrets: storedSecrets(document) };
      found.set(hash, entry);
      documents.set(hash, entry, text.length);
    }
    return found;
  }

  async function packagesFor(
    db: Executor,
    agents: readonly ReceiverRow[],
  ): Promise<Map<string, PackageContent>> {
    const found = new Map<string, PackageContent>();
    const missing = new Map<string, string>();
    for (const { id, package_hash: hash } of agents) {
      if (found.has(hash) || missing.has(hash)) continue;
      const known = packages.get(hash);
      if (known === undefined) missing.set(hash, id);
      else found.set(hash, known);
    }
    if (missing.size === 0) return found;
    for (const row of await packagesOf(db, [...missing.values()])) {
      const document = JSON.parse(row.text) as ConfigLayer;
      const entry = {
        // Most packages have none, and thousands of large ones would be copied for nothing.
        ...(row.text.includes('"$secret"')
          ? revealWritten(document)
          : { plain: document, secrets: [] }),
        schema: row.config_schema === null ? undefined : packageSchema(row.config_schema),
      };
      found.set(row.package_hash, entry);
      packages.set(row.package_hash, entry, row.text.length);
    }
    return found;
  }

  /** Agents with what their packages say: one whose package changes in between is read again. */
  async function agentsWithPackages(
    db: Executor,
    agentIds: readonly string[] | 'all',
  ): Promise<{ agents: ReceiverRow[]; contents: Map<string, PackageContent> }> {
    for (let left = PACKAGE_READS; left > 0; left -= 1) {
      const agents = await receivers(db, agentIds);
      const contents = await packagesFor(db, agents);
      if (agents.every(({ package_hash: hash }) => contents.has(hash))) return { agents, contents };
    }
    throw new OpmasError(
      'OPMAS_CONFLICT',
      'Packages of agents change faster than their configurations can be read; try again',
    );
  }

  return async (db, agentIds, regrouped) => {
    const { agents, contents: packageContents } = await agentsWithPackages(db, agentIds);
    const heads = new Map<string, store.HeadRow>();
    const groups: (Group & { priority: number })[] = [];
    for (const head of await store.headsFor(db, environment.scope_id, agentIds)) {
      heads.set(scopeKey(head), head);
      if (head.scope === 'group' && head.selector !== null) {
        const { selector, priority } = head.scope_id === regrouped?.name ? regrouped : head;
        const ref = groupScope(head.scope_id);
        groups.push({ ref, selector: selectorOf(selector ?? ''), priority: priority ?? 0 });
      }
    }
    groups.sort((a, b) => a.priority - b.priority || (a.ref.scope_id < b.ref.scope_id ? -1 : 1));
    const pins = new Map<string, Map<string, store.HeadRow>>();
    const pinRows = await store.pinsFor(db, agentIds);
    for (const pin of pinRows) {
      let ofAgent = pins.get(pin.agent_id);
      if (ofAgent === undefined) {
        ofAgent = new Map();
        pins.set(pin.agent_id, ofAgent);
      }
      ofAgent.set(scopeKey(pin), pin);
    }
    const contents = await documentsFor(db, [...heads.values(), ...pinRows]);
    const wanted = [...heads.values(), ...pinRows].flatMap((head) =>
      (contents.get(head.hash ?? '')?.secrets ?? []).map((secret) => ({
        owner: secretOwner(head),
        id: secret.id,
      })),
    );
    const sealed = new Map(
      (await store.secretsOf(db, wanted)).map((row) => [`${row.owner}/${row.secret_id}`, row]),
    );

    const plainLayers = new Map<string, PlainLayer>();
    function plainOf(head: store.HeadRow & { hash: string }): PlainLayer {
      const known = plainLayers.get(head.hash);
      if (known !== undefined) return known;
      const content = contents.get(head.hash);
      if (content === undefined) throw new Error(`no document of ${scopeKey(head)}`);
      const owner = secretOwner(head);
      const plain =
        content.secrets.length === 0
          ? { plain: content.document, secrets: [] }
          : revealStored(
              content.document,
              openSecrets(vault, owner, content.secrets, (id) => sealed.get(`${owner}/${id}`)),
            );
      plainLayers.set(head.hash, plain);
      return plain;
    }

    const refs = new Map<ReceiverRow, readonly ScopeRef[]>();
    function refsOf(agent: ReceiverRow): readonly ScopeRef[] {
      const known = refs.get(agent);
      if (known !== undefined) return known;
      const ofAgent = [
        environment,
        FLEET,
        ...groups.filter(({ selector }) => matchesSelector(selector, agent)).map(({ ref }) => ref),
        agentScope(agent.id),
        runtimeScope(agent.id),
      ];
      refs.set(agent, ofAgent);
      return ofAgent;
    }

    function headOf(agent: ReceiverRow, key: string, ignorePins = false) {
      const pin = ignorePins ? undefined : pins.get(agent.id)?.get(key);
      return pin ?? heads.get(key);
    }

    const worked = new Map<string, Told>();
    function told(agent: ReceiverRow, { overlay, ignorePins = false }: ViewOptions = {}): Told {
      const overlaid = overlay === undefined ? undefined : scopeKey(overlay.ref);
      const unpinned = typeof ignorePins === 'object' ? scopeKey(ignorePins) : undefined;
      const stored: { label: string; hash: string; layer: () => PlainLayer }[] = [];
      let belowPackage = 0;
      for (const ref of refsOf(agent)) {
        const key = scopeKey(ref);
        const isIgnored = ignorePins === true || key === unpinned;
        const isPinned = !isIgnored && pins.get(agent.id)?.has(key) === true;
        if (overlay !== undefined && key === overlaid && !isPinned) {
          stored.push({ label: labelOf(ref), hash: overlay.hash, layer: () => overlay });
        } else {
          const head = headOf(agent, key, isIgnored);
          const hash = head?.hash;
          if (head === undefined || hash === undefined || hash === null) continue;
          stored.push({ label: labelOf(ref), hash, layer: () => plainOf({ ...head, hash }) });
        }
        if (ref === environment) belowPackage = stored.length;
      }
      const key = `${agent.package_hash} ${stored.map(({ label, hash }) => `${label}=${hash}`).join(' ')}`;
      const known = worked.get(key);
      if (known !== undefined) return known;
      const pkg = packageContents.get(agent.package_hash);
      const layers: (PlainLayer & { label: string })[] = stored.map(({ label, layer }) => ({
        ...layer(),
        label,
      }));
      layers.splice(
        belowPackage,
        0,
        { label: 'package', plain: pkg?.plain ?? {}, secrets: pkg?.secrets ?? [] },
        { label: 'environment', plain: variables.plain, secrets: variables.secrets },
      );
      const answer: Told = {
        result: effectiveConfig(
          layers.map(({ plain }) => plain),
          pkg?.schema,
        ),
        layers: layers.map(({ label, plain }) => ({ label, document: plain })),
        secrets: layers.flatMap(({ secrets }) => secrets),
        schema: pkg?.schema,
      };
      worked.set(key, answer);
      return answer;
    }

    return {
      receivers: agents,
      told,
      headsOf: (agent) =>
        refsOf(agent).flatMap((ref) => {
          const head = headOf(agent, scopeKey(ref));
          return head === undefined || head.hash === null ? [] : [head];
        }),
      reaches: (ref, agent) => {
        const key = scopeKey(ref);
        return refsOf(agent).some((each) => scopeKey(each) === key);
      },
      isPinned: (ref, agent) => pins.get(agent.id)?.has(scopeKey(ref)) === true,
    };
  };
}

/** What an agent is told. @throws {OpmasError} OPMAS_INVALID_CONFIGURATION */
export function effectiveOf({ result }: Told): Effective {
  if (result.ok) return result.value;
  const { path = '', message = '' } = result.errors[0] ?? {};
  throw new OpmasError(
    'OPMAS_INVALID_CONFIGURATION',
    `The configuration would not be valid: ${path} ${message}`,
    { errors: result.errors },
  );
}
