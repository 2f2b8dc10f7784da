/** Can everything an agent imports be found when it is started? OPMAS never runs an installer itself. */
import { stat } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { dirname, extname, join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { codeOf, readPlainFile, show } from '@opmas/keyring';
import type { PackageFault } from '@opmas/protocol';
import { discoveryLimits } from './discovery.ts';
import type { ImportLexer } from './import-lexer.ts';

export interface ImportsFound {
  faults: PackageFault[];
  /** Packages that are not installed. */
  missing: string[];
  /** Folders of installed packages that the copy must be linked to. */
  modules?: string;
  outerModules?: string;
}

const BARE = /^((?:@[A-Za-z0-9][\w.~-]*\/)?[A-Za-z0-9_][\w.~-]*)(?:\/|$)/;
const TYPESCRIPT = new Set(['.ts', '.mts']);
const JAVASCRIPT = new Set(['.js', '.mjs']);

/**
 * Follows the static imports of `entry` through the package.
 * @param dir the files to read
 * @param origin where the package lies for its author: dependencies are installed there or above
 */
export async function checkImports(options: {
  dir: string;
  origin: string;
  entry: string;
  lexer: ImportLexer;
}): Promise<ImportsFound> {
  const { dir, origin, entry, lexer } = options;
  const faults: PackageFault[] = [];
  const bare = new Map<string, { file: string; line: number }>();
  const files = new Set([entry]);
  for (const file of files) {
    const extension = extname(file);
    const typescript = TYPESCRIPT.has(extension);
    if (!typescript && !JAVASCRIPT.has(extension)) continue;
    if (faults.length >= discoveryLimits.faults) break;
    const source = await readPlainFile(join(dir, file), discoveryLimits.sourceBytes);
    if (source === undefined) continue;
    const answer = await lexer.importsOf({ source: source.toString('utf8'), typescript });
    if (!answer.ok) {
      faults.push(fault('syntax', file, answer.line, answer.message));
      continue;
    }
    for (const { specifier, line } of answer.imports) {
      if (isGiven(specifier)) continue;
      const name = BARE.exec(specifier)?.[1];
      if (name !== undefined && !/^[a-z][a-z0-9+.-]*:/i.test(specifier)) {
        if (!bare.has(name)) bare.set(name, { file, line });
        continue;
      }
      const target = inside(dir, file, specifier);
      const why = target === undefined ? OUTSIDE : await missingFile(dir, target);
      if (why !== undefined) {
        faults.push(fault(why.code, file, line, `imports ${show(specifier)}, ${why.message}`));
      } else if (target !== undefined) files.add(target);
    }
  }
  const { missing, ...links } = await findModules(origin, [...bare.keys()]);
  for (const name of missing) {
    const { file, line } = bare.get(name) ?? { file: entry, line: 1 };
    const command = `cd ${shellWord(origin)} && npm install ${name}`;
    faults.push(
      fault(
        'dependencies_missing',
        file,
        line,
        `imports ${name}, which is not installed: ${command}`,
      ),
    );
  }
  return { faults: faults.slice(0, discoveryLimits.faults), missing, ...links };
}

/**
 * Where `names` are installed: in the package's own `node_modules`, and the rest together in that of
 * one folder above, because a copy can be linked to those two.
 */
export async function findModules(
  origin: string,
  names: readonly string[],
): Promise<{ missing: string[]; modules?: string; outerModules?: string }> {
  const modules = join(origin, 'node_modules');
  const own = await isDirectory(modules);
  const links = own ? { modules } : {};
  let missing = own ? await notIn(modules, names) : names;
  const lacking = missing;
  if (lacking.length === 0) return { missing: [], ...links };
  for (let at = origin; dirname(at) !== at; ) {
    at = dirname(at);
    const outerModules = join(at, 'node_modules');
    if (!(await isDirectory(outerModules))) continue;
    const absent = await notIn(outerModules, lacking);
    if (absent.length === 0) return { missing: [], ...links, outerModules };
    if (absent.length < missing.length) missing = absent;
  }
  return { missing: [...missing], ...links };
}

interface Why {
  code: string;
  message: string;
}
const OUTSIDE: Why = {
  code: 'import_outside',
  message:
    'which is not in the package: import files of the package, installed packages or node: modules',
};

/** What the host provides, and what only the package's own package.json can say. */
function isGiven(specifier: string): boolean {
  return specifier.startsWith('@opmas/') || specifier.startsWith('#') || isBuiltin(specifier);
}

/** The file in the package that a relative specifier means; undefined when it leaves the package. */
function inside(dir: string, file: string, specifier: string): string | undefined {
  if (!specifier.startsWith('./') && !specifier.startsWith('../')) return undefined;
  try {
    const target = fileURLToPath(new URL(specifier, pathToFileURL(join(dir, file))));
    const path = relative(dir, target).split(sep).join('/');
    return path === '' || path === '..' || path.startsWith('../') ? undefined : path;
  } catch {
    // An encoded slash or a malformed address names no file at all.
    return undefined;
  }
}

async function missingFile(dir: string, path: string): Promise<Why | undefined> {
  if (await isFile(join(dir, path))) return undefined;
  const written = (await isFile(join(dir, `${path}.ts`))) ? `: write ${show(`${path}.ts`)}` : '';
  return { code: 'import_missing', message: `which is no file of the package${written}` };
}

async function notIn(modules: string, names: readonly string[]): Promise<string[]> {
  const absent: string[] = [];
  for (const name of names) if (!(await isDirectory(join(modules, name)))) absent.push(name);
  return absent;
}

async function isDirectory(path: string): Promise<boolean> {
  return (await statOf(path))?.isDirectory() ?? false;
}

async function isFile(path: string): Promise<boolean> {
  return (await statOf(path))?.isFile() ?? false;
}

async function statOf(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES', 'ELOOP', 'ENAMETOOLONG'].includes(codeOf(error))) return;
    throw error;
  }
}

function fault(code: string, file: string, line: number | undefined, what: string): PackageFault {
  const at = line === undefined ? file : `${file}:${line}`;
  return { code, ...(line === undefined ? {} : { line }), message: `${at}: ${what}` };
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
