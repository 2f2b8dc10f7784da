// What the address of the users screen says, and which users it means.
import type { User } from '../api/resources.ts';
import { words } from '../lib/search.ts';
import { limits } from '../limits.ts';

export interface UsersSearch {
  q?: string;
  /** The id of the one that is open. */
  user?: string;
}

export function readUsersSearch(search: Record<string, unknown>): UsersSearch {
  const q = words(search['q'], limits.filterChars);
  const user = words(search['user'], limits.idChars);
  return { ...(q ? { q } : {}), ...(user ? { user } : {}) };
}

/** By name; those whose name or role contains the text. */
export function filterUsers(users: readonly User[], { q }: UsersSearch): User[] {
  const needle = q?.trim().toLowerCase();
  return users
    .filter(
      (user) => !needle || [user.username, ...user.roles].join('\n').toLowerCase().includes(needle),
    )
    .sort((a, b) => a.username.localeCompare(b.username));
}
