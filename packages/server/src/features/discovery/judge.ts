/** Is this folder a package that may run? Reads only; executes nothing of it. */
import { join } from 'node:path';
import { RefusedPackage, readPlainFile, show } from '@opmas/keyring';
import {
  check,
  faultsOf,
  type Manifest,
  type ManifestResult,
  type PackageFault,
  parseManifest,
  Rule,
  limits as wireLimits,
} from '@opmas/protocol';
import semver from 'semver';
import { packageSchemaLimits, readPackageSchema, type SchemaDocument } from '../configs/index.ts';
import { discoveryLimits, type Entry } from './discovery.ts';
import type { ImportLexer } from './import-lexer.ts';
import { checkImports } from './imports.ts';
import type { RulesCheck } from './rules-check.ts';

export interface Content {
  manifest: Manifest;
  lines: Extract<ManifestResult, { ok: true }>['lines'];
  entry: Entry;
  rules: Rule[];
  /** Of `config.schema.json`: what its own configuration keys may be. */
  configSchema: SchemaDocument | undefined;
}

export type Judgement =
  | {
      ok: true;
      content: Content;
      warnings: PackageFault[];
      links: { modules?: string; outerModules?: string };
    }
  | {
      ok: false;
      errors: PackageFault[];
      warnings: PackageFault[];
      /** Packages whose installation would repair it. */
      missing: string[];
    };

const FOLDER = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/;
/** What `AGENT_DEPENDENCIES` may call the SDK. */
const SDK = new Set(['opmas-base-agent', '@opmas/sdk']);

/** The discovery file of a folder, parsed. */
export async function readManifest(dir: string, folder: string): Promise<ManifestResult> {
  try {
    const bytes = await readPlainFile(join(dir, '.env.discovery'), wireLimits.manifestBytes);
    if (bytes !== undefined) return parseManifest(bytes, folder);
    return {
      ok: false,
      errors: [{ code: 'changing', message: '.env.discovery vanished' }],
      warnings: [],
    };
  } catch (error) {
    if (error instanceof RefusedPackage) return { ok: false, errors: [error.fault], warnings: [] };
    throw error;
  }
}

/**
 * Judges the files in `dir`.
 * @param options.origin where the package lies for its author: dependencies are looked for there
 * @param options.sdkVersion what `opmas-base-agent` in `AGENT_DEPENDENCIES` is compared with
 */
export async function judge(options: {
  dir: string;
  origin: string;
  folder: string;
  sdkVersion: string;
  lexer: ImportLexer;
  rulesCheck: RulesCheck;
}): Promise<Judgement> {
  const { dir, folder } = options;
  const read = await readManifest(dir, folder);
  const warnings = [...read.warnings];
  const errors: PackageFault[] = read.ok ? [] : [...read.errors];
  if (!FOLDER.test(folder)) {
    errors.push({
      code: 'invalid_folder',
      message: `the folder name ${show(folder)} must be 1 to 100 of A-Z a-z 0-9 _ . -`,
    });
  }
  const found = await readEntry(dir);
  errors.push(...found.errors);
  if (found.errors.length === 0) {
    const compiled = await options.rulesCheck.faultsOf(found.rules);
    errors.push(...compiled.errors);
    warnings.push(...compiled.warnings);
  }
  const schema = await readConfigSchema(dir);
  errors.push(...schema.errors);
  let missing: string[] = [];
  let links: { modules?: string; outerModules?: string } = {};
  if (read.ok) errors.push(...checkDependencies(read.manifest, read.lines, options, warnings));
  if (found.entry === 'code') {
    const imports = await refusedAsFaults(() => checkImports({ ...options, entry: 'agent.ts' }));
    errors.push(...imports.faults);
    const { faults: _, missing: absent, ...found } = imports;
    missing = absent;
    links = found;
  }
  const { entry, rules } = found;
  if (read.ok && errors.length === 0 && entry !== undefined) {
    const { configSchema } = schema;
    const content = { manifest: read.manifest, lines: read.lines, entry, rules, configSchema };
    return { ok: true, content, warnings, links };
  }
  return { ok: false, errors: errors.slice(0, discoveryLimits.faults), warnings, missing };
}

/** What a package that was judged before holds; undefined when it cannot be read (any more). */
export async function readContent(dir: string, folder: string): Promise<Content | undefined> {
  const read = await readManifest(dir, folder);
  const { entry, rules, errors } = await readEntry(dir);
  const schema = await readConfigSchema(dir);
  if (!read.ok || entry === undefined || errors.length + schema.errors.length > 0) return undefined;
  const { configSchema } = schema;
  return { manifest: read.manifest, lines: read.lines, entry, rules, configSchema };
}

