/** `opmas config edit`: a layer in the editor, checked before it is in force, and shown again with its errors. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configsFleetSchema, configsSchema } from '@opmas/client';
import { CliError, usageError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { limits } from '../limits.ts';
import type { Run } from '../run.ts';
import { objectOf, reachOf } from './config.ts';
import { errorLines } from './config-check.ts';
import type { Json } from './config-keys.ts';
import { rollOut, wantsRollout } from './config-rollout.ts';
import { type Target, targetOf } from './config-target.ts';
import { parseJson } from './read-input.ts';

const NOTE = '// ';

export async function edit(run: Run): Promise<ExitCode> {
  const { options, out } = run;
  editorOf(run);
  const target = await targetOf(run);
  const isRollout = wantsRollout(run, target);
  let code: ExitCode = EXIT.ok;
  const before = await target.read();
  const schema = await schemaOf(target);
  await editDocument(run, { config: before.config, schema }, async (document) => {
    const judged = await target.validate(document);
    if (!judged.valid) return errorLines(judged);
    if (isRollout) {
      code = await rollOut(run, target, { document }, before.version);
      return [];
    }
    const answer = await target.write(document, before.version, options.text('reason'));
    out.done(
      answer,
      `${target.label}: configuration is now version ${answer.version}${reachOf(answer)}`,
    );
    return [];
  });
  return code;
}

/**
 * Lets a person edit `config` until `accept` names no faults, or they leave it as it is.
 * @param accept takes the document over, or says what is wrong with it
 */
export async function editDocument(
  run: Run,
  { config, schema }: { config: Json; schema: Json },
  accept: (document: Json) => Promise<readonly string[]>,
): Promise<void> {
  const { io } = run;
  const command = editorOf(run);
  // For its owner alone; secrets are masked in it all the same.
  const place = mkdtempSync(join(tmpdir(), 'opmas-config-'));
  try {
    const file = join(place, 'config.json');
    writeFileSync(join(place, 'schema.json'), JSON.stringify(schema), { mode: 0o600 });
    let text = `${JSON.stringify({ $schema: './schema.json', ...config }, null, 2)}\n`;
    let shown = text;
    for (;;) {
      writeFileSync(file, shown, { mode: 0o600 });
      await openEditor(command, file, io.env);
      const edited = withoutNotes(readBounded(file));
      if (edited.trim() === '' || edited === text) {
        io.note(edited === text ? 'Nothing changed.' : 'Empty: nothing is changed.');
        return;
      }
      const errors = await look(edited, accept);
      if (errors.length === 0) return;
      // Once more with what is wrong; left as it is, it is given up.
      text = edited;
      const notes = ['Not valid. Mend it, or leave it as it is to give up.', ...errors];
      shown = notes.map((line) => `${NOTE}${line}\n`).join('') + edited;
    }
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** @throws {CliError} usage when none is set */
function editorOf({ io }: Run): string {
  const command = io.env['VISUAL'] || io.env['EDITOR'];
  if (command !== undefined && command !== '') return command;
  throw usageError('No editor is set', 'Set EDITOR: EDITOR=nano opmas config edit …');
}

async function look(
  text: string,
  accept: (document: Json) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  let document: Json;
  try {
    document = objectOf(parseJson(text, 'The file'), 'The file');
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return [error.message];
  }
  const { $schema: _, ...layer } = document;
  return accept(layer);
}

/** Editors complete keys from it. Agents of a shared layer may differ: it tells what all have. */
function schemaOf({ api, agentId }: Target): Promise<Json> {
  return api.call((client) =>
    agentId === undefined
      ? configsFleetSchema({ client })
      : configsSchema({ client, path: { agent_id: agentId } }),
  );
}

/** The editor has the terminal; its command may have arguments, as `code --wait`. */
async function openEditor(command: string, file: string, env: Run['io']['env']): Promise<void> {
  const [program = '', ...args] = command.split(/\s+/).filter((part) => part !== '');
  const child = spawn(program, [...args, file], { stdio: 'inherit', env: { ...env } });
  const { code, error } = await new Promise<{ code: number | null; error?: Error }>((resolve) => {
    child.on('error', (failure) => resolve({ code: null, error: failure }));
    child.on('exit', (exit) => resolve({ code: exit }));
  });
  if (error !== undefined) {
    throw new CliError(EXIT.failed, `The editor ${program} could not be started: ${error.message}`);
  }
  if (code !== 0)
    throw new CliError(EXIT.failed, `${program} ended with ${code}; nothing is changed`);
}

function readBounded(file: string): string {
  const { size } = statSync(file);
  if (size > limits.bodyBytes) {
    throw usageError(`The file is larger than ${limits.bodyBytes / 1024 / 1024} MiB`);
  }
  return readFileSync(file, 'utf8');
}

/** The lines in front that told of errors. */
function withoutNotes(text: string): string {
  const lines = text.split('\n');
  const first = lines.findIndex((line) => !line.startsWith(NOTE.trim()));
  return first <= 0 ? text : lines.slice(first).join('\n');
}
