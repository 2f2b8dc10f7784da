/** `opmas certs init|issue|rotate|ls`: the authority of the data folder and what it signs; needs no server. */
import { KeyringError } from '@opmas/keyring';
import {
  CertificateError,
  CertificateStore,
  certificateLimits,
  dataKeyring,
  type Listed,
} from '@opmas/keyring/certificates';
import { CliError, usageError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Column } from '../output/output.ts';
import { given, type Run } from '../run.ts';

const COLUMNS: readonly Column<Listed>[] = [
  { head: 'NAME', value: ({ name }) => name, whole: true },
  { head: 'STATE', value: ({ state }) => state },
  { head: 'FOR', value: ({ usage, authority }) => (authority ? 'authority' : usage.join(' ')) },
  { head: 'NAMES', value: ({ dns, ips }) => [...dns, ...ips].join(' '), whole: true },
  { head: 'ENDS', value: ({ not_after }) => not_after, whole: true },
  { head: 'SHA-256', value: ({ fingerprint }) => fingerprint, whole: true },
];

/** Of OPMAS's own listeners: issued and renewed by `opmas up`. */
const OWN_NAMES = new Set(['server', 'nats']);

export async function init(run: Run): Promise<ExitCode> {
  const store = storeOf(run);
  const made = await told(() => store.init());
  const [authority] = store.list();
  const { fingerprint = '', not_after: ends = '' } = authority ?? {};
  run.out.one({ made, ca: store.bundlePath, fingerprint, not_after: ends }, [
    ['authority', `${store.bundlePath} (${made ? 'made now' : 'was there already'})`],
    ['SHA-256', fingerprint],
    ['ends', ends],
  ]);
  return EXIT.ok;
}

export async function issue(run: Run): Promise<ExitCode> {
  const { args, options, out, io } = run;
  const [name = ''] = args;
  if (OWN_NAMES.has(name)) {
    throw usageError(
      `${name} is the name of OPMAS's own certificate`,
      'Choose another name; OPMAS issues its own by itself.',
    );
  }
  const client = options.flag('client');
  const hosts = [...options.texts('dns'), ...options.texts('ip')];
  const days = options.count('days', certificateLimits.leafDaysMax);
  const store = storeOf(run);
  const usage = [client ? 'client' : 'server'] as const;
  const info = await told(() => store.issue(name, { hosts, usage, ...given({ days }) }));
  const { cert, key } = store.pathsOf(name);
  const ca = store.bundlePath;
  out.one({ name, cert, key, ca, ...info }, [
    ['certificate', cert],
    ['key', key],
    ['authority', ca],
    ['ends', info.not_after],
  ]);
  if (!out.json)
    io.note('Carry the key over a protected way only, and keep it readable by its owner alone.');
  return EXIT.ok;
}

export async function rotate(run: Run): Promise<ExitCode> {
  const { options, out, io } = run;
  const [ca, replace] = [options.flag('ca'), options.flag('distrustOld')];
  if (replace && !ca) throw usageError('--distrust-old belongs to --ca', 'Say both.');
  const store = storeOf(run);
  const mode = ca ? ({ ca: replace ? 'replace' : 'overlap' } as const) : {};
  const renewed = await told(() => store.rotate(mode));
  const result = { renewed, ca: store.bundlePath, new_authority: ca };
  if (mode.ca === 'overlap') {
    out.done(result, `A new authority signs from now on; both are in ${store.bundlePath}.`);
    if (!out.json) io.note('Give that file to those who trust OPMAS, then: opmas certs rotate');
    return EXIT.ok;
  }
  const what =
    renewed.length === 0 ? 'There was nothing to renew.' : `Renewed: ${renewed.join(', ')}.`;
  out.done(result, what);
  if (!out.json && renewed.length > 0)
    io.note(
      'A running OPMAS takes its own over within seconds; copy the others to where they are used.',
    );
  return EXIT.ok;
}

export async function list(run: Run): Promise<ExitCode> {
  const all = await told(() => Promise.resolve(storeOf(run).list()));
  run.out.list(all, COLUMNS, 'No authority yet: `opmas certs init`, or start with OPMAS_TLS=auto.');
  return EXIT.ok;
}

function storeOf({ dataDir, io, path }: Run): CertificateStore {
  const given = io.env['OPMAS_MASTER_KEY_FILE'];
  const masterKeyFile = given ? path(given) : undefined;
  return new CertificateStore({ dataDir, keyring: () => dataKeyring(dataDir, masterKeyFile) });
}

async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CertificateError) {
      const usage = error.code === 'bad_name' || error.code === 'bad_days';
      const exit = usage ? EXIT.usage : error.code === 'no_authority' ? EXIT.notFound : EXIT.failed;
      throw new CliError(exit, error.message, { cause: error, fix: error.fix });
    }
    if (error instanceof KeyringError) {
      throw new CliError(EXIT.failed, error.what, { cause: error, fix: error.fix });
    }
    throw error;
  }
}
