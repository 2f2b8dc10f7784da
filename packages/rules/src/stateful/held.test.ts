/** Held events against a plain list, few and many. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { HeldEvents } from './held.ts';

interface Plain {
  token: string;
  at: number;
  id: string;
}

it('holds what a plain list holds, in the same order', () => {
  const step = fc.oneof(
    { weight: 12, arbitrary: fc.tuple(fc.constant('set'), fc.nat({ max: 40 }), fc.nat(99)) },
    { weight: 2, arbitrary: fc.tuple(fc.constant('forget'), fc.constant(0), fc.nat(60)) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('clear'), fc.constant(0), fc.constant(0)) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const held = new HeldEvents();
      let plain: Plain[] = [];
      for (const [n, [what, name, at]] of steps.entries()) {
        const token = `t${name}`;
        if (what === 'set') {
          held.set(token, at, `e${n}`);
          plain = [...plain.filter((one) => one.token !== token), { token, at, id: `e${n}` }];
        } else if (what === 'clear') {
          held.clear();
          plain = [];
        } else {
          // Where something goes from the front, what is behind it may stay for the next time.
          const gone = plain.findIndex((one) => one.at > at);
          const front = gone < 0 ? plain.length : gone;
          held.forget(at);
          plain = front > 0 ? plain.slice(front) : plain.filter((one) => one.at > at);
        }
        expect([...held].map((one) => ({ token: one.token, at: one.at, id: one.id }))).toEqual(
          plain,
        );
        expect(held.size).toBe(plain.length);
        expect(held.get(token)?.id).toBe(plain.find((one) => one.token === token)?.id);
      }
    }),
    { numRuns: 300 },
  );
});
