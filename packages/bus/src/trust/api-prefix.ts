/**
 * The name under which JetStream's API is reached in the OPMAS account.
 *
 * JetStream answers into whatever reply subject the asker names, and asks nobody whether he may publish there. Under
 * its usual name an agent, which has to acknowledge its events, could have the broker send the answer as a request of
 * its own: `$JS.API.STREAM.DELETE.EVENTS`. So in this account the usual name leads nowhere, and the API has a name that
 * only the server and the hosts are told, in the permissions of their credentials.
 */
import { createHmac } from 'node:crypto';

export const PLAIN_API = '$JS.API';

/** What one account may ask of another, as an account's claims list it. */
export interface ServiceImport {
  name: string;
  /** In the other account. */
  subject: string;
  /** Public key of the other account. */
  account: string;
  /** In this account. */
  local_subject: string;
  type: 'service';
  /** The broker tells the other account who asks: JetStream has to know the account. */
  share: true;
}

const PREFIX = /OPMAS_API\.[0-9a-f]{32}/g;

/** Requests to a consumer or to a stream itself: the account answers them, not the API. */
const OF_THE_ACCOUNT = /^\$JS\.API\.(?:CONSUMER\.MSG\.NEXT|DIRECT\.GET)\./;

/** Follows from the account's own seed, so nobody who has not got that can tell, and there is nothing to keep. */
export function apiPrefixOf(accountSeed: string): string {
  const secret = createHmac('sha256', accountSeed).update('opmas jetstream api').digest('hex');
  return `OPMAS_API.${secret.slice(0, 32)}`;
}

/**
 * What takes the API's usual name out of service and gives it another one. The first keeps the broker from importing
 * the API by itself, which it does where nothing has that name.
 * @param systemAccount public key of the system account
 */
export function apiImports(systemAccount: string, prefix: string): ServiceImport[] {
  const shared = { account: systemAccount, type: 'service', share: true } as const;
  return [
    {
      ...shared,
      name: 'nothing',
      subject: `${PLAIN_API}.NONE.>`,
      local_subject: `${PLAIN_API}.>`,
    },
    {
      ...shared,
      name: 'jetstream-api',
      subject: `${PLAIN_API}.>`,
      local_subject: `${prefix}.>`,
    },
  ];
}

/** The API's name among the subjects a user may publish to; undefined where it is the usual one. */
export function apiPrefixIn(subjects: readonly string[]): string | undefined {
  for (const subject of subjects) {
    const [found] = subject.match(PREFIX) ?? [];
    if (found !== undefined && subject.startsWith(`${found}.`)) return found;
  }
  return undefined;
}

/** `subject` as this account has it. */
export function underPrefix(subject: string, prefix: string | undefined): string {
  if (prefix === undefined || !subject.startsWith(`${PLAIN_API}.`)) return subject;
  if (OF_THE_ACCOUNT.test(subject)) return subject;
  return `${prefix}${subject.slice(PLAIN_API.length)}`;
}

/** `text` with the API's usual name: for logs and errors, which must not tell the other. */
export function withPlainApi(text: string): string {
  return text.replaceAll(PREFIX, PLAIN_API);
}
