/** What is taken over matches what it matched there, and what is not taken over is said with its reason. */
import { expect, it, test } from 'vitest';
import { compileRules, type Imported, importFail2ban, importSigma } from '../index.ts';

function matching({ rules }: Imported, message: string, more: object = {}): (object | undefined)[] {
  const compiled = compileRules(rules);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.errors));
  const event = { event_id: 'e', timestamp: '2026-01-01T00:00:00.000Z', type: 'auth', message };
  return compiled.ruleset.match({ ...event, ...more }).map(({ groups }) => groups);
}

const FILTER = `# a comment
[INCLUDES]
before = common.conf

[Definition]
_daemon = dropbear
prefregex = ^%(__prefix_line)s<F-CONTENT>.+</F-CONTENT>$
failregex = ^%(__prefix_line)s[Ll]ogin attempt for nonexistent user ('.*' )?from <HOST>:\\d+\\s*$
            ^[Bb]ad (PAM )?password attempt for '<F-USER>[^']+</F-USER>' from <HOST>(:\\d+)?\\s*$
            ^%(elsewhere)s from <HOST>$
            ^(?P<a>x)(?P=a) <HOST>$
ignoreregex = ^harmless
`;

it('takes over the expressions of a fail2ban filter, with address, user and program', () => {
  const imported = importFail2ban(FILTER, 'dropbear');
  const by = { program: 'dropbear' };
  expect(matching(imported, "Bad password attempt for 'root' from 203.0.113.9:40022", by)).toEqual([
    { user: 'root', ip: expect.stringMatching(/^203\.0\.113\.9/) as string },
  ]);
  expect(
    matching(imported, 'Login attempt for nonexistent user from 203.0.113.9:1', by),
  ).toHaveLength(1);
  expect(matching(imported, 'Login attempt for nonexistent user from 203.0.113.9:1')).toEqual([]);
  expect(imported.refused).toEqual([
    { what: 'dropbear ignoreregex', reason: expect.stringContaining('exceptions') as string },
    { what: 'dropbear failregex 3', reason: expect.stringContaining('elsewhere') as string },
    { what: 'dropbear failregex 4', reason: expect.stringContaining('refers back') as string },
  ]);
});

const SSHD = `[DEFAULT]
_daemon = sshd
[Definition]
prefregex = ^<F-MLFID>%(__prefix_line)s</F-MLFID>%(__pref)s<F-CONTENT>.+</F-CONTENT>$
__pref = (?:(?:error|fatal): )?
cmnfailre = ^Failed \\S+ for <F-USER>\\S+</F-USER> from <HOST>\\Z
            ^User \\S{,9} from <HOST> not allowed$
            ^<F-NOFAIL>Connection closed</F-NOFAIL> by <HOST>$
            Disconnected from <HOST>
mdre-normal =
mdre-ddos = ^banner exchange from <HOST>$
failregex = %(cmnfailre)s
            <mdre-<mode>>
            ^%(mdre-<other>)s
[Init]
mode = ddos
`;

it.each([SSHD, SSHD.replaceAll('\n', '\r\n')])(
  'takes over a filter whose expressions are definitions, with what stands in front of them',
  (text) => {
    const imported = importFail2ban(text, 'sshd');
    const by = { program: 'sshd' };
    const found = (message: string) => matching(imported, message, by).length;
    expect(found('Failed password for root from 203.0.113.9')).toBe(1);
    expect(found('error: Failed password for root from 203.0.113.9')).toBe(1);
    expect(found('debug: Failed password for root from 203.0.113.9')).toBe(0);
    expect(found('Failed password for root from 203.0.113.9 port 1')).toBe(0);
    expect(found('User root from 203.0.113.9 not allowed')).toBe(1);
    expect(found('banner exchange from 203.0.113.9')).toBe(1);
    expect(found('Connection closed by 203.0.113.9')).toBe(0);
    expect(imported.refused).toEqual([
      { what: 'sshd failregex 3', reason: expect.stringContaining('no failure') as string },
      { what: 'sshd failregex 4', reason: expect.stringContaining('begins with ^') as string },
      { what: 'sshd failregex 6', reason: '%(mdre-<other>)s is not known here' },
    ]);
  },
);

test('what is more than a filter may hold is told', () => {
  const lines = Array.from({ length: 502 }, (_, n) => ` line ${n} from <HOST>`).join('\n');
  const { rules, refused } = importFail2ban(`[Definition]\nfailregex =\n${lines}`, 'many');
  expect(rules).toHaveLength(500);
  expect(refused).toEqual([{ what: 'many', reason: expect.stringContaining('502') as string }]);
});

