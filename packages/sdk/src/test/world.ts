/** For tests: a real broker, a management API of the contract's shape, and agents as real processes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  agentPermissions,
  type Bus,
  connectBus,
  encodeUserJwt,
  ensureConsumer,
  ensureStreams,
  verifySignature,
} from '@opmas/bus';
import {
  type ConfigLayer,
  CredentialsRequest,
  consumerName,
  credentialsChallenge,
  isPlainObject,
  parse,
  RegistrationRequest,
  streams,
} from '@opmas/protocol';
import {
  compileCacheEnv,
  type TempDir,
  type TestNats,
  tempDir,
  testNats,
  waitFor,
} from '@opmas/testkit';
import { configHash } from '../config.ts';

const RUNNER = fileURLToPath(new URL('../runner/start.mjs', import.meta.url));
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

export interface WorldOptions {
  agentName?: string;
  topics?: string[];
  findingsTopic?: string;
  /** Seconds the credentials live. */
  expiresIn?: number;
  /** false: an external broker without authentication, whose account OPMAS does not hold. */
  operator?: boolean;
}

/** One agent's world; everything in it is real but the database behind the API. */
export class World {
  readonly agentName: string;
  readonly topics: string[];
  readonly findingsTopic: string;
  readonly agentId = `security-${randomUUID()}`;
  readonly dir: TempDir = tempDir('sdk');
  /** Answers of the API by path and method, most recent last. */
  readonly calls: string[] = [];
  config: ConfigLayer = {};
  version = 1;
  expiresIn: number;
  /** The API answers 503 while set. */
  away = false;
  nats!: TestNats;
  admin!: Bus;
  #http!: Server;
  #tokens = new Set<string>();
  #publicKey: string | undefined;
  #burned = new Set<string>();
  /** What every registration said. */
  readonly registrations: RegistrationRequest[] = [];
  /** Renewals are refused as those of a second instance while set. */
  duplicate = false;
  #accessTokens = new Set<string>();
  #children = new Set<ChildProcess>();
  #operator = true;

  constructor(options: WorldOptions = {}) {
    this.agentName = options.agentName ?? 'SecurityAgent';
    this.topics = options.topics ?? ['logs.security', 'logs.auth'];
    this.findingsTopic = options.findingsTopic ?? 'findings.security';
    this.expiresIn = options.expiresIn ?? 3600;
  }

