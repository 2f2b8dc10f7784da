// Asks before a screen with an unpublished text is left. A session that ended is not held up.
import { useBlocker } from '@tanstack/react-router';
import { useServices } from '../data/services.ts';
import { Confirm } from '../parts/Confirm.tsx';
import { configsText } from '../text/configs.ts';

const words = configsText.leave;

export function Leave({ isChanged }: { isChanged: boolean }) {
  const { session } = useServices();
  const blocker = useBlocker({
    // Another view of the same screen keeps the text.
    shouldBlockFn: ({ current, next }) =>
      isChanged && current.pathname !== next.pathname && session.state().phase === 'in',
    enableBeforeUnload: isChanged,
    withResolver: true,
  });
  return (
    <Confirm
      question={
        blocker.status === 'blocked'
          ? {
              title: words.title,
              effect: words.effect,
              submit: words.submit,
              act: () => Promise.resolve(blocker.proceed()),
            }
          : undefined
      }
      onDone={(done) => !done && blocker.reset?.()}
    />
  );
}
