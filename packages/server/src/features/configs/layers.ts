/** The layers of a configuration and what comes out of them, the lowest first. Pure. */
import { createHash } from 'node:crypto';
import {
  AgentConfig,
  CONFIG_DEFAULTS,
  type ConfigLayer,
  canonicalConfig,
  canonicalJson,
  type Fault,
  isPlainObject,
  parse,
} from '@opmas/protocol';
import type { PackageSchema } from './package-schema.ts';

const PREFIX = 'OPMAS_AGENT_';

/**
 * `OPMAS_AGENT_PROCESSING__BATCH_SIZE=50` as `{processing: {batch_size: 50}}`. Values that read as JSON
 * are taken as such, anything else is text.
 */
export function environmentLayer(
  env: Readonly<Record<string, string>>,
  natsUrl: string,
): ConfigLayer {
  const layer: ConfigLayer = { nats: { url: natsUrl } };
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(PREFIX)) continue;
    const path = name.slice(PREFIX.length).toLowerCase().split('__');
    if (path.some((part) => part === '' || part === '__proto__')) continue;
    let at = layer;
    for (const part of path.slice(0, -1)) {
      const next = at[part];
      if (!isPlainObject(next)) at[part] = {};
      at = at[part] as ConfigLayer;
    }
    at[path.at(-1) ?? ''] = readValue(value);
  }
  return canonicalConfig(layer);
}

function readValue(text: string): unknown {
  if (!/^(-?\d|true$|false$|null$|[[{"])/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON after all (`10.0.0.1`, `{site}`): it is text, which is a legal value.
    return text;
  }
}

/** What is wrong with the environment layer by itself: it would spoil every agent's configuration. */
export function environmentFaults(env: Readonly<Record<string, string>>, natsUrl: string): Fault[] {
  const result = effectiveConfig([environmentLayer(env, natsUrl)]);
  return result.ok ? [] : result.errors;
}

/** A layer in plain text, and what its values are said to come from. */
export interface NamedLayer {
  /** `package`, `fleet`, `group:berlin` … */
  label: string;
  document: ConfigLayer;
}

export interface Effective {
  config: AgentConfig;
  hash: string;
}

export type EffectiveResult = { ok: true; value: Effective } | { ok: false; errors: Fault[] };

/**
 * Merges `layers` over the defaults, the last on top, and validates; every fault with its path. What
 * comes out shares unchanged parts with the layers, so neither may be written to.
 */
export function effectiveConfig(
  layers: readonly ConfigLayer[],
  schema?: PackageSchema,
): EffectiveResult {
  const merged = withoutDisabledRules(
    layers.reduce<ConfigLayer>(overlay, CONFIG_DEFAULTS as unknown as ConfigLayer),
  );
  const { rules } = merged;
  // Lists of rules are large, and most agents of a fleet share theirs.
  const known = typeof rules === 'object' && rules !== null && validRules.has(rules);
  const result = parse(AgentConfig, known ? { ...merged, rules: [] } : merged);
  const errors = [...(result.ok ? [] : result.errors), ...(schema?.faultsOf(merged) ?? [])];
  if (errors.length > 0) return { ok: false, errors };
  if (Array.isArray(rules)) validRules.add(rules);
  const config = merged as AgentConfig;
  return { ok: true, value: { config, hash: configHash(config) } };
}

const validRules = new WeakSet();
const texts = new WeakMap<object, string>();

/** SHA-256 of the canonical configuration, hex. Its values must never change afterwards. */
export function configHash(config: Readonly<Record<string, unknown>>): string {
  const members = Object.keys(config)
    .filter((key) => config[key] !== undefined)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${textOf(config[key])}`);
  return createHash('sha256')
    .update(`{${members.join(',')}}`)
    .digest('hex');
}

/** Canonical text, remembered for lists: the rules of a package are the same for all of its agents. */
function textOf(value: unknown): string {
  if (!Array.isArray(value) || value.length === 0) return canonicalJson(value);
  let text = texts.get(value);
  if (text === undefined) {
    text = canonicalJson(value);
    texts.set(value, text);
  }
  return text;
}

/** As `mergeLayers`, but what does not differ is shared. */
function overlay(below: ConfigLayer, above: ConfigLayer): ConfigLayer {
  const result: ConfigLayer = { ...below };
  for (const [key, value] of Object.entries(above)) {
    if (key === '__proto__') continue;
    const under = Object.hasOwn(result, key) ? result[key] : undefined;
    result[key] = isPlainObject(under) && isPlainObject(value) ? overlay(under, value) : value;
  }
  return result;
}

/** `rules_enabled: {"rule id": false}` in any layer takes the rule out of what the agent is told. */
function withoutDisabledRules(merged: ConfigLayer): ConfigLayer {
  const { rules, rules_enabled: enabled } = merged;
  if (!Array.isArray(rules) || !isPlainObject(enabled)) return merged;
  const kept = rules.filter((rule: unknown) => {
    const id = isPlainObject(rule) ? rule['id'] : undefined;
    return !(typeof id === 'string' && Object.hasOwn(enabled, id) && enabled[id] === false);
  });
  return kept.length === rules.length ? merged : { ...merged, rules: kept };
}

/** Which layer each leaf comes from, by dotted path. */
export function origins(layers: readonly NamedLayer[]): Record<string, string> {
  const result = new Map<string, string>();
  // A value that replaces an object, or is replaced by one, takes the paths of the other with it. Only these are
  // walked: a document may be as large as a body, and whoever asks must not wait for all of it at every key.
  const forget = (under: unknown, path: string) => {
    result.delete(path);
    if (!isPlainObject(under)) return;
    for (const [key, inner] of Object.entries(under)) forget(inner, `${path}.${key}`);
  };
  const visit = (value: unknown, under: unknown, label: string, path: string) => {
    if (isPlainObject(value) && (path === '' || Object.keys(value).length > 0)) {
      if (!isPlainObject(under) || Object.keys(under).length === 0) {
        if (path !== '') forget(under, path);
      }
      for (const [key, inner] of Object.entries(value)) {
        const below = isPlainObject(under) && Object.hasOwn(under, key) ? under[key] : undefined;
        visit(inner, below, label, path === '' ? key : `${path}.${key}`);
      }
      return;
    }
    // An empty object over one that is not changes nothing.
    if (isPlainObject(value) && isPlainObject(under)) return;
    if (isPlainObject(under)) forget(under, path);
    result.set(path, label);
  };
  let merged = CONFIG_DEFAULTS as unknown as ConfigLayer;
  visit(merged, undefined, 'default', '');
  for (const { label, document } of layers) {
    visit(document, merged, label, '');
    merged = overlay(merged, document);
  }
  return Object.fromEntries(result);
}
