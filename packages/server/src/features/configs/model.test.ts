/**
 * Configurations against a plain model, in random order: writers with and without If-Match, at once and
 * one after the other, rollbacks, drafts, labels, groups and pins. Versions of a layer grow one by one, no write
 * is lost, and what an agent is told, and its hash, are what the model says.
 */
import { CONFIG_DEFAULTS, type ConfigLayer, mergeLayers } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OpmasError } from '../../kernel/errors.ts';
import { sql } from '../../kernel/sql.ts';
import { configHash } from './layers.ts';
import { rebaseDocument } from './rebase.ts';
import {
  agentScope,
  type DraftRef,
  environmentScope,
  FLEET,
  groupScope,
  isOfOneAgent,
  runtimeScope,
  type ScopeRef,
  scopeKey,
} from './scopes.ts';
import { matchesSelector, parseSelector } from './selector.ts';
import { type ConfigBench, configBench } from './testing.ts';

let bench: ConfigBench;
beforeAll(async () => {
  bench = await configBench();
});
afterAll(() => bench.stop());

const TAGS = [[], ['site=a'], ['site=b'], ['site=a', 'old']];
const SELECTORS = ['site=a', 'site in (a, b)', 'tag!=old', 'type=model', 'site=b, tag!=old'];
const GROUPS = ['one', 'two'];

interface Model {
  tags: Map<string, readonly string[]>;
  groups: Map<string, { selector: string; priority: number }>;
  /** Documents by scope; the version is the place, from 1. */
  versions: Map<string, ConfigLayer[]>;
  pins: Map<string, Map<string, number>>;
  /** By id. */
  drafts: Map<string, { ref: DraftRef; base: number; document: ConfigLayer }>;
}
interface Real {
  ids: string[];
}

const atVersion = (model: Model, key: string, version: number) =>
  version === 0 ? {} : (model.versions.get(key)?.[version - 1] ?? {});
const headOf = (model: Model, key: string) => model.versions.get(key)?.length ?? 0;

function scopesOf(model: Model, id: string): ScopeRef[] {
  const agent = { id, name: id.replace('-', '_'), type: 'model', tags: model.tags.get(id) ?? [] };
  const groups = [...model.groups]
    .filter(([, { selector }]) => matchesSelector(parseSelector(selector), agent))
    .sort(([a, x], [b, y]) => x.priority - y.priority || (a < b ? -1 : 1))
    .map(([name]) => groupScope(name));
  return [environmentScope('testing'), FLEET, ...groups, agentScope(id), runtimeScope(id)];
}

function told(model: Model, id: string, ignorePins = false): ConfigLayer {
  const layers = scopesOf(model, id).map((ref) => {
    const key = scopeKey(ref);
    const pinned = ignorePins ? undefined : model.pins.get(id)?.get(key);
    return atVersion(model, key, pinned ?? headOf(model, key));
  });
  const [environment = {}, ...others] = layers;
  const variables = { nats: { url: 'nats://broker:4222' } };
  const defaults = CONFIG_DEFAULTS as unknown as ConfigLayer;
  return mergeLayers(defaults, environment, variables, ...others);
}

/** Agents at even places know their own keys, and how large they may be. */
const SCHEMA = {
  type: 'object',
  properties: {
    own: {
      type: 'object',
      properties: { a: { type: 'integer', maximum: 1 }, b: { type: 'integer' } },
      additionalProperties: true,
    },
  },
};
const isStrict = (id: string) => Number(id.split('-').at(-1)) % 2 === 0;

/** Of a whole, or of what one layer says. */
function isValid(config: ConfigLayer, id?: string): boolean {
  const { batch_size: size = 1 } = (config['processing'] ?? {}) as { batch_size?: number };
  const { a = 0 } = (config['own'] ?? {}) as { a?: number };
  return size <= 1_000 && (id === undefined || !isStrict(id) || a <= 1);
}

const ownOf = (config: ConfigLayer) => (config['own'] as { a?: number } | undefined)?.a;

