/** The processes of B2: asked for a round each, one at a time. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { StepSize, StepWay } from './step-ways.ts';

const PROCESS = fileURLToPath(new URL('step-process.ts', import.meta.url));

export interface Answer {
  /** Nanoseconds an event. */
  time: number;
  /** Since the start. */
  findings: number;
}

export interface StepProcess {
  way: StepWay;
  work(round: number): Promise<Answer>;
  end(): void;
}

/** Resolves when it is ready to work. */
export async function stepProcess(way: StepWay, size: StepSize): Promise<StepProcess> {
  const child = fork(PROCESS, [JSON.stringify({ way, ...size })], { execArgv: [] });
  await answerOf(child, way);
  return {
    way,
    work: (round) => {
      const answer = answerOf(child, way);
      child.send(round);
      return answer;
    },
    end: () => child.disconnect(),
  };
}

function answerOf(child: ChildProcess, way: StepWay): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`${way} ended with ${code}`));
    child.once('exit', ended);
    child.once('message', (answer) => {
      child.off('exit', ended);
      resolve(answer as Answer);
    });
  });
}
