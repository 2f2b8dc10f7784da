/** The settings of signing in through a provider (OpenID Connect): all or nothing. */

export interface OidcSettings {
  issuer: string;
  clientId: string;
  /** Undefined: a public client, held by PKCE alone. */
  clientSecret: string | undefined;
  /** On the button of the sign-in page. */
  name: string;
  /** Path of the claim, dots between levels: `roles`, `realm_access.roles`. */
  rolesClaim: string;
  /** Role here by what the provider says. */
  roleMap: ReadonlyMap<string, string>;
  /** Undefined: made from where browsers find OPMAS. */
  redirectUrl: string | undefined;
}

type Text = (name: string) => string | undefined;

/** Undefined without `OPMAS_OIDC_ISSUER`; what is wrong is added to `errors`. */
export function readOidc(text: Text, errors: string[]): OidcSettings | undefined {
  const issuer = text('OPMAS_OIDC_ISSUER');
  if (issuer === undefined) {
    const other = ['OPMAS_OIDC_CLIENT_ID', 'OPMAS_OIDC_ROLE_MAP'].find((name) => text(name));
    if (other !== undefined) errors.push(`${other} has no meaning without OPMAS_OIDC_ISSUER`);
    return undefined;
  }
  if (!isSecureUrl(issuer)) {
    errors.push(`OPMAS_OIDC_ISSUER=${issuer} is not an https URL (http only on loopback)`);
  }
  if (namesNoTenant(issuer)) {
    errors.push(
      `OPMAS_OIDC_ISSUER=${issuer} is of every tenant: anybody could give themselves a role in their own; name yours, as https://login.microsoftonline.com/<tenant id>/v2.0`,
    );
  }
  const clientId = text('OPMAS_OIDC_CLIENT_ID');
  if (clientId === undefined) {
    errors.push('OPMAS_OIDC_CLIENT_ID is not set: the provider knows OPMAS by it');
  }
  const redirectUrl = text('OPMAS_OIDC_REDIRECT_URL');
  if (redirectUrl !== undefined && !isSecureUrl(redirectUrl)) {
    errors.push(
      `OPMAS_OIDC_REDIRECT_URL=${redirectUrl} is not an https URL (http only on loopback)`,
    );
  }
  return {
    issuer,
    clientId: clientId ?? '',
    clientSecret: text('OPMAS_OIDC_CLIENT_SECRET'),
    name: text('OPMAS_OIDC_NAME') ?? hostOf(issuer),
    rolesClaim: text('OPMAS_OIDC_ROLES_CLAIM') ?? 'roles',
    roleMap: readRoleMap(text('OPMAS_OIDC_ROLE_MAP'), errors),
    redirectUrl,
  };
}

function readRoleMap(value: string | undefined, errors: string[]): ReadonlyMap<string, string> {
  if (value === undefined) {
    errors.push('OPMAS_OIDC_ROLE_MAP is not set: nobody could sign in; say `group=role,…`');
    return new Map();
  }
  const pairs = value.split(',').map((pair) => /^\s*([^=]+?)\s*=\s*([^=\s]+)\s*$/.exec(pair));
  if (pairs.includes(null)) {
    errors.push(`OPMAS_OIDC_ROLE_MAP=${value} is not group=role,group2=role2`);
  }
  return new Map(pairs.flatMap((pair) => (pair === null ? [] : [[pair[1] ?? '', pair[2] ?? '']])));
}

/** The endpoints of Microsoft Entra ID that take accounts of any tenant. */
function namesNoTenant(issuer: string): boolean {
  return /^https:\/\/login\.microsoftonline\.com\/(common|organizations|consumers)(\/|$)/i.test(
    issuer,
  );
}

function isSecureUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && isLoopbackName(hostname));
}

export function isLoopbackName(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : url;
}