function copyOf(model: Model): Model {
  return {
    tags: new Map(model.tags),
    groups: new Map(model.groups),
    versions: new Map([...model.versions].map(([key, list]) => [key, [...list]])),
    pins: new Map([...model.pins].map(([id, pins]) => [id, new Map(pins)])),
    drafts: new Map(model.drafts),
  };
}

function addVersion(model: Model, ref: ScopeRef, document: ConfigLayer): void {
  const key = scopeKey(ref);
  model.versions.set(key, [...(model.versions.get(key) ?? []), document]);
}

/** Would the write make an agent invalid that is reached by it, now or when it is released? */
function isRefused(model: Model, ids: readonly string[], ref: ScopeRef, doc: ConfigLayer): boolean {
  const after = copyOf(model);
  addVersion(after, ref, doc);
  const key = scopeKey(ref);
  const before = atVersion(model, key, headOf(model, key));
  if (!isValid(doc)) return true;
  return ids.some((id) => {
    if (!scopesOf(after, id).some((each) => scopeKey(each) === key)) return false;
    // Wrong by itself, also where another layer hides it; what stays as it was stops nothing.
    if (!isValid(doc, id) && ownOf(doc) !== ownOf(before)) return true;
    const isPinned = after.pins.get(id)?.has(key) === true;
    return !isValid(told(after, id), id) || (isPinned && !isValid(told(after, id, true), id));
  });
}

/** Whom does the group take in, to whom its layer says something wrong? */
function joinsWrongly(before: Model, after: Model, ids: readonly string[], name: string): boolean {
  const key = scopeKey(groupScope(name));
  const isIn = (model: Model, id: string) =>
    scopesOf(model, id).some((each) => scopeKey(each) === key);
  return ids.some((id) => {
    const version = after.pins.get(id)?.get(key) ?? headOf(after, key);
    return isIn(after, id) && !isIn(before, id) && !isValid(atVersion(after, key, version), id);
  });
}

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return 'ok';
  } catch (error) {
    if (error instanceof OpmasError) return error.code;
    throw error;
  }
};
const inTx = <T>(work: Parameters<ConfigBench['database']['transaction']>[0]) =>
  bench.database.transaction(work) as Promise<T>;
const replace = (ref: ScopeRef, document: ConfigLayer, ifMatch?: number) =>
  inTx<{ layer: { version: number } }>((tx) =>
    bench.configs.replace(tx, ref, { document, author: 'model', ifMatch }),
  );

/** Everything the server says is what the model says. */
async function compare(model: Model, { ids }: Real): Promise<void> {
  const { pool } = bench.database;
  const rows = await pool.selectFrom('agents').select(['id', 'config_hash']).execute();
  const hashes = new Map(rows.map((row) => [row.id, row.config_hash]));
  for (const id of ids) {
    const expected = told(model, id);
    const answer = await bench.configs.effective(pool, id, { origins: true });
    expect(answer.config).toEqual(expected);
    expect(answer.version).toBe(headOf(model, scopeKey(agentScope(id))));
    expect([id, hashes.get(id), answer.hash]).toEqual([id, configHash(expected), answer.hash]);
    expect(hashes.get(id)).toBe(answer.hash);
  }
  const layers = await pool
    .selectFrom('config_layers')
    .select(['scope', 'scope_id', 'version', 'document'])
    .orderBy('version')
    .execute();
  const stored = new Map<string, ConfigLayer[]>();
  for (const { version, document, ...ref } of layers) {
    const list = stored.get(scopeKey(ref as ScopeRef)) ?? [];
    expect(version).toBe(list.length + 1);
    stored.set(scopeKey(ref as ScopeRef), [...list, document]);
  }
  expect(Object.fromEntries(stored)).toEqual(
    Object.fromEntries([...model.versions].filter(([, list]) => list.length > 0)),
  );
}

async function compareDrafts(model: Model): Promise<void> {
  const rows = await bench.database.pool
    .selectFrom('config_drafts')
    .select(['draft_id', 'base_version', 'document'])
    .execute();
  const stored = rows.map(({ draft_id, base_version: base, document: doc }) => [
    draft_id,
    { base, document: doc },
  ]);
  const expected = [...model.drafts].map(([id, { base, document: doc }]) => [
    id,
    { base, document: doc },
  ]);
  expect(Object.fromEntries(stored)).toEqual(Object.fromEntries(expected));
}

