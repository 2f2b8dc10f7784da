/** `opmas config get|set|unset|history|rollback|keep`: layers of configurations, key by key. */
import { configsGet, configsRuntimeKeep } from '@opmas/client';
import { agentOf } from '../api/agent-ref.ts';
import { collect } from '../api/pages.ts';
import { CliError, usageError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { limits } from '../limits.ts';
import { given, type Run } from '../run.ts';
import { getKey, type Json, leavesOf, parseAssignment, setKey, unsetKey } from './config-keys.ts';
import { rollOut, wantsRollout } from './config-rollout.ts';
import { type Target, targetOf, type Written } from './config-target.ts';
import { parseJson, readInput } from './read-input.ts';
import { readSecret, secretKey } from './read-secret.ts';

export async function get(run: Run): Promise<ExitCode> {
  const { options, out } = run;
  const target = await targetOf(run);
  const whole = options.flag('database') || options.flag('runtime') || target.agentId === undefined;
  const answer: Shown = whole ? await target.read() : await effective(target, run);
  const key = target.rest[0];
  if (key !== undefined) return getOne(run, answer, key);
  const { hash } = answer;
  out.one(answer, [
    ['# version', answer.version],
    ...(hash === undefined || hash === null ? [] : ([['# hash', hash]] as const)),
    ...originLines(answer, answer.config),
  ]);
  return EXIT.ok;
}

/** The value alone, for scripts; with its origins when they were asked for. */
function getOne({ out }: Run, answer: Shown, key: string): ExitCode {
  const value = getKey(answer.config, key);
  if (value === undefined) throw new CliError(EXIT.notFound, `${key} is not set`);
  if (answer.origins !== undefined) {
    const part = setKey({}, key, value);
    const names = leavesOf(part).map(([name]) => name);
    const origins = Object.fromEntries(names.map((name) => [name, originOf(answer, name)]));
    out.one(
      { key, value, origins },
      leavesOf(part).map(([name, one]) => [
        name,
        `${JSON.stringify(one)}  (${originOf(answer, name)})`,
      ]),
    );
  } else if (out.json) out.event(value, () => '');
  else out.done({}, typeof value === 'string' ? value : JSON.stringify(value));
  return EXIT.ok;
}

/** Every value, and the layer it comes from where that is known. */
function originLines(answer: Shown, config: Json): (readonly [string, unknown])[] {
  return leavesOf(config).map(([name, value]) => {
    const from = originOf(answer, name);
    const text = JSON.stringify(value);
    const short = text.length <= limits.valueChars ? undefined : inWords(value, text);
    if (from === undefined) return [name, short ?? value] as const;
    return [name, `${short ?? text}  (${from})`] as const;
  });
}

/** Rules fill screens: the list says how many, their key or --json gives all. */
function inWords(value: unknown, text: string): string {
  return Array.isArray(value)
    ? `[${value.length} entries, ${text.length} characters]`
    : `${text.slice(0, limits.valueChars)}…`;
}

/** `fleet 3 by Wilma` */
function originOf({ origins = {}, layers = {} }: Shown, name: string): string | undefined {
  const origin = Object.hasOwn(origins, name) ? origins[name] : undefined;
  const layer = origin === undefined ? undefined : layers[origin];
  return layer === undefined ? origin : `${origin} ${layer.version} by ${layer.author}`;
}

/** A layer, or the whole of an agent, which has more to tell. */
interface Shown {
  version: number;
  config: Json;
  hash?: string | null;
  origins?: Readonly<Record<string, string>>;
  layers?: Readonly<Record<string, { version: number; author: string }>>;
}

function effective({ api, agentId = '' }: Target, { options }: Run) {
  const origins = options.flag('origins') || options.flag('origin');
  return api.call((client) =>
    configsGet({
      client,
      path: { agent_id: agentId },
      query: origins ? { origins: true } : {},
    }),
  );
}

export async function set(run: Run): Promise<ExitCode> {
  const { options } = run;
  const target = await targetOf(run);
  if (options.flag('secret')) {
    if (options.texts('unset').length > 0) throw usageError('--secret is for one key, set alone');
    const key = secretKey(target.rest);
    const secret = await readSecret(run, key);
    return change(run, target, (before) => setKey(before, key, { $secret: secret }));
  }
  return change(run, target, await editsOf(run, target.rest));
}

/**
 * What is to become of a layer: the whole from a file, or some keys set and others taken out.
 * @throws {CliError} usage when nothing is said, or both
 */
export async function editsOf(run: Run, rest: readonly string[]): Promise<(layer: Json) => Json> {
  const { options } = run;
  const assignments = rest.map(parseAssignment);
  const gone = options.texts('unset');
  const file = options.text('file');
  if ((file === undefined) === (assignments.length + gone.length === 0)) {
    throw usageError('Say what to set: key=value …, --unset KEY, or --file');
  }
  if (file !== undefined) {
    const from = file === '-' ? 'stdin' : file;
    const whole = objectOf(parseJson(await readInput(run, file), from), from);
    return () => whole;
  }
  return (layer) =>
    assignments.reduce((before, [key, value]) => setKey(before, key, value), without(layer, gone));
}

/** @throws {CliError} not found for a key that is not set */
function without(layer: Json, keys: readonly string[]): Json {
  return keys.reduce((before, key) => {
    if (getKey(before, key) === undefined) {
      throw new CliError(EXIT.notFound, `${key} is not set in this layer`);
    }
    return unsetKey(before, key);
  }, layer);
}

export async function unset(run: Run): Promise<ExitCode> {
  const target = await targetOf(run);
  if (target.rest.length === 0) throw usageError('Say which keys: a.b.c');
  return change(run, target, (before) => without(before, target.rest));
}

/** Reads the layer, changes it, and writes it only if nobody else has meanwhile. */
async function change(run: Run, target: Target, edit: (layer: Json) => Json): Promise<ExitCode> {
  const { options, out } = run;
  const wanted = options.count('ifVersion', 999_999_999);
  const isRollout = wantsRollout(run, target);
  const before = await target.read();
  const after = edit(before.config);
  if (isRollout) return rollOut(run, target, { document: after }, wanted ?? before.version);
  const answer = await target.write(after, wanted ?? before.version, options.text('reason'));
  out.done(
    answer,
    `${target.label}: configuration is now version ${answer.version}${reachOf(answer)}`,
  );
  return EXIT.ok;
}

/** `, 3 of 5 agents change` */
export function reachOf({ reached, changed }: Written): string {
  return reached === undefined ? '' : `, ${changed ?? 0} of ${reached} agents change`;
}

export async function history(run: Run): Promise<ExitCode> {
  const { options, out } = run;
  const target = await targetOf(run);
  const versions = await collect(options.limit(), (query) => target.history(query));
  out.list(
    versions,
    [
      { head: 'VERSION', value: ({ version }) => version },
      { head: 'TIME', value: ({ created_at }) => created_at, whole: true },
      { head: 'BY', value: ({ author }) => author },
      { head: 'REASON', value: ({ reason }) => reason },
      { head: 'LAYER', value: ({ config }) => JSON.stringify(config) },
    ],
    'Never changed.',
  );
  return EXIT.ok;
}

export async function rollback(run: Run): Promise<ExitCode> {
  const { options, out } = run;
  const target = await targetOf(run);
  const version = Number(target.rest[0]);
  if (!Number.isInteger(version) || version < 1) {
    throw usageError(
      `${JSON.stringify(target.rest[0])} is no version`,
      'See: opmas config history',
    );
  }
  if (wantsRollout(run, target)) return rollOut(run, target, { version });
  const answer = await target.rollback(version, options.text('reason'));
  out.done(
    answer,
    `${target.label}: version ${version} is in force again, as ${answer.version}${reachOf(answer)}`,
  );
  return EXIT.ok;
}

/** The runtime layer becomes a part of the agent's own. */
export async function keep({ api: connect, args, options, out }: Run): Promise<ExitCode> {
  const api = await connect();
  const { agent_id, name } = await agentOf(api, args[0] ?? '');
  const reason = options.text('reason');
  const answer = await api.call((client) =>
    configsRuntimeKeep({ client, path: { agent_id }, query: given({ reason }) }),
  );
  out.done(answer, `${name}: the runtime configuration stays, as version ${answer.version}`);
  return EXIT.ok;
}

export function objectOf(value: unknown, from: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw usageError(`${from} must hold one JSON object`);
}
