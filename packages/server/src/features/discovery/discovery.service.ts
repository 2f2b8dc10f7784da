/** Keeps the packages of the agents directory, their rows and their agents in step, whatever happens when. */
import { dirname, join } from 'node:path';
import type { Clock } from '../../kernel/clock.ts';
import { messageOf, OpmasError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import { type Loop, startLoop } from '../../kernel/loop.ts';
import type { Database } from '../../platform/ports.ts';
import type { AuditLog } from '../audit/index.ts';
import {
  type Approval,
  allPublishers,
  createPackageStore,
  createPackagesService,
  type PackageRow,
  type PackagesPort,
  publisherById,
} from '../packages/index.ts';
import { createAgentsDirectory } from './agents-directory.ts';
import { createAnnouncer } from './announcer.ts';
import { type DiscoveryEvents, discoveryLimits } from './discovery.ts';
import { fingerprint } from './folders.ts';
import { createImportLexer } from './import-lexer.ts';
import { findModules } from './imports.ts';
import { createInspector } from './inspect.ts';
import { readContent } from './judge.ts';
import { createRulesCheck } from './rules-check.ts';
import { judgeSignature, type SignaturePolicy } from './signatures.ts';

export interface DiscoveryOptions {
  database: Database;
  /** The agents directory; made when it does not exist at the start. */
  directory: string;
  storeDirectory: string;
  approval: Approval;
  signatures: SignaturePolicy;
  audit: Pick<AuditLog, 'record'>;
  sdkVersion: string;
  clock: Clock;
  logger: Logger;
  events: DiscoveryEvents;
  settleMs?: number;
  pollMs?: number;
}

export interface DiscoveryService extends PackagesPort {
  /** Begins to look; returns at once. */
  start(): Promise<void>;
  /** Resolves after a whole look that began after the call; rejects when that look failed. */
  scanNow(): Promise<void>;
  /** The agent of the package at `path` was deleted: ignored until approved again. */
  ignore(path: string): Promise<void>;
  /** Judges every package again: the trust in a publisher changed, or a copy was found altered. */
  judgeAgain(): void;
  /** Ends after the look in progress. */
  stop(): Promise<void>;
}

/** What is remembered of a folder between two looks. */
interface Seen {
  print: string | undefined;
  /** Since when the print is so, monotonic milliseconds. */
  since: number;
  /** The print that was judged. */
  judged: string | undefined;
  /** Packages whose installation would repair it. */
  missing: readonly string[];
  lastError: string | undefined;
}

/** One look at everything. */
interface Look {
  rows: ReadonlyMap<string, PackageRow>;
  vanished: readonly string[];
  /** When to look again at the latest, in milliseconds from now. */
  next: number;
  recorded: boolean;
}

export function createDiscoveryService(options: DiscoveryOptions): DiscoveryService {
  const { clock, events, approval, database, sdkVersion, audit } = options;
  const { settleMs = discoveryLimits.settleMs, pollMs = discoveryLimits.pollMs } = options;
  const logger = options.logger.child({ part: 'discovery' });
  const packages = createPackagesService({ database, audit, clock, approval });
  const store = createPackageStore(options.storeDirectory, clock);
  const lexer = createImportLexer();
  const rulesCheck = createRulesCheck();
  const inspect = createInspector({
    store,
    lexer,
    rulesCheck,
    sdkVersion,
    signedBy: (dir, digest) =>
      judgeSignature({
        dir,
        digest,
        policy: options.signatures,
        publisherOf: (keyId) => publisherById(database.pool, keyId),
      }),
  });
  const announcer = createAnnouncer({ packages, store, events, logger });
  const poke = () => loop?.poke();
  const agents = createAgentsDirectory({ path: options.directory, logger, onChange: poke });
  const folders = new Map<string, Seen>();
  const goneSince = new Map<string, number>();
  let loop: Loop | undefined;
  let wake: NodeJS.Timeout | undefined;
  let cleaned = false;
  /** How often everything was to be judged again. */
  let judgings = 0;
  /** The publishers as they were at the last look: another replica may have changed them. */
  let trusted: string | undefined;
  let waiting: { resolve(): void; reject(error: unknown): void }[] = [];

  function judgeAll(): void {
    judgings += 1;
    for (const seen of folders.values()) seen.judged = undefined;
  }

  async function hearOfPublishers(): Promise<void> {
    const keys = (await allPublishers(database.pool)).map(({ key_id, name }) => [key_id, name]);
    const now = JSON.stringify(keys);
    if (trusted !== undefined && trusted !== now) judgeAll();
    trusted = now;
  }

  /** Judges what is new, tells of what is approved, and then of what is gone: a moved folder first arrives. */
  async function lookAround(): Promise<void> {
    if (!cleaned) await store.clean();
    cleaned = true;
    await hearOfPublishers();
    const rows = new Map((await packages.all()).map((row) => [row.path, row]));
    const present = [...rows.values()].filter((row) => row.present);
    const listing = await agents.list((directory) =>
      present.filter((row) => dirname(row.path) === directory).map((row) => row.folder),
    );
    if (listing === undefined) return;
    const here = new Map(listing.folders.map((name) => [join(listing.directory, name), name]));
    const vanished = present.map((row) => row.path).filter((path) => !here.has(path));
    const look: Look = { rows, vanished, next: Number.POSITIVE_INFINITY, recorded: false };

    for (const [path, folder] of here) {
      goneSince.delete(path);
      await apart(path, () => examine(path, folder, look));
    }
    await Promise.all([lexer.rest(), rulesCheck.rest()]);
    for (const row of look.recorded ? await packages.all() : present) {
      if (row.present && here.has(row.path)) await apart(row.path, () => announcer.announce(row));
    }
    for (const path of vanished) await apart(path, () => letGo(path, look));
    for (const path of folders.keys()) {
      if (!here.has(path) && !vanished.includes(path)) folders.delete(path);
    }
    if (look.next !== Number.POSITIVE_INFINITY) {
      clearTimeout(wake);
      wake = setTimeout(poke, Math.ceil(look.next));
    }
  }

  /** Judges the folder if it has settled into something new. */
  async function examine(path: string, folder: string, look: Look): Promise<void> {
    const seen = seenOf(path);
    const row = look.rows.get(path);
    const current = await fingerprint(path);
    if (current === undefined || current.print !== seen.print) {
      seen.print = current?.print;
      seen.since = clock.monotonic();
    }
    const wait = current === undefined ? settleMs : settleMs - quietFor(seen, current.changedAt);
    if (current === undefined || wait > 0) {
      look.next = Math.min(look.next, wait);
      return;
    }
    const same = seen.judged === current.print && row?.present === true;
    if (same && !(await mayBeRepaired(path, row, look))) return;
    const asked = judgings;
    const inspected = await inspect({ path, folder, live: await liveVersion(row) });
    if (inspected === 'changing' || (await fingerprint(path))?.print !== current.print) {
      look.next = Math.min(look.next, settleMs);
      return;
    }
    const { verdict, nameLine, missing } = inspected;
    const judged = await packages.record(verdict, { nameLine, vanished: look.vanished });
    look.recorded = true;
    // Asked meanwhile to judge again: what was looked at before that counts for nothing.
    seen.judged = asked === judgings ? current.print : undefined;
    seen.missing = missing;
    if (judged.state !== row?.state || judged.digest !== row.digest) {
      const { name, version, state, errors } = judged;
      logger.info({ folder, name, version, state, err: errors[0]?.message }, 'package judged');
    }
  }

  /** By observation, or by the time of the last change, unless that lies in the future. */
  function quietFor(seen: Seen, changedAt: number): number {
    return Math.max(clock.monotonic() - seen.since, clock.now() - changedAt);
  }

  /** Did what was wrong outside the folder go away: the name is free, the dependencies are installed? */
  async function mayBeRepaired(path: string, row: PackageRow, look: Look): Promise<boolean> {
    if (row.errors.some((fault) => fault.code === 'name_taken')) {
      return !(await packages.isNameTaken(row, look.vanished));
    }
    const { missing } = seenOf(path);
    if (missing.length === 0) return false;
    return (await findModules(path, missing)).missing.length < missing.length;
  }

  /** What may run now. */
  async function liveVersion(row: PackageRow | undefined) {
    const digest = row?.approved_digest;
    if (row === undefined || !digest) return undefined;
    const content = await readContent(store.dirOf(row.folder, digest), row.folder);
    return content && { digest, version: content.manifest.version };
  }

  /** A folder must be away for the settling time: replacing one is no removal. */
  async function letGo(path: string, look: Look): Promise<void> {
    const since = goneSince.get(path) ?? clock.monotonic();
    goneSince.set(path, since);
    const wait = since + settleMs - clock.monotonic();
    if (wait > 0) {
      look.next = Math.min(look.next, wait);
      return;
    }
    await announcer.remove(path);
    folders.delete(path);
    goneSince.delete(path);
  }

  function seenOf(path: string): Seen {
    let seen = folders.get(path);
    if (seen === undefined) {
      const since = clock.monotonic();
      seen = { print: undefined, since, judged: undefined, missing: [], lastError: undefined };
      folders.set(path, seen);
    }
    return seen;
  }

  /** One package's trouble is logged once, tried again at the next look, and disturbs no other. */
  async function apart(path: string, work: () => Promise<void>): Promise<void> {
    const seen = seenOf(path);
    try {
      await work();
    } catch (error) {
      const message = messageOf(error);
      if (message !== seen.lastError) logger.warn({ path, err: message }, 'will try again');
      seen.lastError = message;
    }
  }

  async function task(): Promise<void> {
    const asked = waiting;
    waiting = [];
    try {
      await lookAround();
      for (const one of asked) one.resolve();
    } catch (error) {
      for (const one of asked) one.reject(error);
      throw error;
    }
  }

  return {
    list: packages.list,
    approve: packages.approve,
    reject: packages.reject,
    poke,
    judgeAgain: () => {
      judgeAll();
      poke();
    },
    ignore: async (path) => {
      await packages.ignore(path);
      poke();
    },
    start: async () => {
      loop ??= startLoop({ name: 'discovery', intervalMs: pollMs, logger, task });
    },
    scanNow: () =>
      new Promise((resolve, reject) => {
        if (loop === undefined) {
          reject(new OpmasError('OPMAS_UNAVAILABLE', 'Discovery is not running'));
          return;
        }
        waiting.push({ resolve, reject });
        poke();
      }),
    stop: async () => {
      await loop?.stop();
      loop = undefined;
      clearTimeout(wake);
      await agents.stop();
      await Promise.all([lexer.rest(), rulesCheck.rest()]);
      for (const one of waiting) one.reject(new OpmasError('OPMAS_UNAVAILABLE', 'Stopping'));
      waiting = [];
    },
  };
}