type Command = fc.AsyncCommand<Model, Real>;

/** A step that names itself in a failure, and is followed by a look at everything. */
function step(
  name: string,
  check: (model: Readonly<Model>) => boolean,
  run: (model: Model, real: Real) => Promise<void>,
): Command {
  return {
    check,
    run: async (model, real) => {
      await run(model, real);
      await compare(model, real);
      await compareDrafts(model);
    },
    toString: () => name,
  };
}

/** A scope by two numbers, whatever agents there are. */
const pickRef = ([kind, at]: readonly [number, number], ids: readonly string[]): ScopeRef => {
  const id = ids[at % ids.length] ?? '';
  const all = [
    FLEET,
    environmentScope('testing'),
    groupScope(GROUPS[at % 2] ?? ''),
    agentScope(id),
    runtimeScope(id),
  ];
  return all[kind % all.length] ?? FLEET;
};
const exists = (model: Model, ref: ScopeRef) =>
  ref.scope !== 'group' || model.groups.has(ref.scope_id);
const fit = (ref: ScopeRef, document: ConfigLayer): ConfigLayer => {
  if (ref.scope !== 'runtime') return document;
  return 'own' in document ? { rules_enabled: { x: false } } : {};
};

const pick = fc.tuple(fc.nat(4), fc.nat(3));
const document: fc.Arbitrary<ConfigLayer> = fc.record(
  {
    own: fc.dictionary(fc.constantFrom('a', 'b'), fc.nat(2), { maxKeys: 2 }),
    processing: fc.record({
      batch_size: fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: 1, max: 3 }) },
        fc.constant(5_000),
      ),
    }),
  },
  { requiredKeys: [] },
);

const writing = fc
  .tuple(pick, document, fc.constantFrom('any', 'current', 'stale', 'none'))
  .map(([at, doc, match]) =>
    step(
      `write ${at.join()} ${match} ${JSON.stringify(doc)}`,
      () => true,
      async (model, { ids }) => {
        const ref = pickRef(at, ids);
        const given = fit(ref, doc);
        const head = headOf(model, scopeKey(ref));
        const ifMatch = { any: undefined, current: head, stale: head + 1, none: 0 }[match];
        const code = await codeOf(replace(ref, given, ifMatch));
        if (!exists(model, ref)) expect(code).toBe('OPMAS_NOT_FOUND');
        else if (ifMatch !== undefined && ifMatch !== head) {
          expect(code).toBe('OPMAS_VERSION_CONFLICT');
        } else if (isRefused(model, ids, ref, given)) {
          expect(code).toBe('OPMAS_INVALID_CONFIGURATION');
        } else {
          expect(code).toBe('ok');
          addVersion(model, ref, given);
        }
      },
    ),
  );

const writingAtOnce = fc
  .tuple(pick, fc.integer({ min: 2, max: 5 }), fc.boolean())
  .map(([at, writers, matching]) =>
    step(
      `${writers} writers ${at.join()} ${matching}`,
      () => true,
      async (model, { ids }) => {
        const ref = pickRef(at, ids);
        const head = headOf(model, scopeKey(ref));
        const documents = Array.from({ length: writers }, (_, n) => fit(ref, { own: { n } }));
        if (!exists(model, ref) || isRefused(model, ids, ref, documents[0] ?? {})) return;
        const results = await Promise.all(
          documents.map(async (each) => {
            try {
              const { layer } = await replace(ref, each, matching ? head : undefined);
              return { each, version: layer.version };
            } catch (error) {
              expect(error).toMatchObject({ code: 'OPMAS_VERSION_CONFLICT' });
              return undefined;
            }
          }),
        );
        const won = results.filter((result) => result !== undefined);
        expect(won).toHaveLength(matching ? 1 : writers);
        won.sort((a, b) => a.version - b.version);
        expect(won.map(({ version }) => version)).toEqual(won.map((_, n) => head + 1 + n));
        for (const { each } of won) addVersion(model, ref, each);
      },
    ),
  );

