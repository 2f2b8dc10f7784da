/** Reads Sigma rules, as far as they speak of the text of a line. */
import { isPlainObject, type Rule, type Severity } from '@opmas/protocol';
import { admit, type Imported, literal, slug } from './result.ts';

const LEVELS: Readonly<Record<string, Severity>> = {
  informational: 'info',
  low: 'info',
  medium: 'warning',
  high: 'error',
  critical: 'critical',
};
/** Fields of Sigma that are fields of our events. */
const FIELDS: Readonly<Record<string, string>> = {
  program: 'program',
  process: 'program',
  host: 'host',
  hostname: 'host',
  source_ip: 'source_ip',
  facility: 'facility',
};
const MESSAGES = new Set(['message', 'msg', 'Message']);
const MOST_VALUES = 256;

/**
 * Takes over a rule whose condition names one selection: a list of keywords, or `message` (with `contains`,
 * `startswith`, `endswith`, `re`) and fields of our events with plain values.
 * @param document as parsed from YAML
 * @param what names it in refusals: its file
 * @returns one rule, or why not. Never throws.
 */
export function importSigma(document: unknown, what: string): Imported {
  const result: Imported = { rules: [], refused: [] };
  const read = ruleOf(document);
  if (typeof read === 'string') result.refused.push({ what, reason: read });
  else admit(result, what, read);
  return result;
}

function ruleOf(document: unknown): Rule | string {
  if (!isPlainObject(document)) return 'it is no Sigma rule: a document with title and detection';
  const { title, id, level, detection, tags, references, logsource } = document;
  if (typeof title !== 'string' || !isPlainObject(detection))
    return 'title or detection is missing';
  if ('correlation' in document) return 'correlations are not taken over: write a threshold rule';
  const { condition } = detection;
  if (typeof condition !== 'string') return 'it has no condition, or several';
  if ('timeframe' in detection || condition.includes('|')) {
    return 'counting over time is not taken over: write a threshold rule';
  }
  const selection = detection[condition.trim()];
  if (selection === undefined) {
    return `the condition ${JSON.stringify(condition.slice(0, 80))} is not the name of one selection`;
  }
  const looked = Array.isArray(selection) ? keywords(selection) : fieldsOf(selection);
  if (typeof looked === 'string') return looked;
  const service = isPlainObject(logsource) ? logsource['service'] : undefined;
  const where: Record<string, unknown> = {
    ...(typeof service === 'string' && SERVICES.has(service) ? { program: service } : {}),
    ...looked.where,
  };
  return {
    id: `sigma-${slug(typeof id === 'string' ? id : title)}`,
    name: title.slice(0, 256),
    kind: 'regex',
    pattern: looked.pattern,
    severity: LEVELS[String(level)] ?? 'warning',
    action: 'alert',
    ...(Object.keys(where).length === 0 ? {} : { where }),
    tags: ['sigma', ...texts(tags).slice(0, 31)].map((tag) => tag.slice(0, 64)),
    references: [...attack(texts(tags)), ...texts(references)]
      .filter((reference) => reference.length <= 512)
      .slice(0, 32),
  };
}

/** Services of Sigma that are the names of programs. */
const SERVICES: ReadonlySet<string> = new Set(['sshd', 'sudo', 'cron', 'vsftpd', 'named']);

interface Looked {
  pattern: string;
  where: Record<string, unknown>;
}

/** Any of the words, anywhere in the message. */
function keywords(values: readonly unknown[]): Looked | string {
  const words = values.filter((value) => typeof value === 'string' || typeof value === 'number');
  if (words.length < values.length) return 'its list holds more than keywords';
  if (words.length === 0 || words.length > MOST_VALUES) return `1 to ${MOST_VALUES} keywords`;
  return { pattern: `(?i)${words.map((word) => wildcards(String(word))).join('|')}`, where: {} };
}

function fieldsOf(selection: unknown): Looked | string {
  if (!isPlainObject(selection)) return 'its selection is neither a list nor a map';
  const where: Record<string, unknown> = {};
  let pattern: string | undefined;
  for (const [key, value] of Object.entries(selection)) {
    const [field = '', ...modifiers] = key.split('|');
    const values = Array.isArray(value) ? value : [value];
    if (values.length > MOST_VALUES) return `${key} has more than ${MOST_VALUES} values`;
    if (!values.every((one) => typeof one === 'string' || typeof one === 'number')) {
      return `${key} is not text`;
    }
    const known = FIELDS[field];
    if (known !== undefined && modifiers.length === 0) {
      if (values.some((one) => /[*?]/.test(String(one)))) return `${key} has wildcards`;
      // Sigma compares without case.
      const texts = values.map(String);
      where[known] = { value: texts.length === 1 ? texts[0] : texts, ignore_case: true };
      continue;
    }
    if (!MESSAGES.has(field)) return `${field} is no field of our events`;
    if (pattern !== undefined) return 'it looks at the message twice';
    const made = messagePattern(modifiers, values.map(String));
    if (made === undefined) return `${key}: this modifier is not taken over`;
    pattern = made;
  }
  return pattern === undefined ? 'it says nothing of the message' : { pattern, where };
}

function messagePattern(
  modifiers: readonly string[],
  values: readonly string[],
): string | undefined {
  const any = (ends: Ends) => `(?i)${values.map((value) => wildcards(value, ends)).join('|')}`;
  switch (modifiers.join('|')) {
    case '':
      return any({ begins: true, ends: true });
    case 'contains':
      return any({});
    case 'startswith':
      return any({ begins: true });
    case 'endswith':
      return any({ ends: true });
    case 're':
      return values.length === 1 ? values[0] : values.map((value) => `(?:${value})`).join('|');
    default:
      return undefined;
  }
}

/** Must the message begin, or end, with it? */
interface Ends {
  begins?: boolean;
  ends?: boolean;
}

/** `*` and `?` stand for any text and any character, also in front and at the end; with a backslash for themselves. */
function wildcards(text: string, { begins = false, ends = false }: Ends = {}): string {
  const whole = text
    .split(/(\\[*?\\]|[*?])/)
    .map((part) => {
      if (part === '*') return '.*';
      if (part === '?') return '.';
      return literal(/^\\[*?\\]$/.test(part) ? part.slice(1) : part);
    })
    .join('');
  const open = whole.replace(/^(?:\.\*)+/, '');
  const body = open.replace(/(?:\.\*)+$/, '');
  return `${begins && open === whole ? '^' : ''}${body}${ends && body === open ? '$' : ''}`;
}

function attack(tags: readonly string[]): string[] {
  return tags.flatMap((tag) => {
    const technique = /^attack\.(t\d{4})(?:\.(\d{3}))?$/i.exec(tag);
    if (technique === null) return [];
    const path = [technique[1]?.toUpperCase(), technique[2]].filter((part) => part !== undefined);
    return [`https://attack.mitre.org/techniques/${path.join('/')}/`];
  });
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}
