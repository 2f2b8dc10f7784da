/** An agent's configuration: canonical form, defaults, and the specification's aliases. */

import { limits } from './limits.ts';
import { Rule } from './rule.ts';
import { type Static, Type } from './typebox.ts';

const Topic = (kind: string) =>
  Type.String({ pattern: `^${kind}(\\.[A-Za-z0-9_-]{1,64}){1,8}$`, maxLength: 640 });

export const CONFIG_LOG_LEVELS = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'] as const;

/** Intervals and timeouts in seconds. Keys of the agent's own type stand beside these. */
export const AgentConfig = Type.Object({
  nats: Type.Object({ url: Type.String({ minLength: 1, maxLength: 1024 }) }),
  processing: Type.Object({
    batch_size: Type.Integer({ minimum: 1, maximum: 1000 }),
    max_retries: Type.Integer({ minimum: 0, maximum: 100 }),
    timeout: Type.Number({ exclusiveMinimum: 0, maximum: 3600 }),
    /** Of events in a batch that no rule can match, one in so many is read and validated; 100 when absent, 1: all. */
    validate_every: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
    /** What one rule may take for one message; one that exceeds it again and again is taken out. 0.01 when absent. */
    rule_budget: Type.Optional(Type.Number({ minimum: 0.001, maximum: 0.05 })),
  }),
  monitoring: Type.Object({
    heartbeat_interval: Type.Number({ minimum: 1, maximum: 3600 }),
    metrics_interval: Type.Number({ minimum: 1, maximum: 3600 }),
    log_level: Type.Enum([...CONFIG_LOG_LEVELS]),
    metrics_enabled: Type.Boolean(),
  }),
  rules: Type.Array(Rule, { maxItems: limits.rules }),
  subscribed_topics: Type.Array(Topic('logs'), { maxItems: 64, uniqueItems: true }),
  findings_topic: Topic('findings'),
  /** By rule id; false takes the rule out, whichever layer it comes from. */
  rules_enabled: Type.Optional(
    Type.Record(Type.String({ minLength: 1, maxLength: 128 }), Type.Boolean(), {
      maxProperties: 1_000,
    }),
  ),
});
export type AgentConfig = Static<typeof AgentConfig> & { [key: string]: unknown };

/** The lowest layer: what holds when nobody said anything. */
export const CONFIG_DEFAULTS = {
  nats: { url: 'nats://localhost:4222' },
  processing: { batch_size: 100, max_retries: 3, timeout: 30 },
  monitoring: {
    heartbeat_interval: 30,
    metrics_interval: 60,
    log_level: 'INFO',
    metrics_enabled: true,
  },
  rules: [],
  subscribed_topics: [],
  findings_topic: 'findings.system',
} as const;

/** The specification's flat and capital spellings, and where each belongs. */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  nats_url: ['nats', 'url'],
  log_level: ['monitoring', 'log_level'],
  metrics_enabled: ['monitoring', 'metrics_enabled'],
  metrics_interval: ['monitoring', 'metrics_interval'],
  heartbeat_interval: ['monitoring', 'heartbeat_interval'],
  batch_size: ['processing', 'batch_size'],
  max_retries: ['processing', 'max_retries'],
  timeout: ['processing', 'timeout'],
  RULES: ['rules'],
  SUBSCRIBED_TOPICS: ['subscribed_topics'],
  FINDINGS_TOPIC: ['findings_topic'],
  DEFAULT_SUBSCRIBED_TOPICS: ['subscribed_topics'],
  DEFAULT_FINDINGS_TOPIC: ['findings_topic'],
};

const aliasByLower = new Map(Object.entries(ALIASES).map(([k, v]) => [k.toLowerCase(), v]));
const SECTIONS = new Set(['nats', 'processing', 'monitoring']);
const CANONICAL = new Set([
  ...SECTIONS,
  'rules',
  'rules_enabled',
  'subscribed_topics',
  'findings_topic',
]);

/** Plain nested data; what a layer is made of. */
export type ConfigLayer = { [key: string]: unknown };

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Rewrites a document in the specification's spellings to the canonical form. Canonical keys win over
 * an alias of the same setting. `agent_id` and `nats.credentials`, which the specification shows in
 * the answer, are left out: they are identity, not configuration. Does not validate, and shares nothing
 * with `document`, which is JSON.
 */
export function canonicalConfig(document: ConfigLayer): ConfigLayer {
  const result: ConfigLayer = {};
  const put = (path: readonly string[], value: unknown, overwrite: boolean) => {
    let at = result;
    for (const key of path.slice(0, -1)) {
      const next = at[key];
      // A canonical value of a wrong type stays for the validator to name: no alias covers it up.
      if (next !== undefined && !isPlainObject(next)) return;
      if (next === undefined) at[key] = {};
      at = at[key] as ConfigLayer;
    }
    const last = path.at(-1);
    if (last !== undefined && (overwrite || !(last in at))) at[last] = structuredClone(value);
  };
  for (const [key, value] of Object.entries(document)) {
    if (key === 'agent_id' || key === '__proto__') continue;
    if (CANONICAL.has(key)) {
      if (SECTIONS.has(key) && isPlainObject(value)) {
        if (!isPlainObject(result[key])) result[key] = {};
        for (const [inner, innerValue] of Object.entries(value)) {
          if (inner === '__proto__' || (key === 'nats' && inner === 'credentials')) continue;
          put([key, inner], normaliseValue(inner, innerValue), true);
        }
      } else put([key], value, true);
      continue;
    }
    const alias = aliasByLower.get(key.toLowerCase());
    if (alias !== undefined) put(alias, normaliseValue(alias.at(-1) ?? key, value), false);
    else put([key], value, true);
  }
  return result;
}

function normaliseValue(key: string, value: unknown): unknown {
  if (key === 'log_level' && typeof value === 'string') {
    const upper = value.toUpperCase();
    return upper === 'WARN' ? 'WARNING' : upper;
  }
  return value;
}

/** Merges `layers`, later over earlier: objects by key, anything else (lists too) replaced whole. */
export function mergeLayers(...layers: readonly ConfigLayer[]): ConfigLayer {
  const result: ConfigLayer = {};
  for (const layer of layers) {
    for (const [key, value] of Object.entries(layer)) {
      if (key === '__proto__') continue;
      const below = result[key];
      result[key] =
        isPlainObject(below) && isPlainObject(value)
          ? mergeLayers(below, value)
          : structuredClone(value);
    }
  }
  return result;
}

/** Deterministic JSON: keys sorted at every level, so that equal configurations hash equally. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (isPlainObject(value)) {
    const members = Object.keys(value)
      .filter((key) => value[key] !== undefined)
      .sort()
      .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`);
    return `{${members.join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}
