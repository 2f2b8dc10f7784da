/** Loads an agent package: its manifest, its default rules, and its agent class; every fault is told. */
import { readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
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
  const { manifest, defaults, rules } = readPackage(dir);
  const entry = findEntry(dir);
  if (entry === undefined && rules === undefined) {
    throw invalid(`${dir} holds neither agent.ts nor rules.json: add one of them`);
  }
  const agent = entry === undefined ? BaseAgent : await importAgent(entry, dir);
  return { manifest, defaults, agent };
}

/**
 * The package's data without its code.
 * @param folder a path or `file:` URL
 * @throws {AgentError} OPMAS_INVALID_CONFIGURATION
 */
export function readPackage(folder: string | URL): {
  manifest: Manifest;
  defaults: ConfigLayer;
  rules: unknown[] | undefined;
} {
  const isUrl = folder instanceof URL || folder.startsWith('file:');
  const dir = isUrl ? fileURLToPath(folder) : folder;
  const discovery = readBounded(join(dir, '.env.discovery'));
  if (discovery === undefined)
    throw invalid(`${dir} has no .env.discovery: it is no agent package`);
  const result = parseManifest(discovery, basename(dir));
  if (!result.ok) {
    const faults = result.errors.map((e) => (e.line ? `line ${e.line}: ${e.message}` : e.message));
    throw invalid(`${join(dir, '.env.discovery')}: ${faults.join('; ')}`);
  }
  const { manifest } = result;
  const rules = readRules(join(dir, 'rules.json'));
  const defaults = {
    subscribed_topics: manifest.subscribed_topics,
    findings_topic: manifest.findings_topic,
    ...(rules === undefined ? {} : { rules }),
  };
  return { manifest, defaults, rules };
}

function readRules(path: string): unknown[] | undefined {
  const bytes = readBounded(path);
  if (bytes === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw invalid(`${path} is not JSON: ${messageOf(error)}`);
  }
  if (!Array.isArray(value)) throw invalid(`${path} must be a list of rules: [{"id": …}, …]`);
  const rules: unknown[] = value;
  return rules;
}

function findEntry(dir: string): string | undefined {
  return ['agent.ts', 'agent.js', 'agent.mjs']
    .map((name) => join(dir, name))
    .find((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
}

async function importAgent(path: string, dir: string): Promise<AgentClass> {
  let module: unknown;
  try {
    module = await import(pathToFileURL(path).href);
  } catch (error) {
    throw new AgentError('OPMAS_INVALID_CONFIGURATION', importFault(path, dir, error), {
      cause: error,
    });
  }
  const exported =
    typeof module === 'object' && module !== null && 'default' in module
      ? module.default
      : undefined;
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
  if (code.startsWith('ERR_UNSUPPORTED_TYPESCRIPT')) {
    return `${path} uses TypeScript that is not plain types (no enum, namespace or parameter property): ${text}`;
  }
  return `${path} cannot be loaded: ${text}${placeOf(error, dir)}`;
}

/** Where in the package it happened: the first line of the stack that names a file of it. */
function placeOf(error: unknown, dir: string): string {
  const lines = error instanceof Error ? (error.stack ?? '').split('\n') : [];
  const line = lines.find((candidate) => candidate.includes(dir));
  return line === undefined ? '' : ` (${line.trim()})`;
}

/** Undefined when the file is not there. */
function readBounded(path: string): Uint8Array | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  if (!found.isFile()) throw invalid(`${path} is not a file`);
  if (found.size > limits.packageFileBytes) {
    throw invalid(`${path} has ${found.size} bytes; at most ${limits.packageFileBytes}`);
  }
  return readFileSync(path);
}

function invalid(message: string): AgentError {
  return new AgentError('OPMAS_INVALID_CONFIGURATION', message);
}
