/** `opmas down`: ends the OPMAS of the data folder, and what a killed one left behind. */
import { down as stop } from '@opmas/launcher';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Run } from '../run.ts';

export async function down({ dataDir, out }: Run): Promise<ExitCode> {
  const result = await stop(dataDir);
  const { stopped_pid: pid, leftovers } = result;
  const sentences = [
    pid === null ? `Nothing runs on ${dataDir}.` : `Stopped (process ${pid}).`,
    ...leftovers.map(({ name, pid: left }) => `Ended ${name} of an earlier run (process ${left}).`),
  ];
  out.done({ ...result, data_dir: dataDir }, sentences.join(' '));
  return EXIT.ok;
}
