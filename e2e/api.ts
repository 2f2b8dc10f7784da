/** The HTTP API as a test uses it: answers are checked against the schemas of the protocol. */
import {
  Action,
  Agent,
  AgentPackage,
  type FindingRecord,
  FindingRecord as FindingSchema,
  Page,
  parse,
  type Static,
  type TSchema,
  Type,
} from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { limits } from './limits.ts';

export interface Answer {
  status: number;
  headers: Headers;
  /** The parsed body; its text where it is no JSON; undefined when there is none. */
  body: unknown;
}

export interface CallOptions {
  body?: unknown;
  /** Sent as it is, without serialising. */
  raw?: string | Uint8Array;
  /** null: no token; absent: the administrator's. */
  token?: string | null;
  headers?: Record<string, string>;
}

export type Query = Readonly<Record<string, string | number>>;

export interface Api {
  /** Any path, from the root of the server. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** GET below `/api/v1`; fails unless 200 and of this schema. */
  read<S extends TSchema>(schema: S, path: string): Promise<Static<S>>;
  /** Removed ones are listed only with `status: 'removed'`. */
  agents(query?: Query): Promise<Agent[]>;
  /** By name, removed ones too. */
  agent(name: string): Promise<Agent>;
  packages(): Promise<AgentPackage[]>;
  /** Every page. */
  findings(query?: Query): Promise<FindingRecord[]>;
  /** Sends a command and follows its action to the end. */
  command(agentId: string, command: 'start' | 'stop' | 'restart'): Promise<Action>;
}

/** `base` and `token` are asked at every call: a restarted product may have others. */
export function api(base: () => string, token: () => string): Api {
  const call = async (method: string, path: string, given: CallOptions = {}): Promise<Answer> => {
    const bearer = given.token === undefined ? token() : given.token;
    const raw = given.raw ?? (given.body === undefined ? undefined : JSON.stringify(given.body));
    const response = await fetch(`${base()}${path}`, {
      method,
      headers: {
        ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
        ...(raw === undefined ? {} : { 'content-type': 'application/json' }),
        ...given.headers,
      },
      ...(raw === undefined ? {} : { body: typeof raw === 'string' ? raw : Buffer.from(raw) }),
    });
    const text = await response.text();
    const json = response.headers.get('content-type')?.includes('json') === true;
    const body: unknown = text === '' ? undefined : json ? JSON.parse(text) : text;
    return { status: response.status, headers: response.headers, body };
  };

  const read = async <S extends TSchema>(schema: S, path: string): Promise<Static<S>> => {
    const { status, body } = await call('GET', `/api/v1${path}`);
    return checked(schema, body, `GET ${path} (${status})`);
  };

  const all = async <S extends TSchema>(item: S, path: string, query: Query = {}) => {
    const items: Static<S>[] = [];
    let cursor: string | null = null;
    do {
      const search = new URLSearchParams({ limit: String(limits.pageSize) });
      for (const [key, value] of Object.entries(query)) search.set(key, String(value));
      if (cursor !== null) search.set('cursor', cursor);
      const page: { items: Static<S>[]; next_cursor: string | null } = await read(
        Page(item),
        `${path}?${search.toString()}`,
      );
      items.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor !== null);
    return items;
  };

  const agents = (query?: Query) => all(Agent, '/agents', query);
  return {
    call,
    read,
    agents,
    agent: async (name) => {
      const named = (agent: Agent) => agent.name === name;
      const found =
        (await agents()).find(named) ?? (await agents({ status: 'removed' })).find(named);
      if (found === undefined) throw new Error(`no agent is named ${name}`);
      return found;
    },
    packages: () => all(AgentPackage, '/packages'),
    findings: (query) => all(FindingSchema, '/findings', query),
    command: async (agentId, command) => {
      const path = `/api/v1/agents/${agentId}/${command}`;
      const { status, body } = await call('POST', path);
      const { action_id } = checked(Action, body, `POST ${path} (${status})`);
      return waitFor(
        async () => {
          const action = await read(Action, `/actions/${action_id}`);
          return action.state === 'pending' ? undefined : action;
        },
        { timeoutMs: limits.agentsMs, what: `the end of ${command} of ${agentId}` },
      );
    },
  };
}

/** `value` as `schema`, or a failure that shows both the faults and the value. */
export function checked<S extends TSchema>(schema: S, value: unknown, what: string): Static<S> {
  const parsed = parse(schema, value);
  if (parsed.ok) return parsed.value;
  throw new Error(`${what}: ${JSON.stringify(parsed.errors)} in ${JSON.stringify(value)}`);
}

/** The members of a problem answer that tests look at. */
export const ProblemBody = Type.Object({ code: Type.String(), status: Type.Integer() });
