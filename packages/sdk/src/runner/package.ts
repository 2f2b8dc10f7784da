/** Loads an agent package: its manifest, its default rules, and its agent class; every fault is told. */
import { open, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type ConfigLayer, type Manifest, parseManifest } from '@opmas/protocol';
import { BaseAgent } from '../base-agent.ts';
import { AgentError, messageOf } from '../errors.ts';
import { limits } from '../limits.ts';

/** Constructs an agent; what a package's `agent.ts` exports by default. */
export type AgentClass = new (
  agentId: string,
  managementUrl: string,
  initialToken?: string,
) => BaseAgent;

export interface AgentPackage {
  manifest: Manifest;
  /** Topics and rules of the package, the lowest layer of the configuration. */
  defaults: ConfigLayer;
  agent: AgentClass;
}

/**
 * Reads and checks the package in `dir`. Without `agent.ts` its `rules.json` is run by BaseAgent itself.
 * @throws {AgentError} OPMAS_INVALID_CONFIGURATION saying what is wrong, where, and what to do
 */
export async function loadPackage(dir: string): Promise<AgentPackage> {
  const { manifest, defaults, rules } = await readPackage(dir);
  const entry = await findEntry(dir);
  if (entry === undefined && rules === undefined) {
    throw invalid(`${dir} holds neither agent.ts nor rules.json: add one of them`);
  }
  const agent = entry === undefined ? BaseAgent : await importAgent(entry, dir);
  return { manifest, defaults, agent };
}

/** The package's data without its code. @throws {AgentError} OPMAS_INVALID_CONFIGURATION */
export async function readPackage(
  dir: string,
): Promise<{ manifest: Manifest; defaults: ConfigLayer; rules: unknown[] | undefined }> {
  const discovery = await readBounded(join(dir, '.env.discovery'), limits.rulesFileBytes);
  if (discovery === undefined) throw invalid(`${dir} has no .env.discovery: it is no agent package`);
  const result = parseManifest(discovery, basename(dir));
  if (!result.ok) {
    const faults = result.errors.map((e) => (e.line ? `line ${e.line}: ${e.message}` : e.message));
    throw invalid(`${join(dir, '.env.discovery')}: ${faults.join('; ')}`);
  }
  const rules = await readRules(join(dir, 'rules.json'));
  const { manifest } = result;
  const defaults = {
    subscribed_topics: manifest.subscribed_topics,
    findings_topic: manifest.findings_topic,
    ...(rules === undefined ? {} : { rules }),
  };
  return { manifest, defaults, rules };
}

async function readRules(path: string): Promise<unknown[] | undefined> {
  const bytes = await readBounded(path, limits.rulesFileBytes);
  if (bytes === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw invalid(`${path} is not JSON: ${messageOf(error)}`);
  }
  if (!Array.isArray(value)) throw invalid(`${path} must be a list of rules: [{"id": …}, …]`);
  return value;
}

async function findEntry(dir: string): Promise<string | undefined> {
  for (const name of ['agent.ts', 'agent.js', 'agent.mjs']) {
    const path = join(dir, name);
    const found = await stat(path).catch(absent);
    if (found?.isFile()) return path;
  }
  return undefined;
}

async function importAgent(path: string, dir: string): Promise<AgentClass> {
  let module: { default?: unknown };
  try {
    module = await import(pathToFileURL(path).href);
  } catch (error) {
    throw new AgentError('OPMAS_INVALID_CONFIGURATION', importFault(path, dir, error), {
      cause: error,
    });
  }
  const exported = module.default;
  if (isAgentClass(exported)) return exported;
  throw invalid(
    `${path} must export an agent by default: export default defineAgent({…}), or a class extending BaseAgent`,
  );
}

function isAgentClass(value: unknown): value is AgentClass {
  return (
    typeof value === 'function' && (value === BaseAgent || value.prototype instanceof BaseAgent)
  );
}

function importFault(path: string, dir: string, error: unknown): string {
  const text = messageOf(error);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const missing = /Cannot find package '([^']{1,214})'/.exec(text)?.[1];
  if (missing !== undefined) {
    return `${path} imports ${missing}, which is not installed: run "npm install ${missing}" in ${dir}`;
  }
  if (code === 'ERR_MODULE_NOT_FOUND') return `${path} imports a file that is missing: ${text}`;
  if (code.startsWith('ERR_UNSUPPORTED_TYPESCRIPT') || code.startsWith('ERR_INVALID_TYPESCRIPT')) {
    return `${path} uses TypeScript that is not plain types (no enum, namespace or parameter property): ${text}`;
  }
  // The first line of a SyntaxError's stack is the place, `file:line`.
  const place = error instanceof Error ? (error.stack ?? '').split('\n')[0] : '';
  return `${path} cannot be loaded: ${text}${error instanceof SyntaxError ? ` (${place})` : ''}`;
}

async function readBounded(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
  const file = await open(path, 'r').catch(absent);
  if (file === undefined) return undefined;
  try {
    const { size } = await file.stat();
    if (size > maxBytes) throw invalid(`${path} has ${size} bytes; at most ${maxBytes}`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

function absent(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  throw error;
}

function invalid(message: string): AgentError {
  return new AgentError('OPMAS_INVALID_CONFIGURATION', message);
}
