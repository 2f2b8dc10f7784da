/** The layers of a configuration and what comes out of them: defaults < environment < database. */
import { createHash } from 'node:crypto';
import {
  AgentConfig,
  CONFIG_DEFAULTS,
  type ConfigLayer,
  canonicalConfig,
  canonicalJson,
  type Fault,
  isPlainObject,
  mergeLayers,
  parse,
} from '@opmas/protocol';

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
  const layer = environmentLayer(env, natsUrl);
  const result = effectiveConfig({ package: {}, environment: layer, database: {} });
  return result.ok ? [] : result.errors;
}

export interface Layers {
  package: ConfigLayer;
  environment: ConfigLayer;
  database: ConfigLayer;
}

export interface Effective {
  config: AgentConfig;
  hash: string;
}

/** Merges and validates; every fault with its path. */
export function effectiveConfig(
  layers: Layers,
): { ok: true; value: Effective } | { ok: false; errors: Fault[] } {
  const merged = mergeLayers(
    CONFIG_DEFAULTS as unknown as ConfigLayer,
    layers.package,
    layers.environment,
    layers.database,
  );
  const result = parse(AgentConfig, merged);
  if (!result.ok) return result;
  const config = result.value as AgentConfig;
  return { ok: true, value: { config, hash: configHash(config) } };
}

/** SHA-256 of the canonical effective configuration, hex. */
export function configHash(config: unknown): string {
  return createHash('sha256').update(canonicalJson(config)).digest('hex');
}

/** Which layer each leaf comes from, by dotted path. */
export function origins(layers: Layers): Record<string, string> {
  const result: Record<string, string> = {};
  const visit = (layer: unknown, name: string, path: string) => {
    if (isPlainObject(layer) && Object.keys(layer).length > 0) {
      for (const [key, value] of Object.entries(layer)) {
        visit(value, name, path === '' ? key : `${path}.${key}`);
      }
    } else if (path !== '') result[path] = name;
  };
  visit(CONFIG_DEFAULTS, 'default', '');
  visit(layers.package, 'package', '');
  visit(layers.environment, 'environment', '');
  visit(layers.database, 'database', '');
  return result;
}
