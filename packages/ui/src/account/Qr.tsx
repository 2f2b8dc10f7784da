// A QR code as elements of the page: black modules in one path, nothing written as markup.
import { encode } from 'uqr';

export function Qr(props: { content: string; label: string; className?: string | undefined }) {
  const { size, data } = encode(props.content, { ecc: 'M', border: 2 });
  const path = data
    .flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : '')))
    .join('');
  return (
    <svg
      className={props.className}
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label={props.label}
      shapeRendering="crispEdges"
    >
      <path d={path} fill="currentColor" />
    </svg>
  );
}
