/** The sum of a metric's series that have all of `labels`; 0 where there is none. */
export function metricOf(
  text: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  let sum = 0;
  for (const line of text.split('\n')) {
    const match = /^([a-z0-9_]+)(?:\{([^}]*)\})? (\S+)$/i.exec(line);
    if (match?.[1] !== name) continue;
    const written = match[2] ?? '';
    const fits = Object.entries(labels).every(([key, value]) =>
      written.split(',').includes(`${key}="${value}"`),
    );
    if (fits) sum += Number(match[3]);
  }
  return sum;
}
