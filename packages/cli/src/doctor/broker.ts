/** The broker: a nats-server to run, or an external one that answers with JetStream. */
import { connect } from 'node:net';
import { LaunchError, natsBinary, type Settings } from '@opmas/launcher';
import { messageOf } from '../errors.ts';
import { limits } from '../limits.ts';
import { type Check, fail, ok, warn } from './check.ts';

export async function checkBroker(settings: Settings): Promise<Check> {
  const { nats, dataDir, natsBin, path } = settings;
  if (nats !== undefined) return external(nats.url, nats.accountSeed !== undefined);
  try {
    const { path: file, version } = natsBinary({ dataDir, bin: natsBin, path });
    return judge(/v?(\d+)\.(\d+)\S*/.exec(version), `${version} (${file})`);
  } catch (error) {
    const fix = error instanceof LaunchError ? error.fix : 'Run `npm run setup`.';
    return fail('broker', messageOf(error), fix);
  }
}

function judge(version: RegExpExecArray | null, detail: string): Check {
  const major = Number(version?.[1]);
  const minor = Number(version?.[2]);
  if (!(major > 2 || (major === 2 && minor >= 9))) {
    return fail(
      'broker',
      detail,
      'OPMAS needs nats-server 2.9 or newer: `npm run setup` brings one.',
    );
  }
  return ok('broker', detail);
}

/** A nats-server says what it is before anybody signs in. */
async function external(urls: string, hasSeed: boolean): Promise<Check> {
  const failures: string[] = [];
  for (const text of urls.split(',')) {
    const { hostname, port, protocol } = new URL(text.trim());
    const place = `${hostname}:${port || 4222}`;
    if (protocol !== 'nats:' && protocol !== 'tls:') {
      return warn(
        'broker',
        `${place} over ${protocol} is not looked at`,
        'Use a nats:// URL to have it checked.',
      );
    }
    try {
      const info = await infoOf(hostname, Number(port || 4222));
      return judgeExternal(info, place, hasSeed);
    } catch (error) {
      failures.push(`${place}: ${messageOf(error)}`);
    }
  }
  return fail('broker', failures.join('; '), 'Check OPMAS_NATS_URL and that nats-server runs.');
}

function judgeExternal(info: Record<string, unknown>, place: string, hasSeed: boolean): Check {
  const text = typeof info['version'] === 'string' ? info['version'] : 'of unknown version';
  const detail = `nats-server ${text} at ${place}`;
  const version = judge(/(\d+)\.(\d+)\S*/.exec(text), detail);
  if (version.status === 'fail') return version;
  if (info['jetstream'] !== true) {
    return fail(
      'broker',
      `${detail} has no JetStream`,
      'Start it with JetStream (`-js`, or `jetstream {}`).',
    );
  }
  if (!hasSeed) {
    return warn(
      'broker',
      `${detail}; agents share one credential`,
      'Set OPMAS_NATS_ACCOUNT_SEED, so that each agent gets its own.',
    );
  }
  return version;
}

function infoOf(host: string, port: number): Promise<Record<string, unknown>> {
  const bare = host.replace(/^\[|\]$/g, '');
  const socket = connect({ host: bare, port });
  return new Promise<Record<string, unknown>>((resolve, reject) => {
    let text = '';
    socket.setTimeout(limits.probeMs, () => reject(new Error('no answer in time')));
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('closed without a word')));
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const match = /^INFO (\{.*\})\s*\r\n/.exec(text);
      if (match?.[1] !== undefined) {
        const info: unknown = JSON.parse(match[1]);
        resolve(typeof info === 'object' && info !== null ? { ...info } : {});
      } else if (text.length > 65_536 || (text.length >= 5 && !text.startsWith('INFO '))) {
        reject(new Error('what listens there is no nats-server'));
      }
    });
  }).finally(() => socket.destroy());
}
