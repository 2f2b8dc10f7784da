/** Lines of a file that somebody else may have written to: what is held of it is never more than one line. */

/**
 * Lines without their ends, `\n` or `\r\n`. One of more than `maxBytes` is left out, and nothing of it is kept
 * beyond that: held are at most `maxBytes` and one chunk of the input.
 */
export async function* boundedLines(
  input: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<string> {
  const held = Buffer.alloc(maxBytes);
  let length = 0;
  let isTooLong = false;
  const add = (part: Buffer): void => {
    isTooLong ||= length + part.length > maxBytes;
    if (isTooLong) return;
    part.copy(held, length);
    length += part.length;
  };
  const take = (): string | undefined => {
    const text = held.toString('utf8', 0, length);
    const line = isTooLong ? undefined : text.endsWith('\r') ? text.slice(0, -1) : text;
    length = 0;
    isTooLong = false;
    return line;
  };
  for await (const chunk of input) {
    let start = 0;
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      add(chunk.subarray(start, end));
      start = end + 1;
      const line = take();
      if (line !== undefined) yield line;
    }
    add(chunk.subarray(start));
  }
  const rest = take();
  if (rest !== undefined && rest !== '') yield rest;
}

const LF = 0x0a;
