/** `opmas rules import`: rules of other programs as rules.json. */
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Rule } from '@opmas/protocol';
import { type Imported, importFail2ban, importSigma } from '@opmas/rules';
import { parseAllDocuments } from 'yaml';
import { CliError, errnoOf, messageOf, usageError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { limits } from '../limits.ts';
import type { Run } from '../run.ts';

export async function importRules(run: Run): Promise<ExitCode> {
  const { args, io, out, options } = run;
  const [format = '', given = ''] = args;
  const read = READERS[format];
  if (read === undefined) {
    throw usageError(
      `${JSON.stringify(format)} is no format that is read here`,
      'opmas rules import sigma rules/linux   or   opmas rules import fail2ban filter.d/sshd.conf',
    );
  }
  const result: Imported = { rules: [], refused: [] };
  for (const file of await filesOf(run.path(given), format)) {
    const { rules, refused } = read(await textOf(file), file);
    result.rules.push(...rules);
    result.refused.push(...refused);
  }
  const rules = withOwnIds(result.rules);
  for (const { what, reason } of result.refused) io.note(`${what}: ${reason}`);
  io.note(`${rules.length} rules taken over, ${result.refused.length} refusals`);
  const target = options.text('out');
  if (rules.length > 0) {
    if (target === undefined) io.print(JSON.stringify(rules, null, 2));
    else {
      await write(run.path(target), rules);
      out.done({ file: target, rules: rules.length }, `${target}: ${rules.length} rules`);
    }
  }
  if (result.refused.length === 0) return EXIT.ok;
  return rules.length > 0 ? EXIT.partial : EXIT.failed;
}

const READERS: Readonly<Record<string, (text: string, file: string) => Imported>> = {
  sigma: (text, file) => {
    const all: Imported = { rules: [], refused: [] };
    for (const document of parseAllDocuments(text)) {
      const [error] = document.errors;
      const { rules, refused } =
        error === undefined
          ? importSigma(plain(document), basename(file))
          : { rules: [], refused: [{ what: basename(file), reason: error.message }] };
      all.rules.push(...rules);
      all.refused.push(...refused);
    }
    return all;
  },
  fail2ban: (text, file) => importFail2ban(text, basename(file).replace(/\.(conf|local)$/, '')),
};

/** Aliases that would make a small file large are not followed: the document is then no rule. */
function plain(document: { toJS(options: { maxAliasCount: number }): unknown }): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    return undefined;
  }
}

/** The file itself, or of a folder all that look like it, in the order of their names. */
async function filesOf(path: string, format: string): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const wanted = format === 'sigma' ? /\.ya?ml$/ : /\.conf$/;
    const entries = await readdir(path, { recursive: true });
    const files = entries.filter((entry) => wanted.test(entry)).sort();
    if (files.length > limits.importFiles) {
      throw usageError(`${path} holds ${files.length} files; at most ${limits.importFiles}`);
    }
    return files.map((file) => join(path, file));
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw missing(path, error);
  }
}

async function textOf(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size > limits.importBytes) throw usageError(`${file} is larger than 1 MiB`);
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw missing(file, error);
  }
}

async function write(path: string, rules: readonly Rule[]): Promise<void> {
  try {
    await writeFile(path, `${JSON.stringify(rules, null, 2)}\n`, { flag: 'wx' });
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') throw usageError(`${path} is there already`);
    throw new CliError(EXIT.failed, `${path} cannot be written: ${messageOf(error)}`);
  }
}

function missing(path: string, error: unknown): CliError {
  const why = errnoOf(error) === 'ENOENT' ? 'is not there' : `cannot be read: ${messageOf(error)}`;
  return new CliError(EXIT.notFound, `${path} ${why}`, { cause: error });
}

/** Files of the same name in several folders: each rule keeps an id of its own. */
function withOwnIds(rules: readonly Rule[]): Rule[] {
  const taken = new Set<string>();
  return rules.map((rule) => {
    let { id } = rule;
    for (let n = 2; taken.has(id); n += 1) id = `${rule.id}-${n}`;
    taken.add(id);
    return { ...rule, id };
  });
}
