/** `<data>/run/up.json`: what runs here, for `opmas status` and `opmas down`. */
import { join } from 'node:path';
import { type Static, Type } from '@opmas/protocol';
import { readJsonIfValid, removeFile, writeJson } from '../data/files.ts';
import { isAlive, ProcessIdentity } from '../process/identity.ts';

export const UpFile = Type.Object({
  ...ProcessIdentity.properties,
  started_at: Type.String(),
  data_dir: Type.String(),
  agents_dir: Type.String(),
  host_id: Type.String(),
  /** Null while it starts, and where no server runs. */
  url: Type.Union([Type.String(), Type.Null()]),
  /** One-time link of the first start; useless once used. */
  setup_url: Type.Union([Type.String(), Type.Null()]),
  syslog: Type.Union([
    Type.Object({
      host: Type.String(),
      udp_port: Type.Integer(),
      tcp_port: Type.Integer(),
      tls_port: Type.Optional(Type.Integer()),
    }),
    Type.Null(),
  ]),
  embedded: Type.Array(Type.String()),
  children: Type.Array(Type.String()),
});
export type UpFile = Static<typeof UpFile>;

export interface RunningChild {
  name: string;
  pid: number | null;
  alive: boolean;
}

export interface RunningInstance extends Omit<UpFile, 'children'> {
  children: RunningChild[];
}

export function upFilePath(dataDir: string): string {
  return join(dataDir, 'run', 'up.json');
}

export function pidFilePath(dataDir: string, child: string): string {
  return join(dataDir, 'run', `${child}.pid.json`);
}

export function writeUpFile(file: UpFile): void {
  writeJson(upFilePath(file.data_dir), file);
}

export function removeUpFile(dataDir: string): void {
  removeFile(upFilePath(dataDir));
}

/** The OPMAS that runs on this data folder, starting ones included; undefined when none does. */
export function runningInstance(dataDir: string): RunningInstance | undefined {
  const file = readJsonIfValid(upFilePath(dataDir), UpFile);
  if (file === undefined || !isAlive(file)) return undefined;
  const children = file.children.map((name) => {
    const identity = readJsonIfValid(pidFilePath(dataDir, name), ProcessIdentity);
    const alive = identity !== undefined && isAlive(identity);
    return { name, pid: alive ? identity.pid : null, alive };
  });
  return { ...file, children };
}
