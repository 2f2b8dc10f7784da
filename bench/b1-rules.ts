/** B1: the bytes of a batch of lines to every matching pair of line and rule, on one core. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileRules, type Ruleset, type ScanKind } from '@opmas/rules';
import { tempDir } from '@opmas/testkit';
import type { BenchOptions } from './lib/options.ts';
import { type Figure, median, type Peer, type Report } from './lib/report.ts';
import {
  batchesOf,
  hostileLines,
  type RouterRule,
  routerLines,
  routerPack,
} from './lib/router-pack.ts';
import { disagreements } from './lib/verify-engines.ts';
import { limits } from './limits.ts';
import type { Hyperscan, HyperscanProgram } from './peers/hyperscan.ts';

const LEAST_TIMES_HYPERSCAN = new Map([
  [1_000, { webassembly: 1, typescript: 0.55 }],
  [10_000, { webassembly: 1.15, typescript: 0.65 }],
]);
/** The most rules, the fewest, and those of the loop over all of them. */
const MOST_RULES = 10_000;
const FEW_RULES = 10;
const LOOP_RULES = 1_000;
const SCANS = ['webassembly', 'typescript'] as const;

interface Engine {
  kind: (typeof SCANS)[number];
  ruleset: Ruleset;
}

/** Nanoseconds a line, pass by pass, of one way to match. */
type Times = number[];

/** How much is measured. */
interface Size {
  lines: number;
  rounds: number;
}

interface Measured {
  rules: number;
  ours: Record<Engine['kind'], Times>;
  hyperscan: { lines: Times; batches: Times } | undefined;
  hostile: string[];
}

export async function ruleMatching(options: BenchOptions): Promise<Report> {
  const { seconds, peers, verify, rounds = limits.rounds, rules: most = MOST_RULES } = options;
  const lines = Math.min(limits.ruleLines, Math.ceil(seconds * limits.ruleLinesPerSecond));
  const size = { lines, rounds };
  const dir = tempDir('bench-rules');
  try {
    const { program, note } = await hyperscanIn(dir.path, peers);
    const measured: Measured[] = [];
    for (const count of limits.ruleCounts.filter((each) => each <= most)) {
      measured.push(await measure(count, size, dir.path, program));
    }
    const growth = { most, ratio: await growthOf(FEW_RULES, most, size) };
    const loop = plainLoopTimes(Math.min(most, LOOP_RULES), rounds);
    const wrong = verify ? disagreements(lines) : undefined;
    return {
      id: 'B1',
      title: `rule matching: ${lines.toLocaleString('en-US')} lines in batches of ${limits.chunkLines}, one core`,
      figures: figuresOf(measured, growth, loop, wrong),
      peers: [
        ...measured.flatMap((each) => hyperscanPeers(each, note)),
        ...(await otherPeers(peers, dir.path)),
      ],
      notes: measured.flatMap(({ hostile }) => hostile),
    };
  } finally {
    dir.remove();
  }
}

async function measure(
  count: number,
  { lines, rounds }: Size,
  dir: string,
  program: HyperscanProgram | undefined,
): Promise<Measured> {
  const rules = routerPack(count);
  const text = routerLines(rules, lines);
  const batches = batchesOf(text);
  const path = join(dir, 'lines');
  writeFileSync(path, text);
  const engines = await Promise.all(SCANS.map((kind) => tuned(kind, rules, batches)));
  const hyperscan = await startHyperscan(program, dir, rules, path);
  const ours = { webassembly: [], typescript: [] } as Measured['ours'];
  const theirs = { lines: [] as Times, batches: [] as Times };
  const hostile: string[] = [];
  try {
    for (let round = -limits.warmUpRounds; round < rounds; round++) {
      for (const engine of engines) {
        const { nanoseconds, matches } = pass(engine, batches);
        if (round >= 0) ours[engine.kind].push(nanoseconds / lines);
        if (hyperscan === undefined) continue;
        const how = engine.kind === 'webassembly' ? 'lines' : 'batches';
        const other = await hyperscan.pass(how);
        if (round >= 0) theirs[how].push(other.nanoseconds / lines);
        if (how === 'lines' && other.matches !== matches) {
          throw new Error(`Hyperscan finds ${other.matches} of ${count} rules, we ${matches}`);
        }
      }
    }
    if (hyperscan !== undefined && count >= 1_000) {
      for (const kind of ['whole literals', 'broken literals'] as const) {
        hostile.push(await hostileNote(kind, rules, engines, hyperscan, join(dir, 'hostile')));
      }
    }
  } finally {
    await hyperscan?.stop();
  }
  return { rules: count, ours, hyperscan: hyperscan === undefined ? undefined : theirs, hostile };
}

