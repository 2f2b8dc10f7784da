/** What the host hands to an agent process: two arguments and a handful of variables, all checked. */
import { isAbsolute } from 'node:path';
import { parseArgs } from 'node:util';
import { AgentId, type ConfigLayer, check, type Fault, mergeLayers, Token } from '@opmas/protocol';
import { messageOf } from '../errors.ts';

export interface RunnerSettings {
  packageDir: string;
  stateDir: string;
  /** Undefined: an agent on another machine, whose folder knows it, or that enrols now. */
  agentId: string | undefined;
  managementUrl: string;
  token: string | undefined;
  instanceId: string | undefined;
  /** Milliseconds from the signal to end until the host kills the process. */
  stopGraceMs: number | undefined;
  /** The environment layer of the configuration, `OPMAS_AGENT_<PATH>` with `__` between levels. */
  layer: ConfigLayer;
}

/** Every fault at once, each naming its argument or variable. */
export function readSettings(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): { ok: true; settings: RunnerSettings } | { ok: false; faults: Fault[] } {
  const faults: Fault[] = [];
  const need = (path: string, value: string | undefined, good: boolean, message: string) => {
    if (value === undefined || !good) faults.push({ path, message });
    return value ?? '';
  };
  const args = readArgs(argv, faults);
  const { AGENT_ID: id, MANAGEMENT_API_URL: url, OPMAS_INSTANCE_ID: instance } = env;
  const token = env['ONE_TIME_REGISTRATION_TOKEN'];
  const settings = {
    packageDir: need(
      '--package',
      args.package,
      isAbsolute(args.package ?? ''),
      'give the absolute path of the agent package',
    ),
    stateDir: need(
      '--state',
      args.state,
      isAbsolute(args.state ?? ''),
      'give the absolute path of the agent’s own folder',
    ),
    agentId: id,
    managementUrl: need(
      'MANAGEMENT_API_URL',
      url,
      url !== undefined && URL.canParse(url),
      'must be the management API, as http://127.0.0.1:8080',
    ),
    token: token === '' ? undefined : token,
    instanceId: instance === '' ? undefined : instance,
    stopGraceMs: graceOf(env['OPMAS_STOP_GRACE_MS'], faults),
    layer: environmentLayer(env),
  };
  if (settings.agentId !== undefined && !check(AgentId, settings.agentId)) {
    faults.push({ path: 'AGENT_ID', message: 'must be the agent’s id: A-Z a-z 0-9 _ -' });
  }
  if (settings.instanceId !== undefined && !check(Token, settings.instanceId)) {
    faults.push({ path: 'OPMAS_INSTANCE_ID', message: 'must be 1 to 64 of A-Z a-z 0-9 _ -' });
  }
  return faults.length === 0 ? { ok: true, settings } : { ok: false, faults };
}

function graceOf(text: string | undefined, faults: Fault[]): number | undefined {
  if (text === undefined || text === '') return undefined;
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  faults.push({ path: 'OPMAS_STOP_GRACE_MS', message: 'must be milliseconds, 1 to 9999999' });
  return undefined;
}

function readArgs(
  argv: readonly string[],
  faults: Fault[],
): { package?: string | undefined; state?: string | undefined } {
  try {
    const options = { package: { type: 'string' }, state: { type: 'string' } } as const;
    return parseArgs({ args: [...argv], options }).values;
  } catch (error) {
    faults.push({ path: 'arguments', message: messageOf(error) });
    return {};
  }
}

const PREFIX = 'OPMAS_AGENT_';

/** `OPMAS_AGENT_PROCESSING__BATCH_SIZE=50` → `{processing: {batch_size: 50}}`. */
function environmentLayer(env: Readonly<Record<string, string | undefined>>): ConfigLayer {
  let layer: ConfigLayer = {};
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || text === undefined) continue;
    const path = name.slice(PREFIX.length).toLowerCase().split('__');
    const nested = path.reduceRight<unknown>((value, key) => ({ [key]: value }), valueOf(text));
    if (path.every((key) => key !== '') && typeof nested === 'object' && nested !== null) {
      layer = mergeLayers(layer, { ...nested });
    }
  }
  return layer;
}

/** Numbers, booleans, lists and objects are written as JSON; anything else is a text. */
function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
