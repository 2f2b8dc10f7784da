/** What a discovery file may say, and that no content whatsoever breaks the reader. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limits } from './limits.ts';
import { type ManifestResult, parseManifest, parseSize } from './manifest.ts';
import { isFindingsTopic, isLogTopic, TOKEN } from './subjects.ts';

const encoder = new TextEncoder();
const read = (text: string, folder = 'security_agent') =>
  parseManifest(encoder.encode(text), folder);

/** Agent package 3, word for word. */
const PACKAGE_EXAMPLE = `# Agent Identity (Required for Discovery)
AGENT_NAME=SecurityAgent
AGENT_VERSION=1.0.0
AGENT_DESCRIPTION=Security monitoring agent for OPMAS

# Default Topics (Used for initial DB setup)
DEFAULT_SUBSCRIBED_TOPICS=logs.security,logs.auth
DEFAULT_FINDINGS_TOPIC=findings.security

# Agent Metadata (Optional)
AGENT_TYPE=security
AGENT_CATEGORY=monitoring
AGENT_AUTHOR=OPMAS Team
AGENT_LICENSE=MIT
AGENT_WEBSITE=https://opmas.example.com/agents/security
AGENT_TAGS=security,monitoring,logs

# Resource Requirements
AGENT_MIN_MEMORY=256MB
AGENT_MAX_MEMORY=1GB
AGENT_CPU_LIMIT=1
AGENT_DISK_SPACE=100MB

# Dependencies
AGENT_DEPENDENCIES=opmas-base-agent>=1.0.0,nats-py>=2.3.1
`;

/** Agent management 3, word for word. */
const MANAGEMENT_EXAMPLE = `AGENT_NAME=SecurityAgent
AGENT_VERSION=1.0.0
AGENT_DESCRIPTION=Security monitoring agent
DEFAULT_SUBSCRIBED_TOPICS=logs.security,logs.auth
DEFAULT_FINDINGS_TOPIC=findings.security
`;

const faultsOf = (result: ManifestResult) => (result.ok ? [] : result.errors);
const codes = (text: string) => faultsOf(read(text)).map((fault) => [fault.code, fault.line]);
const replaced = (key: string, line: string) =>
  MANAGEMENT_EXAMPLE.replace(new RegExp(`^${key}=.*$`, 'm'), () => line);

describe('the examples of the specification', () => {
  test('the agent package example is valid and read completely', () => {
    expect(read(PACKAGE_EXAMPLE)).toEqual({
      ok: true,
      manifest: {
        name: 'SecurityAgent',
        version: '1.0.0',
        description: 'Security monitoring agent for OPMAS',
        type: 'security',
        subscribed_topics: ['logs.security', 'logs.auth'],
        findings_topic: 'findings.security',
        category: 'monitoring',
        author: 'OPMAS Team',
        license: 'MIT',
        website: 'https://opmas.example.com/agents/security',
        tags: ['security', 'monitoring', 'logs'],
        dependencies: [
          { name: 'opmas-base-agent', range: '>=1.0.0' },
          { name: 'nats-py', range: '>=2.3.1' },
        ],
        resources: {
          min_memory_bytes: 256_000_000,
          max_memory_bytes: 1_000_000_000,
          cpu_limit: 1,
          disk_bytes: 100_000_000,
        },
      },
      warnings: [],
      lines: expect.objectContaining({ AGENT_NAME: 2, AGENT_VERSION: 3, AGENT_DEPENDENCIES: 25 }),
    });
  });

  test('the agent management example is valid; its type is the folder name without _agent', () => {
    const result = read(MANAGEMENT_EXAMPLE);
    expect(result.ok && result.manifest.type).toBe('security');
    expect(result.ok && result.manifest.resources).toEqual({});
  });
});

