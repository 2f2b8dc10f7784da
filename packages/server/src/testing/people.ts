/** People of a test server: made by its owner, signed in as anybody would be. */
import { Secret, TOTP } from 'otpauth';
import type { Answer, TestServer } from './server.ts';

export const PASSWORD = 'correct horse battery staple';

export interface Pair {
  access_token: string;
  refresh_token: string;
}

export interface Person extends Pair {
  user_id: string;
  username: string;
}

/** Signs people in on a server whose clock moves on a little each time: an address may try 30 times a minute. */
export function patiently(server: () => TestServer, clock: { move(ms: number): void }) {
  const wait = () => clock.move(2_100);
  return {
    signIn: (username: string, options: SignInOptions = {}): Promise<Pair> => {
      wait();
      return signIn(server(), username, options);
    },
    person: (username: string, ...roles: string[]): Promise<Person> => {
      wait();
      return person(server(), username, ...roles);
    },
  };
}

export interface SignInOptions {
  password?: string;
  totp?: string;
  userAgent?: string;
}

/** Calls without a token. */
export function post(
  server: TestServer,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
): Promise<Answer> {
  return server.call('POST', `/api/v1${path}`, {
    token: null,
    ...(body === undefined ? {} : { body }),
    ...(headers === undefined ? {} : { headers }),
  });
}

export async function signIn(
  server: TestServer,
  username: string,
  options: SignInOptions = {},
): Promise<Pair> {
  const { password = PASSWORD, totp, userAgent } = options;
  const answer = await post(
    server,
    '/auth/login',
    { username, password, ...(totp === undefined ? {} : { totp }) },
    userAgent === undefined ? undefined : { 'user-agent': userAgent },
  );
  if (answer.status !== 200) throw new Error(`not signed in: ${JSON.stringify(answer.body)}`);
  return answer.body as Pair;
}

/** A new user, signed in. */
export async function person(
  server: TestServer,
  username: string,
  ...roles: string[]
): Promise<Person> {
  const made = await server.call('POST', '/api/v1/users', {
    body: { username, password: PASSWORD, roles },
  });
  if (made.status !== 201) throw new Error(`not made: ${JSON.stringify(made.body)}`);
  const { user_id } = made.body as { user_id: string };
  return { user_id, username, ...(await signIn(server, username)) };
}

/** The code an app would show at this moment. */
export function codeOf(secret: string, now: number): string {
  return new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: now });
}
