/** TLS of all parts before they start: which files each is given, and how those are kept fresh while it runs. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { openTlsFiles, readTlsFiles, splitPem } from '@opmas/keyring/certificates';
import { readText, writePrivate } from '../data/files.ts';
import { LaunchError, messageOf } from '../errors.ts';
import { limits } from '../limits.ts';
import type { CertificateSource, TlsSettings } from '../up/tls-settings.ts';
import { needsOwnAuthority } from '../up/tls-settings.ts';
import { asLaunchError, type OwnCertificates, ownCertificates } from './own-certificates.ts';
import type { ListenerFiles, PreparedTls } from './prepared.ts';

export interface PrepareOptions {
  dataDir: string;
  masterKeyFile: string;
  tls: TlsSettings;
  hosts: readonly string[];
}

/** @throws {LaunchError} tls_failed, with the file that cannot be used; data_dir_unusable */
export async function prepareTls(options: PrepareOptions): Promise<PreparedTls> {
  const { dataDir, tls } = options;
  const own = needsOwnAuthority(tls)
    ? await ownCertificates({ ...options, broker: tls.broker })
    : undefined;
  const filesOf = (source: CertificateSource) => checked(source, own, tls.clientCa);
  const broker = tls.broker && own !== undefined ? own.broker : undefined;
  const natsCa = tls.broker ? own?.bundle : tls.natsCa;
  const sources = [own?.bundle, tls.caFile, tls.natsCa].filter((path) => path !== undefined);
  const authorities = sources.length === 0 ? undefined : join(dataDir, 'run', 'authorities.crt');
  if (authorities !== undefined) gather(sources, authorities);

  return {
    http: tls.http && filesOf(tls.http),
    syslog: tls.syslog && { ...filesOf(tls.syslog.certificate), port: tls.syslog.port },
    clientCa: tls.clientCa,
    broker: broker && { certFile: broker.cert, keyFile: broker.key },
    natsCa,
    authorities,
    keep({ onBrokerChanged, onFault, checkMs }) {
      const tell = (what: string) => (error: unknown) => onFault(`${what}: ${messageOf(error)}`);
      const renewal = setInterval(() => {
        own?.renew().catch(tell('a certificate could not be renewed'));
      }, limits.certificateCheckMs);
      renewal.unref();
      const files =
        broker &&
        openTlsFiles(broker, {
          onFault: tell("the broker's certificate"),
          ...(checkMs === undefined ? {} : { pollMs: checkMs }),
        });
      files?.follow(onBrokerChanged);
      const gathering = authorities && keepGathered(sources, authorities, onFault, checkMs);
      return () => {
        clearInterval(renewal);
        files?.stop();
        clearInterval(gathering);
      };
    },
  };
}

/** Judged here, so that a wrong file is told in one sentence and not by a part that does not come up. */
function checked(
  source: CertificateSource,
  own: OwnCertificates | undefined,
  clientCa: string | undefined,
): ListenerFiles {
  const files = source.kind === 'files' ? { cert: source.cert, key: source.key } : own?.server;
  if (files === undefined) throw new Error('there is no own authority');
  try {
    readTlsFiles({ ...files, ca: clientCa });
    return files;
  } catch (error) {
    throw asLaunchError(error);
  }
}

/** @throws {LaunchError} tls_failed for a file without certificates */
function gather(sources: readonly string[], target: string): void {
  const found = sources.flatMap((path) => {
    const certificates = splitPem(readAuthorities(path));
    if (certificates.length > 0) return certificates;
    throw new LaunchError(
      'tls_failed',
      `${path} holds no certificate.`,
      'Give a PEM file of the authorities to trust.',
    );
  });
  const text = [...new Set(found)].join('');
  if (readText(target) !== text) writePrivate(target, text);
}

function readAuthorities(path: string): string {
  try {
    if (statSync(path).size > limits.authoritiesBytes) throw new Error('it is too large');
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new LaunchError(
      'tls_failed',
      `The authorities in ${path} cannot be read: ${messageOf(cause)}.`,
      'Give a PEM file of the authorities to trust.',
      { cause },
    );
  }
}

function keepGathered(
  sources: readonly string[],
  target: string,
  onFault: (text: string) => void,
  checkMs: number = limits.authoritiesCheckMs,
): NodeJS.Timeout {
  let told = '';
  const timer = setInterval(() => {
    try {
      gather(sources, target);
      told = '';
    } catch (error) {
      const text = messageOf(error);
      if (text !== told) onFault(text);
      told = text;
    }
  }, checkMs);
  timer.unref();
  return timer;
}