/** Different layers of the same agents at once: no hash is left behind. */
const changingEverything = fc.nat(2).map((value) =>
  step(
    `everything at once ${value}`,
    () => true,
    async (model, { ids }) => {
      const doc = { own: { a: value } };
      const refs = [FLEET, environmentScope('testing'), ...ids.map(agentScope)];
      if (refs.some((ref) => isRefused(model, ids, ref, doc))) return;
      const tags = TAGS[value] ?? [];
      const [first = ''] = ids;
      const retagged = copyOf(model);
      retagged.tags.set(first, tags);
      for (const ref of refs) addVersion(retagged, ref, doc);
      if (ids.some((id) => !isValid(told(retagged, id), id))) return;
      const work = refs.map((ref) => codeOf(replace(ref, doc)));
      work.push(codeOf(inTx((tx) => bench.agents.change(tx, first, { set: { tags: [...tags] } }))));
      const codes = await Promise.all(work);
      // What was valid one after the other may be refused in another order: the label then stays.
      const [label = 'ok'] = codes.splice(-1);
      expect(codes.every((code) => code === 'ok' || code === 'OPMAS_INVALID_CONFIGURATION')).toBe(
        true,
      );
      refs.forEach((ref, at) => {
        if (codes[at] === 'ok') addVersion(model, ref, doc);
      });
      if (label === 'ok') model.tags.set(first, tags);
    },
  ),
);

const rolling = fc.tuple(pick, fc.nat(6)).map(([at, version]) =>
  step(
    `roll back ${at.join()} to ${version}`,
    () => true,
    async (model, { ids }) => {
      const ref = pickRef(at, ids);
      const old = model.versions.get(scopeKey(ref))?.[version - 1];
      const code = await codeOf(
        inTx((tx) => bench.configs.rollback(tx, ref, { version, author: 'model' })),
      );
      if (!exists(model, ref) || old === undefined) expect(code).toBe('OPMAS_NOT_FOUND');
      else if (isRefused(model, ids, ref, old)) expect(code).toBe('OPMAS_INVALID_CONFIGURATION');
      else {
        expect(code).toBe('ok');
        addVersion(model, ref, old);
      }
    },
  ),
);

const drafting = fc.tuple(pick, document).map(([at, doc]) =>
  step(
    `draft ${at.join()} ${JSON.stringify(doc)}`,
    () => true,
    async (model, { ids }) => {
      const ref = pickRef(at, ids);
      if (ref.scope === 'runtime') return;
      const made = inTx<{ draft: { draft_id: string } }>((tx) =>
        bench.configs.drafts.create(tx, 'all', ref as DraftRef, { document: doc, author: 'model' }),
      );
      if (!exists(model, ref)) expect(await codeOf(made)).toBe('OPMAS_NOT_FOUND');
      else {
        const { draft } = await made;
        const base = headOf(model, scopeKey(ref));
        model.drafts.set(draft.draft_id, { ref: ref as DraftRef, base, document: doc });
      }
    },
  ),
);

const chosen = (model: Readonly<Model>, at: number) => [...model.drafts][at % model.drafts.size];

const rebasing = fc.tuple(fc.nat(9), fc.constantFrom('draft', 'head')).map(([at, prefer]) =>
  step(
    `rebase draft ${at} for ${prefer}`,
    ({ drafts }) => drafts.size > 0,
    async (model) => {
      const [id = '', draft] = chosen(model, at) ?? [];
      if (draft === undefined) return;
      const key = scopeKey(draft.ref);
      await inTx((tx) => bench.configs.drafts.rebase(tx, 'all', id, { prefer, author: 'model' }));
      const base = headOf(model, key);
      const before = atVersion(model, key, draft.base);
      const head = atVersion(model, key, base);
      const { document: merged } = rebaseDocument(before, draft.document, head, prefer);
      model.drafts.set(id, { ...draft, base, document: merged });
    },
  ),
);

