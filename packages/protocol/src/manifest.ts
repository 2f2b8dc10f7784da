/** Reads `.env.discovery`: the only thing OPMAS believes of a package before it is approved. */
import { limits } from './limits.ts';
import { isFindingsTopic, isLogTopic, TOKEN } from './subjects.ts';

/** A fault of a package, with the line of the discovery file where there is one. */
export interface ManifestFault {
  code: string;
  line?: number;
  message: string;
}

export interface Dependency {
  name: string;
  /** A semver range, `*` when none was given. */
  range: string;
}

export interface Manifest {
  name: string;
  version: string;
  description: string;
  type: string;
  subscribed_topics: string[];
  findings_topic: string;
  category?: string;
  author?: string;
  license?: string;
  website?: string;
  tags: string[];
  dependencies: Dependency[];
  resources: {
    min_memory_bytes?: number;
    max_memory_bytes?: number;
    cpu_limit?: number;
    disk_bytes?: number;
  };
}

export type ManifestResult =
  | {
      ok: true;
      manifest: Manifest;
      warnings: ManifestFault[];
      /** Line of each key, for faults that only others can find. */
      lines: Readonly<Partial<Record<ManifestKey, number>>>;
    }
  | {
      ok: false;
      errors: ManifestFault[];
      warnings: ManifestFault[];
      name?: string;
      version?: string;
    };

const REQUIRED = [
  'AGENT_NAME',
  'AGENT_VERSION',
  'AGENT_DESCRIPTION',
  'DEFAULT_SUBSCRIBED_TOPICS',
  'DEFAULT_FINDINGS_TOPIC',
] as const;

const OPTIONAL = [
  'AGENT_TYPE',
  'AGENT_CATEGORY',
  'AGENT_AUTHOR',
  'AGENT_LICENSE',
  'AGENT_WEBSITE',
  'AGENT_TAGS',
  'AGENT_MIN_MEMORY',
  'AGENT_MAX_MEMORY',
  'AGENT_CPU_LIMIT',
  'AGENT_DISK_SPACE',
  'AGENT_DEPENDENCIES',
] as const;

export type ManifestKey = (typeof REQUIRED)[number] | (typeof OPTIONAL)[number];
const KNOWN = new Set<string>([...REQUIRED, ...OPTIONAL]);

function isKnown(key: string): key is ManifestKey {
  return KNOWN.has(key);
}

