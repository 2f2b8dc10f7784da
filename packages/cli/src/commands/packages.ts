/** `opmas packages ls|approve|reject|scan`. */
import { packagesApprove, packagesList, packagesReject, packagesScan } from '@opmas/client';
import type { AgentPackage } from '@opmas/protocol';
import { collect } from '../api/pages.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Column } from '../output/output.ts';
import { paintOf } from '../output/words.ts';
import { given, type Run } from '../run.ts';

type ListQuery = NonNullable<NonNullable<Parameters<typeof packagesList>[0]>['query']>;

const COLUMNS: readonly Column<AgentPackage>[] = [
  { head: 'NAME', value: ({ name }) => name, whole: true },
  {
    head: 'STATE',
    value: ({ state }) => state,
    paint: ({ state }, colours) => paintOf(state, colours),
  },
  { head: 'VERSION', value: ({ version }) => version },
  { head: 'DIGEST', value: ({ digest }) => digest?.slice(0, 12) ?? '', whole: true },
  { head: 'SIGNED BY', value: signerOf },
  { head: 'APPROVED BY', value: approverOf },
  { head: 'PATH', value: ({ path }) => path, whole: true },
  {
    head: 'WHAT IS WRONG',
    value: ({ errors, warnings }) => [...errors, ...warnings].map(faultOf).join('; '),
    whole: true,
  },
];

/** A key nobody is trusted with is shown by its beginning. */
function signerOf({ signature }: AgentPackage): string {
  if (signature === null) return '';
  return signature.publisher ?? `unknown key ${signature.key_id.slice(0, 12)}`;
}

/** Of the files that run; others may be waiting. */
function approverOf({ approved_by, approved_digest, digest }: AgentPackage): string {
  if (approved_by === null) return '';
  return approved_digest === digest ? approved_by : `${approved_by} (an earlier version)`;
}

function faultOf({ code, line, message }: AgentPackage['errors'][number]): string {
  return `${line === undefined ? '' : `line ${line}: `}${message} [${code}]`;
}

export async function list({ api: connect, out, options }: Run): Promise<ExitCode> {
  const api = await connect();
  const filter = given({ state: options.text('state') as ListQuery['state'] });
  const packages = await collect(options.limit(), (query) =>
    api.call((client) => packagesList({ client, query: { ...query, ...filter } })),
  );
  out.list(
    packages,
    COLUMNS,
    'No packages in the agents directory. `opmas init agent NAME` makes one.',
  );
  return EXIT.ok;
}

export async function approve({ api: connect, out, args, options }: Run): Promise<ExitCode> {
  const api = await connect();
  const path = { name: args[0] ?? '' };
  const query = given({ digest: options.text('digest') });
  const found = await api.call((client) => packagesApprove({ client, path, query }));
  const signer = signerOf(found);
  const by = signer === '' ? 'not signed' : `signed by ${signer}`;
  out.done(found, `${found.name}: approved (${found.state}), ${found.digest ?? ''}, ${by}`);
  return EXIT.ok;
}

export async function reject({ api: connect, out, args }: Run): Promise<ExitCode> {
  const api = await connect();
  const path = { name: args[0] ?? '' };
  const found = await api.call((client) => packagesReject({ client, path }));
  out.done(found, `${found.name}: ${found.state}`);
  return EXIT.ok;
}

export async function scan({ api: connect, out }: Run): Promise<ExitCode> {
  const api = await connect();
  const answer = await api.call((client) => packagesScan({ client }));
  out.done(answer, 'The agents directory is being looked at.');
  return EXIT.ok;
}
