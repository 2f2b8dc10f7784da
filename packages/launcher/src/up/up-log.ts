/** The launcher's own log, `<data>/logs/launcher.log`: one JSON line for each thing that happened. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { privateDir } from '../data/files.ts';
import { rotateLog } from '../process/log-file.ts';
import { describeProgress, type Progress } from './progress.ts';

export type UpLog = (progress: Progress) => void;

export function upLog(dataDir: string): UpLog {
  const path = join(privateDir(join(dataDir, 'logs')), 'launcher.log');
  return (progress) => {
    const message = describeProgress(progress) ?? '';
    const line = JSON.stringify({ time: new Date().toISOString(), message, ...progress });
    rotateLog(path);
    appendFileSync(path, `${line}\n`, { mode: 0o600 });
  };
}
