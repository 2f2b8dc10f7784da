/** A small real agent for the host's tests: heartbeats, enrols, and misbehaves as `behave.json` of its package says. */
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { connectBus } from '@opmas/bus';
import { subjects } from '@opmas/protocol';

const { values } = parseArgs({
  options: { package: { type: 'string' }, state: { type: 'string' } },
});
const packageDir = values.package ?? '';
const stateDir = values.state ?? '';
/** In the package, where no digest looks. */
const notes = join(packageDir, '.opmas');
const behave: unknown = JSON.parse(readFileSync(join(packageDir, 'behave.json'), 'utf8'));
const does = (what: string) => Array.isArray(behave) && behave.includes(what);
const { env } = process;

const descriptors = readdirSync('/proc/self/fd').flatMap((fd) => {
  try {
    return [`${fd}=${readlinkSync(`/proc/self/fd/${fd}`)}`];
  } catch {
    return [];
  }
});
const start = {
  pid: process.pid,
  instance_id: env['OPMAS_INSTANCE_ID'],
  env: Object.keys(env).sort(),
  token: env['ONE_TIME_REGISTRATION_TOKEN'] ?? null,
  layer: env['OPMAS_AGENT_TEST'] ?? null,
  cwd: process.cwd(),
  flags: process.execArgv,
  descriptors,
};
appendFileSync(join(notes, 'starts.ndjson'), `${JSON.stringify(start)}\n`);

if (does('refuse_config')) {
  console.error('Error: rules[0].pattern is missing');
  process.exit(78);
}
if (does('crash')) throw new TypeError('no topic to read');
if (does('ignore_sigterm')) process.on('SIGTERM', () => console.log('SIGTERM ignored'));
else process.on('SIGTERM', () => process.exit(0));
if (does('spawn')) {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  writeFileSync(join(notes, 'child.pid'), String(child.pid));
}
if (env['ONE_TIME_REGISTRATION_TOKEN'] !== undefined) {
  for (const name of ['identity.json', 'credentials.json']) {
    writeFileSync(join(stateDir, name), '{}', { mode: 0o600 });
  }
}

const quiet = () => undefined;
const bus = await connectBus({
  url: env['OPMAS_AGENT_NATS__URL'] ?? '',
  name: 'fixture',
  credsFile: env['OPMAS_AGENT_CREDS'] ?? '',
  logger: { debug: quiet, info: quiet, warn: quiet, error: quiet },
});
const beat = () => {
  if (does('mute') || existsSync(join(notes, 'mute'))) return;
  const agentName = packageDir.split('/').at(-1) ?? '';
  const heartbeat = {
    agent_id: env['AGENT_ID'],
    status: 'healthy',
    timestamp: new Date().toISOString(),
    uptime: process.uptime(),
    instance_id: env['OPMAS_INSTANCE_ID'],
    interval: 0.3,
  };
  bus.publish(subjects.heartbeat(agentName), JSON.stringify(heartbeat));
};
beat();
setInterval(beat, 300);
