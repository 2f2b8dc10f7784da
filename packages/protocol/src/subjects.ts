/** Every NATS subject OPMAS uses, built and parsed here alone, so that no hostile name becomes a wildcard. */

/** One subject token: an agent name, an instance id, a domain. No dots, spaces or wildcards. */
export const TOKEN = /^[A-Za-z0-9_-]{1,64}$/;

const TOPIC = /^(logs|findings)(\.[A-Za-z0-9_-]{1,64}){1,8}$/;

/** Thrown when a value cannot stand in a subject; the message names the value and the grammar. */
export class SubjectError extends Error {
  override readonly name = 'SubjectError';
}

/**
 * Returns `value` when it is one legal subject token.
 * @throws {SubjectError} for anything else: empty, over 64 characters, dots, wildcards, white space.
 */
export function token(value: string): string {
  if (!TOKEN.test(value)) {
    throw new SubjectError(
      `${JSON.stringify(value.slice(0, 80))} cannot stand in a subject: 1 to 64 of A-Z a-z 0-9 _ -`,
    );
  }
  return value;
}

/** Is `topic` a concrete log topic (`logs.<domain>[.<part>…]`, no wildcard)? */
export function isLogTopic(topic: string): boolean {
  return topic.startsWith('logs.') && TOPIC.test(topic);
}

/** Is `topic` a concrete findings topic (`findings.<domain>[.<part>…]`, no wildcard)? */
export function isFindingsTopic(topic: string): boolean {
  return topic.startsWith('findings.') && TOPIC.test(topic);
}

/** Subjects that belong to one agent, by its name. Each refuses a name that is not a token. */
export const subjects = {
  logs: (domain: string) => `logs.${token(domain)}`,
  findings: (domain: string) => `findings.${token(domain)}`,
  control: (agentName: string) => `opmas.control.${token(agentName)}`,
  controlInstance: (agentName: string, instanceId: string) =>
    `opmas.control.${token(agentName)}.${token(instanceId)}`,
  heartbeat: (agentName: string) => `opmas.heartbeat.${token(agentName)}`,
  status: (agentName: string) => `opmas.status.${token(agentName)}`,
  metrics: (agentName: string) => `opmas.metrics.${token(agentName)}`,
  agentLogs: (agentName: string) => `opmas.logs.agent.${token(agentName)}`,
  deadLetter: (agentName: string) => `opmas.deadletter.${token(agentName)}`,
  hostActual: (hostId: string) => `opmas.host.${token(hostId)}.actual`,
  hostLaunch: (hostId: string) => `opmas.host.${token(hostId)}.launch`,
  collectorStats: (hostId: string) => `opmas.collector.${token(hostId)}.stats`,
  event: (kind: string) => `opmas.events.${kind.split('.').map(token).join('.')}`,
} as const;

/** Wildcards that only the server may listen to. */
export const serverSubjects = {
  heartbeats: 'opmas.heartbeat.*',
  hostActual: 'opmas.host.*.actual',
  hostLaunch: 'opmas.host.*.launch',
  collectorStats: 'opmas.collector.*.stats',
} as const;

/** The last token of `opmas.<kind>.<agent_name>`; undefined when the subject has another shape. */
export function agentNameOf(subject: string): string | undefined {
  const match =
    /^opmas\.(?:heartbeat|status|metrics|deadletter|logs\.agent)\.([A-Za-z0-9_-]{1,64})$/.exec(
      subject,
    );
  return match?.[1];
}

/** The host id of `opmas.host.<host_id>.<verb>` or `opmas.collector.<host_id>.stats`; undefined when the subject has another shape. */
export function hostIdOf(subject: string): string | undefined {
  return /^opmas\.(?=host\.[^.]+\.(?:actual|launch)$|collector\.[^.]+\.stats$)[a-z]+\.([A-Za-z0-9_-]{1,64})\./.exec(
    subject,
  )?.[1];
}

/**
 * JetStream streams. One durable consumer per (agent, topic), because nats-server 2.9 has no
 * multi-subject filter.
 */
export const streams = {
  events: { name: 'EVENTS', subjects: ['logs.>'] },
  findings: { name: 'FINDINGS', subjects: ['findings.>'] },
  telemetry: {
    name: 'TELEMETRY',
    subjects: ['opmas.status.*', 'opmas.metrics.*', 'opmas.logs.agent.*'],
  },
  deadLetters: { name: 'DEADLETTERS', subjects: ['opmas.deadletter.*'] },
  feed: { name: 'FEED', subjects: ['opmas.events.>'] },
  /** The broker's word that it gave up delivering an event message: kept, so that none is missed. */
  advisories: {
    name: 'ADVISORIES',
    subjects: ['$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.EVENTS.>'],
  },
} as const;

/** The KV bucket in which the server tells each host what to run, key `desired.<host_id>.<agent_id>`. */
export const DESIRED_BUCKET = 'HOSTS';

/**
 * The durable consumer an agent reads `topic` with. `=` stands for the dot: it cannot occur in a
 * token, so two topics never share a name.
 * @throws {SubjectError} when the name is no token or the topic no log topic.
 */
export function consumerName(agentName: string, topic: string): string {
  if (!isLogTopic(topic))
    throw new SubjectError(`${JSON.stringify(topic)} is not a log topic (logs.<domain>)`);
  return `${token(agentName)}=${topic.slice('logs.'.length).replaceAll('.', '=')}`;
}

/** The agent and topic a durable consumer belongs to; undefined when it is no agent's. */
export function consumerOwner(consumer: string): { agent_name: string; topic: string } | undefined {
  const match = /^([A-Za-z0-9_-]{1,64})=([A-Za-z0-9_=-]{1,512})$/.exec(consumer);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  const topic = `logs.${match[2].replaceAll('=', '.')}`;
  return isLogTopic(topic) ? { agent_name: match[1], topic } : undefined;
}

/** Prefix of an agent's private inboxes: no other identity may listen there. */
export function inboxPrefix(agentName: string): string {
  return `_INBOX_${token(agentName)}`;
}