/** Optional: without it the agent's own keys are free. */
async function readConfigSchema(
  dir: string,
): Promise<{ configSchema: SchemaDocument | undefined; errors: PackageFault[] }> {
  try {
    const bytes = await readPlainFile(join(dir, 'config.schema.json'), packageSchemaLimits.bytes);
    if (bytes === undefined) return { configSchema: undefined, errors: [] };
    const read = readPackageSchema(bytes);
    if (read.ok) return { configSchema: read.document, errors: [] };
    const errors = read.errors.map(({ path, message }) => ({
      code: 'invalid_config_schema',
      message: `config.schema.json${path === '' ? '' : ` at ${path}`}: ${message}`,
    }));
    return { configSchema: undefined, errors };
  } catch (error) {
    if (error instanceof RefusedPackage) return { configSchema: undefined, errors: [error.fault] };
    throw error;
  }
}

interface EntryFound {
  entry: Entry | undefined;
  rules: Rule[];
  errors: PackageFault[];
}

async function readEntry(dir: string): Promise<EntryFound> {
  try {
    const code = await readPlainFile(join(dir, 'agent.ts'), discoveryLimits.sourceBytes);
    const text = await readPlainFile(join(dir, 'rules.json'), discoveryLimits.rulesBytes);
    if (code === undefined && text === undefined) {
      const message = 'there is neither agent.ts nor rules.json';
      return { entry: undefined, rules: [], errors: [{ code: 'no_entry', message }] };
    }
    const { rules, errors } = text === undefined ? { rules: [], errors: [] } : parseRules(text);
    return { entry: code === undefined ? 'rules' : 'code', rules, errors };
  } catch (error) {
    if (error instanceof RefusedPackage) {
      return { entry: undefined, rules: [], errors: [error.fault] };
    }
    throw error;
  }
}

/** A list of rules with distinct ids, or every fault with the rule's index. */
export function parseRules(bytes: Uint8Array): { rules: Rule[]; errors: PackageFault[] } {
  const errors: PackageFault[] = [];
  const bad = (message: string) => {
    errors.push({ code: 'invalid_rules', message: `rules.json${message}` });
  };
  let list: unknown;
  try {
    list = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    bad(` is not JSON: ${error instanceof Error ? error.message.slice(0, 200) : 'unreadable'}`);
    return { rules: [], errors };
  }
  if (!Array.isArray(list) || list.length > wireLimits.rules) {
    bad(` must be a list of at most ${wireLimits.rules} rules`);
    return { rules: [], errors };
  }
  const rules: Rule[] = [];
  const ids = new Map<string, number>();
  for (const [index, rule] of list.entries()) {
    if (errors.length >= discoveryLimits.faults) break;
    if (!check(Rule, rule)) {
      for (const { path, message } of faultsOf(Rule, rule)) {
        bad(`[${index}]${path === '' ? '' : `.${path}`}: ${message}`);
      }
      continue;
    }
    const twin = ids.get(rule.id);
    if (twin !== undefined) bad(`[${index}].id: ${show(rule.id)} is also the id of [${twin}]`);
    ids.set(rule.id, index);
    rules.push(rule);
  }
  return { rules, errors };
}

function checkDependencies(
  manifest: Manifest,
  lines: Content['lines'],
  { sdkVersion }: { sdkVersion: string },
  warnings: PackageFault[],
): PackageFault[] {
  const errors: PackageFault[] = [];
  const line = lines.AGENT_DEPENDENCIES;
  const at = line === undefined ? {} : { line };
  for (const { name, range } of manifest.dependencies) {
    if (!SDK.has(name)) {
      warnings.push({
        code: 'unknown_dependency',
        ...at,
        message: `${name} is not known to OPMAS and not installed by it; npm packages belong in package.json`,
      });
      continue;
    }
    const wanted = semver.validRange(range.replaceAll('==', '=').replaceAll('~=', '~'));
    if (wanted === null) {
      const message = `${show(range)} is not a version range`;
      errors.push({ code: 'invalid_dependency', ...at, message: `${name}: ${message}` });
    } else if (!semver.satisfies(sdkVersion, wanted)) {
      errors.push({
        code: 'dependency_unsatisfied',
        ...at,
        message: `${name}${range} is asked for, OPMAS has ${sdkVersion}`,
      });
    }
  }
  return errors;
}

async function refusedAsFaults<T extends { faults: PackageFault[]; missing: string[] }>(
  work: () => Promise<T>,
): Promise<T | { faults: PackageFault[]; missing: string[] }> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof RefusedPackage) return { faults: [error.fault], missing: [] };
    throw error;
  }
}
