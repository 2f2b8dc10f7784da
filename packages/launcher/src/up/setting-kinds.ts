/** The forms a setting's text may have: each turns it into a value or says what it must be. */
import { isIP } from 'node:net';

export type Checked<T> = { ok: true; value: T } | { ok: false; must: string };

export type Kind<T> = (text: string) => Checked<T>;

export const anyText: Kind<string> = (text) => ({ ok: true, value: text });

export const secretText =
  (minLength: number): Kind<string> =>
  (text) =>
    text.length >= minLength
      ? { ok: true, value: text }
      : { ok: false, must: `have at least ${minLength} characters` };

export const oneOf =
  <const T extends string>(...allowed: readonly T[]): Kind<T> =>
  (text) => {
    const value = allowed.find((one) => one === text);
    return value === undefined
      ? { ok: false, must: `be one of ${allowed.join(', ')}` }
      : { ok: true, value };
  };

export const port: Kind<number> = (text) =>
  /^\d{1,5}$/.test(text) && Number(text) <= 65_535
    ? { ok: true, value: Number(text) }
    : { ok: false, must: 'be a port number, 0 to 65535 (0 takes any)' };

/** A name or address to listen on; a URL or a port in it is a frequent mistake. */
export const host: Kind<string> = (text) =>
  /^[A-Za-z0-9_.:-]{1,255}$/.test(text) && !/^[^:]*:\d+$/.test(text)
    ? { ok: true, value: text }
    : { ok: false, must: 'be a host name or address without scheme and port' };

export const token: Kind<string> = (text) =>
  /^[A-Za-z0-9_-]{1,64}$/.test(text)
    ? { ok: true, value: text }
    : { ok: false, must: 'be 1 to 64 of A-Z a-z 0-9 _ -' };

export const url =
  (...schemes: readonly string[]): Kind<string> =>
  (text) => {
    const must = `be a URL with ${schemes.join(' or ')}`;
    if (!URL.canParse(text)) return { ok: false, must };
    return schemes.includes(new URL(text).protocol)
      ? { ok: true, value: text }
      : { ok: false, must };
  };

/** Scheme, name and port alone. */
export const origin: Kind<string> = (text) => {
  const must = 'be a URL of scheme, name and port alone, as https://opmas.example';
  if (!/^https?:/.test(text) || !URL.canParse(text)) return { ok: false, must };
  const given = new URL(text);
  return given.href === `${given.origin}/`
    ? { ok: true, value: given.origin }
    : { ok: false, must };
};

/** Addresses and networks (`10.0.0.0/8`), separated by commas. */
export const networks: Kind<readonly string[]> = (text) => {
  const value = text.split(',').map((part) => part.trim());
  return value.every(isNetwork)
    ? { ok: true, value }
    : { ok: false, must: 'be addresses or networks, as 10.0.0.0/8, separated by commas' };
};

function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const width = isIP(address) === 6 ? 128 : 32;
  if (isIP(address) === 0 || more.length > 0) return false;
  return (
    bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= width)
  );
}

/** NATS clients take several servers, separated by commas. */
export const natsUrls: Kind<string> = (text) => {
  const single = url('nats:', 'tls:', 'ws:', 'wss:');
  for (const part of text.split(',')) {
    const checked = single(part.trim());
    if (!checked.ok) return checked;
  }
  return { ok: true, value: text };
};

/** Milliseconds of `30m`, `24h`, `7d`. */
export const duration: Kind<number> = (text) => {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  const units: Record<string, number> = { ms: 1, s: 1e3, m: 60e3, h: 3_600e3, d: 86_400e3 };
  const value = Number(match?.[1]) * (units[match?.[2] ?? ''] ?? 0);
  return value > 0 && Number.isSafeInteger(value)
    ? { ok: true, value }
    : { ok: false, must: 'be a duration such as 30m, 24h or 7d' };
};

/** Bytes of `500MB`, `4GB` (decimal, as NATS counts them). */
export const size: Kind<number> = (text) => {
  const match = /^(\d{1,12})(B|KB|MB|GB|TB)$/i.exec(text);
  const units: Record<string, number> = { B: 1, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };
  const value = Number(match?.[1]) * (units[match?.[2]?.toUpperCase() ?? ''] ?? 0);
  return value > 0 && Number.isSafeInteger(value)
    ? { ok: true, value }
    : { ok: false, must: 'be a size such as 500MB or 4GB' };
};

export const ROLES = ['api', 'ingest', 'collector', 'scheduler', 'host'] as const;
export type Role = (typeof ROLES)[number];

export const roles: Kind<readonly Role[]> = (text) => {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.includes('all')) return { ok: true, value: ROLES };
  const value = ROLES.filter((role) => parts.includes(role));
  return parts.every((part) => ROLES.some((role) => role === part))
    ? { ok: true, value }
    : { ok: false, must: `be all, or some of ${ROLES.join(',')}` };
};
