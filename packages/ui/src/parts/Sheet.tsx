// A drawer for one thing of a list, opened from its address.
import { Drawer } from '@mantine/core';
import type { ReactNode } from 'react';
import { text } from '../text.ts';
import s from './Sheet.module.css';

export function Sheet(props: {
  title: string;
  isOpen: boolean;
  onClose: () => void;
  children: ReactNode;
}) {
  return (
    <Drawer.Root
      opened={props.isOpen}
      onClose={props.onClose}
      position="right"
      size="lg"
      classNames={{ content: s.sheet ?? '' }}
    >
      <Drawer.Overlay />
      <Drawer.Content>
        {/* Drawer.Header is a second banner to a screen reader; this is not one. */}
        <div className={s.top}>
          <Drawer.Title className={s.title ?? ''}>{props.title}</Drawer.Title>
          <Drawer.CloseButton aria-label={text.close} />
        </div>
        <Drawer.Body>{props.children}</Drawer.Body>
      </Drawer.Content>
    </Drawer.Root>
  );
}
