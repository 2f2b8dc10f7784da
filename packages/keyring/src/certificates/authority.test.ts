/** The authority and what it signs, judged by the TLS library that will have to accept or refuse it. */
import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { issueCertificate } from './authority.ts';
import { describeCertificate } from './describe.ts';
import { namesOf } from './names.ts';
import { DAY, testAuthority, testLeaf } from './testing.ts';

const NOW = Date.UTC(2026, 0, 1);

describe('the authority', () => {
  it('signs leaves and nothing else, for ten years', async () => {
    const authority = await testAuthority(NOW);
    const certificate = new X509Certificate(authority.certificate);
    expect(certificate.ca).toBe(true);
    expect(certificate.validToDate.getTime()).toBe(NOW + 3_650 * DAY);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    const { X509Certificate: Parsed, BasicConstraintsExtension } = await import('@peculiar/x509');
    const constraints = new Parsed(authority.certificate).getExtension(BasicConstraintsExtension);
    expect(constraints).toMatchObject({ ca: true, pathLength: 0, critical: true });
  });

  it('makes each time another key and another name', async () => {
    const [one, two] = [await testAuthority(NOW), await testAuthority(NOW)];
    expect(one.key).not.toBe(two.key);
    const subject = (pem: string) => new X509Certificate(pem).subject;
    expect(subject(one.certificate)).not.toBe(subject(two.certificate));
  });

  it('certifies names and addresses for 90 days, with the usage asked for', async () => {
    const authority = await testAuthority(NOW);
    const names = namesOf(['Router.lan', '192.0.2.1', '2001:db8::1', 'router.lan']);
    const { certificate, key } = await issueCertificate(
      authority,
      { name: 'router', names, usage: ['server', 'client'] },
      NOW,
    );
    const parsed = new X509Certificate(certificate);
    expect(describeCertificate(parsed)).toMatchObject({
      dns: ['router.lan'],
      ips: ['192.0.2.1', '2001:db8::1'],
      usage: ['server', 'client'],
      authority: false,
      not_after: new Date(NOW + 90 * DAY).toISOString(),
    });
    expect(parsed.checkIssued(new X509Certificate(authority.certificate))).toBe(true);
    expect(key).toContain('BEGIN PRIVATE KEY');
    expect(parsed.publicKey.asymmetricKeyDetails).toMatchObject({ namedCurve: 'prime256v1' });
  });

  it('signs nothing that outlives it', async () => {
    const authority = await testAuthority(NOW);
    const late = NOW + 3_640 * DAY;
    const leaf = await testLeaf(authority, { days: 90, now: late });
    expect(new X509Certificate(leaf.certificate).validToDate.getTime()).toBe(NOW + 3_650 * DAY);
    await expect(testLeaf(authority, { now: NOW + 3_651 * DAY })).rejects.toMatchObject({
      code: 'expired',
    });
  });

  it.each([
    ['a space in a name', ['a b'], 'bad_name'],
    ['a line break', ['a\nb'], 'bad_name'],
    ['a URL', ['https://a.example'], 'bad_name'],
    ['a name with a comma, which lists would split', ['a, DNS:bank.example'], 'bad_name'],
    ['an empty name', [''], 'bad_name'],
    ['a wildcard in the middle', ['a.*.example'], 'bad_name'],
    ['no name at all', [], 'bad_name'],
  ])('does not certify %s', async (_what, hosts, code) => {
    const authority = await testAuthority(NOW);
    const made = async () => await testLeaf(authority, { hosts, now: NOW });
    await expect(made()).rejects.toMatchObject({ code });
  });

  it.each([0, 826, 1.5, Number.NaN])('does not certify for %s days', async (days) => {
    const authority = await testAuthority(NOW);
    await expect(testLeaf(authority, { days, now: NOW })).rejects.toMatchObject({
      code: 'bad_days',
    });
  });
});
