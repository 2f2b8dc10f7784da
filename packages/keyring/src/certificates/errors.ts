/** What can be wrong with certificates, said with the way to mend it. */
export type CertificateFault =
  | 'no_authority'
  | 'bad_name'
  | 'bad_days'
  | 'bad_file'
  | 'key_mismatch'
  | 'expired'
  | 'busy';

export class CertificateError extends Error {
  override readonly name = 'CertificateError';
  readonly code: CertificateFault;
  readonly fix: string;

  constructor(code: CertificateFault, message: string, fix: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.fix = fix;
  }
}
