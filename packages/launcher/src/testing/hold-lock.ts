/** Test helper process: takes the lock of a folder, says so, and keeps it until it is killed. */
import { dataDirLock } from '../data/lock.ts';

const dir = process.argv[2] ?? '';
try {
  const { holder } = dataDirLock(dir);
  process.stdout.write(`held ${holder.pid}\n`);
  setInterval(() => {}, 60_000);
} catch (error) {
  process.stdout.write(`refused ${error instanceof Error ? error.message : String(error)}\n`);
}