/** All drafts of a layer at once: at most one holds, the others are behind. */
const publishing = fc.nat(9).map((at) =>
  step(
    `publish drafts with ${at}`,
    ({ drafts }) => drafts.size > 0,
    async (model, { ids }) => {
      const [, first] = chosen(model, at) ?? [];
      if (first === undefined) return;
      const { ref } = first;
      const head = headOf(model, scopeKey(ref));
      const mine = [...model.drafts].filter(([, each]) => scopeKey(each.ref) === scopeKey(ref));
      const codes = await Promise.all(
        mine.map(([id]) =>
          codeOf(inTx((tx) => bench.configs.drafts.publish(tx, 'all', id, { author: 'model' }))),
        ),
      );
      const won = codes.indexOf('ok');
      mine.forEach(([, { base, document: doc }], n) => {
        if (n === won) expect(base).toBe(head);
        else if (base !== head) expect(codes[n]).toBe('OPMAS_VERSION_CONFLICT');
        else if (codes[n] !== 'OPMAS_VERSION_CONFLICT') {
          expect(codes[n]).toBe('OPMAS_INVALID_CONFIGURATION');
          expect(isRefused(model, ids, ref, doc)).toBe(true);
        } else expect(won).not.toBe(-1);
      });
      const [id, winner] = mine[won] ?? [];
      if (id === undefined || winner === undefined) return;
      expect(isRefused(model, ids, ref, winner.document)).toBe(false);
      addVersion(model, ref, winner.document);
      model.drafts.delete(id);
    },
  ),
);

/** What changes who is reached by what: done when every agent stays valid, and not at all otherwise. */
async function regroup(
  model: Model,
  ids: readonly string[],
  change: (model: Model) => void,
  work: () => Promise<unknown>,
  isWrong: (after: Model) => boolean = () => false,
): Promise<void> {
  const after = copyOf(model);
  change(after);
  const code = await codeOf(work());
  if (isWrong(after) || ids.some((id) => !isValid(told(after, id), id))) {
    expect(code).toBe('OPMAS_INVALID_CONFIGURATION');
  } else {
    expect(code).toBe('ok');
    change(model);
  }
}

async function label(model: Model, id: string, tags: readonly string[]): Promise<void> {
  await regroup(
    model,
    [id],
    (each) => each.tags.set(id, tags),
    () => inTx((tx) => bench.agents.change(tx, id, { set: { tags: [...tags] } })),
  );
}

const labelling = fc.tuple(fc.nat(3), fc.constantFrom(...TAGS)).map(([at, tags]) =>
  step(
    `label ${at} ${tags.join()}`,
    () => true,
    (model, { ids }) => label(model, ids[at % ids.length] ?? '', tags),
  ),
);

async function group(
  model: Model,
  ids: readonly string[],
  name: string,
  wanted: { selector: string; priority: number },
): Promise<void> {
  const known = model.groups.has(name);
  const input = { ...wanted, author: 'model' };
  await regroup(
    model,
    ids,
    (each) => {
      each.groups.set(name, wanted);
      // Made anew it is empty, and its versions go on.
      if (!known && headOf(each, scopeKey(groupScope(name))) > 0) {
        addVersion(each, groupScope(name), {});
      }
    },
    () =>
      inTx((tx) =>
        known ? bench.groups.update(tx, name, input) : bench.groups.create(tx, name, input),
      ),
    (after) => joinsWrongly(model, after, ids, name),
  );
}

const grouping = fc
  .tuple(fc.constantFrom(...GROUPS), fc.constantFrom(...SELECTORS), fc.nat(2))
  .map(([name, selector, priority]) =>
    step(
      `group ${name} ${selector} ${priority}`,
      () => true,
      (model, { ids }) => group(model, ids, name, { selector, priority }),
    ),
  );

/** A group's layer that is wrong for some agents, which come in with another selector or label. */
const hiding = fc
  .tuple(
    fc.constantFrom(...GROUPS),
    fc.nat(3),
    fc.constantFrom(...SELECTORS),
    fc.constantFrom(...TAGS),
  )
  .map(([name, at, selector, tags]) =>
    step(
      `hide in ${name}, then ${selector} and ${at} ${tags.join()}`,
      ({ groups }) => groups.has(name),
      async (model, { ids }) => {
        const id = ids[at % ids.length] ?? '';
        const write = async (ref: ScopeRef, own: object) => {
          const given = { own };
          const isWrong = isRefused(model, ids, ref, given);
          const code = await codeOf(replace(ref, given));
          expect(code).toBe(isWrong ? 'OPMAS_INVALID_CONFIGURATION' : 'ok');
          if (code === 'ok') addVersion(model, ref, given);
        };
        await write(agentScope(id), { a: 1 });
        await write(groupScope(name), { a: 2 });
        await group(model, ids, name, { selector, priority: 1 });
        await label(model, id, tags);
        // The same wrong value with another one beside it.
        await write(groupScope(name), { a: 2, b: at });
      },
    ),
  );

