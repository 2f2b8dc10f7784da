/** Pins what an operator reads when an agent died. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exitReason, telling } from './exit-reason.ts';

describe('exit reason', () => {
  it.each([
    [{ code: 78, signal: null }, 'config'],
    [{ code: 0, signal: null }, 'clean'],
    [{ code: 1, signal: null }, 'crashed'],
    [{ code: null, signal: 'SIGKILL' }, 'killed'],
    [{ code: 137, signal: null }, 'killed'],
    [{ code: null, signal: 'SIGSEGV' }, 'signalled'],
    [{ code: 134, signal: null }, 'signalled'],
    [{ code: null, signal: null }, 'unknown'],
  ])('%j is %s', (exit, kind) => {
    expect(exitReason(exit).kind).toBe(kind);
  });

  it('tells an abort for want of heap from another abort by the log', () => {
    const tail = [
      'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory',
    ];
    expect(exitReason({ code: null, signal: 'SIGABRT' }, tail).kind).toBe('heap_oom');
    expect(exitReason({ code: 134, signal: null }, tail).kind).toBe('heap_oom');
  });

  it('finds the line that says why in the trace Node prints', () => {
    const tail = [
      'file:///p/agent.ts:3',
      "throw new TypeError('no topic');",
      '      ^',
      '',
      'TypeError: no topic',
      '    at file:///p/agent.ts:3:7',
      '',
      'Node.js v24.21.0',
    ];
    expect(telling(tail)).toBe('TypeError: no topic');
  });

  it('reads the words of a JSON log line', () => {
    expect(telling(['{"level":50,"msg":"broker refused us"}'])).toBe('broker refused us');
  });

  it('never throws, and lets no control character through', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (tail) => {
        const line = telling(tail);
        return line === undefined || !/\p{Cc}/u.test(line);
      }),
    );
  });
});
