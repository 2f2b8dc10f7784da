/** Asks one thing after the other of a thread that may be lost: what hostile input breaks, breaks there. */
import { Worker } from 'node:worker_threads';

/** `lost`: no answer came in time, or the thread died of the question; the message says which. */
export type Answer<T> = { lost: false; answer: T } | { lost: true; message: string };

export interface BoundedWorker<Q, A> {
  /** One at a time. Answered within the bound; the server itself is never blocked. */
  ask(question: Q): Promise<Answer<A>>;
  /** Ends the thread; the next question starts another. */
  rest(): Promise<void>;
}

/** @param options.isBroken did the answer leave the thread unfit for another question? */
export function boundedWorker<Q, A>(options: {
  script: URL;
  timeoutMs: number;
  memoryMb: number;
  isBroken?: (answer: A) => boolean;
}): BoundedWorker<Q, A> {
  const { script, timeoutMs, memoryMb, isBroken = () => false } = options;
  let worker: Worker | undefined;
  const rest = async () => {
    const old = worker;
    worker = undefined;
    await old?.terminate();
  };
  const start = (): Worker => {
    const started = new Worker(script, {
      env: {},
      execArgv: ['--disable-warning=ExperimentalWarning'],
      resourceLimits: { maxOldGenerationSizeMb: memoryMb },
    });
    started.unref();
    // It may die between two questions, where nobody listens: that ends neither the server nor the next one.
    started
      .on('error', () => undefined)
      .on('exit', () => {
        if (worker === started) worker = undefined;
      });
    return started;
  };
  return {
    rest,
    ask: async (question) => {
      worker ??= start();
      const answer = await answerOf<Q, A>(worker, question, timeoutMs);
      if (answer.lost || isBroken(answer.answer)) await rest();
      return answer;
    },
  };
}

function answerOf<Q, A>(worker: Worker, question: Q, timeoutMs: number): Promise<Answer<A>> {
  return new Promise((resolve) => {
    const done = (answer: Answer<A>) => {
      clearTimeout(timer);
      worker.off('message', told).off('error', died).off('exit', died);
      resolve(answer);
    };
    const told = (answer: A) => done({ lost: false, answer });
    const fail = (message: string) => done({ lost: true, message });
    const died = () => fail('it cannot be read');
    const timer = setTimeout(() => fail(`it takes over ${timeoutMs} ms to read`), timeoutMs);
    worker.on('message', told).on('error', died).on('exit', died);
    worker.postMessage(question);
  });
}
