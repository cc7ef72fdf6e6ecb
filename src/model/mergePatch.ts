/**
 * What makes one JSON object of another, as a merge patch (RFC 7396).
 */
type Json = Readonly<Record<string, unknown>>;

/**
 * The patch; null where there is none, as a value of null cannot be told from a removal.
 */
export function mergePatch(before: Json, after: Json): Json | null {
  const patch: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, wanted] = [before[key], after[key]];
    if (isSame(old, wanted)) {
      continue;
    }
    if (wanted === undefined) {
      patch[key] = null;
    } else if (isObject(wanted)) {
      const inner = mergePatch(isObject(old) ? old : {}, wanted);
      if (inner === null) {
        return null;
      }
      patch[key] = inner;
    } else if (wanted === null) {
      return null;
    } else {
      patch[key] = wanted;
    }
  }
  return patch;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSame(one: unknown, other: unknown): boolean {
  if (Array.isArray(one) && Array.isArray(other)) {
    return (
      one.length === other.length &&
      one.every((item, index) => isSame(item, other[index]))
    );
  }
  if (isObject(one) && isObject(other)) {
    const keys = new Set([...Object.keys(one), ...Object.keys(other)]);
    return [...keys].every(key => isSame(one[key], other[key]));
  }
  return one === other;
}
