import type { Standing } from '../../src/engine/rotation/standing.js';

/** One that writes down what it is told; the same trouble again is told only once, as the real one does. */
export function standingThatTells(): { standing: Standing; told: string[] } {
  const told: string[] = [];
  const tell = (what: string) => {
    if (told.at(-1) !== what) told.push(what);
  };
  const standing: Pick<Standing, keyof Standing> = {
    changeFound: () => tell('found'),
    refused: (reason, detail) => tell(`refused ${reason}: ${detail}`),
    untried: (reason, detail) => tell(`untried ${reason}: ${detail}`),
    inService: () => tell('in service'),
    withdrawn: () => tell('withdrawn'),
    unusable: (detail) => tell(`unusable: ${detail}`),
    usable: () => tell('usable'),
  };
  return { standing: standing as Standing, told };
}