/** Semantic Versioning 2.0.0; the length bound stands beside it. */
const SEMVER =
  /^(?:0|[1-9]\d{0,8})(?:\.(?:0|[1-9]\d{0,8})){2}(?:-(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(?:\.(?:0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;
const MAX_VERSION = 64;
/** Control characters, and those that hide or reorder text where a person reads it. Tab is white space. */
const FORBIDDEN =
  /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/;
const WEBSITE = /^https?:\/\/[^\s<>"'`\\]+$/;
const MAX_VALUE = 2_048;
const MAX_FAULTS = 50;
const MAX_TOPICS = 64;

type Value = { text: string; line: number };

/**
 * Parses and validates a discovery file. Nothing is expanded or executed; unknown keys, repeated keys,
 * control characters, invalid UTF-8 and files over 64 KiB are faults. Never throws.
 * @param content the file's bytes
 * @param folder the package folder's name: gives the type when `AGENT_TYPE` is absent
 * @returns the manifest, or every fault with its line (at most 50)
 */
export function parseManifest(content: Uint8Array, folder: string): ManifestResult {
  const errors: ManifestFault[] = [];
  const warnings: ManifestFault[] = [];
  const { values, faulty } = readLines(content, errors);
  const text = (key: ManifestKey) => values.get(key)?.text;
  const fault = (key: ManifestKey, code: string, message: string) => {
    const line = values.get(key)?.line;
    errors.push(line === undefined ? { code, message } : { code, line, message });
  };

  if (!errors.some((e) => e.code === 'unreadable')) {
    for (const key of REQUIRED) {
      if (!text(key) && !faulty.has(key))
        fault(key, 'missing_field', `${key} is required: add a line ${key}=…`);
    }
  }

  const name = text('AGENT_NAME');
  if (name && !TOKEN.test(name)) {
    fault('AGENT_NAME', 'invalid_name', `AGENT_NAME must be 1 to 64 of A-Z a-z 0-9 _ -`);
  }
  const version = text('AGENT_VERSION');
  if (version && !isVersion(version)) {
    fault(
      'AGENT_VERSION',
      'invalid_version',
      `AGENT_VERSION must be Major.Minor.Patch, as 1.0.0, of at most ${MAX_VERSION} characters`,
    );
  }
  const type = text('AGENT_TYPE') || folder.replace(/_agent$/, '');
  if (!TOKEN.test(type)) {
    const absent = text('AGENT_TYPE') ? '' : ' (absent, so the folder name stands for it)';
    fault('AGENT_TYPE', 'invalid_type', `AGENT_TYPE must be 1 to 64 of A-Z a-z 0-9 _ -${absent}`);
  }

  const topics = list(text('DEFAULT_SUBSCRIBED_TOPICS'));
  if (topics.length > MAX_TOPICS) {
    fault('DEFAULT_SUBSCRIBED_TOPICS', 'too_many', `at most ${MAX_TOPICS} topics`);
  }
  if (text('DEFAULT_SUBSCRIBED_TOPICS') && topics.length === 0) {
    fault('DEFAULT_SUBSCRIBED_TOPICS', 'missing_field', 'DEFAULT_SUBSCRIBED_TOPICS names no topic');
  }
  for (const topic of topics.slice(0, MAX_TOPICS)) {
    if (!isLogTopic(topic)) {
      fault(
        'DEFAULT_SUBSCRIBED_TOPICS',
        'invalid_topic',
        `${quote(topic)} is not a log topic: logs.<domain>, no wildcards`,
      );
    }
  }
  const findingsTopic = text('DEFAULT_FINDINGS_TOPIC');
  if (findingsTopic && !isFindingsTopic(findingsTopic)) {
    fault(
      'DEFAULT_FINDINGS_TOPIC',
      'invalid_topic',
      `${quote(findingsTopic)} is not a findings topic: findings.<domain>, no wildcards`,
    );
  }

  const resources: Manifest['resources'] = {};
  const size = (key: ManifestKey): number | undefined => {
    const value = text(key);
    if (!value) return undefined;
    const bytes = parseSize(value);
    if (bytes === undefined || bytes === 0)
      fault(key, 'invalid_size', `${key} must be a size above zero, as 256MB or 1GB`);
    return bytes;
  };
  const min = size('AGENT_MIN_MEMORY');
  const max = size('AGENT_MAX_MEMORY');
  const disk = size('AGENT_DISK_SPACE');
  if (min !== undefined) resources.min_memory_bytes = min;
  if (max !== undefined) resources.max_memory_bytes = max;
  if (disk !== undefined) resources.disk_bytes = disk;
  if (min !== undefined && max !== undefined && min > max) {
    fault('AGENT_MAX_MEMORY', 'invalid_size', 'AGENT_MAX_MEMORY is below AGENT_MIN_MEMORY');
  }
  const cpu = text('AGENT_CPU_LIMIT');
  if (cpu) {
    const cores = Number(cpu);
    if (/^\d{1,4}(\.\d{1,3})?$/.test(cpu) && cores > 0) resources.cpu_limit = cores;
    else
      fault(
        'AGENT_CPU_LIMIT',
        'invalid_cpu',
        'AGENT_CPU_LIMIT must be a number of cores, as 1 or 0.5',
      );
  }

  const website = text('AGENT_WEBSITE');
  if (website && !WEBSITE.test(website)) {
    fault('AGENT_WEBSITE', 'invalid_website', 'AGENT_WEBSITE must be an http or https address');
  }

  const dependencies: Dependency[] = [];
  for (const item of list(text('AGENT_DEPENDENCIES'))) {
    const match =
      /^(@?[A-Za-z0-9._/-]{1,128})\s*((?:[<>=~^!]{1,2}\s*[0-9A-Za-z.*+-]{1,64}\s*)*)$/.exec(item);
    if (match?.[1] === undefined) {
      fault('AGENT_DEPENDENCIES', 'invalid_dependency', `${quote(item)} is not name>=version`);
    } else dependencies.push({ name: match[1], range: match[2]?.trim() || '*' });
  }

  if (errors.length > 0 || !name || !version || !findingsTopic) {
    return {
      ok: false,
      errors: errors.slice(0, MAX_FAULTS),
      warnings,
      ...(name && TOKEN.test(name) ? { name } : {}),
      ...(version && isVersion(version) ? { version } : {}),
    };
  }
  const manifest: Manifest = {
    name,
    version,
    description: text('AGENT_DESCRIPTION') ?? '',
    type,
    subscribed_topics: [...new Set(topics)],
    findings_topic: findingsTopic,
    tags: [...new Set(list(text('AGENT_TAGS')))].slice(0, 32),
    dependencies,
    resources,
  };
  for (const [key, field] of [
    ['AGENT_CATEGORY', 'category'],
    ['AGENT_AUTHOR', 'author'],
    ['AGENT_LICENSE', 'license'],
    ['AGENT_WEBSITE', 'website'],
  ] as const) {
    const value = text(key);
    if (value) manifest[field] = value;
  }
  const lines: Partial<Record<ManifestKey, number>> = {};
  for (const [key, value] of values) lines[key] = value.line;
  return { ok: true, manifest, warnings, lines };
}

function isVersion(text: string): boolean {
  return text.length <= MAX_VERSION && SEMVER.test(text);
}

/** The values by key, and the keys whose line was refused (so that they are not also called missing). */
interface Lines {
  values: Map<ManifestKey, Value>;
  faulty: Set<ManifestKey>;
}

function readLines(content: Uint8Array, errors: ManifestFault[]): Lines {
  const values = new Map<ManifestKey, Value>();
  const faulty = new Set<ManifestKey>();
  const result = { values, faulty };
  if (content.byteLength > limits.manifestBytes) {
    errors.push({
      code: 'unreadable',
      message: `.env.discovery is ${content.byteLength} bytes; at most ${limits.manifestBytes}`,
    });
    return result;
  }
  let decoded: string;
  try {
    decoded = new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch {
    errors.push({ code: 'unreadable', message: '.env.discovery is not valid UTF-8' });
    return result;
  }
  for (const [index, raw] of decoded.split('\n').entries()) {
    const line = index + 1;
    const content = raw.trim();
    if (content === '' || content.startsWith('#')) continue;
    if (errors.length >= MAX_FAULTS) break;
    const equals = content.indexOf('=');
    const key = equals < 0 ? '' : content.slice(0, equals).trim();
    if (FORBIDDEN.test(raw.endsWith('\r') ? raw.slice(0, -1) : raw)) {
      if (isKnown(key)) faulty.add(key);
      errors.push({
        code: 'control_character',
        line,
        message: 'control characters and invisible characters are not allowed',
      });
      continue;
    }
    if (equals < 0 || key === '') {
      errors.push({ code: 'syntax', line, message: 'expected KEY=value' });
      continue;
    }
    if (!isKnown(key)) {
      errors.push({
        code: 'unknown_key',
        line,
        message: `${quote(key)} is not a discovery key; operational settings belong in the configuration`,
      });
      continue;
    }
    if (values.has(key)) {
      errors.push({ code: 'duplicate_key', line, message: `${key} stands twice` });
      continue;
    }
    const text = unquote(content.slice(equals + 1).trim());
    if (text.length > MAX_VALUE) {
      faulty.add(key);
      errors.push({ code: 'too_long', line, message: `${key} is over ${MAX_VALUE} characters` });
      continue;
    }
    values.set(key, { text, line });
  }
  return result;
}

function unquote(value: string): string {
  const quoted = /^(["'])(.*)\1$/.exec(value);
  return quoted?.[2] ?? value;
}

function list(value: string | undefined): string[] {
  if (!value) return [];
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** Bytes of `256MB`, `1GB`, `1.5GiB`, `512`; decimal units without an i. Undefined when it is no size. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,3})?)\s*(B|[KMGT]i?B?)?$/i.exec(text.trim());
  if (match?.[1] === undefined) return undefined;
  const unit = (match[2] ?? 'B').toUpperCase();
  const power = 'BKMGT'.indexOf(unit[0] ?? 'B');
  const base = unit.includes('I') ? 1024 : 1000;
  const bytes = Math.round(Number(match[1]) * base ** power);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

function quote(value: string): string {
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
}
