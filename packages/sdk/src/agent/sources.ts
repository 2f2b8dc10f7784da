/** Where events come from, and in what rhythm: topics, and the hosts in them; told with the metrics. */
import type { EventSource } from '@opmas/protocol';
import type { Clock } from '../clock.ts';
import { limits } from '../limits.ts';

interface Source {
  topic: string;
  /** Undefined: the topic as a whole. */
  host: string | undefined;
  /** Of the host's bytes. */
  hash: number;
  firstAt: number;
  lastAt: number;
  /** Different seconds in which it was heard. */
  beats: number;
  /** The longest silence between two of them; an older one counts less, half after a day. */
  gapMs: number;
  changed: boolean;
}

/** A host as it stands on the wire, so that one heard before need not be decoded. */
interface Known {
  /** A character for each byte. */
  name: string;
  source: Source;
}

/** Without its first quote: a text is searched for what begins with a rarer character in a quarter of the time. */
const HOST = 'host":';
const QUOTE = 0x22;
const SPACE = 0x20;
const FNV_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const DAY_MS = 86_400_000;
const BEAT_MS = 1_000;
const FIRST_GAP_MS = 300_000;

/**
 * Looks at the host of so many events a second. Where there are more, or more sources than are remembered, it says
 * when that was: nobody must be missed for that time.
 */
export class Sources {
  readonly #clock: Clock;
  /** The longest unheard first. */
  readonly #sources = new Map<string, Source>();
  /** Hosts among them, by topic and the hash of their bytes; of two with one hash, the later. */
  readonly #known = new Map<string, Map<number, Known>>();
  /** When somebody may have been heard who was not noted. */
  #partialAt: number | undefined;
  #second = 0;
  #looks = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A message of events came, as it stands on the wire. */
  heard(topic: string, data: Uint8Array): void {
    const now = this.#clock.now();
    this.#beat(this.#named(topic, topic, undefined, now), now);
    const second = Math.floor(now / BEAT_MS);
    if (second !== this.#second) this.#looks = 0;
    this.#second = second;
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    if (this.#looks === limits.hostsPerSecond) {
      if (bytes.includes(`"${HOST}`)) this.#partialAt = now;
      return;
    }
    // A character for each byte: looking for the next one in a string is twice as fast as in a buffer.
    const text = bytes.toString('latin1');
    for (let at = text.indexOf(HOST); at >= 0; at = text.indexOf(HOST, at)) {
      const from = at + HOST.length;
      if (text.charCodeAt(at - 1) !== QUOTE) {
        at = from;
        continue;
      }
      if (this.#looks === limits.hostsPerSecond) {
        this.#partialAt = now;
        return;
      }
      this.#looks += 1;
      at = this.#look(topic, text, from, now);
    }
  }

  /** When not every host was noted, last; undefined: all ever were. */
  get partialAt(): string | undefined {
    return this.#partialAt === undefined ? undefined : new Date(this.#partialAt).toISOString();
  }

  /** Sources that were heard since the last report. */
  report(): EventSource[] {
    const told: EventSource[] = [];
    for (const source of this.#sources.values()) {
      if (!source.changed) continue;
      source.changed = false;
      const { topic, host, firstAt, lastAt, beats, gapMs } = source;
      told.push({
        topic,
        ...(host === undefined ? {} : { host }),
        first_at: new Date(firstAt).toISOString(),
        last_at: new Date(lastAt).toISOString(),
        beats,
        longest_gap: Math.round(gapMs) / 1_000,
      });
    }
    return told;
  }

  /** The host whose value begins at `from`, if it is one. @returns where to go on */
  #look(topic: string, text: string, from: number, now: number): number {
    let quote = from;
    while (text.charCodeAt(quote) === SPACE) quote += 1;
    if (text.charCodeAt(quote) !== QUOTE) return quote;
    const begin = quote + 1;
    const last = Math.min(text.length, quote + limits.hostBytes + 1);
    let hash = FNV_BASIS;
    let end = begin;
    for (; end < last; end++) {
      const byte = text.charCodeAt(end);
      if (byte === QUOTE) break;
      hash = Math.imul(hash ^ byte, FNV_PRIME);
    }
    if (end === last || end === begin) return quote;
    const known = this.#known.get(topic)?.get(hash);
    if (
      known !== undefined &&
      known.name.length === end - begin &&
      text.startsWith(known.name, begin)
    ) {
      if (now - known.source.lastAt >= BEAT_MS) {
        this.#beat(known.source, now);
      }
      return end;
    }
    const bytes = text.slice(begin, end);
    const host = Buffer.from(bytes, 'latin1').toString();
    // A name with an escape, or what an escape should stand for, is no host's.
    if (/[\\\p{Cc}]/u.test(host)) return end;
    const name = `${topic}\n${host}`;
    const source = this.#named(name, topic, host, now);
    source.hash = hash;
    this.#remember({ name: bytes, source });
    this.#beat(source, now);
    return end;
  }

  #remember(known: Known): void {
    const { topic, hash } = known.source;
    const hosts = this.#known.get(topic);
    if (hosts === undefined) this.#known.set(topic, new Map([[hash, known]]));
    else hosts.set(hash, known);
  }

  #forget(source: Source): void {
    const hosts = this.#known.get(source.topic);
    if (hosts?.get(source.hash)?.source !== source) return;
    hosts.delete(source.hash);
    if (hosts.size === 0) this.#known.delete(source.topic);
  }

  /** The source of that name; a new one makes the longest unheard give way. */
  #named(name: string, topic: string, host: string | undefined, now: number): Source {
    const known = this.#sources.get(name);
    if (known !== undefined) return known;
    const times = { firstAt: now, lastAt: now, beats: 1, gapMs: 0, changed: true };
    const source: Source = { topic, host, hash: 0, ...times };
    this.#sources.set(name, source);
    if (this.#sources.size <= limits.sources) return source;
    const [oldest] = this.#sources;
    if (oldest === undefined) return source;
    this.#sources.delete(oldest[0]);
    this.#forget(oldest[1]);
    if (oldest[1].changed) this.#partialAt = now;
    return source;
  }

  #beat(source: Source, now: number): void {
    const silence = now - source.lastAt;
    if (silence < BEAT_MS) return;
    // An outage is no rhythm: what is learned of it is bounded.
    const learned = Math.min(silence, Math.max(FIRST_GAP_MS, 2 * source.gapMs));
    source.gapMs = Math.max(learned, source.gapMs * 2 ** (-silence / DAY_MS));
    source.lastAt = now;
    source.beats += 1;
    source.changed = true;
    const name = nameOf(source);
    this.#sources.delete(name);
    this.#sources.set(name, source);
  }
}

function nameOf({ topic, host }: Source): string {
  return host === undefined ? topic : `${topic}\n${host}`;
}
