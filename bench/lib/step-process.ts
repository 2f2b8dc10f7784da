/** One way of B2 in a process of its own, as an agent has: a round for each message, its time as the answer. */
import { check, Type } from '@opmas/protocol';
import { STEP_WAYS, stepWay } from './step-ways.ts';

const Task = Type.Object({
  way: Type.Enum([...STEP_WAYS]),
  events: Type.Integer({ minimum: 1 }),
  ruleCount: Type.Integer({ minimum: 1 }),
});

const task: unknown = JSON.parse(process.argv[2] ?? 'null');
if (!check(Task, task)) throw new Error('a process of the benchmark, not to be started by hand');
const way = await stepWay(task.way, task);

process.on('message', (round: number) => {
  way.work(round).then(
    (time) => process.send?.({ time, findings: way.findings() }),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit(0));
process.send?.({ time: 0, findings: 0 });
