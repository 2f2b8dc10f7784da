// The second factor: on in three steps (password, app, code), off with the password.
import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { accountApi } from '../api/account.ts';
import type { Me, TotpSecret } from '../api/resources.ts';
import { useServices } from '../data/services.ts';
import { Dialog } from '../parts/Dialog.tsx';
import { Notice } from '../parts/Notice.tsx';
import { Once } from '../parts/Once.tsx';
import { Section } from '../parts/Section.tsx';
import { accountText } from '../text/account.ts';
import { Enrol } from './Enrol.tsx';
import { WithPassword } from './WithPassword.tsx';

const words = accountText.totp;

type Step =
  | { at: 'rest' }
  | { at: 'password' }
  | { at: 'enrol'; secret: TotpSecret }
  | { at: 'codes'; codes: readonly string[] }
  | { at: 'off' };

export function SecondFactor({ me }: { me: Me }) {
  const { api, session } = useServices();
  const [step, setStep] = useState<Step>({ at: 'rest' });
  const [said, setSaid] = useState<string>();
  const account = accountApi(api);
  const begin = useMutation({
    mutationFn: account.beginTotp,
    onSuccess: (secret) => setStep({ at: 'enrol', secret }),
  });
  const confirm = useMutation({
    mutationFn: account.confirmTotp,
    onSuccess: ({ recovery_codes }) => setStep({ at: 'codes', codes: recovery_codes }),
  });
  const remove = useMutation({
    mutationFn: account.removeTotp,
    onSuccess: () => finish(words.isOff),
  });

  function open(next: Step): void {
    for (const each of [begin, confirm, remove]) each.reset();
    setSaid(undefined);
    setStep(next);
  }

  /** That it is on or off is part of who one is. */
  async function finish(done: string): Promise<void> {
    setStep({ at: 'rest' });
    setSaid(done);
    await session.refreshIdentity();
  }

  const rest = () => open({ at: 'rest' });
  return (
    <Section
      title={words.title}
      note={me.totp_enabled ? words.on : words.off}
      aside={
        <Button
          variant="default"
          size="sm"
          onClick={() => open({ at: me.totp_enabled ? 'off' : 'password' })}
        >
          {me.totp_enabled ? words.turnOff : words.turnOn}
        </Button>
      }
    >
      <Notice said={said} />
      <Dialog title={words.title} isOpen={step.at === 'password'} onClose={rest}>
        <WithPassword
          submit={words.begin}
          isPending={begin.isPending}
          error={begin.error}
          onPassword={begin.mutate}
          onCancel={rest}
        />
      </Dialog>
      <Dialog title={words.title} isOpen={step.at === 'enrol'} onClose={rest} size="lg">
        {step.at === 'enrol' && (
          <Enrol
            secret={step.secret}
            isPending={confirm.isPending}
            error={confirm.error}
            onCode={confirm.mutate}
            onCancel={rest}
          />
        )}
      </Dialog>
      <Dialog title={words.codes} isOpen={step.at === 'codes'} size="lg">
        {step.at === 'codes' && (
          <>
            <Once
              label={words.codes}
              note={words.codesNote}
              lines={step.codes}
              file="opmas-recovery-codes.txt"
            />
            <Button onClick={() => void finish(words.isOn)}>{words.kept}</Button>
          </>
        )}
      </Dialog>
      <Dialog title={words.turnOff} isOpen={step.at === 'off'} onClose={rest}>
        <span>{words.offEffect}</span>
        <WithPassword
          submit={words.turnOff}
          isPending={remove.isPending}
          error={remove.error}
          onPassword={remove.mutate}
          onCancel={rest}
          isDangerous
        />
      </Dialog>
    </Section>
  );
}
