/** B2: the whole step of an agent, without a broker: decode, validate, match, count, sanitise, finding as JSON. */
import type { BenchOptions } from './lib/options.ts';
import { median, type Report } from './lib/report.ts';
import { stepProcess } from './lib/step-processes.ts';
import { STEP_WAYS, type StepSize, type StepWay } from './lib/step-ways.ts';
import { limits } from './limits.ts';

const NAMES: Readonly<Record<StepWay, string>> = {
  full: "the sdk's agent, every event validated",
  parsed: "the sdk's agent, every event parsed: other producers'",
  first: "the sdk's agent, payload first, 1 in 100 read",
  windows: "the sdk's agent, two rules of three with windows",
  plain: "the specification's step",
  plainWindows: "the specification's step, the same windows",
};

interface Measured {
  times: number[];
  findings: number;
}

/** Each way in a process of its own, as agents are; in turns, so that all meet the same machine. */
export async function agentStep(options: BenchOptions): Promise<Report> {
  const { seconds, rules: ruleCount = limits.rules, rounds = limits.rounds } = options;
  const events = Math.min(limits.stepEvents, Math.ceil(seconds * limits.ruleLinesPerSecond));
  const size = { events, ruleCount };
  const measured = new Map<StepWay, Measured>();
  const processes = [];
  try {
    for (const way of STEP_WAYS) processes.push(await stepProcess(way, size));
    for (let round = 0; round < limits.stepWarmUpRounds + rounds; round++) {
      for (const { way, work } of processes) {
        const { time, findings } = await work(round);
        const times = measured.get(way)?.times ?? [];
        if (round >= limits.stepWarmUpRounds) times.push(time);
        measured.set(way, { times, findings });
      }
    }
  } finally {
    for (const each of processes) each.end();
  }
  return reportOf(measured, size, limits.stepWarmUpRounds + rounds);
}

function reportOf(
  measured: ReadonlyMap<StepWay, Measured>,
  { events, ruleCount }: StepSize,
  passes: number,
): Report {
  const of = (way: StepWay): Measured => {
    const found = measured.get(way);
    if (found === undefined) throw new Error(`${way} was not measured`);
    return found;
  };
  for (const way of STEP_WAYS)
    if (of(way).findings === 0) throw new Error(`${NAMES[way]} finds nothing`);
  const [full, parsed, first] = [of('full').findings, of('parsed').findings, of('first').findings];
  if (full !== parsed) throw new Error(`all validated: ${full} findings; parsed: ${parsed}`);
  if (full !== first) throw new Error(`all validated: ${full} findings; payload first: ${first}`);
  const against = (ours: StepWay, plain: StepWay, least?: number) => {
    const loop = of(plain).times;
    const ratios = of(ours).times.map((time, round) => (loop[round] ?? Number.NaN) / time);
    const goal = least === undefined ? {} : { goal: { least } };
    return { name: `${NAMES[ours]}: against it`, value: median(ratios), unit: 'x', ...goal };
  };
  const share = ((full / passes / events) * 100).toFixed(1);
  return {
    id: 'B2',
    title: `an agent's step: ${events.toLocaleString('en-US')} events in batches of ${limits.chunkLines}, ${ruleCount} rules, ${share} % findings`,
    figures: [
      ...STEP_WAYS.map((way) => ({
        name: NAMES[way],
        value: 1e9 / median(of(way).times),
        unit: 'events/s',
      })),
      against('full', 'plain', 35),
      against('parsed', 'plain'),
      against('first', 'plain', 90),
      against('windows', 'plainWindows'),
    ],
    peers: [],
    notes: [],
  };
}
