// The look: one brand colour, dense controls, and shades that keep text at 4.5:1 in both colour schemes.
import { createTheme, type MantineColorsTuple } from '@mantine/core';

const brand: MantineColorsTuple = [
  '#e6f7f9',
  '#d0edf1',
  '#a3d9e0',
  '#72c4cf',
  '#4bb2c0',
  '#2fa1b1',
  '#1b8fa0',
  '#117c8c',
  '#0b6b7a',
  '#075662',
];

/** Mantine's grey for the dark scheme, on the tone of `tokens.css`. */
const dark: MantineColorsTuple = [
  '#d9e0e4',
  '#c0cad0',
  '#a3b0b7',
  '#84929a',
  '#3d484f',
  '#333d43',
  '#242c31',
  '#1c2226',
  '#14191c',
  '#0f1315',
];

export const theme = createTheme({
  primaryColor: 'brand',
  primaryShade: 8,
  colors: { brand, dark },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  fontFamilyMonospace:
    'ui-monospace, "SFMono-Regular", Menlo, Consolas, "Liberation Mono", monospace',
  fontSizes: { xs: '0.75rem', sm: '0.875rem', md: '0.9375rem', lg: '1.0625rem', xl: '1.25rem' },
  headings: { fontWeight: '650' },
});
