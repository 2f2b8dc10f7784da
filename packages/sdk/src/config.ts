/** An agent's configuration in force: validated, frozen, readable by canonical names and by aliases. */
import { createHash } from 'node:crypto';
import {
  AgentConfig,
  CONFIG_DEFAULTS,
  type ConfigLayer,
  canonicalConfig,
  canonicalJson,
  check,
  type Fault,
  faultsOf,
  isPlainObject,
  mergeLayers,
} from '@opmas/protocol';

/** Where a configuration came from and what the server calls it. */
export interface ConfigVersion {
  version: number | undefined;
  hash: string;
}

export class Config {
  readonly #document: AgentConfig;
  readonly version: number | undefined;
  /** SHA-256 of the canonical document as the server gave it. */
  readonly hash: string;

  constructor(document: AgentConfig, version: ConfigVersion) {
    this.#document = deepFreeze(document);
    this.version = version.version;
    this.hash = version.hash;
  }

  /** The whole document, frozen. */
  get value(): AgentConfig {
    return this.#document;
  }

  /**
   * The value of `key`, or `fallback` when it is not set. `key` is a canonical name, a dotted path
   * (`processing.batch_size`) or one of the specification's spellings (`RULES`, `log_level`).
   */
  get<T = unknown>(key: string, fallback?: T): T {
    const found = lookUp(this.#document, pathOf(key));
    // The caller names the type of what he configured; the document was validated against his schema.
    return (found === undefined ? fallback : found) as T;
  }
}

/** SHA-256 (hex) of the canonical form: equal configurations have equal hashes. */
export function configHash(document: ConfigLayer): string {
  return createHash('sha256').update(canonicalJson(document)).digest('hex');
}

/** Members of a long list, as rules are, that are hashed at a stretch: some milliseconds. */
const HASHED_AT_ONCE = 500;

/** `configHash` in steps of a few milliseconds. */
export function* hashingConfig(document: ConfigLayer): Generator<void, string> {
  const hash = createHash('sha256');
  let before = '{';
  const keys = Object.keys(document).filter((key) => document[key] !== undefined);
  for (const key of keys.sort()) {
    const value = document[key];
    hash.update(`${before}${JSON.stringify(key)}:`);
    before = ',';
    if (!Array.isArray(value)) {
      hash.update(canonicalJson(value));
      continue;
    }
    for (let from = 0; from < value.length; from += HASHED_AT_ONCE) {
      const some = value.slice(from, from + HASHED_AT_ONCE).map(canonicalJson);
      hash.update(`${from === 0 ? '[' : ','}${some.join(',')}`);
      yield;
    }
    hash.update(value.length === 0 ? '[]' : ']');
  }
  hash.update(before === '{' ? '{}' : '}');
  return hash.digest('hex');
}

/** What holds below what the server says. */
export interface PackageLayers {
  /** Of the package's files; the server knows them too, and says them unless it says otherwise. */
  files: ConfigLayer;
  /** Of the agent's code, which the server has never seen. */
  code: ConfigLayer;
}

/**
 * The whole document from the server's answer: canonical names, over the package's own defaults, over
 * the protocol's. What the server says holds, an empty list too. Only of rules that the code alone has does
 * the server know nothing: there its empty list means "not said".
 */
export function completeConfig(layers: PackageLayers, given: ConfigLayer): Record<string, unknown> {
  return completeCanonical(layers, canonicalConfig(given));
}

/** As `completeConfig`, of an answer that is canonical already; it is not kept, and may lose its rules. */
export function completeCanonical(
  layers: PackageLayers,
  layer: ConfigLayer,
): Record<string, unknown> {
  const isCodes = layers.files['rules'] === undefined && layers.code['rules'] !== undefined;
  const { rules } = layer;
  if (isCodes && Array.isArray(rules) && rules.length === 0) delete layer['rules'];
  return mergeLayers(CONFIG_DEFAULTS, layers.code, layers.files, layer);
}

/** The document as a typed configuration, or its faults. */
export function readConfig(
  document: Record<string, unknown>,
): { ok: true; value: AgentConfig } | { ok: false; faults: Fault[] } {
  if (check(AgentConfig, document)) return { ok: true, value: document };
  return { ok: false, faults: faultsOf(AgentConfig, document) };
}

const paths = new Map<string, readonly string[]>();

const MARKER = { marker: true };

/** Aliases are known to the protocol alone: a marker put under `key` shows where it (its copy) belongs. */
function pathOf(key: string): readonly string[] {
  const known = paths.get(key);
  if (known !== undefined) return known;
  const path = findMarker(canonicalConfig({ [key]: MARKER })) ?? [key];
  const parts = path.length === 1 && path[0] === key && key.includes('.') ? key.split('.') : path;
  if (paths.size < 1_000) paths.set(key, parts);
  return parts;
}

function findMarker(layer: unknown): string[] | undefined {
  if (!isPlainObject(layer)) return undefined;
  for (const [key, value] of Object.entries(layer)) {
    if (isPlainObject(value) && value['marker'] === MARKER.marker) return [key];
    const below = findMarker(value);
    if (below !== undefined) return [key, ...below];
  }
  return undefined;
}

function lookUp(document: unknown, path: readonly string[]): unknown {
  let at = document;
  for (const key of path) {
    if (!isPlainObject(at) || !Object.hasOwn(at, key)) return undefined;
    at = at[key];
  }
  return at;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}
