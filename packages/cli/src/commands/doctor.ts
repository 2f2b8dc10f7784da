/** `opmas doctor`: every check with its fix; works whether or not OPMAS runs. */
import { type RunningInstance, readSettings, runningInstance } from '@opmas/launcher';
import { checkAgentsDir } from '../doctor/agents-dir.ts';
import { checkBroker } from '../doctor/broker.ts';
import { type Check, fail, warn } from '../doctor/check.ts';
import { checkDatabase } from '../doctor/database.ts';
import { checkDisk, checkNode, checkPorts } from '../doctor/machine.ts';
import { checkServer } from '../doctor/server.ts';
import { messageOf } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { visible } from '../output/visible.ts';
import { paintOf } from '../output/words.ts';
import type { Run } from '../run.ts';
import { trustAuthorities } from '../session/trust.ts';
import { settingsEnvironment } from './up-settings.ts';

export async function doctor(run: Run): Promise<ExitCode> {
  const checks = await examine(run);
  print(run, checks);
  if (checks.some(({ status }) => status === 'fail')) return EXIT.failed;
  const hasWarning = checks.some(({ status }) => status === 'warn');
  return hasWarning && run.options.flag('strict') ? EXIT.difference : EXIT.ok;
}

/** Also when the commands go elsewhere: what runs here is looked at here. */
function trustInstance({ io }: Run, instance: RunningInstance | undefined): void {
  if (instance === undefined || instance.url === null) return;
  const { env, cwd } = io;
  trustAuthorities(instance.url, true, { caFile: undefined, env, cwd, dataDir: instance.data_dir });
}

async function examine(run: Run): Promise<Check[]> {
  const settings = readSettings(settingsEnvironment(run), run.io.cwd);
  if (!settings.ok) {
    const faults = settings.errors.map(({ path, message }) =>
      fail(
        'settings',
        message.includes(path) ? message : `${path} ${message}`,
        `Correct ${path || 'it'}.`,
      ),
    );
    return [checkNode(), ...faults];
  }
  const { value } = settings;
  const instance = runningInstance(value.dataDir);
  const unknown = value.warnings.map((text) =>
    warn('settings', text, 'Correct its name, or unset it.'),
  );
  // What runs was started with its own settings; it watches another folder perhaps.
  const inForce = instance === undefined ? value : { ...value, agentsDir: instance.agents_dir };
  const hasServer = instance !== undefined && instance.url !== null;
  const api = hasServer ? await run.api() : undefined;
  trustInstance(run, instance);
  const later = await Promise.all([
    checkPorts(value, instance),
    isElsewhere('postgres', value.database) ? [] : guarded('database', () => checkDatabase(value)),
    isElsewhere('nats', value.nats) ? [] : guarded('broker', () => checkBroker(value)),
    agentsDir(),
    checkServer(instance, value.dataDir),
  ]);
  return [checkNode(), ...unknown, checkDisk(value), ...later.flat()];

  /** External for the one that runs, by settings we do not have: its own health report tells of it. */
  function isElsewhere(part: string, own: unknown): boolean {
    return instance !== undefined && own === undefined && !instance.embedded.includes(part);
  }

  /** A server that does not let us look must not hide what the folder shows. */
  async function agentsDir(): Promise<Check> {
    try {
      return await checkAgentsDir(inForce, api);
    } catch (error) {
      run.io.note(`The server was not asked about packages: ${messageOf(error)}`);
      return checkAgentsDir(inForce, undefined);
    }
  }
}

async function guarded(name: string, check: () => Promise<Check>): Promise<Check> {
  try {
    return await check();
  } catch (error) {
    return fail(name, messageOf(error), 'See the message.');
  }
}

function print({ io, out }: Run, checks: readonly Check[]): void {
  if (out.json) {
    out.list(checks, [], '');
    return;
  }
  const width = Math.max(...checks.map(({ check }) => check.length));
  for (const { check, status, detail, fix } of checks) {
    const mark = paintOf(status, out.colours)?.(status.padEnd(4)) ?? status;
    io.print(`${mark}  ${check.padEnd(width)}  ${visible(detail)}`);
    if (fix !== undefined) io.print(`      ${''.padEnd(width)}  → ${visible(fix)}`);
  }
}
