/** The agent's own folder: key, credentials and last good configuration, readable by its user alone. */
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  AgentId,
  ConfigFault,
  JsonObject,
  NatsAccess,
  parse,
  RegistrationAnswer,
  type Static,
  Timestamp,
  type TSchema,
  Type,
} from '@opmas/protocol';
import { AgentError, describeFaults } from '../errors.ts';

const StoredIdentity = Type.Object({
  /** Not there until the server has told it, when an agent enrols without one. */
  agent_id: Type.Optional(AgentId),
  seed: Type.String({ minLength: 1 }),
});
export type StoredIdentity = Static<typeof StoredIdentity>;

const StoredCredentials = Type.Object({
  ...RegistrationAnswer.properties,
  nats: NatsAccess,
  expires_at: Timestamp,
});
/** The last registration answer and when it ends. */
export type StoredCredentials = Static<typeof StoredCredentials>;

const version = Type.Integer({ minimum: 0 });
const hash = Type.String({ maxLength: 64 });
const KeptConfig = Type.Object({ version, hash, config: JsonObject });

const StoredConfigs = Type.Union([
  Type.Object({
    current: Type.Union([
      Type.Object({
        ...KeptConfig.properties,
        healthy: Type.Boolean(),
        starts: Type.Integer({ minimum: 0 }),
      }),
      Type.Null(),
    ]),
    healthy: Type.Union([
      Type.Object({ ...KeptConfig.properties, proven: Type.Optional(Type.Boolean()) }),
      Type.Null(),
    ]),
    failed: Type.Array(Type.Object({ hash, errors: Type.Array(ConfigFault), at: Timestamp })),
    /** SHA-256 of the rest in canonical form: a file that was changed or cut is noticed. */
    checksum: hash,
  }),
  /** As versions before wrote it: the last one accepted. */
  KeptConfig,
]);
export type StoredConfigs = Static<typeof StoredConfigs>;

export class StateFolder {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  readonly identity = this.#file('identity.json', StoredIdentity);
  readonly credentials = this.#file('credentials.json', StoredCredentials);
  readonly config = this.#file('config.json', StoredConfigs);

  #file<S extends TSchema>(name: string, schema: S): StoredFile<Static<S>> {
    const path = () => join(this.#dir, name);
    return {
      read: async () => {
        const text = await readIfThere(path());
        if (text === undefined) return undefined;
        const parsed = parse(schema, parseJson(text));
        if (parsed.ok) return parsed.value;
        throw new AgentError(
          'OPMAS_INVALID_FORMAT',
          `${path()} is damaged (${describeFaults(parsed.errors)}): delete it to start anew`,
        );
      },
      write: async (value) => {
        await mkdir(this.#dir, { recursive: true, mode: 0o700 });
        await writeWhole(path(), JSON.stringify(value));
      },
      remove: () => rm(path(), { force: true }),
    };
  }
}

export interface StoredFile<T> {
  /** Undefined when it is not there. @throws {AgentError} OPMAS_INVALID_FORMAT when it is damaged */
  read(): Promise<T | undefined>;
  /** Whole or not at all; mode 0600. */
  write(value: T): Promise<void>;
  remove(): Promise<void>;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Undefined for what is not JSON: the schema then names the fault. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}
