// Users, roles and tokens as hooks; nobody else's change is told to the page, so they are asked for again.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { accessApi } from '../api/access.ts';
import { keys } from './keys.ts';
import { useServices } from './services.ts';

export function useAccess() {
  return accessApi(useServices().api);
}

export function useUsers() {
  const access = useAccess();
  return useQuery({ queryKey: keys.users, queryFn: ({ signal }) => access.users(signal) });
}

export function useUserSessions(id: string) {
  const access = useAccess();
  return useQuery({
    queryKey: keys.userSessions(id),
    queryFn: ({ signal }) => access.userSessions(id, signal),
  });
}

export function useRoles() {
  const access = useAccess();
  return useQuery({ queryKey: keys.roles, queryFn: ({ signal }) => access.roles(signal) });
}

export function usePermissions() {
  const access = useAccess();
  return useQuery({
    queryKey: keys.permissions,
    queryFn: ({ signal }) => access.permissions(signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

export function useTokens() {
  const access = useAccess();
  return useQuery({ queryKey: keys.tokens, queryFn: ({ signal }) => access.tokens(signal) });
}

/** A change, after which what it touches is asked for again; `onDone` comes last. */
export function useChange<V, R>(
  change: (input: V) => Promise<R>,
  touches: readonly (readonly string[])[],
  onDone?: (result: R, input: V) => void,
) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: async (result, input) => {
      await Promise.all(touches.map((queryKey) => queries.invalidateQueries({ queryKey })));
      onDone?.(result, input);
    },
  });
}
