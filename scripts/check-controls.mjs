/** The control map: every requirement in scope is met with a test that exists, or says why not. */
import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';

const MAP = process.argv[2] ?? 'docs/security/asvs.yml';
const STATUSES = ['done', 'partly', 'open', 'not_applicable'];

/** `1.2.1-3, 4.1.1` → 1.2.1 1.2.2 1.2.3 4.1.1 */
function idsOf(text) {
  return text
    .split(/[\s,]+/)
    .filter((item) => item !== '')
    .flatMap((item) => {
      const match = /^(\d+)\.(\d+)\.(\d+)(?:-(\d+))?$/.exec(item);
      if (match === null) throw new Error(`${MAP}: scope: ${item} is no requirement or range`);
      const [, chapter, section, first, last = first] = match;
      const count = Number(last) - Number(first) + 1;
      return Array.from(
        { length: count },
        (_, index) => `${chapter}.${section}.${Number(first) + index}`,
      );
    });
}

const files = new Map();
function textOf(path) {
  if (!files.has(path)) files.set(path, existsSync(path) ? readFileSync(path, 'utf8') : undefined);
  return files.get(path);
}

/** A test is named `path › part of its title`. */
function faultOfTest(test) {
  const [path, title, ...rest] = String(test).split(' › ');
  if (title === undefined || rest.length > 0) return `${test}: write it as "path › title"`;
  const text = textOf(path);
  if (text === undefined) return `${path} does not exist`;
  if (!/\.test\.tsx?$/.test(path)) return `${path} is no test`;
  return text.includes(title) ? undefined : `${path} has no test called ${JSON.stringify(title)}`;
}

function faultsOf(id, control) {
  if (control === undefined) return ['has no entry'];
  const { title, cwe, status, where = [], tests = [], why } = control;
  const faults = [];
  if (typeof title !== 'string' || title === '') faults.push('has no title');
  if (!STATUSES.includes(status)) faults.push(`status is none of ${STATUSES.join(', ')}`);
  if (!Array.isArray(cwe) || !cwe.every((one) => /^CWE-\d+$/.test(one))) {
    faults.push('cwe is no list of CWE-<number>');
  }
  for (const path of where) if (!existsSync(path)) faults.push(`where: ${path} does not exist`);
  for (const test of tests) {
    const fault = faultOfTest(test);
    if (fault !== undefined) faults.push(`tests: ${fault}`);
  }
  const reason = typeof why === 'string' && why.trim().length >= 10;
  if (status === 'done' && where.length === 0) faults.push('is done, and does not say where');
  if (status === 'done' && tests.length === 0 && !reason)
    faults.push('has neither test nor reason');
  if (status !== 'done' && !reason) faults.push('does not say why it is not done');
  return faults.map((fault) => fault);
}

const map = parse(readFileSync(MAP, 'utf8'));
const scope = idsOf(map.scope);
const problems = [];
const seen = new Set();
for (const id of scope) {
  if (seen.has(id)) problems.push(`${id} is twice in the scope`);
  seen.add(id);
  for (const fault of faultsOf(id, map.controls[id])) problems.push(`${id} ${fault}`);
}
for (const id of Object.keys(map.controls)) {
  if (!seen.has(id)) problems.push(`${id} has an entry and is not in the scope`);
}
const count = (status) => scope.filter((id) => map.controls[id]?.status === status).length;
if (problems.length > 0) {
  for (const problem of problems) console.error(problem);
  console.error(`${MAP}: ${problems.length} faults`);
  process.exit(1);
}
console.log(`${scope.length} requirements: ${STATUSES.map((s) => `${count(s)} ${s}`).join(', ')}`);
