import { expect, test } from 'vitest';
import { readOidc } from './oidc-settings.ts';

const GOOD = {
  OPMAS_OIDC_ISSUER: 'https://id.example/realms/noc',
  OPMAS_OIDC_CLIENT_ID: 'opmas',
  OPMAS_OIDC_ROLE_MAP: 'Network Operations = operator,admins=admin',
};

function read(change: Record<string, string | undefined>) {
  const env: Record<string, string | undefined> = { ...GOOD, ...change };
  const errors: string[] = [];
  return { settings: readOidc((name) => env[name], errors), errors };
}

test('an issuer, a client and a map of roles are enough', () => {
  expect(read({})).toEqual({
    errors: [],
    settings: {
      issuer: 'https://id.example/realms/noc',
      clientId: 'opmas',
      clientSecret: undefined,
      name: 'id.example',
      rolesClaim: 'roles',
      roleMap: new Map([
        ['Network Operations', 'operator'],
        ['admins', 'admin'],
      ]),
      redirectUrl: undefined,
    },
  });
});

test('without an issuer there is none, and what needs one is said', () => {
  const nothing = Object.fromEntries(Object.keys(GOOD).map((name) => [name, undefined]));
  expect(read(nothing)).toEqual({ settings: undefined, errors: [] });
  expect(read({ OPMAS_OIDC_ISSUER: undefined }).errors).toMatchObject([
    expect.stringMatching(/no meaning without OPMAS_OIDC_ISSUER/),
  ]);
});

test.each([
  ['OPMAS_OIDC_ISSUER', 'http://id.example', /https/],
  ['OPMAS_OIDC_ISSUER', 'id.example', /https/],
  ['OPMAS_OIDC_ISSUER', 'https://login.microsoftonline.com/common/v2.0', /every tenant/],
  ['OPMAS_OIDC_ISSUER', 'https://login.microsoftonline.com/organizations', /every tenant/],
  ['OPMAS_OIDC_REDIRECT_URL', 'http://opmas.example/callback', /https/],
  ['OPMAS_OIDC_CLIENT_ID', undefined, /not set/],
  ['OPMAS_OIDC_ROLE_MAP', undefined, /nobody could sign in/],
  ['OPMAS_OIDC_ROLE_MAP', 'admins', /group=role/],
  ['OPMAS_OIDC_ROLE_MAP', 'a=b,=c', /group=role/],
])('%s=%s is refused', (name, value, reason) => {
  expect(read({ [name]: value }).errors).toEqual([expect.stringMatching(reason)]);
});

test('http is taken on loopback', () => {
  for (const host of ['127.0.0.1', 'localhost', '[::1]']) {
    expect(read({ OPMAS_OIDC_ISSUER: `http://${host}:4000` }).errors).toEqual([]);
  }
});
