// A small window over the page that asks for something; closing it changes nothing.
import { Modal } from '@mantine/core';
import type { ReactNode } from 'react';
import { text } from '../text.ts';
import s from './Dialog.module.css';

export function Dialog(props: {
  title: string;
  isOpen: boolean;
  /** Absent: it stays until what it shows was acknowledged. */
  onClose?: (() => void) | undefined;
  size?: string;
  children: ReactNode;
}) {
  const { onClose } = props;
  return (
    <Modal.Root
      opened={props.isOpen}
      onClose={onClose ?? (() => {})}
      closeOnEscape={onClose !== undefined}
      closeOnClickOutside={false}
      size={props.size ?? 'md'}
      centered
      classNames={{ content: s.dialog ?? '' }}
    >
      <Modal.Overlay />
      <Modal.Content>
        <div className={s.top}>
          <Modal.Title className={s.title ?? ''}>{props.title}</Modal.Title>
          {onClose && <Modal.CloseButton aria-label={text.close} />}
        </div>
        <Modal.Body className={s.body ?? ''}>{props.children}</Modal.Body>
      </Modal.Content>
    </Modal.Root>
  );
}
