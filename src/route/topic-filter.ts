/* Topic filters, section 4.7. Pure. */

/** Whether some topic name matches both filters. */
export function filtersOverlap(a: string, b: string): boolean {
  return overlap(a.split('/'), b.split('/'), 0);
}

function overlap(a: readonly string[], b: readonly string[], i: number): boolean {
  const x = a[i];
  const y = b[i];
  if (x === undefined || y === undefined) {
    // `sport/#` also matches `sport` [section 4.7.1.2]; before `/#` there is no name to match.
    const parent = i > 1 || (a[0] !== '' && b[0] !== '');
    return x === y || (parent && (x ?? y) === '#');
  }
  // Wildcards do not match a first level that begins with `$` [MQTT-4.7.2-1].
  if (i === 0 && x.startsWith('$') !== y.startsWith('$')) return false;
  if (x === '#' || y === '#') return true;
  return (x === '+' || y === '+' || x === y) && overlap(a, b, i + 1);
}
