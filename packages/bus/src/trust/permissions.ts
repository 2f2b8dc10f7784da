/** What each kind of process may say and hear on the broker: listed, minimal, proven by tests. */
import {
  consumerName,
  DESIRED_BUCKET,
  inboxPrefix,
  serverSubjects,
  streams,
  subjects,
  token,
} from '@opmas/protocol';
import { PLAIN_API } from './api-prefix.ts';
import type { Permissions } from './jwt.ts';

/** KV bucket of agents' state, key `<agent_name>.<key>`: only the server reads and writes it (see agentPermissions). */
export const STATE_BUCKET = 'state';

/**
 * Inboxes of OPMAS's own processes: `_INBOX.<part>…`. An agent's is `_INBOX_<name>`, another first
 * token, so no agent name can collide with these.
 */
export const systemInbox = {
  server: '_INBOX.server',
  host: (hostId: string) => `_INBOX.host.${token(hostId)}`,
  collector: '_INBOX.collector',
} as const;

/** Name of the KV watch consumer a host may create on the desired bucket. */
export function hostWatcher(hostId: string): string {
  return `watch_${token(hostId)}`;
}

/**
 * Answer one request once, within three seconds. The broker remembers the reply subject of every message
 * delivered to such a user for so long, acknowledgements of events included, and from 4,096 on it walks
 * through all of them at each delivery: a longer time makes a busy agent's events several times as dear.
 */
const ANSWER = { max: 1, ttl: 3_000_000_000 } as const;

/**
 * An agent: its own subjects, its own consumers, its own inbox; nothing of another agent.
 *
 * It reads nothing that it wrote itself. JetStream answers into whatever reply subject the asker names, and no
 * permission of the asker stands in the way: with a key of its own to write and to read back, an agent would have
 * the broker say its words on any subject, a command to another agent among them. What it can still have sent
 * elsewhere are events of its topics, under the subject they were stored with; receivers look at that.
 */
export function agentPermissions(options: {
  agentName: string;
  topics: readonly string[];
  findingsTopic: string;
}): Permissions {
  const name = token(options.agentName);
  const consumers = options.topics.map(
    (topic) => `${streams.events.name}.${consumerName(name, topic)}`,
  );
  return {
    pub: {
      allow: [
        subjects.heartbeat(name),
        subjects.status(name),
        subjects.metrics(name),
        subjects.agentLogs(name),
        subjects.deadLetter(name),
        options.findingsTopic,
        ...consumers.flatMap((consumer) => [
          `$JS.API.CONSUMER.MSG.NEXT.${consumer}`,
          `$JS.ACK.${consumer}.>`,
        ]),
      ],
    },
    sub: {
      allow: [subjects.control(name), `${subjects.control(name)}.*`, `${inboxPrefix(name)}.>`],
    },
    resp: { ...ANSWER },
  };
}

/**
 * The server: keeps streams and consumers, reads them all, commands agents. It may delete and purge no
 * stream. Wildcards stand where the account holds OPMAS's streams alone: listed one by one the JWT
 * would not fit the broker's control line (4 KB by default).
 * @param api where the account reaches JetStream's API
 */
export function serverPermissions(api: string = PLAIN_API): Permissions {
  return {
    pub: {
      allow: [
        `${api}.INFO`,
        `${api}.STREAM.CREATE.*`,
        `${api}.STREAM.UPDATE.*`,
        `${api}.STREAM.INFO.*`,
        `${api}.STREAM.MSG.GET.*`,
        `${api}.CONSUMER.CREATE.>`,
        `${api}.CONSUMER.DURABLE.CREATE.*.*`,
        `${api}.CONSUMER.INFO.*.*`,
        `${api}.CONSUMER.LIST.*`,
        `${api}.CONSUMER.DELETE.*.*`,
        '$JS.API.CONSUMER.MSG.NEXT.*.*',
        '$JS.API.DIRECT.GET.>',
        '$JS.ACK.>',
        `$KV.${DESIRED_BUCKET}.>`,
        `$KV.${STATE_BUCKET}.>`,
        'opmas.control.>',
        'opmas.events.>',
        'opmas.deadletter.*',
        'logs.>',
        // Answers to hosts, listed: `resp` would keep book of every finding (see ANSWER).
        '_INBOX.host.>',
      ],
    },
    sub: {
      allow: [
        `${systemInbox.server}.>`,
        serverSubjects.heartbeats,
        serverSubjects.hostActual,
        serverSubjects.hostLaunch,
        'opmas.status.*',
        'opmas.metrics.*',
        'opmas.logs.agent.*',
        'opmas.collector.*.stats',
        '$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>',
      ],
    },
  };
}

/** A host: its own desired keys, its own subjects, and the heartbeats of what it started. `api` as for the server. */
export function hostPermissions(hostId: string, api: string = PLAIN_API): Permissions {
  const stream = `KV_${DESIRED_BUCKET}`;
  const keys = `$KV.${DESIRED_BUCKET}.desired.${token(hostId)}.>`;
  const watcher = hostWatcher(hostId);
  return {
    pub: {
      allow: [
        subjects.hostActual(hostId),
        subjects.hostLaunch(hostId),
        `${api}.CONSUMER.CREATE.${stream}.${watcher}.${keys}`,
        `${api}.CONSUMER.INFO.${stream}.${watcher}`,
        `$JS.API.CONSUMER.MSG.NEXT.${stream}.${watcher}`,
        `${api}.CONSUMER.DELETE.${stream}.${watcher}`,
        `$JS.API.DIRECT.GET.${stream}.${keys}`,
      ],
    },
    sub: { allow: [`${systemInbox.host(hostId)}.>`, serverSubjects.heartbeats] },
  };
}

/** The collector: publishes events and its own counters, hears only its acknowledgements. */
export function collectorPermissions(hostId: string): Permissions {
  return {
    pub: { allow: ['logs.>', subjects.collectorStats(hostId)] },
    sub: { allow: [`${systemInbox.collector}.>`] },
  };
}
