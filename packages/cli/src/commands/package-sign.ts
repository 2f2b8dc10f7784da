/** `opmas package keygen|sign|verify`: an author vouches for a package; anybody checks it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { publishersList } from '@opmas/client';
import {
  digestOf,
  isSignedBy,
  newSigningKey,
  type PackageSignature,
  packageLimits,
  RefusedPackage,
  readPlainFile,
  readPublicKey,
  readSignature,
  readTree,
  SIGNATURE_FILE,
  signDigest,
} from '@opmas/keyring';
import { CliError, errnoOf, messageOf, usageError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Run } from '../run.ts';

export async function keygen({ out, options, path }: Run): Promise<ExitCode> {
  const file = path(options.text('out') ?? 'publisher.pem');
  const { privateKey, publicKey, keyId } = newSigningKey();
  create(file, privateKey, 0o600);
  create(`${file}.pub`, publicKey, 0o644);
  const made = { key_id: keyId, private_key: file, public_key: `${file}.pub` };
  out.done(made, `Made key ${keyId}: ${file} (keep it secret) and ${file}.pub.`);
  return EXIT.ok;
}

export async function sign(run: Run): Promise<ExitCode> {
  const dir = run.path(run.args[0] ?? '');
  const keyFile = run.options.text('key');
  if (keyFile === undefined) throw usageError('--key FILE is missing: the private key');
  const digest = await digestIn(dir);
  const key = await readKey(run, keyFile);
  const signature = await refused(keyFile, async () => signDigest(digest, key, new Date()));
  const file = join(dir, SIGNATURE_FILE);
  try {
    writeFileSync(file, `${JSON.stringify(signature, null, 2)}\n`);
  } catch (error) {
    throw new CliError(EXIT.failed, `${file} cannot be written: ${messageOf(error)}`);
  }
  run.out.done(signature, `Signed ${digest.slice(0, 12)} with key ${signature.key_id}: ${file}`);
  return EXIT.ok;
}

export async function verify(run: Run): Promise<ExitCode> {
  const dir = run.path(run.args[0] ?? '');
  const digest = await digestIn(dir);
  const found = await refused(dir, () => readSignature(dir));
  if (found === undefined) throw new CliError(EXIT.notFound, `${dir} is not signed`);
  const signer = await signerOf(run, found);
  const fault = faultOf(found, digest, signer);
  if (fault !== undefined) throw new CliError(EXIT.difference, `${dir}: ${fault}`);
  const { key_id, signed_at } = found;
  const answer = { valid: true, digest, key_id, signed_at, publisher: signer?.name ?? null };
  run.out.done(answer, `Good: signed by ${signer?.name} (${key_id}) at ${signed_at}.`);
  return EXIT.ok;
}

interface Signer {
  name: string;
  public_key: string;
}

/** The key that was given, or that of a publisher the server trusts. */
async function signerOf(run: Run, { key_id }: PackageSignature): Promise<Signer | undefined> {
  const file = run.options.text('key');
  if (file !== undefined) {
    const pem = await readKey(run, file);
    const { publicKey } = await refused(file, async () => readPublicKey(pem));
    return { name: file, public_key: publicKey };
  }
  const api = await run.api();
  const { items } = await api.call((client) => publishersList({ client }));
  return items.find((one) => one.key_id === key_id);
}

function faultOf(
  found: PackageSignature,
  digest: string,
  signer: Signer | undefined,
): string | undefined {
  if (found.digest !== digest) return 'the files are not those that were signed';
  if (signer === undefined) return `nobody is trusted with its key ${found.key_id}`;
  if (isSignedBy(found, signer.public_key)) return undefined;
  return `the signature is not one of ${signer.name}`;
}

const digestIn = (dir: string) => refused(dir, async () => digestOf(await readTree(dir)));

export async function readKey({ path }: Run, name: string): Promise<string> {
  const bytes = await refused(name, () => readPlainFile(path(name), packageLimits.keyBytes));
  if (bytes === undefined) throw new CliError(EXIT.notFound, `${name} does not exist`);
  return bytes.toString('utf8');
}

/** Never over a file that is there: it may be the only copy of a key. */
function create(file: string, content: string, mode: number): void {
  try {
    writeFileSync(file, content, { mode, flag: 'wx' });
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') throw new CliError(EXIT.conflict, `${file} exists already`);
    throw new CliError(EXIT.failed, `${file} cannot be written: ${messageOf(error)}`);
  }
}

/** What is wrong with files of the caller, in words and with an exit code. */
async function refused<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RefusedPackage)) throw error;
    throw new CliError(EXIT.usage, `${what}: ${error.message}`, { cause: error });
  }
}