const ungrouping = fc.constantFrom(...GROUPS).map((name) =>
  step(
    `no group ${name}`,
    (model) => model.groups.has(name),
    async (model, { ids }) => {
      await regroup(
        model,
        ids,
        (each) => {
          each.groups.delete(name);
          for (const pins of each.pins.values()) pins.delete(scopeKey(groupScope(name)));
          for (const [id, { ref }] of each.drafts) {
            if (scopeKey(ref) === scopeKey(groupScope(name))) each.drafts.delete(id);
          }
        },
        () => inTx((tx) => bench.groups.remove(tx, name)),
      );
    },
  ),
);

const pinning = fc
  .tuple(pick, fc.nat(4), fc.subarray([0, 1, 2, 3], { minLength: 1 }), fc.boolean())
  .map(([at, version, whom, releasing]) =>
    step(
      `${releasing ? 'release' : `pin at ${version}`} ${at.join()} ${whom.join()}`,
      () => true,
      async (model, { ids }) => {
        const ref = pickRef(at, ids);
        const key = scopeKey(ref);
        if (isOfOneAgent(ref) || !exists(model, ref) || version > headOf(model, key)) return;
        const agents = whom.map((each) => ids[each] ?? '');
        await regroup(
          model,
          agents,
          (each) => {
            for (const id of agents) {
              const pins = each.pins.get(id) ?? new Map<string, number>();
              if (releasing) pins.delete(key);
              else pins.set(key, version);
              each.pins.set(id, pins);
            }
          },
          () =>
            inTx((tx) =>
              releasing
                ? bench.configs.release(tx, ref, agents)
                : bench.configs.pin(tx, ref, version, agents),
            ),
        );
      },
    ),
  );

/** Groups there are from the beginning, and agents whose own layer hides what groups say. */
async function furnish(model: Model, ids: readonly string[]): Promise<void> {
  for (const [at, name] of GROUPS.entries()) {
    const group = { selector: SELECTORS[at] ?? '', priority: at };
    await inTx((tx) => bench.groups.create(tx, name, { ...group, author: 'model' }));
    model.groups.set(name, group);
  }
  for (const id of ids) {
    const layer = { own: { a: 1 } };
    await replace(agentScope(id), layer);
    addVersion(model, agentScope(id), layer);
  }
}

const TABLES = [
  'config_drafts',
  'config_pins',
  'config_groups',
  'config_layers',
  'outbox',
] as const;

test('whatever is done in whatever order, it is what the model says', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.commands(
        [
          writing,
          writing,
          hiding,
          writingAtOnce,
          changingEverything,
          rolling,
          drafting,
          drafting,
          rebasing,
          publishing,
          labelling,
          grouping,
          ungrouping,
          pinning,
        ],
        // Long sequences: the states that matter take several steps to reach.
        { maxCommands: 30, size: 'max' },
      ),
      async (commands) => {
        const { pool } = bench.database;
        for (const table of TABLES) {
          await pool.deleteFrom(table).execute();
        }
        await pool.deleteFrom('config_heads').where('scope', '<>', 'fleet').execute();
        await pool.updateTable('config_heads').set({ version: 0 }).execute();
        await pool.deleteFrom('agents').execute();
        const ids = await bench.addAgents(
          4,
          'model',
          (at) => TAGS[at] ?? [],
          (at) => (at % 2 === 0 ? SCHEMA : null),
        );
        const model: Model = {
          tags: new Map(ids.map((id, at) => [id, TAGS[at] ?? []])),
          groups: new Map(),
          versions: new Map(),
          pins: new Map(),
          drafts: new Map(),
        };
        await furnish(model, ids);
        await fc.asyncModelRun(() => ({ model, real: { ids } }), commands);
      },
    ),
    { numRuns: 20, endOnFailure: true },
  );
}, 120_000);

