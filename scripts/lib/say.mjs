/** Tells what set-up does, on standard error; anything over two seconds shows that it still works. */
import { spawn } from 'node:child_process';

const QUIET_MS = 2_000;
const KEPT_OUTPUT = 20_000;

/** @param {string} text */
export function say(text) {
  process.stderr.write(`${text}\n`);
}

/** A failure with the next thing to do; ends set-up without a stack. */
export class SetupError extends Error {
  /**
   * @param {string} message
   * @param {string} [fix] the line to type
   */
  constructor(message, fix) {
    super(message);
    this.fix = fix;
  }
}

/**
 * Runs a program to its end; its output is shown only when it fails.
 * @param {string} what what is being done, for people
 * @param {string} file
 * @param {readonly string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<string>} its standard output
 */
export async function run(what, file, args, options = {}) {
  const stop = progress(what);
  let output = '';
  let out = '';
  /** @type {{ code: number | null, signal: string | null, error?: Error }} */
  const end = await new Promise((resolve) => {
    const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const keep = (chunk) => {
      output = (output + chunk).slice(-KEPT_OUTPUT);
    };
    child.stdout.on('data', (chunk) => {
      out = (out + chunk).slice(-KEPT_OUTPUT);
      keep(chunk);
    });
    child.stderr.on('data', keep);
    child.on('error', (error) => resolve({ code: null, signal: null, error }));
    child.on('close', (code, signal) => resolve({ code, signal }));
  });
  stop();
  if (end.code === 0) return out;
  const why =
    end.error?.message ?? (end.signal ? `ended by ${end.signal}` : `exit code ${end.code}`);
  throw new SetupError(`${what}: ${file} failed (${why})\n${output.trim()}`.trim());
}

/** Says `what` at once and how long it has taken, every two seconds. */
function progress(what) {
  const began = Date.now();
  say(`${what} …`);
  const seconds = () => Math.round((Date.now() - began) / 1000);
  const timer = setInterval(() => {
    if (process.stderr.isTTY) process.stderr.write(`\r  ${seconds()} s `);
    else if (seconds() % 10 < QUIET_MS / 1000) say(`  ${seconds()} s`);
  }, QUIET_MS);
  return () => {
    clearInterval(timer);
    if (process.stderr.isTTY && seconds() * 1000 >= QUIET_MS) process.stderr.write('\r\x1b[K');
  };
}