/** How many times as long `most` rules take as `few`, each on lines of its own, pass beside pass. */
async function growthOf(few: number, most: number, { lines, rounds }: Size): Promise<number> {
  const sides = await Promise.all(
    [few, most].map(async (count) => {
      const rules = routerPack(count);
      const batches = batchesOf(routerLines(rules, lines));
      return { batches, engine: await tuned('webassembly', rules, batches), times: [] as Times };
    }),
  );
  for (let round = -limits.warmUpRounds; round < rounds; round++) {
    for (const { engine, batches, times } of sides) {
      const { nanoseconds } = pass(engine, batches);
      if (round >= 0) times.push(nanoseconds);
    }
  }
  return ratioOf(sides[1]?.times ?? [], sides[0]?.times ?? []);
}

/** Compiled, and tuned to the traffic as an agent's rules are after its first events. */
async function tuned(
  kind: Engine['kind'],
  rules: readonly RouterRule[],
  batches: readonly Buffer[],
): Promise<Engine> {
  const ruleset = compiled(rules, kind);
  if (ruleset.stats.scan !== kind) throw new Error(`no ${kind} here`);
  for (const batch of batches) {
    ruleset.matchLines(batch);
    if (ruleset.wantsTuning) break;
  }
  await ruleset.retune();
  return { kind, ruleset };
}

function compiled(rules: readonly RouterRule[], scan: ScanKind): Ruleset {
  const result = compileRules(
    rules.map(({ rule }) => rule),
    { scan },
  );
  if (!result.ok) throw new Error(JSON.stringify(result.errors[0]));
  return result.ruleset;
}

function pass({ ruleset }: Engine, batches: readonly Buffer[]) {
  let matches = 0;
  const began = process.hrtime.bigint();
  for (const batch of batches) {
    for (const line of ruleset.matchLines(batch)) matches += line.matches.length;
  }
  return { nanoseconds: Number(process.hrtime.bigint() - began), matches };
}

async function hostileNote(
  kind: 'whole literals' | 'broken literals',
  rules: readonly RouterRule[],
  engines: readonly Engine[],
  hyperscan: Hyperscan,
  path: string,
): Promise<string> {
  const text = hostileLines(rules, kind);
  writeFileSync(path, text);
  await hyperscan.use(path);
  const batches = batchesOf(text);
  const times = new Map<string, Times>();
  const add = (name: string, nanoseconds: number) =>
    times.set(name, [...(times.get(name) ?? []), nanoseconds / limits.hostileLines]);
  for (let round = 0; round < limits.rounds; round++) {
    for (const engine of engines) add(engine.kind, pass(engine, batches).nanoseconds);
    add('Hyperscan', (await hyperscan.pass('lines')).nanoseconds);
  }
  const shown = [...times].map(([name, each]) => `${name} ${Math.round(median(each))}`);
  const ratio = ratioOf(times.get('Hyperscan') ?? [], times.get('webassembly') ?? []);
  return `hostile lines of ${kind}, ${rules.length} rules, ns a line: ${shown.join(', ')}: ${ratio.toFixed(2)} x Hyperscan per line`;
}

/** The specification's loop over the rules: nanoseconds a line. */
function plainLoopTimes(count: number, rounds: number): { rules: number; nanoseconds: number } {
  const rules = routerPack(count).map(({ rule }) => ({
    rule,
    regex: rule.kind === 'regex' ? new RegExp(rule.pattern) : undefined,
  }));
  const lines = routerLines(routerPack(count), limits.plainLoopLines)
    .toString('latin1')
    .split('\n');
  const times: Times = [];
  for (let round = 0; round < rounds; round++) {
    let matches = 0;
    const began = process.hrtime.bigint();
    for (const line of lines) {
      for (const { rule, regex } of rules) {
        if (regex === undefined ? line.includes(rule.pattern) : regex.test(line)) matches += 1;
      }
    }
    times.push(Number(process.hrtime.bigint() - began) / limits.plainLoopLines);
    if (matches === 0) throw new Error('the plain loop finds nothing');
  }
  return { rules: count, nanoseconds: median(times) };
}

