/** The API of packages. */
import { AgentPackage, PACKAGE_STATES, Page, Type } from '@opmas/protocol';
import { pageQuery } from '../../kernel/paging.ts';
import { type Operation, operation } from '../../operation.ts';
import type { PackagesService } from './packages.service.ts';

/** What these operations ask for: the packages, and someone who looks at the agents directory. */
export interface PackagesPort extends Pick<PackagesService, 'list' | 'approve' | 'reject'> {
  /** Looks again soon. */
  poke(): void;
}

const params = Type.Object({ name: Type.String({ minLength: 1, maxLength: 255 }) });

export function packagesOperations(packages: PackagesPort): Operation[] {
  return [
    operation({
      id: 'packages.list',
      summary: 'What discovery found in the agents directory',
      kind: 'unary',
      effect: 'read',
      permission: 'packages:read',
      rest: { method: 'GET', path: '/packages', tag: 'packages' },
      query: Type.Object({ ...pageQuery, state: Type.Optional(Type.Enum([...PACKAGE_STATES])) }),
      output: Page(AgentPackage),
      run: ({ query }, call) => packages.list(call.db, query),
    }),
    operation({
      id: 'packages.approve',
      summary: 'Let a package run: register its agent, or bring in its new version',
      kind: 'unary',
      effect: 'write',
      permission: 'packages:approve',
      rest: { method: 'POST', path: '/packages/{name}/approve', tag: 'packages' },
      params,
      // Of the files the caller looked at: others, judged since, are not approved unseen.
      query: Type.Object({ digest: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })) }),
      output: AgentPackage,
      run: async ({ params: { name }, query }, call) => {
        const approved = await packages.approve(call.db, name, call.caller.name, query.digest);
        call.audit({ object: approved.path, details: subject(approved) });
        call.afterCommit(() => packages.poke());
        return approved;
      },
    }),
    operation({
      id: 'packages.reject',
      summary: 'Ignore a package that waits for approval',
      kind: 'unary',
      effect: 'write',
      permission: 'packages:approve',
      rest: { method: 'POST', path: '/packages/{name}/reject', tag: 'packages' },
      params,
      output: AgentPackage,
      run: async (input, call) => {
        const rejected = await packages.reject(call.db, input.params.name);
        call.audit({ object: rejected.path, details: subject(rejected) });
        return rejected;
      },
    }),
    operation({
      id: 'packages.scan',
      summary: 'Look at the agents directory now',
      kind: 'unary',
      effect: 'external',
      permission: 'packages:approve',
      rest: { method: 'POST', path: '/packages/scan', status: 202, tag: 'packages' },
      output: Type.Object({ state: Type.Literal('scheduled') }),
      run: async () => {
        packages.poke();
        return { state: 'scheduled' as const };
      },
    }),
  ];
}

function subject(found: AgentPackage) {
  const { name, version, digest, signature } = found;
  return { name, version, digest, signature };
}
