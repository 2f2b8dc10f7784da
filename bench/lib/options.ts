/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Ids to run; empty: all. */
  only: readonly string[];
  /** Install and run the peers too. */
  peers: boolean;
  /** Compare what engines find, too, where a benchmark can: takes longer. */
  verify: boolean;
  /** Seconds of load. */
  seconds: number;
  /** Rules, and rounds that count, where they are not as usual: for a run that only shows that it runs. */
  rules?: number;
  rounds?: number;
  /** File for the reports as JSON. */
  json: string | undefined;
}

/** @throws {Error} for an unknown option, a bad number, or an id not in `known` */
export function readOptions(args: readonly string[], known: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      peers: { type: 'boolean', default: false },
      verify: { type: 'boolean', default: false },
      seconds: { type: 'string', default: '20' },
      json: { type: 'string' },
    },
  });
  const only = (values.only ?? '').split(',').filter((id) => id !== '');
  const unknown = only.filter((id) => !known.includes(id));
  if (unknown.length > 0) {
    throw new Error(`no benchmark ${unknown.join(', ')}; there are ${known.join(', ')}`);
  }
  const seconds = Number(values.seconds);
  if (!(seconds > 0 && seconds <= 600)) throw new Error('--seconds takes 1 to 600');
  return { only, peers: values.peers, verify: values.verify, seconds, json: values.json };
}
