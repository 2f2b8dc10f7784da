/** The settings of TLS read together: where certificates come from, and what goes with what. */
import type { Fault } from '@opmas/protocol';
import { SETTINGS, type SettingName, type SettingRow } from './setting-table.ts';

/** `own`: signed by the authority of the data folder, renewed by itself. `files`: somebody else's care. */
export type CertificateSource = { kind: 'own' } | { kind: 'files'; cert: string; key: string };

export interface TlsSettings {
  /** Undefined: plain HTTP. */
  http: CertificateSource | undefined;
  /** Undefined: no syslog over TLS. */
  syslog: { port: number; certificate: CertificateSource } | undefined;
  /** PEM of the authorities of clients: from beyond this machine none comes in without their certificate. */
  clientCa: string | undefined;
  /** The embedded broker speaks TLS too. */
  broker: boolean;
  /** PEM of authorities trusted beside the well-known ones. */
  caFile: string | undefined;
  /** PEM of the authorities of an external broker. */
  natsCa: string | undefined;
}

type Read = <T>(name: SettingName, row: SettingRow<T>) => T | undefined;

const OWN: CertificateSource = { kind: 'own' };

export const TLS_NAMES: readonly SettingName[] = [
  'OPMAS_TLS',
  'OPMAS_TLS_CERT',
  'OPMAS_TLS_KEY',
  'OPMAS_TLS_CA',
  'OPMAS_CA_FILE',
  'OPMAS_NATS_CA',
  'OPMAS_SYSLOG_TLS_PORT',
];

/** @param external is the broker one of `OPMAS_NATS_URL`? */
export function tlsSettings(read: Read, errors: Fault[], external: boolean): TlsSettings {
  const auto = read('OPMAS_TLS', SETTINGS.OPMAS_TLS) === 'auto';
  const cert = read('OPMAS_TLS_CERT', SETTINGS.OPMAS_TLS_CERT);
  const key = read('OPMAS_TLS_KEY', SETTINGS.OPMAS_TLS_KEY);
  const clientCa = read('OPMAS_TLS_CA', SETTINGS.OPMAS_TLS_CA);
  const natsCa = read('OPMAS_NATS_CA', SETTINGS.OPMAS_NATS_CA);
  const port = read('OPMAS_SYSLOG_TLS_PORT', SETTINGS.OPMAS_SYSLOG_TLS_PORT);
  const fault = (path: SettingName, message: string) => errors.push({ path, message });
  if (auto && cert !== undefined) {
    fault('OPMAS_TLS', 'OPMAS_TLS=auto and OPMAS_TLS_CERT exclude each other');
  }
  if (cert !== undefined && key === undefined) {
    fault('OPMAS_TLS_CERT', 'OPMAS_TLS_CERT has no meaning without OPMAS_TLS_KEY');
  }
  if (key !== undefined && cert === undefined) {
    fault('OPMAS_TLS_KEY', 'OPMAS_TLS_KEY has no meaning without OPMAS_TLS_CERT');
  }
  const files: CertificateSource | undefined =
    cert === undefined || key === undefined ? undefined : { kind: 'files', cert, key };
  const http = auto ? OWN : files;
  if (clientCa !== undefined && http === undefined && port === undefined) {
    fault('OPMAS_TLS_CA', 'OPMAS_TLS_CA has no meaning without OPMAS_TLS or OPMAS_TLS_CERT');
  }
  if (natsCa !== undefined && !external) {
    fault('OPMAS_NATS_CA', 'OPMAS_NATS_CA has no meaning without OPMAS_NATS_URL');
  }
  return {
    http,
    syslog: port === undefined ? undefined : { port, certificate: files ?? OWN },
    clientCa,
    broker: auto && !external,
    caFile: read('OPMAS_CA_FILE', SETTINGS.OPMAS_CA_FILE),
    natsCa,
  };
}

/** Does anything need the authority of the data folder? */
export function needsOwnAuthority({ http, syslog }: TlsSettings): boolean {
  return http?.kind === 'own' || syslog?.certificate.kind === 'own';
}

/** Is there anything to prepare? */
export function usesTls({ http, syslog, caFile, natsCa }: TlsSettings): boolean {
  return [http, syslog, caFile, natsCa].some((one) => one !== undefined);
}