describe('faults name their line', () => {
  test.each([
    [
      'a wildcard topic',
      replaced('DEFAULT_SUBSCRIBED_TOPICS', 'DEFAULT_SUBSCRIBED_TOPICS=logs.>'),
      4,
    ],
    ['a star topic', replaced('DEFAULT_SUBSCRIBED_TOPICS', 'DEFAULT_SUBSCRIBED_TOPICS=logs.*'), 4],
    [
      'a system topic',
      replaced('DEFAULT_SUBSCRIBED_TOPICS', 'DEFAULT_SUBSCRIBED_TOPICS=$SYS.>'),
      4,
    ],
    [
      'an own control topic',
      replaced('DEFAULT_SUBSCRIBED_TOPICS', 'DEFAULT_SUBSCRIBED_TOPICS=opmas.control.x'),
      4,
    ],
    [
      'a trailing dot',
      replaced('DEFAULT_SUBSCRIBED_TOPICS', 'DEFAULT_SUBSCRIBED_TOPICS=logs.auth.'),
      4,
    ],
    [
      'log topic for findings',
      replaced('DEFAULT_FINDINGS_TOPIC', 'DEFAULT_FINDINGS_TOPIC=logs.security'),
      5,
    ],
    [
      'a wildcard for findings',
      replaced('DEFAULT_FINDINGS_TOPIC', 'DEFAULT_FINDINGS_TOPIC=findings.>'),
      5,
    ],
  ])('%s is invalid_topic', (_, text, line) => {
    expect(codes(text)).toEqual([['invalid_topic', line]]);
  });

  test.each([
    ['AGENT_NAME=$(touch /tmp/x)', 'invalid_name'],
    ['AGENT_NAME=a.b', 'invalid_name'],
    ['AGENT_NAME=a b', 'invalid_name'],
    ['AGENT_NAME=<script>alert(1)</script>', 'invalid_name'],
    [`AGENT_NAME=${'a'.repeat(65)}`, 'invalid_name'],
    ['AGENT_NAME=', 'missing_field'],
    ['AGENT_NAME=\u001b[31mRed', 'control_character'],
    ['AGENT_NAME=a\u0000b', 'control_character'],
    ['AGENT_NAME=a\rb', 'control_character'],
    ['AGENT_NAME=a\u202eb', 'control_character'],
    ['AGENT_NAME=a\u000c', 'control_character'],
    ['\ufeff\ufeffAGENT_TYPE=x', 'control_character'],
    ['AGENT_NAME', 'syntax'],
    ['=SecurityAgent', 'syntax'],
    ['__proto__=polluted', 'unknown_key'],
    ['constructor=polluted', 'unknown_key'],
    ['DB_PASSWORD=secret', 'unknown_key'],
    ['export AGENT_TYPE=security', 'unknown_key'],
    ['AGENT_TYPE=se curity', 'invalid_type'],
    ['AGENT_MAX_MEMORY=lots', 'invalid_size'],
    ['AGENT_MAX_MEMORY=0', 'invalid_size'],
    ['AGENT_CPU_LIMIT=0', 'invalid_cpu'],
    ['AGENT_CPU_LIMIT=1e3', 'invalid_cpu'],
    ['AGENT_WEBSITE=javascript:alert(1)', 'invalid_website'],
    ['AGENT_DEPENDENCIES=opmas-base-agent>=1.0.0,<2', 'invalid_dependency'],
    [`AGENT_AUTHOR=${'x'.repeat(2_049)}`, 'too_long'],
  ])('%j is %s', (line, code) => {
    const key = /^([A-Z_]+)=/.exec(line)?.[1];
    const stands = key !== undefined && new RegExp(`^${key}=`, 'm').test(MANAGEMENT_EXAMPLE);
    expect(codes(stands ? replaced(key, line) : `${line}\n${MANAGEMENT_EXAMPLE}`)).toEqual([
      [code, 1],
    ]);
  });

  test.each([
    '1.0',
    'v1.0.0',
    '01.0.0',
    '1.0.0-',
    '1.0.0-a..b',
    '1.0.0-01',
    `1.0.0-${'a'.repeat(60)}`,
    'latest',
  ])('version %s is refused', (version) => {
    expect(codes(replaced('AGENT_VERSION', `AGENT_VERSION=${version}`))).toEqual([
      ['invalid_version', 2],
    ]);
  });

  test.each(['0.0.1', '10.20.30', '1.0.0-rc.1', '1.0.0-rc.1+build.5', '1.0.0+20260101'])(
    'version %s is accepted',
    (version) => {
      expect(read(replaced('AGENT_VERSION', `AGENT_VERSION=${version}`)).ok).toBe(true);
    },
  );

  test('a repeated key is refused, whatever it repeats', () => {
    expect(codes(`${MANAGEMENT_EXAMPLE}AGENT_NAME=SecurityAgent\n`)).toEqual([
      ['duplicate_key', 6],
    ]);
  });

  test('every missing field is named at once', () => {
    expect(faultsOf(read('')).map((fault) => fault.message)).toEqual(
      [
        'AGENT_NAME',
        'AGENT_VERSION',
        'AGENT_DESCRIPTION',
        'DEFAULT_SUBSCRIBED_TOPICS',
        'DEFAULT_FINDINGS_TOPIC',
      ].map((key) => `${key} is required: add a line ${key}=…`),
    );
  });

  test('the name and version of an invalid file are kept when they are well formed', () => {
    const result = read(replaced('DEFAULT_FINDINGS_TOPIC', 'DEFAULT_FINDINGS_TOPIC=findings.>'));
    expect(result).toMatchObject({ ok: false, name: 'SecurityAgent', version: '1.0.0' });
  });
});

