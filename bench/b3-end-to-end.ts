/** B3: bytes on the syslog TCP port to finding rows in PostgreSQL, nothing lost, nothing twice. */
import { tempDir, waitFor } from '@opmas/testkit';
import { type Product, startProduct } from '../e2e/product.ts';
import { AGENT_NAME, writeAgentPackage } from './lib/agent-package.ts';
import { FindingsTable } from './lib/findings.ts';
import { LineStream } from './lib/lines.ts';
import type { BenchOptions } from './lib/options.ts';
import { byPart, cpuSeconds } from './lib/processes.ts';
import type { Peer, Report } from './lib/report.ts';
import { rulePack, type SampledRule } from './lib/rules.ts';
import { closeSender, openSender, sendAll } from './lib/sender.ts';
import { limits } from './limits.ts';

const MATCHING_PERCENT = 1;
const RATE = 'lines a second, socket to row';

export async function endToEnd({ seconds, peers }: BenchOptions): Promise<Report> {
  const rules = rulePack(limits.rules);
  const dir = tempDir('bench');
  try {
    const folder = writeAgentPackage(dir.path, rules);
    const product = await startProduct({ agents: [folder] });
    try {
      return await measure(product, rules, seconds, await peerRates(rules, peers));
    } finally {
      await product.stop();
    }
  } finally {
    dir.remove();
  }
}

async function measure(
  product: Product,
  rules: readonly SampledRule[],
  seconds: number,
  peers: Peer[],
): Promise<Report> {
  await product.waitForAgent(AGENT_NAME);
  const table = await FindingsTable.open(product);
  const stream = new LineStream(rules, MATCHING_PERCENT);
  const { host, tcp_port: port } = product.syslog;
  const arrived = () =>
    waitFor(async () => (await table.count()) >= stream.marked, {
      timeoutMs: limits.settleMs,
      what: `${stream.marked} finding rows`,
    });
  try {
    const socket = await openSender({ host, port });
    const chunk = () => stream.chunk();
    const warmUp = Math.min(limits.warmUpLines, seconds * 10_000);
    await sendAll(socket, chunk, () => stream.lines < warmUp);
    await arrived();

    const linesBefore = stream.lines;
    const cpuBefore = cpuSeconds(product.home);
    const ownBefore = process.cpuUsage();
    const began = performance.now();
    const end = began + seconds * 1000;
    const bound = linesBefore + limits.maxLines;
    await sendAll(socket, chunk, () => performance.now() < end && stream.lines < bound);
    const takenMs = performance.now() - began;
    await arrived();
    const tookMs = performance.now() - began;
    const own = process.cpuUsage(ownBefore);
    const cpu = cpuSeconds(product.home);
    const sent = stream.lines - linesBefore;
    await closeSender(socket);
    const ledger = await table.ledger(stream.marked);

    const perLine = new Map(
      [...cpu].map(([part, now]) => [part, now - (cpuBefore.get(part) ?? 0)]),
    );
    for (const [part, used] of perLine) perLine.set(part, (used / sent) * 1e6);
    return {
      id: 'B3',
      title: `end to end: ${sent.toLocaleString('en-US')} lines, ${limits.rules} rules, ${MATCHING_PERCENT} % match`,
      figures: [
        { name: RATE, value: (sent / tookMs) * 1000, unit: '/s', goal: { least: 100_000 } },
        {
          name: 'lines a second taken from the socket',
          value: (sent / takenMs) * 1000,
          unit: '/s',
        },
        { name: 'findings lost', value: ledger.lost, unit: '', goal: { most: 0 } },
        {
          name: 'findings twice or never caused',
          value: ledger.duplicates + ledger.foreign,
          unit: '',
          goal: { most: 0 },
        },
        {
          name: 'CPU time of a line, all parts',
          value: [...perLine.values()].reduce((sum, value) => sum + value, 0),
          unit: 'µs',
        },
      ],
      peers,
      notes: [
        `CPU µs a line: ${byPart(perLine, 2)}; generator ${((own.user + own.system) / sent).toFixed(2)}`,
      ],
    };
  } finally {
    await table.close();
  }
}

async function peerRates(rules: readonly SampledRule[], wanted: boolean): Promise<Peer[]> {
  if (!wanted) {
    const note = 'run with --peers';
    return ['rsyslog to a file', 'SEC, the same rules'].map((name) => ({
      name,
      value: undefined,
      unit: '/s',
      against: RATE,
      note,
    }));
  }
  const { relayRate } = await import('./lib/peers/rsyslog.ts');
  const { detectionRate } = await import('./lib/peers/sec.ts');
  return [
    { name: 'rsyslog to a file', unit: '/s', against: RATE, ...(await relayRate(rules)) },
    { name: 'SEC, the same rules', unit: '/s', against: RATE, ...(await detectionRate(rules)) },
  ];
}