test('a rollout: publish behind pins, and release wave by wave', async () => {
  const ids = await bench.addAgents(3, 'wave');
  const { configs } = bench;
  const hashes = async () => {
    const answers = await Promise.all(ids.map((id) => configs.effective(bench.database.pool, id)));
    return answers.map(({ hash }) => hash);
  };
  const before = await hashes();
  const { layer } = await inTx<{ layer: { version: number } }>(async (tx) => {
    const { version } = await configs.layer(tx, FLEET);
    await configs.pin(tx, FLEET, version, ids);
    return configs.replace(tx, FLEET, { document: { own: { wave: 1 } }, author: 'model' });
  });
  expect(await hashes()).toEqual(before);
  const [canary = '', ...others] = ids;
  const released = await inTx<{ id: string }[]>((tx) => configs.release(tx, FLEET, [canary]));
  expect(released.map(({ id }) => id)).toEqual([canary]);
  expect((await hashes()).slice(1)).toEqual(before.slice(1));
  const shown = await configs.effective(bench.database.pool, others[0] ?? '', { origins: true });
  expect(shown.layers?.['fleet']?.version ?? 0).toBe(layer.version - 1);
  await inTx((tx) => configs.release(tx, FLEET, others));
  expect(new Set(await hashes()).size).toBe(1);
  const reached = await configs.affected(bench.database.pool, FLEET);
  expect(reached.map(({ id }) => id)).toEqual(expect.arrayContaining(ids));
});

/** Runs `second` while `first` is done and not committed. */
async function overlapping(
  first: (tx: never) => Promise<unknown>,
  second: () => Promise<unknown>,
): Promise<void> {
  const done = Promise.withResolvers<void>();
  const commit = Promise.withResolvers<void>();
  const held = bench.database.transaction(async (tx) => {
    await first(tx as never);
    done.resolve();
    await commit.promise;
  });
  await done.promise;
  let isOver = false;
  const other = second().finally(() => {
    isOver = true;
  });
  // It waits for the first, or is through without having seen it: then what follows fails.
  await waitFor(async () => {
    const { rows } = await sql`SELECT 1 FROM pg_locks
      WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())
      LIMIT 1`.execute(bench.database.pool);
    return isOver || rows.length > 0;
  });
  commit.resolve();
  await Promise.all([held, other]);
}

test('a write to the fleet and one to an agent, each while the other is not committed', async () => {
  const [id = ''] = await bench.addAgents(1, 'race');
  const { configs, database, agents, groups } = bench;
  const write = (ref: ScopeRef, own: object) => (tx: never) =>
    configs.replace(tx, ref, { document: { own }, author: 'model' });
  await inTx((tx) =>
    groups.create(tx, 'race', { selector: 'race=yes', author: 'model', priority: 1 }),
  );
  await inTx(write(groupScope('race'), { race_c: 1 }) as never);
  const toFleet = write(FLEET, { race_a: 1 });
  const toAgent = write(agentScope(id), { race_b: 1 });
  const relabel = (tags: string[]) => (tx: never) => agents.change(tx, id, { set: { tags } });
  for (const [first, second] of [
    [toAgent, toFleet],
    [write(FLEET, { race_a: 2 }), write(agentScope(id), { race_b: 2 })],
    [relabel(['race=yes']), write(groupScope('race'), { race_c: 3 })],
    [write(groupScope('race'), { race_c: 4 }), relabel([])],
    [relabel(['race=yes']), (tx: never) => groups.remove(tx, 'race')],
  ] as const) {
    await overlapping(first, () => inTx(second as never));
    const { hash } = await configs.effective(database.pool, id);
    const { config_hash } = await agents.get(database.pool, id);
    expect(config_hash).toBe(hash);
  }
  const { config } = await configs.effective(database.pool, id);
  // What the sequences before left in other layers is not ours.
  expect(config['own']).toMatchObject({ race_a: 2, race_b: 2 });
  expect(config['own']).not.toHaveProperty('race_c');
});
