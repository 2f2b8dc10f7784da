/** Cuts a syslog TCP stream into lines, as RFC 6587: octet-counted or line by line, told per frame. */
import { ingestLimits } from './limits.ts';

/**
 * Called with each frame; `frame` may be overwritten after the call returns. The frame is taken in any
 * case; false means: no more for now.
 */
export type OnFrame = (frame: Buffer, truncated: boolean) => boolean;

type State = 'start' | 'line' | 'octets' | 'rest_of_line' | 'rest_of_octets';

const LF = 10;
const CR = 13;

/**
 * One stream's framer. However the bytes are split into chunks, the frames are the same. A frame is
 * octet-counted when it begins with digits, a space and `<`; else it ends at LF or NUL (OpenWRT can
 * send either). A frame over `maxBytes` is cut there and reported as truncated; the rest is skipped.
 * Holds at most `maxBytes` between chunks.
 */
export class SyslogFramer {
  private readonly onFrame: OnFrame;
  private readonly maxBytes: number;
  private state: State = 'start';
  /** Digits of a possible octet count, with the space behind it once that was seen. */
  private header = '';
  /** Bytes still missing of an octet-counted frame. */
  private missing = 0;
  private held: Buffer = Buffer.alloc(0);
  private heldBytes = 0;
  private halted = false;

  constructor(onFrame: OnFrame, maxBytes: number = ingestLimits.lineBytes) {
    this.onFrame = onFrame;
    this.maxBytes = maxBytes;
  }

  /**
   * Takes the next bytes of the stream; calls back for each frame that they complete. Returns how many
   * bytes were taken: fewer than given after `onFrame` said false, and the rest must be pushed again.
   */
  push(chunk: Buffer): number {
    let at = 0;
    const zeros = new NextZero(chunk);
    this.halted = false;
    while (at < chunk.length && !this.halted) {
      if (this.state === 'start') at = this.takeStart(chunk, at);
      else if (this.state === 'line' || this.state === 'rest_of_line')
        at = this.takeLine(chunk, at, zeros);
      else at = this.takeOctets(chunk, at);
    }
    return at;
  }

  /** The stream ended: what is held is a frame too, truncated when bytes of its count are missing. */
  end(): void {
    if (this.header !== '') this.startLine();
    if (this.heldBytes > 0) this.emit(this.state === 'octets');
    this.state = 'start';
    this.missing = 0;
  }

  private takeStart(chunk: Buffer, from: number): number {
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      const counted = this.header.endsWith(' ');
      if (this.header === '' && (byte === LF || byte === CR || byte === 0)) continue;
      if (counted && byte === 60) {
        this.missing = Number(this.header);
        this.header = '';
        this.state = 'octets';
        return at;
      }
      const digit = byte >= 48 && byte <= 57 && (byte !== 48 || this.header !== '');
      const room = this.header.length < ingestLimits.countDigits;
      if (!counted && ((digit && room) || (byte === 32 && this.header !== '')))
        this.header += String.fromCharCode(byte);
      else {
        this.startLine();
        return at;
      }
    }
    return chunk.length;
  }

  /** What looked like an octet count was text. */
  private startLine(): void {
    this.state = 'line';
    if (this.header !== '') this.hold(Buffer.from(this.header, 'latin1'));
    this.header = '';
  }

  private takeLine(chunk: Buffer, at: number, zeros: NextZero): number {
    const lf = chunk.indexOf(LF, at);
    const zero = zeros.from(at);
    const found = lf < 0 ? zero : zero < 0 ? lf : Math.min(lf, zero);
    const end = found < 0 ? chunk.length : found;
    if (this.state === 'line') this.takeLinePart(chunk, at, end, found >= 0);
    if (found < 0) return end;
    this.state = 'start';
    return found + 1;
  }

  private takeLinePart(chunk: Buffer, at: number, end: number, complete: boolean): void {
    const room = this.maxBytes - this.heldBytes;
    if (end - at > room) {
      this.hold(chunk.subarray(at, at + room));
      this.emit(true);
      this.state = 'rest_of_line';
    } else if (!complete) this.hold(chunk.subarray(at, end));
    else if (this.heldBytes === 0) this.report(chunk.subarray(at, end), false);
    else {
      this.hold(chunk.subarray(at, end));
      this.emit(false);
    }
  }

  private takeOctets(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.missing);
    const whole = end - at === this.missing;
    if (this.state === 'octets') {
      const room = this.maxBytes - this.heldBytes;
      if (end - at > room) {
        this.hold(chunk.subarray(at, at + room));
        this.emit(true);
        this.state = 'rest_of_octets';
      } else if (whole && this.heldBytes === 0) this.report(chunk.subarray(at, end), false);
      else {
        this.hold(chunk.subarray(at, end));
        if (whole) this.emit(false);
      }
    }
    this.missing -= end - at;
    if (this.missing === 0) this.state = 'start';
    return end;
  }

  private hold(bytes: Buffer): void {
    const needed = this.heldBytes + bytes.length;
    if (needed > this.held.length) {
      const grown = Buffer.allocUnsafe(Math.min(this.maxBytes + 16, Math.max(1024, needed * 2)));
      this.held.copy(grown, 0, 0, this.heldBytes);
      this.held = grown;
    }
    bytes.copy(this.held, this.heldBytes);
    this.heldBytes = needed;
  }

  private emit(truncated: boolean): void {
    const frame = this.held.subarray(0, this.heldBytes);
    this.heldBytes = 0;
    this.report(frame, truncated);
  }

  private report(frame: Buffer, truncated: boolean): void {
    const bare = !truncated && frame.at(-1) === CR ? frame.subarray(0, -1) : frame;
    if (bare.length > 0 && !this.onFrame(bare, truncated)) this.halted = true;
  }
}

/** Looks for zeros once per chunk: asking anew for each line would read the whole chunk each time. */
class NextZero {
  private readonly chunk: Buffer;
  private at = -2;

  constructor(chunk: Buffer) {
    this.chunk = chunk;
  }

  from(position: number): number {
    if (this.at !== -1 && this.at < position) this.at = this.chunk.indexOf(0, position);
    return this.at;
  }
}
