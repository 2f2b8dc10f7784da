/** The OPMAS that runs, if one does: its parts and what it says of itself. */
import type { RunningInstance } from '@opmas/launcher';
import { messageOf } from '../errors.ts';
import { limits } from '../limits.ts';
import { type Check, fail, ok, warn } from './check.ts';

export async function checkServer(
  instance: RunningInstance | undefined,
  dataDir: string,
): Promise<Check> {
  if (instance === undefined) return ok('opmas', `not running on ${dataDir}`);
  const missing = instance.children.filter(({ alive }) => !alive).map(({ name }) => name);
  const logs = `See ${dataDir}/logs.`;
  if (missing.length > 0) {
    return fail('opmas', `process ${instance.pid}; not alive: ${missing.join(', ')}`, logs);
  }
  if (instance.url === null)
    return warn('opmas', `process ${instance.pid} is starting`, 'Look again in a moment.');
  try {
    const response = await fetch(`${instance.url}/health`, {
      signal: AbortSignal.timeout(limits.probeMs),
    });
    const report: unknown = await response.json();
    const { status, poor } = readReport(report);
    const detail = `process ${instance.pid} at ${instance.url} is ${status}${poor === '' ? '' : `: ${poor}`}`;
    if (status === 'ready') return ok('opmas', detail);
    return status === 'degraded' ? warn('opmas', detail, logs) : fail('opmas', detail, logs);
  } catch (error) {
    return fail('opmas', `${instance.url} does not answer: ${messageOf(error)}`, logs);
  }
}

function readReport(value: unknown): { status: string; poor: string } {
  if (typeof value !== 'object' || value === null) return { status: 'unknown', poor: '' };
  const status = 'status' in value && typeof value.status === 'string' ? value.status : 'unknown';
  const components = 'components' in value ? value.components : undefined;
  const poor = Object.entries(
    typeof components === 'object' && components !== null ? components : {},
  )
    .map(([name, part]: [string, unknown]) => [name, JSON.stringify(part)] as const)
    .filter(([, text]) => !text.includes('"up"'))
    .map(([name, text]) => `${name} ${text}`);
  return { status, poor: poor.join(', ') };
}
