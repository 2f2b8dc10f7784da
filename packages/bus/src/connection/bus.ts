/** The bus as its users see it: no type of the NATS library shows. */
import type { Credentials } from '../trust/creds.ts';

export type Payload = string | Uint8Array;
export type Headers = Readonly<Record<string, string>>;

/** pino's shape; any logger with these four will do. */
export interface BusLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface BusMessage {
  subject: string;
  data: Uint8Array;
  reply: string | undefined;
  /** First value of a header; undefined when it is absent. */
  header(name: string): string | undefined;
  /** The broker's own status code (`Status` header line), 0 for an ordinary message. */
  status: number;
  statusText: string;
  text(): string;
  /** @throws {SyntaxError} when the payload is not JSON. */
  json(): unknown;
  /** False when there is nobody to answer, or the connection is down. */
  respond(data: Payload): boolean;
}

export interface BusSubscription {
  readonly subject: string;
  /** Stops delivery after what is already on its way was handed over. */
  stop(): Promise<void>;
}

/** `closed` comes once, after `close()` or `drain()`; a bus in use goes between up and down for ever. */
export interface BusStatus {
  state: 'up' | 'down' | 'closed';
  /** One sentence. */
  reason: string;
  /** Down because the credentials were refused, expired or revoked: renew and `swap`. */
  unauthorized: boolean;
}

/** The broker refused a publish or a subscription of this connection. */
export interface Violation {
  operation: 'publish' | 'subscription';
  subject: string;
}

export interface PublishOptions {
  headers?: Headers;
  reply?: string;
}

export interface SubscribeOptions {
  /** Instances with the same queue share the messages. */
  queue?: string;
  /**
   * For a reply inbox: hears "nobody listens" (status 503), which the broker tells plain subscriptions
   * only; during a swap an answer may come twice.
   */
  inbox?: boolean;
}

export interface Bus {
  readonly name: string;
  /**
   * At most once. False when the connection is down: nothing was sent, nothing is kept.
   * @throws {BusError} OPMAS_INVALID_REQUEST for a payload above the broker's limit or a bad subject.
   */
  publish(subject: string, data?: Payload, options?: PublishOptions): boolean;
  /**
   * @throws {BusError} OPMAS_BROKER_UNAVAILABLE (down, or nobody listens), OPMAS_TIMEOUT,
   * OPMAS_FORBIDDEN, OPMAS_INVALID_REQUEST
   */
  request(
    subject: string,
    data?: Payload,
    options?: { timeoutMs?: number; headers?: Headers },
  ): Promise<BusMessage>;
  /**
   * Delivers until stopped, across reconnects and swaps. A handler's failure is logged.
   */
  subscribe(
    subject: string,
    handler: (message: BusMessage) => void | Promise<void>,
    options?: SubscribeOptions,
  ): BusSubscription;
  /** Resolves when the broker has seen everything published so far. */
  flush(): Promise<void>;
  /** A fresh subject that only this connection may listen to. */
  inbox(): string;
  onStatus(listener: (status: BusStatus) => void): () => void;
  onViolation(listener: (violation: Violation) => void): () => void;
  /** Runs after a swap, when the new connection carries everything and before the old one closes. */
  onSwap(listener: () => void): () => void;
  /**
   * Connects anew with `credentials` (or what the credentials function says now) and moves over, make
   * before break: nothing is lost in either direction. On failure the old connection stays.
   */
  swap(credentials?: Credentials): Promise<void>;
  /** Resolves when the connection is up; rejects OPMAS_TIMEOUT. */
  whenUp(timeoutMs: number): Promise<void>;
  isUp(): boolean;
  /** Of the broker last connected to. */
  serverVersion(): string;
  maxPayload(): number;
  stats(): {
    inMessages: number;
    outMessages: number;
    inBytes: number;
    outBytes: number;
    reconnects: number;
  };
  /** Handles what has arrived, sends what was published, closes. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** One or more, comma separated. */
  url: string;
  /** Shown in the broker's connection list. */
  name: string;
  /** First tokens of this identity's inboxes; `_INBOX` by default. */
  inboxPrefix?: string;
  /** Asked at every connect and reconnect; undefined: connect without credentials. */
  credentials?: () => Credentials | undefined;
  /** Path of a creds file, read at every connect. */
  credsFile?: string;
  logger: BusLogger;
  /** How long to try for the first connection; for ever when absent. Refused credentials end it at once. */
  connectTimeoutMs?: number;
  /** Ends the first connect early. */
  signal?: AbortSignal;
  /**
   * PEM file of the authorities that may sign the broker's certificate, read at every connect; absent: those
   * this process trusts. With it, or with a `tls://` URL, a broker that offers no TLS is not spoken to.
   */
  tlsCaFile?: string;
  random?: () => number;
}
