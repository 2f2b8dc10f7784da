// What people decide about packages.
import type { AgentPackage } from '@opmas/protocol';
import type { Api } from './index.ts';

export function packagesApi({ call }: Api) {
  const path = (name: string) => `/packages/${encodeURIComponent(name)}`;
  return {
    /** Of exactly the files that were looked at. */
    approve: ({ name, digest }: Pick<AgentPackage, 'name' | 'digest'>) =>
      call<AgentPackage>({
        method: 'POST',
        path: `${path(name)}/approve`,
        query: { digest: digest ?? undefined },
      }),
    reject: (name: string) => call<AgentPackage>({ method: 'POST', path: `${path(name)}/reject` }),
    scan: () => call<{ state: string }>({ method: 'POST', path: '/packages/scan' }),
  };
}
