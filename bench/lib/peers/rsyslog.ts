/** rsyslog taking the same stream over TCP and writing it to a file: no detection, no rows. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, tempDir, waitFor } from '@opmas/testkit';
import { limits } from '../../limits.ts';
import { LineStream } from '../lines.ts';
import type { SampledRule } from '../rules.ts';
import { closeSender, openSender, sendAll } from '../sender.ts';
import { rateOrReason, unpack } from './unpack.ts';

const PACKAGES = ['rsyslog', 'libestr0', 'libfastjson4', 'liblognorm5'];
/** What its default format puts before each message is as long as what the line had there, or longer. */
const LINES = 1_000_000;

export function relayRate(
  rules: readonly SampledRule[],
): Promise<{ value: number | undefined; note: string }> {
  return rateOrReason(async () => {
    const dir = tempDir('bench-peer');
    try {
      await unpack(PACKAGES, dir.path);
      return await measure(dir.path, rules);
    } finally {
      dir.remove();
    }
  });
}

async function measure(dir: string, rules: readonly SampledRule[]) {
  const port = await freePort();
  const output = join(dir, 'out.log');
  const libraries = join(dir, 'usr', 'lib', `${machine()}-linux-gnu`);
  const work = join(dir, 'work');
  mkdirSync(work);
  const config = join(dir, 'rsyslog.conf');
  writeFileSync(
    config,
    `global(workDirectory="${work}" maxMessageSize="8k")
module(load="imtcp")
input(type="imtcp" address="127.0.0.1" port="${port}")
template(name="raw" type="string" string="%rawmsg%\\n")
action(type="omfile" file="${output}" template="raw")
`,
  );
  const args = ['-n', '-f', config, '-i', join(dir, 'pid'), '-M', join(libraries, 'rsyslog')];
  const child = spawn(join(dir, 'usr', 'sbin', 'rsyslogd'), args, {
    env: { LD_LIBRARY_PATH: libraries, PATH: '/usr/bin:/bin' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString('utf8')).slice(-2_000);
  });
  try {
    const socket = await waitFor(
      () => {
        if (child.exitCode === null) return openSender({ host: '127.0.0.1', port });
        throw new Error(`rsyslogd ended: ${complaint}`);
      },
      { timeoutMs: limits.peerMs, what: 'rsyslog' },
    );
    const stream = new LineStream(rules, 1);
    let bytes = 0;
    const chunk = () => {
      const next = stream.chunk();
      bytes += next.length;
      return next;
    };
    const began = performance.now();
    await sendAll(socket, chunk, () => stream.lines < LINES);
    await waitFor(() => sizeOf(dir, 'out.log') >= bytes, {
      timeoutMs: limits.peerMs,
      what: `${bytes} bytes written by rsyslog`,
    });
    const seconds = (performance.now() - began) / 1000;
    const ended = closeSender(socket);
    child.kill('SIGTERM');
    await Promise.all([ended, once(child, 'exit')]);
    return { value: stream.lines / seconds, note: 'no rules, no database' };
  } finally {
    child.kill('SIGKILL');
  }
}

function sizeOf(dir: string, name: string): number {
  return readdirSync(dir).includes(name) ? statSync(join(dir, name)).size : 0;
}

/** The machine's name in Debian's library folders. */
function machine(): string {
  return process.arch === 'arm64' ? 'aarch64' : 'x86_64';
}