test.each([
  ['no filter at all', 'hello', 'there is no failregex'],
  ['several lines at once', '[Definition]\nmaxlines = 5\nfailregex = a <HOST>', 'several lines'],
  [
    'several lines by a parameter',
    '[Definition]\nfailregex = a <HOST>\n[Init]\nmaxlines = 5',
    'several lines',
  ],
  [
    'a prefix of its own',
    '[Definition]\nprefregex = x<F-CONTENT>a</F-CONTENT>\nfailregex = ^a <HOST>',
    'prefregex',
  ],
  [
    'definitions as long as a book',
    `[Definition]\na = ${'x'.repeat(9_000)}\nfailregex = %(a)s%(a)s`,
    'never end',
  ],
  ['definitions without end', '[Definition]\na = %(a)s\nfailregex = %(a)s', 'never end'],
  ['what the engine cannot match', '[Definition]\nfailregex = (?=x)<HOST>', ''],
])('refuses %s', (_, text, reason) => {
  const { rules, refused } = importFail2ban(text, 'x');
  expect(rules).toEqual([]);
  expect(refused[0]?.reason).toContain(reason);
});

const SIGMA = {
  title: 'Suspicious SSH messages',
  id: '4c9d903d-4939-4094-ade0-3cb748f4d7da',
  level: 'high',
  tags: ['attack.t1110.001', 'attack.credential-access'],
  references: ['https://example.org/a'],
  logsource: { product: 'linux', service: 'sshd' },
};

it('takes over keywords of a Sigma rule, with level, references and service', () => {
  const detection = { keywords: ['*Corrupted MAC*', 'bad (packet?'], condition: 'keywords' };
  const imported = importSigma({ ...SIGMA, detection }, 'a.yml');
  expect(imported.rules).toMatchObject([
    {
      id: 'sigma-4c9d903d-4939-4094-ade0-3cb748f4d7da',
      severity: 'error',
      where: { program: 'sshd' },
      references: ['https://attack.mitre.org/techniques/T1110/001/', 'https://example.org/a'],
    },
  ]);
  const by = { program: 'sshd' };
  expect(matching(imported, 'error: CORRUPTED mac on input', by)).toHaveLength(1);
  expect(matching(imported, 'Bad (packets', by)).toHaveLength(1);
  expect(matching(imported, 'bad packets', by)).toEqual([]);
});

test.each([
  [{ 'message|startswith': 'Abc' }, 'abc def', 'x abc'],
  [{ 'message|endswith': ['x', 'y'] }, 'abc Y', 'abc y z'],
  [{ 'message|contains': 'a*c' }, 'x A b C x', 'ab'],
  [{ 'message|re': 'ab+c' }, 'xabbbc', 'ABC'],
  [{ message: 'whole line' }, 'Whole Line', 'the whole line'],
  [{ message: '*in it*' }, 'what is in it, too', 'nothing in here'],
  [{ message: ['begins*', '*ends'] }, 'it so ends', 'it begins and ends not'],
  [{ 'message|startswith': '*abc' }, 'x abc def', 'ab'],
  [{ 'message|endswith': 'abc?' }, 'x abcd', 'abcd x'],
  [{ message: 'a star \\*' }, 'a star *', 'a star and more'],
])('takes over %j', (s, yes, no) => {
  const { logsource: _logsource, ...rest } = SIGMA;
  const imported = importSigma({ ...rest, detection: { s, condition: 's' } }, 'a.yml');
  expect(imported.refused).toEqual([]);
  expect(matching(imported, yes)).toHaveLength(1);
  expect(matching(imported, no)).toEqual([]);
});

it('compares fields as Sigma does, without case', () => {
  const { logsource: _logsource, ...rest } = SIGMA;
  const s = { 'message|contains': 'x', hostname: ['GW-1', 'gw-2'], program: 'SSHD' };
  const imported = importSigma({ ...rest, detection: { s, condition: 's' } }, 'a.yml');
  expect(imported.refused).toEqual([]);
  expect(matching(imported, 'x', { host: 'gw-1', program: 'sshd' })).toHaveLength(1);
  expect(matching(imported, 'x', { host: 'Gw-2', program: 'Sshd' })).toHaveLength(1);
  expect(matching(imported, 'x', { host: 'gw-3', program: 'sshd' })).toEqual([]);
});

test.each([
  ['what is no rule', 42, 'no Sigma rule'],
  [
    'two selections',
    { ...SIGMA, detection: { a: ['x'], b: ['y'], condition: 'a and not b' } },
    'one selection',
  ],
  ['counting', { ...SIGMA, detection: { a: ['x'], condition: 'a | count() > 5' } }, 'threshold'],
  [
    'other fields',
    { ...SIGMA, detection: { a: { CommandLine: 'x' }, condition: 'a' } },
    'CommandLine',
  ],
  [
    'other modifiers',
    { ...SIGMA, detection: { a: { 'message|base64': 'x' }, condition: 'a' } },
    'modifier',
  ],
  [
    'fields alone',
    { ...SIGMA, detection: { a: { host: 'x' }, condition: 'a' } },
    'nothing of the message',
  ],
])('refuses %s with the reason', (_, document, reason) => {
  const { rules, refused } = importSigma(document, 'a.yml');
  expect(rules).toEqual([]);
  expect(refused).toMatchObject([
    { what: 'a.yml', reason: expect.stringContaining(reason) as string },
  ]);
});
