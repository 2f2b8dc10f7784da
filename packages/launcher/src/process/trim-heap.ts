/**
 * Gives back, once, the memory that only the start needed, a quarter of an idle part: V8 would keep it until the heap
 * grows again, which on an idle part is never. For the process that imports it (`node --import`).
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const AFTER_MS = 5_000;

setTimeout(() => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as NodeJS.GCFunction;
  collect({ type: 'major', flavor: 'last-resort' });
}, AFTER_MS).unref();
