/** Node, disk and ports of this machine. */
import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { LaunchError, type RunningInstance, requirePort, type Settings } from '@opmas/launcher';
import { messageOf } from '../errors.ts';
import { limits } from '../limits.ts';
import { type Check, fail, ok, warn } from './check.ts';

export function checkNode(version: string = process.versions.node): Check {
  return Number(version.split('.')[0]) >= 24
    ? ok('node', `Node.js ${version}`)
    : fail(
        'node',
        `Node.js ${version}; OPMAS needs 24`,
        'Use `npm run opmas -- …`, which brings its own.',
      );
}

/** Space and rights where OPMAS writes; the folder may not exist yet. */
export function checkDisk({ dataDir, eventsMaxBytes }: Settings): Check {
  let place = dataDir;
  while (!existsSync(place) && dirname(place) !== place) place = dirname(place);
  try {
    if (!statSync(place).isDirectory()) throw new Error(`${place} is no folder`);
    accessSync(place, constants.W_OK | constants.X_OK);
  } catch (error) {
    return fail(
      'disk',
      `${dataDir} cannot be written: ${messageOf(error)}`,
      'Set OPMAS_DATA_DIR to a folder of yours.',
    );
  }
  const { bavail, bsize } = statfsSync(place);
  const free = bavail * bsize;
  const detail = `${sizeOf(free)} free for ${dataDir}`;
  if (free < limits.diskFailBytes) {
    return fail('disk', detail, 'Free some space, or set OPMAS_DATA_DIR to another disk.');
  }
  if (free < Math.max(limits.diskWarnBytes, eventsMaxBytes)) {
    return warn(
      'disk',
      `${detail}; events alone may take ${sizeOf(eventsMaxBytes)}`,
      'Free some space, or set OPMAS_EVENTS_MAX_BYTES lower.',
    );
  }
  return ok('disk', detail);
}

function sizeOf(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`;
}

/** A port is free, or it is the running instance that has it. */
export async function checkPorts(
  { http, syslog, roles }: Settings,
  instance: RunningInstance | undefined,
): Promise<Check[]> {
  const web = {
    name: 'port http',
    protocol: 'tcp',
    ...http,
    what: 'the web page',
    setting: 'OPMAS_HTTP_PORT',
  } as const;
  const log = { ...syslog, what: 'syslog', setting: 'OPMAS_SYSLOG_PORT' };
  const needs = [
    ...(roles.includes('api') ? [{ ...web, ours: portOf(instance?.url) }] : []),
    ...(roles.includes('collector')
      ? ([
          { name: 'port syslog udp', protocol: 'udp', ...log, ours: instance?.syslog?.udp_port },
          { name: 'port syslog tcp', protocol: 'tcp', ...log, ours: instance?.syslog?.tcp_port },
        ] as const)
      : []),
  ];
  return Promise.all(
    needs.map(async ({ name, ours, ...need }) => {
      const place = `${need.host}:${ours ?? need.port}`;
      if (ours !== undefined) return ok(name, `${place} is in use by the OPMAS that runs`);
      if (need.port === 0) return ok(name, 'any free port will be taken');
      try {
        await requirePort(need);
        return ok(name, `${place} is free`);
      } catch (error) {
        const fix = error instanceof LaunchError ? error.fix : '';
        return fail(name, messageOf(error), fix || `Set ${need.setting}.`);
      }
    }),
  );
}

function portOf(url: string | null | undefined): number | undefined {
  if (url === null || url === undefined) return undefined;
  const { port, protocol } = new URL(url);
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
}
