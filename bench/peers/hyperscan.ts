/** Hyperscan (Debian's library, compiled here with g++) on the same rules and lines, pass by pass. */
import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { promisify } from 'node:util';
import { unpack } from '../lib/peers/unpack.ts';
import type { RouterRule } from '../lib/router-pack.ts';
import { limits } from '../limits.ts';

const run = promisify(execFile);

export interface Pass {
  nanoseconds: number;
  matches: number;
}

/** Fetches the library and compiles the program. @returns its path. @throws {Error} where that cannot be done */
export async function buildHyperscan(into: string): Promise<HyperscanProgram> {
  await unpack(['libhyperscan-dev', 'libhyperscan5'], into);
  const library = join(into, 'usr', 'lib', `${machine()}-linux-gnu`);
  const program = join(into, 'hyperscan');
  const source = join(import.meta.dirname, 'hyperscan.cpp');
  const args = ['-O2', '-std=c++17', '-I', join(into, 'usr', 'include'), source, '-o', program];
  await run('g++', [...args, '-L', library, '-lhs'], { timeout: limits.peerMs });
  return { program, library };
}

export interface HyperscanProgram {
  program: string;
  library: string;
}

/** A running program with one set of rules: it stays warm between passes, as ours does. */
export class Hyperscan {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.#reader = createInterface({ input: child.stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  static async start(
    { program, library }: HyperscanProgram,
    dir: string,
    rules: readonly RouterRule[],
    dataPath: string,
  ): Promise<Hyperscan> {
    const listed = join(dir, `rules-${rules.length}`);
    const lines = rules.map(({ rule }) => `${rule.kind === 'regex' ? 'r' : 's'}${rule.pattern}`);
    writeFileSync(listed, `${lines.join('\n')}\n`);
    const child = spawn(program, [listed, dataPath], { env: { LD_LIBRARY_PATH: library } });
    let complaint = '';
    child.stderr.on('data', (chunk: Buffer) => {
      complaint = (complaint + chunk.toString('utf8')).slice(-2_000);
    });
    const peer = new Hyperscan(child);
    const ready = await peer.#answer();
    if (!ready.startsWith('ready')) throw new Error(`hyperscan: ${complaint || ready}`);
    return peer;
  }

  /** One pass over all lines: a call for each, or one for each 100. */
  async pass(how: 'lines' | 'batches'): Promise<Pass> {
    this.#child.stdin.write(`${how}\n`);
    return passOf(await this.#answer());
  }

  /** Takes the lines of another file from now on. */
  async use(dataPath: string): Promise<void> {
    this.#child.stdin.write(`data ${dataPath}\n`);
    await this.#answer();
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.stdin.end();
    await ended;
    this.#reader.close();
  }

  async #answer(): Promise<string> {
    const answer: IteratorResult<string, unknown> = await this.#lines.next();
    return answer.done === true ? 'ended' : answer.value;
  }
}

function passOf(answer: string): Pass {
  const [nanoseconds, matches] = answer.split(' ').map(Number);
  if (nanoseconds === undefined || matches === undefined || Number.isNaN(nanoseconds + matches)) {
    throw new Error(`hyperscan answered ${answer}`);
  }
  return { nanoseconds, matches };
}

/** The machine's name in Debian's library folders. */
function machine(): string {
  return process.arch === 'arm64' ? 'aarch64' : 'x86_64';
}