  static async start(options: WorldOptions = {}): Promise<World> {
    const world = new World(options);
    world.#operator = options.operator ?? true;
    world.nats = await testNats({ operator: world.#operator });
    const user = world.nats.credsFor('admin');
    world.admin = await connectBus({
      url: world.nats.url,
      name: 'admin',
      logger: quiet,
      credentials: () => (world.#operator ? user : undefined),
    });
    await ensureStreams(world.admin, {
      eventsMaxAgeMs: 3_600_000,
      eventsMaxBytes: 100_000_000,
      replicas: 1,
    });
    await world.ensureConsumers();
    world.#http = createServer((request, response) => {
      void world.#answer(request).then(({ status, body }) => {
        world.calls.push(`${request.method} ${request.url} ${status}`);
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify(body));
      });
    });
    await new Promise<void>((resolve) => world.#http.listen(0, '127.0.0.1', resolve));
    return world;
  }

  async ensureConsumers(ackWaitMs = 30_000): Promise<void> {
    for (const topic of this.topics) {
      await ensureConsumer(this.admin, {
        stream: streams.events.name,
        consumer: consumerName(this.agentName, topic),
        filterSubject: topic,
        ackWaitMs,
      });
    }
  }

  get url(): string {
    const address = this.#http.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    return `http://127.0.0.1:${address.port}`;
  }

  get stateDir(): string {
    return join(this.dir.path, 'state');
  }

  /** An enrollment token begins with the prefix of those. */
  newToken(prefix = ''): string {
    const token = `${prefix}${randomUUID()}`;
    this.#tokens.add(token);
    return token;
  }

  /** Forgets the agent: signatures are refused from now on. */
  revoke(): void {
    this.#publicKey = undefined;
    this.#accessTokens.clear();
  }

  /** As an administrator does with credentials that were stolen: the key is never taken again. */
  burn(): void {
    if (this.#publicKey !== undefined) this.#burned.add(this.#publicKey);
    this.revoke();
  }

  /** Ends the access tokens, as a restart of a server with other keys would. */
  endAccessTokens(): void {
    this.#accessTokens.clear();
  }

  /** A package folder with the discovery file and `files`. */
  package(files: Record<string, string>): string {
    const dir = join(this.dir.path, `package-${randomUUID().slice(0, 8)}`, 'security_agent');
    mkdirSync(dir, { recursive: true });
    const discovery = [
      `AGENT_NAME=${this.agentName}`,
      'AGENT_VERSION=1.0.0',
      'AGENT_DESCRIPTION=Security monitoring agent for OPMAS',
      `DEFAULT_SUBSCRIBED_TOPICS=${this.topics.join(',')}`,
      `DEFAULT_FINDINGS_TOPIC=${this.findingsTopic}`,
      'AGENT_TYPE=security',
    ].join('\n');
    for (const [name, text] of Object.entries({ '.env.discovery': discovery, ...files })) {
      writeFileSync(join(dir, name), text);
    }
    return dir;
  }

  /** Starts the runner with exactly the environment the host gives, and what the run has compiled. */
  launch(
    packageDir: string,
    options: {
      token?: string;
      instanceId?: string;
      /** Without AGENT_ID, as on another machine. */
      anonymous?: boolean;
      env?: Record<string, string>;
    } = {},
  ): AgentProcess {
    mkdirSync(this.stateDir, { recursive: true, mode: 0o700 });
    const path = join(this.dir.path, `agent-${this.#children.size}.log`);
    const log = openSync(path, 'a');
    const child = spawn(
      process.execPath,
      [RUNNER, '--package', packageDir, '--state', this.stateDir],
      {
        cwd: this.stateDir,
        stdio: ['ignore', log, log],
        env: {
          ...compileCacheEnv(),
          ...(options.anonymous === true ? {} : { AGENT_ID: this.agentId }),
          MANAGEMENT_API_URL: this.url,
          OPMAS_INSTANCE_ID: options.instanceId ?? randomUUID(),
          ...(options.token === undefined ? {} : { ONE_TIME_REGISTRATION_TOKEN: options.token }),
          ...options.env,
        },
      },
    );
    closeSync(log);
    this.#children.add(child);
    return new AgentProcess(child, () => readFileSync(path, 'utf8'));
  }

  /** What is published on `subject`, decoded, as it comes. */
  collect(subject: string): Record<string, unknown>[] {
    const seen: Record<string, unknown>[] = [];
    this.admin.subscribe(subject, (message) => {
      const value: unknown = JSON.parse(message.text());
      if (isPlainObject(value)) seen.push(value);
    });
    return seen;
  }

  async command(message: object): Promise<unknown> {
    const answer = await this.admin.request(
      `opmas.control.${this.agentName}`,
      JSON.stringify({ timestamp: new Date().toISOString(), ...message }),
    );
    return answer.json();
  }

  async stop(): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    }
    await new Promise((resolve) => this.#http.close(resolve));
    await this.admin.close();
    await this.nats.stop();
    this.dir.remove();
  }

  async #answer(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
    const text = await readAll(request);
    if (this.away) return problem(503, 'OPMAS_UNAVAILABLE', 'away');
    if (request.method === 'POST' && request.url === '/api/v1/agents') return this.#register(text);
    if (request.url === `/api/v1/agents/${this.agentId}/credentials`) return this.#renew(text);
    if (request.url === `/api/v1/agents/${this.agentId}/config`) {
      const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
      if (!this.#accessTokens.has(token)) return problem(401, 'OPMAS_TOKEN_INVALID', 'no');
      const { config, version } = this;
      const hash = configHash(config);
      return { status: 200, body: { agent_id: this.agentId, version, hash, config } };
    }
    return problem(404, 'OPMAS_NOT_FOUND', 'nothing here');
  }

  #register(text: string): { status: number; body: unknown } {
    const parsed = parse(RegistrationRequest, JSON.parse(text));
    if (!parsed.ok) return problem(400, 'OPMAS_INVALID_REQUEST', JSON.stringify(parsed.errors));
    const { discovery_token, public_key, agent_name } = parsed.value;
    this.registrations.push(parsed.value);
    if (this.#tokens.has(discovery_token) && this.#burned.has(public_key ?? '')) {
      return problem(409, 'OPMAS_KEY_REVOKED', 'the key was revoked');
    }
    if (!this.#tokens.delete(discovery_token)) {
      return problem(401, 'OPMAS_TOKEN_INVALID', 'the token is used, expired or unknown');
    }
    if (agent_name !== this.agentName) return problem(409, 'OPMAS_AGENT_NAME_TAKEN', 'other name');
    this.#publicKey = public_key;
    return { status: 201, body: this.#credentials() };
  }

  #renew(text: string): { status: number; body: unknown } {
    const parsed = parse(CredentialsRequest, JSON.parse(text));
    if (!parsed.ok) return problem(400, 'OPMAS_INVALID_REQUEST', JSON.stringify(parsed.errors));
    if (this.duplicate) return problem(409, 'OPMAS_DUPLICATE_IDENTITY', 'another instance');
    const { signature, ...rest } = parsed.value;
    const challenge = credentialsChallenge({ agent_id: this.agentId, ...rest });
    const genuine =
      this.#publicKey !== undefined &&
      verifySignature(this.#publicKey, Buffer.from(challenge), Buffer.from(signature, 'base64url'));
    return genuine
      ? { status: 200, body: this.#credentials() }
      : problem(401, 'OPMAS_BAD_CREDENTIALS', 'the signature is not the agent’s');
  }

  #credentials(): object {
    const access = randomUUID();
    this.#accessTokens.add(access);
    const { trust } = this.nats;
    const issuedAt = Math.floor(Date.now() / 1000);
    const jwt = encodeUserJwt({
      name: this.agentName,
      publicKey: this.#publicKey ?? '',
      signerSeed: trust.account.signing.seed,
      issuerAccount: trust.account.identity.public_key,
      issuedAt,
      expiresAt: issuedAt + this.expiresIn,
      permissions: agentPermissions({
        agentName: this.agentName,
        topics: this.topics,
        findingsTopic: this.findingsTopic,
      }),
    });
    return {
      agent_id: this.agentId,
      access_token: access,
      expires_in: this.expiresIn,
      nats: { url: this.nats.url, credentials: this.#operator ? { jwt } : null },
      config_version: this.version,
    };
  }
}

export class AgentProcess {
  readonly child: ChildProcess;
  readonly log: () => string;
  readonly exit: Promise<number | string>;

  constructor(child: ChildProcess, log: () => string) {
    this.child = child;
    this.log = log;
    this.exit = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
    });
  }

  /** The exit code or signal; fails with the log when it does not come. */
  async exited(): Promise<number | string> {
    let result: number | string | undefined;
    void this.exit.then((code) => {
      result = code;
    });
    await waitFor(() => result !== undefined, { timeoutMs: 60_000, what: `exit: ${this.log()}` });
    return result ?? 'unknown';
  }
}

/** An event of the specification's shape. */
export function event(message: string, more: object = {}): Record<string, unknown> {
  return {
    event_id: randomUUID(),
    timestamp: new Date().toISOString(),
    type: 'auth',
    message,
    ...more,
  };
}

function problem(status: number, code: string, detail: string): { status: number; body: unknown } {
  return {
    status,
    body: { type: 'about:blank', title: code, status, code, detail, request_id: 'test' },
  };
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  const body: AsyncIterable<Uint8Array> = request;
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
