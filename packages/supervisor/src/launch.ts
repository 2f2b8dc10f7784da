/** Before a start: the package must be what was approved, and the server (or the last ticket) must say how. */
import { isAbsolute } from 'node:path';
import type { DesiredAgent, LaunchTicket } from '@opmas/protocol';
import { type AgentFiles, isFolder, prepareState } from './agent-files.ts';
import type { KeptTicket } from './instance.ts';
import { limits, type Timing } from './limits.ts';
import type { HostLink } from './link.ts';
import { checkPackage } from './package-check.ts';
import type { StartSpec } from './runner.ts';

export type Preparation =
  | { kind: 'ready'; spec: StartSpec; ticket: KeptTicket; dropped: string[] }
  /** The server said no, or what it said cannot be run. */
  | { kind: 'refused'; reason: string }
  /** The files are not those that were approved: nothing is wrong with the agent itself. */
  | { kind: 'altered'; reason: string }
  /** Nobody to ask, and the agent cannot do without. */
  | { kind: 'unanswered'; reason: string };

export interface LaunchInput {
  desired: DesiredAgent;
  files: AgentFiles;
  instanceId: string;
  kept: KeptTicket | null;
  link: Pick<HostLink, 'isUp' | 'requestLaunch'>;
  times: Pick<Timing, 'launchMs' | 'relaunchMs' | 'stopGraceMs'>;
}

/** Asks for a launch ticket and makes the start specification of it. */
export async function prepareLaunch(input: LaunchInput): Promise<Preparation> {
  const { desired, files, instanceId, kept, link, times } = input;
  if (!isAbsolute(desired.package_dir) || !(await isFolder(desired.package_dir))) {
    return { kind: 'refused', reason: `package folder ${desired.package_dir} does not exist` };
  }
  const { enrolled } = await prepareState(files);
  const fallback = enrolled ? kept : null;
  const request = { agent_id: desired.agent_id, instance_id: instanceId, enrolled };
  const asked = link.isUp()
    ? outcome(link.requestLaunch(request, fallback === null ? times.launchMs : times.relaunchMs))
    : undefined;
  // While the server makes its answer; one that is not used expires, and so does why there was none.
  const altered = await checkPackage(desired.package_dir, desired.package_digest);
  if (altered !== undefined) return { kind: 'altered', reason: altered };
  const answer = await asked?.();
  if (answer === undefined) {
    if (fallback === null) return { kind: 'unanswered', reason: unanswered(link.isUp()) };
    return { kind: 'ready', spec: specOf(input, fallback, null), ticket: fallback, dropped: [] };
  }
  if (!answer.ok) {
    return { kind: 'refused', reason: `launch refused: ${answer.error ?? 'no reason given'}` };
  }
  const url = answer.management_url;
  if (url === undefined || !isHttpUrl(url)) {
    return { kind: 'refused', reason: 'the launch ticket names no http(s) management_url' };
  }
  const { env, dropped } = agentLayer(answer.env ?? {});
  const ticket = { management_url: url, env };
  return { kind: 'ready', spec: specOf(input, ticket, tokenOf(answer)), ticket, dropped };
}

/** What becomes of work that may not be asked about: it fails only for who asks. */
function outcome<T>(work: Promise<T>): () => Promise<T> {
  const settled = Promise.allSettled([work]);
  return async () => {
    const [end] = await settled;
    if (end.status === 'fulfilled') return end.value;
    throw end.reason;
  };
}

function specOf(input: LaunchInput, ticket: KeptTicket, token: string | null): StartSpec {
  const { desired, files, instanceId, times } = input;
  return {
    agent_id: desired.agent_id,
    agent_name: desired.agent_name,
    instance_id: instanceId,
    package_dir: desired.package_dir,
    state_dir: files.stateDir,
    log_file: files.logFile,
    limits: desired.limits,
    env: {
      ...ticket.env,
      AGENT_ID: desired.agent_id,
      MANAGEMENT_API_URL: ticket.management_url,
      OPMAS_INSTANCE_ID: instanceId,
      OPMAS_STOP_GRACE_MS: String(times.stopGraceMs),
      ...(token === null ? {} : { ONE_TIME_REGISTRATION_TOKEN: token }),
    },
  };
}

/**
 * Only the agents' own layer passes: a ticket must not reach into the process with NODE_OPTIONS. The
 * names of what did not pass are told.
 */
function agentLayer(
  given: Readonly<Record<string, string>>,
): Pick<KeptTicket, 'env'> & { dropped: string[] } {
  const env: Record<string, string> = {};
  const dropped: string[] = [];
  let [entries, chars] = [0, 0];
  for (const [name, value] of Object.entries(given)) {
    entries += 1;
    chars += name.length + value.length;
    const fits = entries <= limits.envEntries && chars <= limits.envChars;
    if (fits && LAYER.test(name) && !value.includes('\0')) env[name] = value;
    else dropped.push(name.slice(0, 80));
  }
  return { env, dropped };
}

/** These two are the host's own settings, whatever their names look like. */
const LAYER = /^OPMAS_AGENT_(?!(?:RUNNER|SANDBOX)$)[A-Za-z0-9_]{1,200}$/;

function tokenOf(ticket: LaunchTicket): string | null {
  const token = ticket.registration_token ?? null;
  return token === null || token === '' || token.includes('\0') ? null : token;
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol) && !text.includes('\0');
}

function unanswered(up: boolean): string {
  return up
    ? 'waiting for the management server: it does not answer the launch request'
    : 'waiting for the message broker: no connection';
}
