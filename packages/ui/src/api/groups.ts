// Groups of agents.
import type { GroupsValidateData, GroupsValidateResponse } from '@opmas/client';
import { limits } from '../limits.ts';
import type { Api } from './index.ts';

export interface Group {
  name: string;
  description: string;
  selector: string;
  priority: number;
  version: number;
  /** In it now. */
  agents: number;
  created_at: string;
  updated_at: string;
}

export type GroupInput = Pick<Group, 'description' | 'selector' | 'priority'>;

/** A selector to be tried; of a group that is there with its name. */
export type GroupTrial = GroupsValidateData['body'];
/** What a group with it would do; agents are named up to a bound, and counted beyond it. */
export type GroupVerdict = GroupsValidateResponse;

export interface ChangedGroup extends Group {
  /** Agents that are told something else from now on. */
  changed: number;
}

export function groupsApi({ call }: Api) {
  const path = (name: string) => `/groups/${encodeURIComponent(name)}`;
  return {
    groups: (signal?: AbortSignal) => call<{ items: Group[] }>({ path: '/groups', signal }),
    group: (name: string, signal?: AbortSignal) => call<Group>({ path: path(name), signal }),
    /** Nothing is stored. */
    tryGroup: (body: GroupTrial, signal?: AbortSignal) =>
      call<GroupVerdict>({
        method: 'POST',
        path: '/groups/validate',
        body,
        // Whom it reaches is worked out for the whole fleet.
        timeoutMs: limits.checkMs,
        signal,
      }),
    addGroup: (body: GroupInput & { name: string }) =>
      call<ChangedGroup>({ method: 'POST', path: '/groups', body }),
    /** @param version the one that was seen: refused (412) when another is in force */
    changeGroup: (name: string, version: number, body: GroupInput) =>
      call<ChangedGroup>({ method: 'PUT', path: path(name), ifMatch: version, body }),
    deleteGroup: (name: string) => call<void>({ method: 'DELETE', path: path(name) }),
  };
}
