/** One connection of the NATS library, with OPMAS's reconnect policy and signatures by node:crypto. */
import { readFileSync } from 'node:fs';
import {
  connect,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  headers as natsHeaders,
} from '@nats-io/transport-node';
import { BusError, toBusError } from '../errors.ts';
import { busLimits } from '../limits.ts';
import { type Credentials, parseCreds } from '../trust/creds.ts';
import { publicKeyOf, signWithSeed } from '../trust/nkeys.ts';
import type { BusMessage, ConnectOptions, Headers } from './bus.ts';
import { apiPrefixOfUser, throughApiPrefix } from './wire-api.ts';
import { tlsOptions } from './wire-tls.ts';

/** Connects once. It then reconnects for ever, also after refused credentials. */
export async function openWire(
  options: ConnectOptions,
  credentials: () => Credentials | undefined,
): Promise<NatsConnection> {
  let prefix: string | undefined;
  const current = () => {
    const held = credentials();
    prefix = apiPrefixOfUser(held);
    return held;
  };
  try {
    const wire = await connect({
      servers: options.url.split(',').map((url) => url.trim()),
      name: options.name,
      ...(options.inboxPrefix === undefined ? {} : { inboxPrefix: options.inboxPrefix }),
      ...tlsOptions(options),
      authenticator: authenticator(current),
      maxReconnectAttempts: -1,
      ignoreAuthErrorAbort: true,
      reconnectDelayHandler: reconnectDelay(options.random ?? Math.random),
      timeout: busLimits.connectAttemptMs,
      pingInterval: busLimits.pingIntervalMs,
      maxPingOut: 2,
      ignoreClusterUpdates: false,
      noAsyncTraces: true,
    });
    throughApiPrefix(wire, () => prefix);
    return wire;
  } catch (error) {
    throw toBusError(`connecting to ${redactUrl(options.url)}`, error);
  }
}

/** A NATS URL may hold a password or a token; logs and errors must not. */
export function redactUrl(url: string): string {
  return url.replaceAll(/\/\/[^/@,\s]*@/g, '//***@');
}

/** Where the credentials come from: an explicit function, a creds file, or nowhere. */
export function credentialSource(options: ConnectOptions): () => Credentials | undefined {
  const { credentials, credsFile } = options;
  if (credentials !== undefined) return credentials;
  if (credsFile === undefined) return () => undefined;
  return () => {
    try {
      return parseCreds(readFileSync(credsFile, 'utf8'));
    } catch (error) {
      if (error instanceof BusError)
        throw new BusError(error.code, `${credsFile}: ${error.message}`, { cause: error });
      throw new BusError('OPMAS_INVALID_FORMAT', `cannot read the creds file ${credsFile}`, {
        cause: error,
      });
    }
  };
}

function authenticator(credentials: () => Credentials | undefined) {
  return (nonce?: string) => {
    const current = credentials();
    if (current === undefined) return;
    const signature = signWithSeed(current.seed, Buffer.from(nonce ?? ''));
    return {
      jwt: current.jwt,
      nkey: publicKeyOf(current.seed),
      sig: Buffer.from(signature).toString('base64url'),
    };
  };
}

/** 100 to 250 ms at first, growing to 2 s; an outage after ten quiet seconds starts over. */
function reconnectDelay(random: () => number): () => number {
  let calls = 0;
  let last = Number.NEGATIVE_INFINITY;
  return () => {
    const now = performance.now();
    if (now - last > 10_000) calls = 0;
    last = now;
    const grown = Math.min(
      busLimits.retryMaxMs,
      busLimits.retryMinMs * 1.15 ** Math.min(calls, 40),
    );
    calls += 1;
    return Math.round(grown + random() * 150);
  };
}

export function encodeHeaders(headers: Headers): MsgHdrs {
  const encoded = natsHeaders();
  for (const [key, value] of Object.entries(headers)) encoded.set(key, value);
  return encoded;
}

/** The library's message as a BusMessage; `respond` answers on the bus's current connection. */
export function toBusMessage(
  msg: Msg,
  publish: (subject: string, data: string | Uint8Array) => boolean,
): BusMessage {
  return new WireMessage(msg, publish);
}

class WireMessage implements BusMessage {
  readonly #msg: Msg;
  readonly #publish: (subject: string, data: string | Uint8Array) => boolean;
  constructor(msg: Msg, publish: (subject: string, data: string | Uint8Array) => boolean) {
    this.#msg = msg;
    this.#publish = publish;
  }
  get subject() {
    return this.#msg.subject;
  }
  get data() {
    return this.#msg.data;
  }
  get reply() {
    return this.#msg.reply === '' ? undefined : this.#msg.reply;
  }
  get status() {
    return this.#msg.headers?.code ?? 0;
  }
  get statusText() {
    return this.#msg.headers?.description ?? '';
  }
  header(name: string) {
    const { headers } = this.#msg;
    return headers?.has(name) === true ? headers.get(name) : undefined;
  }
  text() {
    return this.#msg.string();
  }
  json(): unknown {
    return JSON.parse(this.#msg.string());
  }
  respond(data: string | Uint8Array) {
    return this.reply !== undefined && this.#publish(this.reply, data);
  }
}