function figuresOf(
  measured: readonly Measured[],
  growth: { most: number; ratio: number },
  loop: { rules: number; nanoseconds: number },
  wrong: number | undefined,
): Figure[] {
  const figures: Figure[] = [];
  for (const { rules, ours, hyperscan } of measured) {
    for (const kind of SCANS) {
      figures.push({ name: nameOf(kind, rules), value: 1e9 / median(ours[kind]), unit: 'lines/s' });
    }
    if (hyperscan === undefined) continue;
    for (const kind of SCANS) {
      const least = LEAST_TIMES_HYPERSCAN.get(rules)?.[kind];
      figures.push({
        name: `${kind} against Hyperscan per line, ${rules} rules`,
        value: ratioOf(hyperscan.lines, ours[kind]),
        unit: 'x',
        ...(least === undefined ? {} : { goal: { least } }),
      });
    }
    figures.push({
      name: `webassembly against Hyperscan per batch, ${rules} rules`,
      value: ratioOf(hyperscan.batches, ours.webassembly),
      unit: 'x',
    });
  }
  const middle = measured.find(({ rules }) => rules === loop.rules)?.ours.webassembly ?? [];
  figures.push(
    {
      name: `time of ${growth.most.toLocaleString('en-US')} rules against ${FEW_RULES}`,
      value: growth.ratio,
      unit: 'x',
      goal: { most: 1.4 },
    },
    {
      name: `against the loop of the specification, ${loop.rules.toLocaleString('en-US')} rules`,
      value: loop.nanoseconds / median(middle),
      unit: 'x',
      goal: { least: 200 },
    },
  );
  if (wrong !== undefined) {
    figures.push({
      name: 'lines on which an engine and the plain loop differ',
      value: wrong,
      unit: '',
      goal: { most: 0 },
    });
  }
  return figures;
}

/** The median of the ratios of passes that stood beside each other. */
function ratioOf(theirs: Times, ours: Times): number {
  return median(theirs.map((time, round) => time / (ours[round] ?? Number.NaN)));
}

function nameOf(kind: Engine['kind'], rules: number): string {
  return `${kind}, ${rules} rules`;
}

function hyperscanPeers({ rules, hyperscan }: Measured, note: string | undefined): Peer[] {
  return (['lines', 'batches'] as const).map((how) => ({
    name: `Hyperscan, a call a ${how === 'lines' ? 'line' : 'batch'}, ${rules} rules`,
    value: hyperscan === undefined ? undefined : 1e9 / median(hyperscan[how]),
    unit: 'lines/s',
    against: nameOf('webassembly', rules),
    ...(note === undefined ? {} : { note }),
  }));
}

async function hyperscanIn(
  dir: string,
  wanted: boolean,
): Promise<{ program?: HyperscanProgram; note?: string }> {
  if (!wanted) return { note: 'run with --peers' };
  const { buildHyperscan } = await import('./peers/hyperscan.ts');
  try {
    return { program: await buildHyperscan(dir) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { note: reason.split('\n')[0] ?? reason };
  }
}

async function startHyperscan(
  program: HyperscanProgram | undefined,
  dir: string,
  rules: readonly RouterRule[],
  path: string,
): Promise<Hyperscan | undefined> {
  if (program === undefined) return undefined;
  const peer = await import('./peers/hyperscan.ts');
  return peer.Hyperscan.start(program, dir, rules, path);
}

/** Tools that do less, or do it for one line at a time: at 1,000 rules. */
async function otherPeers(wanted: boolean, dir: string): Promise<Peer[]> {
  const count = 1_000;
  const names = ['grep -F -f', 'ripgrep -F -f', 'SEC', 'fail2ban-regex'] as const;
  const against = nameOf('webassembly', count);
  if (!wanted) {
    const note = 'run with --peers';
    return names.map((name) => ({ name, value: undefined, unit: 'lines/s', against, note }));
  }
  const { detectors } = await import('./peers/detectors.ts');
  const { searchers } = await import('./peers/searchers.ts');
  const rules = routerPack(count);
  const rates = { ...(await searchers(dir, rules)), ...(await detectors(dir, rules)) };
  return names.map((name) => ({
    name: `${name}, ${count} rules`,
    unit: 'lines/s',
    against,
    ...rates[name],
  }));
}