describe('what is harmless is accepted as it stands', () => {
  test('a byte order mark, CRLF, quotes and comments', () => {
    const text = `\ufeff# hello\r\n${MANAGEMENT_EXAMPLE.replaceAll('\n', '\r\n')}AGENT_AUTHOR="A, B"\r\n`;
    const result = read(text);
    expect(result.ok && result.manifest.author).toBe('A, B');
    expect(result.ok && result.manifest.findings_topic).toBe('findings.security');
  });

  test('nothing is expanded', () => {
    const result = read(
      replaced('AGENT_DESCRIPTION', 'AGENT_DESCRIPTION=$(id) `id` ${HOME} $HOME %PATH% <b>x</b>'),
    );
    expect(result.ok && result.manifest.description).toBe(
      '$(id) `id` ${HOME} $HOME %PATH% <b>x</b>',
    );
  });
});

describe('X1 any content of a discovery file', () => {
  test('a file over the bound and invalid UTF-8 are refused unread', () => {
    const huge = parseManifest(new Uint8Array(10 * 1024 * 1024).fill(0x41), 'a');
    expect(faultsOf(huge).map((fault) => fault.code)).toEqual(['unreadable']);
    const bad = encoder.encode(MANAGEMENT_EXAMPLE);
    bad[3] = 0xff;
    expect(faultsOf(parseManifest(bad, 'a')).map((fault) => fault.code)).toEqual(['unreadable']);
  });

  test('the number of faults is bounded', () => {
    expect(faultsOf(read('x=1\n'.repeat(16_000))).length).toBe(50);
  });

  test('bytes never make the reader throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.string(), (bytes, folder) => {
        const result = parseManifest(bytes, folder);
        if (!result.ok) expect(result.errors.length).toBeGreaterThan(0);
      }),
      { numRuns: 2_000 },
    );
  });

  test('a file that is accepted holds only tokens, topics and keys of the list, and says so again', () => {
    const KEYS = PACKAGE_EXAMPLE.split('\n').flatMap((line) => /^[A-Z_]+(?==)/.exec(line) ?? []);
    const nasty = fc.constantFrom(
      '\u0000',
      '\u001b[2J',
      '..',
      '>',
      '*',
      '$SYS.',
      '$(id)',
      '__proto__',
      '\ufeff',
      '\r',
      ',',
      '"',
      "'",
      '=',
      '#',
      '<img>',
      '\u202e',
      '%00',
      '\\',
      ' ',
      '\t',
    );
    const good = fc.constantFrom(
      ...PACKAGE_EXAMPLE.split('\n').map((line) => line.split('=')[1] ?? ''),
    );
    const value = fc
      .array(fc.oneof({ weight: 6, arbitrary: good }, nasty, fc.string({ maxLength: 6 })), {
        maxLength: 2,
      })
      .map((parts) => parts.join(''));
    const other = fc
      .tuple(fc.oneof(fc.constantFrom(...KEYS), nasty), value)
      .map(([key, text]) => `${key}=${text}`);
    const file = fc
      .tuple(fc.array(other, { maxLength: 4 }), fc.nat({ max: 30 }), fc.boolean())
      .map(([lines, at, keep]) => {
        const base = PACKAGE_EXAMPLE.split('\n').filter(
          (line) => keep || !lines.some((l) => l.startsWith(`${line.split('=')[0]}=`)),
        );
        return [...base.slice(0, at), ...lines, ...base.slice(at)].join('\n');
      });
    let accepted = 0;
    fc.assert(
      fc.property(file, (text) => {
        const result = read(text);
        if (!result.ok) {
          expect(result.errors.length).toBeGreaterThan(0);
          return;
        }
        accepted += 1;
        const { manifest } = result;
        expect(manifest.name).toMatch(TOKEN);
        expect(manifest.type).toMatch(TOKEN);
        expect(manifest.version.length).toBeLessThanOrEqual(64);
        expect(manifest.subscribed_topics.length).toBeGreaterThan(0);
        expect(manifest.subscribed_topics.every(isLogTopic)).toBe(true);
        expect(isFindingsTopic(manifest.findings_topic)).toBe(true);
        expect(read(text)).toEqual(result);
      }),
      { numRuns: 3_000 },
    );
    expect(accepted).toBeGreaterThan(0);
    expect(Object.getOwnPropertyNames(Object.prototype)).not.toContain('polluted');
  });

  test('the largest legal file is read', () => {
    const padding = `${'# '.padEnd(1_000, 'x')}\n`.repeat(60);
    const text = padding + MANAGEMENT_EXAMPLE;
    expect(encoder.encode(text).byteLength).toBeLessThan(limits.manifestBytes);
    expect(read(text).ok).toBe(true);
  });
});

test.each([
  ['256MB', 256_000_000],
  ['1GB', 1_000_000_000],
  ['1.5GiB', 1_610_612_736],
  ['64 KiB', 65_536],
  ['512', 512],
  ['-1MB', undefined],
  ['1e9', undefined],
  ['NaN', undefined],
  ['999999999999999TB', undefined],
])('size %s is %s bytes', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});
