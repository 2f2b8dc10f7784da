/** RFC 6587 framing: the same frames however the stream is cut. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SyslogFramer } from './framing.ts';

/** `halt`: the receiver asks for a stop after every so many frames. */
function framesOf(chunks: readonly Buffer[], maxBytes?: number, halt = 0): [string, boolean][] {
  const frames: [string, boolean][] = [];
  const framer = new SyslogFramer((frame, truncated) => {
    frames.push([frame.toString('latin1'), truncated]);
    return halt === 0 || frames.length % halt !== 0;
  }, maxBytes);
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const before = frames.length;
      at += framer.push(chunk.subarray(at));
      if (halt > 0) expect(frames.length - before).toBeLessThanOrEqual(halt);
    }
  }
  framer.end();
  return frames;
}

const whole = (text: string, maxBytes?: number) => framesOf([Buffer.from(text)], maxBytes);

describe('SyslogFramer', () => {
  it.each([
    ['lines', '<1>a\n<2>b\n', ['<1>a', '<2>b']],
    ['CR LF and blank lines', '<1>a\r\n\r\n<2>b\r\n', ['<1>a', '<2>b']],
    ['NUL as OpenWRT may send', '<1>a\0<2>b\0', ['<1>a', '<2>b']],
    ['octet counts', '4 <1>a6 <2>b\nc', ['<1>a', '<2>b\nc']],
    ['octet counts with line ends between', '4 <1>a\n4 <2>b\n', ['<1>a', '<2>b']],
    ['both kinds mixed', '4 <1>a<2>b\n4 <3>c', ['<1>a', '<2>b', '<3>c']],
    ['a last line without an end', '<1>a\n<2>b', ['<1>a', '<2>b']],
    [
      'text that begins with digits',
      '2026-11-21T08:14:49Z x\n12 monkeys\n',
      ['2026-11-21T08:14:49Z x', '12 monkeys'],
    ],
    ['a count too long to be one', '12345678 <1>a\n', ['12345678 <1>a']],
    ['no count from zero', '04 <1>a\n', ['04 <1>a']],
    ['digits at the end', '<1>a\n42', ['<1>a', '42']],
    ['a count at the end', '<1>a\n42 ', ['<1>a', '42 ']],
    ['nothing', '', []],
  ])('%s', (_name, text, frames) => {
    expect(whole(text)).toEqual(frames.map((frame) => [frame, false]));
  });

  it('cuts a line over the bound, skips its rest, and goes on with the next', () => {
    expect(whole(`<1>${'a'.repeat(20)}\n<2>b\n`, 8)).toEqual([
      ['<1>aaaaa', true],
      ['<2>b', false],
    ]);
    expect(whole(`23 <1>${'a'.repeat(20)}4 <2>b`, 8)).toEqual([
      ['<1>aaaaa', true],
      ['<2>b', false],
    ]);
    expect(whole('<1>aaaaa\n<2>b\n', 8)).toEqual([
      ['<1>aaaaa', false],
      ['<2>b', false],
    ]);
  });

  it('reports an octet-counted frame that ends early as truncated', () => {
    expect(whole('100 <1>short')).toEqual([['<1>short', true]]);
  });

  it('gives the same frames for every way to cut the stream, and to halt in it', () => {
    const part = fc.oneof(
      fc.constantFrom(
        '\n',
        '\r\n',
        '\0',
        '4 <1>a',
        '12 <1>',
        '3 <',
        '99999999 <',
        '7 x',
        '0',
        '<13>',
      ),
      fc.string({ unit: 'grapheme-ascii', maxLength: 30 }),
      fc.string({ maxLength: 20 }).map((text) => `${Buffer.byteLength(`<9>${text}`)} <9>${text}`),
    );
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 17 }), { minLength: 1, maxLength: 20 }),
        fc.constantFrom(16, 64, 65_536),
        fc.nat(3),
        (parts, sizes, maxBytes, halt) => {
          const bytes = Buffer.from(parts.join(''));
          const chunks: Buffer[] = [];
          for (let at = 0, n = 0; at < bytes.length; n++) {
            const size = sizes[n % sizes.length] ?? 1;
            chunks.push(bytes.subarray(at, at + size));
            at += size;
          }
          expect(framesOf(chunks, maxBytes, halt)).toEqual(framesOf([bytes], maxBytes));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('loses no line of a stream of lines', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^<\d{1,3}>[ -~]{0,40}$/)), (lines) => {
        expect(whole(lines.map((line) => `${line}\n`).join('')).map(([text]) => text)).toEqual(
          lines,
        );
        expect(
          whole(lines.map((line) => `${line.length} ${line}`).join('')).map(([text]) => text),
        ).toEqual(lines);
      }),
    );
  });
});
